"""A real HTTP server on the loopback address, on the loop of the test, that answers as it is told, or worse."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

WAIT_SECONDS = 30.0


class Received(NamedTuple):
    """A request: its first line, its headers by lower-case name, its body."""

    line: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """What it got is in `requests`. `answers` are used one after the other, the last one for ever.

    An answer is a list of parts to be written; None in it means to wait for ever, and an end without an answer closes.
    """

    def __init__(self) -> None:
        self.port = 0
        self.scheme = "http"
        self.requests: list[Received] = []
        self.answers: list[list[bytes | None]] = [answer(200)]
        self.names: list[str | None] = []
        self.serving: set[asyncio.Task[None]] = set()
        self._asked = asyncio.Event()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def asked(self, times: int = 1) -> None:
        """Return when so many requests have come in."""
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.requests) < times:
                self._asked.clear()
                await self._asked.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        try:
            self.requests.append(await _read(reader))
            self._asked.set()
            parts = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            for part in parts:
                if part is None:
                    await reader.read()
                else:
                    writer.write(part)
                    await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, or the test is over
        finally:
            self.serving.discard(task)
            writer.close()


def answer(status: int, body: bytes = b"", *headers: str) -> list[bytes | None]:
    """A whole answer."""
    head = "\r\n".join([f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers])
    return [head.encode() + b"\r\n\r\n" + body]


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
    line, *rest = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
    return Received(line, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


@asynccontextmanager
async def http_receiver(context: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A running receiver; with a context it speaks TLS, and `names` holds the names by which it was asked for."""
    receiver = Receiver()
    if context is not None:
        receiver.scheme = "https"
        context.sni_callback = lambda _socket, name, _context: receiver.names.append(name)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=context)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tuple(receiver.serving):
            task.cancel()
        await asyncio.gather(*receiver.serving, return_exceptions=True)
        await server.wait_closed()
