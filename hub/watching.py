"""The small Bayeux client behind `hub watch`: one channel over WebSocket, resumed by replay after every loss.

`Conversation` is the protocol without a socket: feed it what arrives, do what it answers. `watch` gives it a socket,
and a new one with growing pauses whenever the old one is lost. Events that the log still holds are printed once and in
order, whatever happens to the connection or to the server; where the log does not reach back, a notice says so.
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import Any, NoReturn

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, InvalidURI, WebSocketException

ENDPOINT = "/api/v2/notifications"
LARGEST_FRAME = 4 * 1024 * 1024
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
NETWORK_SECONDS = 10.0


class WatchRefused(Exception):
    """The server does not want this client, now or later: bad token, no permission, session ended for good."""


class WatchInterrupted(Exception):
    """The socket is of no use any more; try again, not earlier than `pause` seconds from now."""

    def __init__(self, reason: str, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.pause = pause


class Advice(msgspec.Struct, frozen=True):
    """How to go on; `interval` and `timeout` in milliseconds."""

    reconnect: str = "retry"
    interval: float = 0
    timeout: float = 60_000


class Message(msgspec.Struct, frozen=True, rename="camel"):
    """Any message of the server. Replies have `successful`, events have `data` instead."""

    channel: str
    successful: bool | None = None
    client_id: str | None = None
    error: str | None = None
    advice: Advice | None = None
    ext: dict[str, Any] | None = None
    data: msgspec.Raw = msgspec.Raw()


class Heard(msgspec.Struct, frozen=True):
    """What a frame comes to: lines to print, notices for the user, frames to send `pause` seconds later."""

    lines: Sequence[bytes] = ()
    notices: Sequence[str] = ()
    answers: Sequence[str] = ()
    pause: float = 0.0


_frames = msgspec.json.Decoder(list[Message])


class Conversation:
    """One subscription through any number of sessions. `positions` maps concrete channels onto the last event heard."""

    def __init__(self, channel: str, token: str) -> None:
        self.channel, self.token = channel, token
        self.positions: dict[str, int] = {}
        self.listening = False
        self.silence = NETWORK_SECONDS
        self._epoch: str | None = None
        self._session_epoch: str | None = None
        self._client_id = ""
        self._ids = count(1)

    def opening(self) -> str:
        """The frame that begins a session on a new socket."""
        self.listening, self.silence = False, NETWORK_SECONDS
        return self._frame(
            "/meta/handshake",
            version="1.0",
            minimumVersion="1.0",
            supportedConnectionTypes=["websocket"],
            ext={"replay": True, "authentication": {"token": self.token}},
        )

    def closing(self) -> str:
        """The frame that ends the session."""
        return self._frame("/meta/disconnect", clientId=self._client_id)

    def hear(self, frame: str | bytes) -> Heard:
        """Follow what arrived. Raises WatchRefused, or WatchInterrupted when only a new socket helps."""
        try:
            messages = _frames.decode(frame)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise WatchRefused(f"this is no Bayeux server: {error}") from None
        heard = [self._follow(message) for message in messages]
        return Heard(
            lines=[line for each in heard for line in each.lines],
            notices=[notice for each in heard for notice in each.notices],
            answers=[answer for each in heard for answer in each.answers],
            pause=max((each.pause for each in heard), default=0.0),
        )

    def _follow(self, message: Message) -> Heard:
        match message.channel:
            case "/meta/handshake":
                return self._shaken(message)
            case "/meta/subscribe":
                return self._subscribed(message)
            case "/meta/connect":
                return self._connected(message)
            case "/meta/disconnect":
                raise WatchRefused(message.error or "the server has ended the session")
            case channel if channel.startswith("/meta/") or message.successful is not None or not message.data:
                return Heard()
            case _:
                return Heard(lines=[self._event(message)])

    def _shaken(self, reply: Message) -> Heard:
        advice = reply.advice or Advice()
        if not reply.successful or reply.client_id is None:
            error = reply.error or "handshake refused"
            if advice.reconnect == "none":
                raise WatchRefused(error)
            raise WatchInterrupted(error, advice.interval / 1000)
        self._client_id = reply.client_id
        self._session_epoch = (reply.ext or {}).get("replayEpoch")
        self.silence = advice.timeout / 1000 + NETWORK_SECONDS
        ext: dict[str, Any] = {}
        if self.positions:
            ext = {"ext": {"replay": self.positions, "replayEpoch": self._epoch}}
        return Heard(
            answers=[self._frame("/meta/subscribe", clientId=self._client_id, subscription=self.channel, **ext)]
        )

    def _subscribed(self, reply: Message) -> Heard:
        if not reply.successful:
            raise WatchRefused(reply.error or "subscription refused")
        begins = dict((reply.ext or {}).get("replay") or {})
        gaps = begins.pop("gap", [])
        for channel in gaps:
            self.positions.pop(channel, None)
        asked_for = dict(self.positions)
        self.positions = {**begins, **asked_for}  # what was asked for follows this reply: not heard yet
        self._epoch = self._session_epoch
        self.listening = True
        where = ", ".join(f"{channel} after {position}" for channel, position in self.positions.items())
        notices = [f"gap: events of {channel} were missed for good, read its state again" for channel in gaps]
        return Heard(
            notices=[*notices, f"listening to {where or self.channel}"],
            answers=[self._connect()],
        )

    def _connected(self, reply: Message) -> Heard:
        advice = reply.advice or Advice(timeout=(self.silence - NETWORK_SECONDS) * 1000)
        if not reply.successful:
            error = reply.error or "connection refused"
            match advice.reconnect:
                case "none":
                    raise WatchRefused(error)
                case _:
                    raise WatchInterrupted(error, advice.interval / 1000)
        for channel, position in ((reply.ext or {}).get("replay") or {}).items():
            self._reach(channel, position)
        self.silence = advice.timeout / 1000 + NETWORK_SECONDS
        return Heard(answers=[self._connect()], pause=max(advice.interval, 0) / 1000)

    def _event(self, event: Message) -> bytes:
        """The event as one line, its data as published: without the `event.replayId` that the server adds."""
        data, position = json.loads(bytes(event.data)), (event.ext or {}).get("replay")
        shown: dict[str, Any] = {"channel": event.channel, "data": data}
        if position is not None:
            if isinstance(data, dict) and data.get("event") == {"replayId": position}:
                del data["event"]
            shown["ext"] = {"replay": position}
            self._reach(event.channel, position)
        return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    def _reach(self, channel: str, position: int) -> None:
        self.positions[channel] = max(position, self.positions.get(channel, position))

    def _connect(self) -> str:
        return self._frame("/meta/connect", clientId=self._client_id, connectionType="websocket")

    def _frame(self, channel: str, **fields: object) -> str:
        return json.dumps([{"id": str(next(self._ids)), "channel": channel, **fields}])


def endpoint(url: str) -> str:
    """The WebSocket address of the hub with that base address."""
    base = url.rstrip("/")
    return base.replace("http", "ws", 1) + ENDPOINT


def pause_before(attempt: int, *, least: float = 0.0) -> float:
    """Seconds to wait before the attempt-th new connection: doubling, bounded, and spread so that crowds disperse."""
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(attempt, 16))
    return max(least, longest * (0.5 + secrets.randbelow(501) / 1000))


async def watch(
    url: str, channel: str, token: str, *, emit: Callable[[bytes], None], notify: Callable[[str], None]
) -> None:
    """Listen until cancelled. Each event goes to `emit` as one line, everything else worth knowing to `notify`.

    Raises WatchRefused when coming back would not help.
    """
    conversation = Conversation(channel, token)
    attempt = 0
    while True:
        lost = await _until_lost(conversation, endpoint(url), emit, notify)
        attempt = 0 if conversation.listening else attempt + 1
        pause = pause_before(attempt, least=lost.pause)
        notify(f"no connection ({lost}); trying again in {pause:.1f} s")
        await asyncio.sleep(pause)


async def _until_lost(
    conversation: Conversation, address: str, emit: Callable[[bytes], None], notify: Callable[[str], None]
) -> WatchInterrupted:
    """One socket from its opening to its loss; the reason is the result."""
    conversation.listening = False
    try:
        async with connect(address, proxy=None, max_size=LARGEST_FRAME, close_timeout=1) as socket:
            await _converse(conversation, socket, emit, notify)
    except WatchInterrupted as interrupted:
        return interrupted
    except InvalidURI as error:
        raise WatchRefused(str(error)) from None
    except InvalidStatus as error:
        status = error.response.status_code
        if status < 500 and status not in {408, 425, 429}:
            raise WatchRefused(f"{address} answered {status}") from None
        return WatchInterrupted(f"the server answered {status}")
    except TimeoutError:
        return WatchInterrupted("the server is silent")
    except (OSError, WebSocketException) as error:
        return WatchInterrupted(" ".join(str(error).split()) or type(error).__name__)


async def _converse(
    conversation: Conversation,
    socket: ClientConnection,
    emit: Callable[[bytes], None],
    notify: Callable[[str], None],
) -> NoReturn:
    """One session on one socket; ends by an exception only."""
    await socket.send(conversation.opening())
    try:
        while True:
            async with asyncio.timeout(conversation.silence):
                heard = conversation.hear(await socket.recv())
            for line in heard.lines:
                emit(line)
            for notice in heard.notices:
                notify(notice)
            if heard.pause:
                await asyncio.sleep(heard.pause)
            for answer in heard.answers:
                await socket.send(answer)
    except asyncio.CancelledError:
        with suppress(WebSocketException):
            await socket.send(conversation.closing())
        raise
