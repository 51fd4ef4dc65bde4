"""What both test clients share: the Bayeux conversation of an agent desktop that records everything it hears.

Deliberately independent of the hub's code: messages are plain JSON, the rules are those of the protocol text. A
transport (`bayeux_ws`, `bayeux_http`) only moves arrays of messages and says when it lost its connection.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from tests.support.checker import Client, Gap, Promise, Received

Message = dict[str, Any]

RETRY_SECONDS = 0.05


class Refused(AssertionError):
    """The server refused a handshake or a subscription, or ended the session for good."""


class SessionLost(Exception):
    """The server does not know the session any more and asks for a new handshake."""


class Desktop(ABC):
    """One agent desktop. `run` goes on for ever: it connects, subscribes, listens, and comes back after every loss.

    With `replay` the positions heard last are handed over at each subscription. `log` holds what arrived, in order.
    `patience`: seconds of silence after which it takes a connection for dead; longer than any connect is held.
    `source`: the address it calls from.
    """

    connection_type: str

    def __init__(
        self,
        url: str,
        token: str | None,
        channels: Sequence[str],
        *,
        user: str,
        organization: str = "acme",
        roles: Sequence[str] = ("ROLE_AGENT",),
        replay: bool = True,
        positions: Mapping[str, int] | None = None,
        patience: float = 40.0,
        source: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.url, self.token, self.channels = url, token, list(channels)
        self.user, self.organization, self.roles = user, organization, frozenset(roles)
        self.replay, self.patience, self.source = replay, patience, source
        self.headers = dict(headers or {})
        """Of every request and upgrade: a cookie instead of a token, for example."""
        self.positions: dict[str, int] = dict(positions or {})
        self.since: dict[str, int] = {name: at for name, at in self.positions.items() if at >= 0}
        self.log: list[Received | Gap] = []
        self.client_id: str | None = None
        self.subscribed = False
        self.handshakes = 0
        self.interval = 0.0
        self._epoch: str | None = None
        self._session_epoch: str | None = None
        self._ids = count(1)
        self._changed = asyncio.Event()

    @property
    def name(self) -> str:
        return f"{self.connection_type}:{self.organization}/{self.user}"

    @abstractmethod
    async def run(self) -> None:
        """Be a desktop until cancelled; raises Refused when the server does not want this one."""

    # What is said

    def handshake(self) -> Message:
        ext: Message = {} if self.token is None else {"authentication": {"token": self.token}}
        if self.replay:
            ext["replay"] = True
        return self._message(
            "/meta/handshake",
            version="1.0",
            minimumVersion="1.0",
            supportedConnectionTypes=["websocket", "long-polling"],
            ext=ext,
        )

    def subscribe(self) -> Message:
        message = self._message("/meta/subscribe", clientId=self.client_id, subscription=self.channels)
        if self.replay and self.positions:
            ext: Message = {"replay": dict(self.positions)}
            if self._epoch is not None:
                ext["replayEpoch"] = self._epoch
            message["ext"] = ext
        return message

    def connect(self, *, at_once: bool = False) -> Message:
        message = self._message("/meta/connect", clientId=self.client_id, connectionType=self.connection_type)
        if at_once:
            message["advice"] = {"timeout": 0}
        return message

    def _message(self, channel: str, **fields: Any) -> Message:
        return {"id": str(next(self._ids)), "channel": channel, **fields}

    # What is heard

    def hear(self, messages: Sequence[Message]) -> None:
        """Record events and follow the replies. Raises Refused or SessionLost when a reply says so."""
        assert isinstance(messages, list), f"not an array: {messages!r}"
        assert messages, "an empty array"
        for message in messages:
            match message["channel"]:
                case "/meta/handshake":
                    self._shaken(message)
                case "/meta/subscribe":
                    self._subscribed(message)
                case "/meta/connect":
                    self._connected(message)
                case "/meta/disconnect":
                    raise Refused(f"{self.name}: disconnected by the server: {message}")
                case _:
                    self._event(message)
        self._changed.set()

    def _shaken(self, reply: Message) -> None:
        if not reply["successful"]:
            if reply.get("advice", {}).get("reconnect") == "none":
                raise Refused(f"{self.name}: {reply}")
            raise SessionLost(reply.get("error", ""))
        self.client_id = reply["clientId"]
        self.handshakes += 1
        self.subscribed = False
        if self.replay:
            assert reply["ext"]["replay"] is True, reply
            self._session_epoch = reply["ext"]["replayEpoch"]

    def _subscribed(self, reply: Message) -> None:
        if not reply["successful"]:
            if str(reply.get("error", "")).startswith("402"):
                raise SessionLost(reply["error"])
            raise Refused(f"{self.name}: {reply}")
        self.subscribed = True
        if not self.replay:
            return
        live: Message = dict(reply["ext"]["replay"])
        gaps = live.pop("gap", [])
        for channel, position in live.items():
            if channel in gaps:
                self.log.append(Gap(channel=channel, live=position, at=time.monotonic()))
                self.positions[channel] = position
            elif self.positions.get(channel, -1) == -1:
                self.positions[channel] = position
            self.since.setdefault(channel, 0 if self.positions[channel] == -2 else position)
        self._epoch = self._session_epoch

    def _connected(self, reply: Message) -> None:
        advice = reply.get("advice", {})
        self.interval = advice.get("interval", 0) / 1000
        for channel, position in reply.get("ext", {}).get("replay", {}).items():
            self._reach(channel, position)
        if reply["successful"]:
            assert advice.get("reconnect", "retry") != "handshake", reply
            return
        if advice.get("reconnect") == "none":
            raise Refused(f"{self.name}: {reply}")
        if advice.get("reconnect") == "handshake":
            raise SessionLost(reply.get("error", ""))

    def _event(self, event: Message) -> None:
        assert "successful" not in event, event
        assert "clientId" not in event, event
        seq = event.get("ext", {}).get("replay")
        data = event["data"]
        if seq is not None and data.get("event") == {"replayId": seq}:
            data = {name: value for name, value in data.items() if name != "event"}
        self.log.append(Received(channel=event["channel"], seq=seq, data=data, at=time.monotonic()))
        if seq is not None:
            self._reach(event["channel"], seq)

    def _reach(self, channel: str, position: int) -> None:
        self.positions[channel] = max(position, self.positions.get(channel, position))

    # What a test asks

    def client(self) -> Client:
        """This client's log, for the history checker."""
        return Client(
            name=self.name,
            organization=self.organization,
            user=self.user,
            roles=self.roles,
            since=dict(self.since),
            log=list(self.log),
            promise=Promise.REPLAY if self.replay else Promise.PLAIN,
        )

    def events(self, channel: str) -> list[Received]:
        """What arrived on one channel so far."""
        return [entry for entry in self.log if isinstance(entry, Received) and entry.channel == channel]

    async def until(self, condition: Callable[["Desktop"], bool], timeout: float = 10.0) -> None:
        """Return as soon as the condition holds; TimeoutError after so many seconds."""
        async with asyncio.timeout(timeout):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

    async def until_received(self, channel: str, seq: int, timeout: float = 10.0) -> None:
        """Return when the event with that position, or a later one, has arrived."""

        def arrived(desktop: Desktop) -> bool:
            return any((event.seq or 0) >= seq for event in desktop.events(channel))

        await self.until(arrived, timeout)


@asynccontextmanager
async def at_work(*desktops: Desktop, timeout: float = 15.0) -> AsyncIterator[None]:
    """All of them running and subscribed; a desktop that fails takes the block down with it."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(desktop.run(), name=desktop.name) for desktop in desktops]
        for desktop in desktops:
            await desktop.until(lambda each: each.subscribed, timeout)
        yield
        for task in tasks:
            task.cancel()
