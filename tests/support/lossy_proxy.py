"""A TCP proxy that loses what the server has sent, as a network does that dies between two packets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

LARGEST_READ = 65_536


class LossyProxy:
    """Forwards until `deafen`; then what comes from the server is swallowed, until `cut` resets every connection.

    Connections made after `cut` are forwarded again.
    """

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        assert parts.hostname is not None
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path
        self._deaf = False
        self._swallowed = b""
        self._grown = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.address = 0

    @property
    def url(self) -> str:
        """The target as seen through the proxy."""
        return f"http://127.0.0.1:{self.address}{self._path}"

    def deafen(self) -> None:
        """From now on nothing reaches the clients any more, while the server believes it does."""
        self._deaf = True

    async def until_swallowed(self, text: bytes, timeout: float = 10.0) -> None:
        """Return when the server has sent that text into the void."""
        async with asyncio.timeout(timeout):
            while text not in self._swallowed:
                self._grown.clear()
                await self._grown.wait()

    def cut(self) -> None:
        """Reset all connections, and forward those to come."""
        for writer in self._writers:
            writer.transport.abort()
        self._deaf, self._swallowed = False, b""

    async def close(self) -> None:
        """Reset all connections and wait until nothing of them is left."""
        self.cut()
        await asyncio.gather(*self._serving)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        above, below = await asyncio.open_connection(self._host, self._port)
        self._writers |= {writer, below}
        try:
            with suppress(OSError):
                pumps = {
                    asyncio.ensure_future(self._up(reader, below)),
                    asyncio.ensure_future(self._down(above, writer)),
                }
                _, left = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                for pump in left:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            for each in (writer, below):
                self._writers.discard(each)
                each.close()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(LARGEST_READ):
            writer.write(data)
            await writer.drain()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(LARGEST_READ):
            if self._deaf:
                self._swallowed += data
                self._grown.set()
            else:
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def lossy_proxy(target: str) -> AsyncIterator[LossyProxy]:
    """A proxy in front of the target, on a free port."""
    proxy = LossyProxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.address = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
