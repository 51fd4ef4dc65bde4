"""Thousands of WebSocket desktops in one process of their own, as cheap as they can be made.

    python -m tests.support.herd URL TOKENS

TOKENS is a file with the token of one desktop a line. Each shakes hands, subscribes to its calls with replay, and keeps
a connect waiting. When its socket breaks it comes back at once with its old clientId, its last position and
`advice.timeout` 0; a refused upgrade is tried again after a second, as the official client does. Commands are lines on
standard input, answers are JSON lines on standard output:

    join      open all desktops            {"is": "joined", "seconds": …}                once all are subscribed
    cut       reset every socket           {"is": "back", "seconds": …, "handshakes": …} once all are subscribed again
    until N   report once N events came    {"is": "heard", "latencies": […], "holes": …}

Latencies are in seconds, from the `at` of an event's data (the machine's monotonic clock) to its arrival here; `holes`
counts positions that were passed over or came twice.
"""

import asyncio
import json
import os
import socket
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
import uvloop

CALLS = "/v2/me/calls"
OPENING_AT_ONCE = 64
RETRY_SECONDS = 1.0
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


class Message(msgspec.Struct, rename="camel"):
    """What matters of a message from the hub."""

    channel: str
    successful: bool | None = None
    client_id: str | None = None
    error: str | None = None
    ext: dict[str, Any] = {}
    data: dict[str, Any] = {}
    advice: dict[str, Any] = {}


_decoder = msgspec.json.Decoder(list[Message])


def frame(opcode: int, payload: bytes) -> bytes:
    """A client's frame; its mask is zero, so that masking changes nothing."""
    size = len(payload)
    head = bytes((0x80 | opcode, 0x80 | size)) if size < 126 else struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    return head + bytes(4) + payload


class Herd:
    """All desktops, and who waits for them."""

    def __init__(self, url: str, tokens: Sequence[str]) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.host, self.port, self.path = parts.hostname, parts.port, parts.path
        self.members = [Member(self, token) for token in tokens]
        self.latencies: list[float] = []
        self.holes = self.handshakes = self._away = 0
        self._all_there = asyncio.Event()
        self._grown = asyncio.Event()

    async def join(self) -> float:
        """Open all, a few at a time; seconds until the last is subscribed."""
        return await self._until_back([member.open for member in self.members], at_once=OPENING_AT_ONCE)

    async def cut(self) -> float:
        """Reset all and let them come back at once; seconds until the last is subscribed again."""
        for member in self.members:
            member.reset()
        return await self._until_back([member.open for member in self.members], at_once=len(self.members))

    async def _until_back(self, opening: list[Any], *, at_once: int) -> float:
        began = time.monotonic()
        self._away = len(opening)
        self._all_there.clear()
        gate = asyncio.Semaphore(at_once)

        async def guarded(open_: Any) -> None:
            async with gate:
                await open_()

        await asyncio.gather(*(guarded(open_) for open_ in opening))
        await self._all_there.wait()
        return time.monotonic() - began

    async def until(self, events: int) -> None:
        """Return once so many events have come."""
        while len(self.latencies) < events:
            self._grown.clear()
            await self._grown.wait()

    def hear(self, latency: float, *, in_order: bool) -> None:
        """An event."""
        self.latencies.append(latency)
        self.holes += not in_order
        self._grown.set()

    def is_back(self) -> None:
        """One more is subscribed."""
        self._away -= 1
        if self._away == 0:
            self._all_there.set()


