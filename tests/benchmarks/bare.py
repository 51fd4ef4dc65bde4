"""The least that a server in this language can be: what the hub is measured against.

    python -m tests.benchmarks.bare PORT

It has no protocol, no sessions, no rights and no log. `GET /sub?ch=NAME` as a WebSocket listens, `POST /pub?ch=NAME`
sends the body to all who do, framed once; what comes within one turn of the loop leaves in one write.
"""

import asyncio
import sys
from collections import defaultdict
from typing import cast

import uvloop
from websockets.utils import accept_key

from hub.realtime.prepared import frame

BACKLOG = 4096
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

listeners: dict[str, dict["Connection", None]] = defaultdict(dict)
waiting: dict[str, list[bytes]] = defaultdict(list)


def publish(channel: str, payload: bytes) -> None:
    if not waiting:
        asyncio.get_running_loop().call_soon(flush)
    waiting[channel].append(frame(payload))


def flush() -> None:
    for channel, frames in waiting.items():
        data = b"".join(frames)
        for connection in listeners[channel]:
            connection.write(data)
    waiting.clear()


class Connection(asyncio.Protocol):
    """One client. What listeners say after the upgrade is not read."""

    def __init__(self) -> None:
        self._buffer = b""
        self._channel: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.write = cast("asyncio.Transport", transport).write

    def connection_lost(self, exc: Exception | None) -> None:
        if self._channel is not None:
            del listeners[self._channel][self]

    def data_received(self, data: bytes) -> None:
        if self._channel is not None:
            return None
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
            channel = lines[0].split(" ")[1].partition("=")[2]
            if "sec-websocket-key" in headers:
                return self._listen(channel, headers["sec-websocket-key"])
            size = int(headers["content-length"])
            if len(rest) < size:
                return None
            self._buffer = rest[size:]
            publish(channel, rest[:size])
            self.write(ANSWER)
        return None

    def _listen(self, channel: str, key: str) -> None:
        self._channel, self._buffer = channel, b""
        listeners[channel][self] = None
        self.write(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            b"sec-websocket-accept: %b\r\n\r\n" % accept_key(key).encode()
        )


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=BACKLOG)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
