"""A WebSocket client made of bytes: it sends what a test says, right or wrong, and checks nothing that comes back.

Blocking; nothing happens behind a test's back, so pings and closes are answered only where the test does it.
"""

import json
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle
from typing import Any, NamedTuple, Self

from tests.support.tokens import mint

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
PATH = "/api/v2/notifications"
KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # the example of RFC 6455 section 1.3
PATIENCE = 30.0  # seconds until a test gives up waiting; never waited for when all is well


class Frame(NamedTuple):
    """One frame as it came."""

    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0

    @property
    def code(self) -> int | None:
        """The status code of a close frame, None where it carries none."""
        return int.from_bytes(self.payload[:2], "big") if self.payload else None


def encoded(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = b"\x37\xfa\x21\x3d",
    length: bytes | None = None,
) -> bytes:
    """A frame (RFC 6455 section 5.2). `length` replaces the bytes that say how long it is, the mask bit included."""
    masked = 0x80 if mask else 0
    size = len(payload)
    if length is None and size < 126:
        length = bytes((masked | size,))
    elif length is None and size < 65_536:
        length = bytes((masked | 126,)) + size.to_bytes(2, "big")
    elif length is None:
        length = bytes((masked | 127,)) + size.to_bytes(8, "big")
    body = bytes(byte ^ key for byte, key in zip(payload, cycle(mask), strict=False)) if mask else payload
    return bytes((fin << 7 | rsv << 4 | opcode,)) + length + (mask or b"") + body


def closing(code: int, reason: str | bytes = "") -> bytes:
    """The payload of a close frame."""
    return code.to_bytes(2, "big") + (reason.encode() if isinstance(reason, str) else reason)


def fragments(payload: bytes, size: int, *, opcode: int = TEXT) -> list[bytes]:
    """The frames of one message that is sent in pieces of so many bytes."""
    pieces = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    last = len(pieces) - 1
    return [encoded(CONT if n else opcode, piece, fin=n == last) for n, piece in enumerate(pieces)]


def upgrade(port: int, *headers: str, path: str = PATH, method: str = "GET", without: Sequence[str] = ()) -> bytes:
    """The opening request. A header given replaces the usual one of that name; those named in `without` are absent."""
    usual = {
        "Host": f"127.0.0.1:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    replaced = {header.partition(":")[0] for header in headers} | set(without)
    lines = [f"{name}: {value}" for name, value in usual.items() if name not in replaced]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, *headers, "", ""]).encode("latin-1")


