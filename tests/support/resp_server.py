"""A stand-in for Redis that says what a test wants, where a real one would not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import hiredis

Answer = Callable[[list[bytes]], bytes]
"""From a command to the bytes of the reply; empty bytes for none."""

HELLO = b"%1\r\n+proto\r\n:3\r\n"


def bulk(text: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(text), text)


def array(*items: bytes) -> bytes:
    """Items that are replies themselves."""
    return b"*%d\r\n" % len(items) + b"".join(items)


def push(*texts: bytes, number: int | None = None) -> bytes:
    last = b"" if number is None else b":%d\r\n" % number
    return b">%d\r\n" % (len(texts) + (number is not None)) + b"".join(map(bulk, texts)) + last


@asynccontextmanager
async def resp_server(answer: Answer) -> AsyncIterator[int]:
    """Serves on a free port, which is given, until the block ends."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        commands = hiredis.Reader()
        try:
            while data := await reader.read(65_536):
                commands.feed(data)
                while (command := commands.gets()) is not False:
                    writer.write(answer(command))
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        server.close()
