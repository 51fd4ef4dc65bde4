"""A TCP proxy that does to a connection what networks do: lose what is under way, stall, strand, reset."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

LARGEST_READ = 65_536
SLICES_PER_SECOND = 50


class Connection:
    """A client's socket and ours to the target, back to back."""

    def __init__(self, client: asyncio.StreamWriter, target: asyncio.StreamWriter) -> None:
        self.client, self.target = client, target
        self.stranded = False
        self.over = asyncio.Event()

    def reset(self) -> None:
        """Both ends see a reset."""
        self.over.set()
        reset(self.client)
        reset(self.target)


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with a RST; without this option the kernel would say goodbye properly."""
    with suppress(OSError):  # it has ended already
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class LossyProxy:
    """Forwards; a fault lasts until `heal` or `cut`. A target that does not listen is as closed as without a proxy."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        assert parts.hostname is not None
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path
        self._deaf = self._down = False
        self._rate: float | None = None
        self._swallowed = b""
        self._grown = asyncio.Event()
        self._connections: set[Connection] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.address = 0

    @property
    def url(self) -> str:
        """The target as seen through the proxy."""
        return f"http://127.0.0.1:{self.address}{self._path}"

    # Faults

    def deafen(self) -> None:
        """From now on nothing reaches the clients any more, while the server believes it does."""
        self._deaf = True

    def strand(self) -> None:
        """Connections open now fall silent both ways and stay open, as behind a cable that is pulled.

        Neither end learns that the other has closed. Connections to come are forwarded.
        """
        for connection in self._connections:
            connection.stranded = True

    def slow(self, rate: float) -> None:
        """Every direction of every connection carries so many bytes a second from now on."""
        self._rate = rate

    def heal(self) -> None:
        """No fault any more; what was swallowed stays lost, and stranded connections end in a reset."""
        self._deaf, self._rate, self._swallowed = False, None, b""
        for connection in self._connections:
            if connection.stranded:
                connection.reset()

    def cut(self) -> None:
        """Reset all connections, and forward those to come."""
        for connection in self._connections:
            connection.reset()
        self.heal()

    async def go_down(self) -> None:
        """Reset all connections, and those to come until `come_up`; return when nothing of them is left."""
        self._down = True
        await self.close()

    def come_up(self) -> None:
        """Forward connections to come again."""
        self._down = False

    async def until_swallowed(self, text: bytes, timeout: float = 10.0) -> None:
        """Return when the server has sent that text into the void."""
        async with asyncio.timeout(timeout):
            while text not in self._swallowed:
                self._grown.clear()
                await self._grown.wait()

    async def close(self) -> None:
        """Reset all connections and wait until nothing of them is left."""
        self.cut()
        await asyncio.gather(*self._serving)

    # Connections

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            if self._down:
                raise ConnectionRefusedError
            above, below = await asyncio.open_connection(self._host, self._port)
        except OSError:
            reset(writer)
            await _closed(writer)
            return
        connection = Connection(writer, below)
        self._connections.add(connection)
        try:
            with suppress(OSError):
                await self._forward(connection, reader, above)
        finally:
            writer.close()
            below.close()
            await _closed(writer, below)
            self._connections.discard(connection)

    async def _forward(self, connection: Connection, reader: asyncio.StreamReader, above: asyncio.StreamReader) -> None:
        pumps = {
            asyncio.ensure_future(self._pump(connection, reader, connection.target, down=False)),
            asyncio.ensure_future(self._pump(connection, above, connection.client, down=True)),
        }
        _, left = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in left:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(
        self, connection: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, down: bool
    ) -> None:
        try:
            while data := await reader.read(LARGEST_READ):
                if down and self._deaf:
                    self._swallowed += data
                    self._grown.set()
                elif not connection.stranded:
                    await self._carry(writer, data)
        finally:
            if connection.stranded:
                await connection.over.wait()

    async def _carry(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        while data and self._rate is not None:
            size = max(1, round(self._rate / SLICES_PER_SECOND))
            writer.write(data[:size])
            data = data[size:]
            await asyncio.sleep(1 / SLICES_PER_SECOND)
        writer.write(data)
        await writer.drain()


async def _closed(*writers: asyncio.StreamWriter) -> None:
    await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


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