class RawSocket:
    """A TCP connection to the hub. A read that takes longer than the patience (seconds) raises TimeoutError."""

    def __init__(self, port: int, *, patience: float = PATIENCE) -> None:
        self.port = port
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=patience)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def write(self, *pieces: bytes) -> None:
        """Write each piece by itself, so that the hub may see them apart; reads tell whether it has hung up."""
        with suppress(ConnectionError):
            for piece in pieces:
                self._socket.sendall(piece)

    def end(self) -> None:
        """Say that nothing more will come, and go on listening."""
        self._socket.shutdown(socket.SHUT_WR)

    def read(self, size: int) -> bytes:
        """So many bytes. Raises EOFError when the hub hangs up before."""
        while len(self._unread) < size:
            self._more()
        taken, self._unread = self._unread[:size], self._unread[size:]
        return taken

    def read_until(self, mark: bytes) -> bytes:
        """Everything up to and with the mark. Raises EOFError."""
        while mark not in self._unread:
            self._more()
        return self.read(self._unread.index(mark) + len(mark))

    def rest(self) -> bytes:
        """Everything until the hub hangs up."""
        with suppress(EOFError):
            while True:
                self._more()
        rest, self._unread = self._unread, b""
        return rest

    def _more(self) -> None:
        try:
            data = self._socket.recv(65_536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise EOFError(f"the hub hung up; unread: {self._unread[:100]!r}")
        self._unread += data

    def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers (names in small letters) of a response."""
        first, *lines = self.read_until(b"\r\n\r\n").decode("latin-1").splitlines()
        pairs = [line.partition(":") for line in lines if line]
        return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}


class RawWebSocket(RawSocket):
    """A WebSocket, open from the beginning; the upgrade carries the headers given."""

    def __init__(self, port: int, *headers: str, path: str = PATH) -> None:
        super().__init__(port)
        self.write(upgrade(port, *headers, path=path))
        self.status, self.headers = self.head()
        assert self.status == 101, (self.status, self.rest())

    def send(self, opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> None:
        """One frame, in one write."""
        self.write(encoded(opcode, payload, fin=fin, rsv=rsv))

    def frame(self) -> Frame:
        """The next frame that comes. Raises EOFError."""
        first, size = self.read(2)
        if size == 126:
            size = int.from_bytes(self.read(2), "big")
        elif size == 127:
            size = int.from_bytes(self.read(8), "big")
        return Frame(first & 0x0F, self.read(size), bool(first & 0x80), first >> 4 & 7)

    def close_code(self) -> int | None:
        """The code of the close frame, which must be the next one and the last; after it the hub has to hang up."""
        frame = self.frame()
        assert frame.opcode == CLOSE, frame
        self.send(CLOSE, frame.payload)
        assert self.rest() == b""
        return frame.code

    def hung_up(self) -> bool:
        """Whether the hub hangs up without saying anything more."""
        return self.rest() == b""


class Speaker(RawWebSocket):
    """An open session that hears what it publishes on its channel; others only hear it in an organization given."""

    channel = "/echo/mine"

    def __init__(self, port: int, organization: str = "", *headers: str) -> None:
        self.organization = organization or f"o{os.urandom(8).hex()}"
        super().__init__(port, f"Authorization: Bearer {mint('alice', organization=self.organization)}", *headers)
        self.client_id = ""
        self.client_id = self.ask("/meta/handshake", version="1.0")["clientId"]
        assert self.ask("/meta/subscribe", subscription=self.channel)["successful"]

    def message(self, channel: str, **fields: Any) -> bytes:
        """A Bayeux message in an array."""
        return json.dumps([{"channel": channel, "clientId": self.client_id, "id": "1", **fields}]).encode()

    def ask(self, channel: str, **fields: Any) -> Any:
        """The reply to a message."""
        self.send(TEXT, self.message(channel, **fields))
        [reply] = json.loads(self.frame().payload)
        return reply

    def saying(self, text: bytes, *, size: int | None = None) -> bytes:
        """A publish whose data has this text, as bytes; filled up with blanks to so many bytes in all."""
        head = f'[{{"channel":"{self.channel}","clientId":"{self.client_id}","id":"1","data":{{"text":"'
        whole = head.encode() + text + b'"}}]'
        assert size is None or len(whole) <= size
        return whole.ljust(size or 0)

    def heard(self) -> bytes:
        """The data of the event that comes, as bytes, and its reply before or after it."""
        frames = [self.frame(), self.frame()]
        assert [(frame.opcode, frame.fin, frame.rsv) for frame in frames] == [(TEXT, True, 0)] * 2
        [event] = [frame.payload for frame in frames if b'"data":' in frame.payload]
        [reply] = [frame.payload for frame in frames if b'"data":' not in frame.payload]
        assert json.loads(reply) == [{"channel": self.channel, "successful": True, "id": "1"}]
        return event.partition(b'"data":')[2].removesuffix(b"}]")

    def echoes(self, text: bytes = b"hello") -> None:
        """Assert that the session is alive and well: what it says comes back to the byte."""
        self.send(TEXT, self.saying(text))
        self.assert_heard(text)

    def assert_heard(self, text: bytes = b"hello") -> None:
        """Assert that an event with this text comes, and nothing else before."""
        assert self.heard() == b'{"text":"' + text + b'"}'
