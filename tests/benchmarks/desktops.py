"""Those who listen: over a WebSocket or by long-polling as Bayeux clients, or to a server without any protocol."""

import base64
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from tests.benchmarks.loop import Loop, Wire
from tests.benchmarks.tally import MARK, Tally

PATH = "/cometd"
FLUSHED = b"\x00\x00\xff\xff"
TEXT, PING, PONG = 0x1, 0x9, 0xA


class Message(msgspec.Struct, rename="camel"):
    """What matters of an answer."""

    channel: str
    successful: bool | None = None
    client_id: str | None = None
    error: str | None = None


_decoder = msgspec.json.Decoder(list[Message])


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """An HTTP request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def responses(buffer: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """The complete responses in it: head, body, and what follows."""
    while True:
        head, separator, rest = buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        _, _, length = head.lower().partition(b"content-length:")
        size = int(length.partition(b"\r\n")[0] or 0)
        if len(rest) < size:
            return
        buffer = rest[size:]
        yield head, rest[:size], buffer


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A client's frame; its mask is zero, so that masking changes nothing."""
    size = len(payload)
    head = bytes((0x80 | opcode, 0x80 | size)) if size < 126 else struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    return head + bytes(4) + payload


class Desktop(Wire):
    """Listens to `channels`, each the number by which the tally knows it with its name."""

    def __init__(self, loop: Loop, port: int, tally: Tally, channels: Sequence[tuple[int, str]]) -> None:
        super().__init__(loop, port)
        self.names = [name for _, name in channels]
        self.numbers = [number for number, _ in channels]
        self.expected: dict[int, int] = {}
        self.is_ready = False
        self.polls = 0
        """Connects answered."""
        self._tally = tally
        self._rest = b""

    def begin(self) -> None:
        """The server knows whom to tell what."""
        self.expected = self._tally.expected(self.numbers)
        self.is_ready = True


class Listener(Desktop):
    """Reads frames; what opens the connection and what else is in a frame is for subclasses to say."""

    def __init__(
        self, loop: Loop, port: int, tally: Tally, channels: Sequence[tuple[int, str]], *, deflate: bool = False
    ) -> None:
        super().__init__(loop, port, tally, channels)
        self._upgraded = False
        key = base64.b64encode(os.urandom(16)).decode()
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": key}
        if deflate:
            headers["Sec-WebSocket-Extensions"] = "permessage-deflate; client_no_context_takeover"
        self.send(request("GET", self.path, {**headers, "Sec-WebSocket-Version": "13", **self.headers}))

    @property
    def path(self) -> str:
        return f"/sub?ch={self.names[0]}"

    @property
    def headers(self) -> dict[str, str]:
        return {}

    def opened(self) -> None:
        self.begin()

    def other(self, payload: bytes, now: float) -> None:
        """A frame that is more than events."""

    def received(self, data: bytes, now: float) -> None:
        tally = self._tally
        if not self._upgraded:
            self._upgrade(data, now)
        elif not self._rest and data == tally.chunk:
            tally.heard(self.expected, tally.chunk_events, now)
        else:
            self._read(self._rest + data, now)

    def _upgrade(self, data: bytes, now: float) -> None:
        head, separator, rest = (self._rest + data).partition(b"\r\n\r\n")
        self._rest = b"" if separator else head
        if separator:
            assert head.startswith(b"HTTP/1.1 101"), head
            self._upgraded = True
            self.opened()
            if rest:
                self.received(rest, now)

    def _read(self, data: bytes, now: float) -> None:
        events: list[tuple[int, int]] = []
        plain, position = True, 0
        for opcode, payload, end in _frames(data):
            position = end
            events += [(int(channel), int(number)) for channel, number in MARK.findall(payload)]
            if opcode == PING:
                self.send(frame(payload, PONG))
            if opcode != TEXT or b'"/meta/' in payload:
                plain = False
                self.other(payload, now)
        self._rest = data[position:]
        self._tally.heard(self.expected, events, now)
        if plain and not self._rest:
            self._tally.chunk, self._tally.chunk_events = data, events