class Member(asyncio.Protocol):
    """One desktop."""

    def __init__(self, herd: Herd, token: str) -> None:
        self._herd = herd
        self._token = token
        self._client_id: str | None = None
        self._position: int | None = None
        self._epoch: str | None = None
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._going = False
        self._upgraded: asyncio.Future[bool] | None = None

    async def open(self) -> None:
        """Open a socket and say what is to be said; return once it is upgraded."""
        loop = asyncio.get_running_loop()
        while True:
            self._buffer, self._upgraded = b"", loop.create_future()
            try:
                await loop.create_connection(lambda: self, self._herd.host, self._herd.port)
            except OSError:
                self._upgraded.set_result(False)
            if await self._upgraded:
                return
            await asyncio.sleep(RETRY_SECONDS)

    def reset(self) -> None:
        """As if the network had gone."""
        transport, self._transport, self._going = self._transport, None, True
        assert transport is not None
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(
            (
                f"GET {self._herd.path} HTTP/1.1\r\nHost: {self._herd.host}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
                f"Authorization: Bearer {self._token}\r\n\r\n"
            ).encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        if self._going:
            self._going = False
        elif self._upgraded is not None and not self._upgraded.done():
            self._upgraded.set_result(False)
        else:
            raise AssertionError(f"the hub hung up: {exc!r}")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        assert self._upgraded is not None
        if not self._upgraded.done() and not self._is_upgraded():
            return
        for opcode, payload in self._frames():
            if opcode == TEXT:
                self._hear(_decoder.decode(payload))
            elif opcode == PING:
                self._write(frame(PONG, payload))
            else:
                raise AssertionError(f"opcode {opcode}: {payload!r}")

    def _is_upgraded(self) -> bool:
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        assert self._upgraded is not None
        if not separator:
            return False
        if not head.startswith(b"HTTP/1.1 101"):
            self._upgraded.set_result(False)
            return False
        self._buffer = rest
        self._upgraded.set_result(True)
        self._say(*(self._return() if self._client_id else [self._handshake()]))
        return True

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        while len(self._buffer) >= 2:
            size, start = self._buffer[1], 2
            if size == 126:
                size, start = int.from_bytes(self._buffer[2:4], "big"), 4
            elif size == 127:
                size, start = int.from_bytes(self._buffer[2:10], "big"), 10
            if len(self._buffer) < start + size:
                return
            opcode, payload = self._buffer[0] & 0xF, self._buffer[start : start + size]
            self._buffer = self._buffer[start + size :]
            yield opcode, payload

    def _hear(self, messages: list[Message]) -> None:
        for message in messages:
            match message.channel:
                case "/meta/handshake":
                    self._shaken(message)
                case "/meta/subscribe" if message.successful:
                    if self._position is None:
                        self._position = message.ext["replay"][CALLS]
                    self._herd.is_back()
                case "/meta/subscribe":
                    assert (message.error or "").startswith("402"), message  # the connect that follows it says so, too
                case "/meta/connect" if message.successful:
                    self._say(self._connect())
                case "/meta/connect":
                    assert message.advice["reconnect"] == "handshake", message
                    self._client_id = None
                    self._say(self._handshake())
                case _:
                    self._event(message)

    def _shaken(self, message: Message) -> None:
        if message.successful:
            self._herd.handshakes += 1
            self._client_id, self._epoch = message.client_id, message.ext["replayEpoch"]
            self._say(*self._return())
            return
        assert message.advice["reconnect"] == "handshake", message
        delay = message.advice["interval"] / 1000
        asyncio.get_running_loop().call_later(delay, self._say, self._handshake())

    def _event(self, message: Message) -> None:
        position: int = message.ext["replay"]
        in_order = position == (self._position or 0) + 1
        self._position = position
        self._herd.hear(time.monotonic() - message.data["at"], in_order=in_order)

    def _handshake(self) -> dict[str, Any]:
        return {"channel": "/meta/handshake", "version": "1.0", "ext": {"replay": True}}

    def _return(self) -> list[dict[str, Any]]:
        subscribe: dict[str, Any] = {"channel": "/meta/subscribe", "clientId": self._client_id, "subscription": CALLS}
        if self._position is not None:
            subscribe["ext"] = {"replay": {CALLS: self._position}, "replayEpoch": self._epoch}
        return [subscribe, {**self._connect(), "advice": {"timeout": 0}}]

    def _connect(self) -> dict[str, Any]:
        return {"channel": "/meta/connect", "clientId": self._client_id, "connectionType": "websocket"}

    def _say(self, *messages: dict[str, Any]) -> None:
        self._write(frame(TEXT, msgspec.json.encode(messages)))

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def give_up(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A desktop heard what it should not: end, so that the test reads why and does not wait."""
    loop.default_exception_handler(context)
    sys.stderr.flush()
    os._exit(1)


async def obey(herd: Herd) -> None:
    """Carry out the commands until standard input ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while command := (await reader.readline()).decode().strip():
        match command.split():
            case ["join"]:
                answer: dict[str, Any] = {"is": "joined", "seconds": await herd.join()}
            case ["cut"]:
                before = herd.handshakes
                seconds = await herd.cut()
                answer = {"is": "back", "seconds": seconds, "handshakes": herd.handshakes - before}
            case ["until", events]:
                await herd.until(int(events))
                answer = {"is": "heard", "latencies": herd.latencies, "holes": herd.holes}
            case _:
                raise ValueError(command)
        print(json.dumps(answer), flush=True)


async def main(url: str, tokens: Sequence[str]) -> None:
    asyncio.get_running_loop().set_exception_handler(give_up)
    await obey(Herd(url, tokens))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2]).read_text().split()))
