"""Those who publish: over HTTP, or through a session of their own."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from tests.benchmarks.desktops import Listener, Session, frame, request, responses
from tests.benchmarks.loop import Loop, Wire
from tests.benchmarks.tally import Tally, marked

INGEST = "/api/v2/events"


class Publisher(Protocol):
    """Publishes on channels that the tally knows by number."""

    @property
    def is_free(self) -> bool: ...
    def publish(self, channels: Sequence[int], tally: Tally, at: float) -> None:
        """One event on each, in one request."""
        ...


class Posting(Wire):
    """Posts, one request at a time. Subclasses say what."""

    def __init__(self, loop: Loop, port: int, names: Sequence[str], size: int) -> None:
        super().__init__(loop, port)
        self.names = names
        self.size = size
        self.is_free = True
        self._rest = b""

    def received(self, data: bytes, now: float) -> None:
        self._rest += data
        for head, body, rest in responses(self._rest):
            assert head.startswith(b"HTTP/1.1 2"), head + body
            self._rest = rest
            self.is_free = True

    def publish(self, channels: Sequence[int], tally: Tally, at: float) -> None:
        self.is_free = False
        self.send(
            self.request_for(
                [(channel, marked(channel, tally.publish(channel, at), self.size)) for channel in channels]
            )
        )

    def request_for(self, events: Sequence[tuple[int, bytes]]) -> bytes:
        raise NotImplementedError


class Ingesting(Posting):
    """A back end that uses the hub's ingest. `personal`: the names are those of users, whose calls it tells them."""

    def __init__(self, loop: Loop, port: int, names: Sequence[str], size: int, token: str, *, personal: bool) -> None:
        super().__init__(loop, port, names, size)
        self._personal = personal
        self._headers = {"Authorization": f"Bearer {token}"}

    def request_for(self, events: Sequence[tuple[int, bytes]]) -> bytes:
        texts = [b'{%b,"data":{"m":"%b"}}' % (self._address(channel), payload) for channel, payload in events]
        body = texts[0] if len(texts) == 1 else b"[%b]" % b",".join(texts)
        return request("POST", INGEST, self._headers, body)

    def _address(self, channel: int) -> bytes:
        name = self.names[channel].encode()
        return b'"channel":"/v2/me/calls","userId":"%b"' % name if self._personal else b'"channel":"%b"' % name


class PlainPosting(Posting):
    """For a server without a protocol: the body is the event."""

    def request_for(self, events: Sequence[tuple[int, bytes]]) -> bytes:
        return b"".join(request("POST", f"/pub?ch={self.names[channel]}", {}, payload) for channel, payload in events)


class SessionPublisher(Listener):
    """Publishes on a WebSocket of its own, `window` messages at once."""

    def __init__(self, loop: Loop, port: int, names: Sequence[str], size: int, token: str, *, window: int) -> None:
        self._token = token
        super().__init__(loop, port, Tally([], ordered=False), [])
        self.session = Session("websocket", [], self.say)
        self.channel_names = names
        self.size = size
        self._window = window
        self._unanswered = 0

    @property
    def path(self) -> str:
        return "/cometd"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    @property
    def is_free(self) -> bool:
        return self.session.is_subscribed and self._unanswered < self._window

    def opened(self) -> None:
        self.session.shake()

    def say(self, messages: list[dict[str, Any]]) -> None:
        self.send(frame(msgspec.json.encode(messages)))

    def received(self, data: bytes, now: float) -> None:
        self._unanswered -= data.count(b'"channel":"/bench')
        super().received(data, now)

    def other(self, payload: bytes, now: float) -> None:
        if payload.startswith(b"["):
            self.session.heard(payload)

    def publish(self, channels: Sequence[int], tally: Tally, at: float) -> None:
        self._unanswered += len(channels)
        self.say(
            [
                {
                    "channel": self.channel_names[channel],
                    "clientId": self.session.client_id,
                    "data": {"m": marked(channel, tally.publish(channel, at), self.size).decode()},
                }
                for channel in channels
            ]
        )