def _frames(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """The complete frames: opcode, payload, and where it ends."""
    position, there = 0, len(data)
    while there - position >= 2:
        size, start = data[position + 1], position + 2
        if size == 126:
            size, start = int.from_bytes(data[start : start + 2], "big"), start + 2
        elif size == 127:
            size, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        if start + size > there:
            return
        payload = data[start : start + size]
        if data[position] & 0x40:
            payload = zlib.decompressobj(-15).decompress(payload + FLUSHED)
        yield data[position] & 0xF, payload, start + size
        position = start + size


class Session:
    """The Bayeux side of a desktop: what it says, and what it makes of the answers."""

    def __init__(self, kind: str, channels: Sequence[str], say: Callable[[list[dict[str, Any]]], None]) -> None:
        self._kind = kind
        self._channels = channels
        self._say = say
        self.client_id: str | None = None
        self.is_subscribed = False
        self.polls = 0

    def shake(self) -> None:
        types = [self._kind]
        self._say([{"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": types}])

    def heard(self, payload: bytes) -> None:
        """Messages, some of which may be answers."""
        for message in _decoder.decode(payload):
            if message.channel.startswith("/meta/"):
                assert message.successful, message
                self._answered(message)

    def _answered(self, message: Message) -> None:
        match message.channel:
            case "/meta/handshake":
                self.client_id = message.client_id
                subscribe = {"channel": "/meta/subscribe", "subscription": self._channels, "clientId": self.client_id}
                self._say([subscribe] if self._channels else [self._connect()])
            case "/meta/subscribe":
                self.is_subscribed = True
                self._say([self._connect()])
            case "/meta/connect":
                self.is_subscribed = True
                self.polls += 1
                self._say([self._connect()])
            case _:
                raise AssertionError(message)

    def _connect(self) -> dict[str, Any]:
        return {"channel": "/meta/connect", "connectionType": self._kind, "clientId": self.client_id}


class WebSocketDesktop(Listener):
    """A Bayeux client on a WebSocket."""

    def __init__(
        self,
        loop: Loop,
        port: int,
        tally: Tally,
        channels: Sequence[tuple[int, str]],
        token: str,
        *,
        deflate: bool = False,
    ) -> None:
        self._token = token
        super().__init__(loop, port, tally, channels, deflate=deflate)
        self.session = Session("websocket", self.names, self.say)

    @property
    def path(self) -> str:
        return PATH

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def opened(self) -> None:
        self.session.shake()

    def say(self, messages: list[dict[str, Any]]) -> None:
        self.send(frame(msgspec.json.encode(messages)))

    def other(self, payload: bytes, now: float) -> None:
        if payload.startswith(b"["):
            self.session.heard(payload)
            if self.session.is_subscribed and not self.is_ready:
                self.begin()


class PollingDesktop(Desktop):
    """A Bayeux client that polls, on one connection."""

    def __init__(self, loop: Loop, port: int, tally: Tally, channels: Sequence[tuple[int, str]], token: str) -> None:
        super().__init__(loop, port, tally, channels)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.session = Session("long-polling", self.names, self.say)
        self.session.shake()

    def say(self, messages: list[dict[str, Any]]) -> None:
        self.send(request("POST", PATH, self._headers, msgspec.json.encode(messages)))

    def received(self, data: bytes, now: float) -> None:
        self._rest += data
        for head, body, rest in responses(self._rest):
            self._rest = rest
            assert head.startswith(b"HTTP/1.1 200"), head + body
            events = [(int(channel), int(number)) for channel, number in MARK.findall(body)]
            self._tally.heard(self.expected, events, now)
            self.session.heard(body)
            self.polls = self.session.polls
            if self.session.is_subscribed and not self.is_ready:
                self.begin()
