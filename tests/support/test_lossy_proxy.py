import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from tests.support.hub_process import free_port
from tests.support.lossy_proxy import LossyProxy, lossy_proxy

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Target:
    """A server whose connections the test holds in its hand."""

    def __init__(self) -> None:
        self.accepted: asyncio.Queue[Streams] = asyncio.Queue()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.accepted.put((reader, writer))


@pytest.fixture
async def target() -> AsyncIterator[tuple[Target, str]]:
    target = Target()
    server = await asyncio.start_server(target.accept, "127.0.0.1", 0)
    async with server:
        yield target, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def joined(proxy: LossyProxy, target: Target) -> tuple[Streams, Streams]:
    """A client and the target's end of its connection."""
    client = await asyncio.open_connection("127.0.0.1", proxy.address)
    return client, await target.accepted.get()


async def close(*streams: Streams) -> None:
    for _, writer in streams:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def test_it_carries_both_ways_and_closes_both_ends(target: Any) -> None:
    accepting, url = target
    async with lossy_proxy(url) as proxy:
        client, server = await joined(proxy, accepting)
        client[1].write(b"to the server")
        assert await server[0].readexactly(13) == b"to the server"
        server[1].write(b"to the client")
        assert await client[0].readexactly(13) == b"to the client"
        client[1].close()
        assert await server[0].read() == b""
        await close(client, server)


async def test_a_stranded_connection_is_silent_and_hides_that_an_end_has_closed(target: Any) -> None:
    accepting, url = target
    async with lossy_proxy(url) as proxy:
        client, server = await joined(proxy, accepting)
        proxy.strand()
        client[1].write(b"lost")
        client[1].close()
        heard = asyncio.ensure_future(server[0].read(1))
        fresh = await joined(proxy, accepting)
        fresh[0][1].write(b"new")
        assert await fresh[1][0].readexactly(3) == b"new", "connections made later are not stranded"
        assert not heard.done()
        proxy.heal()
        with pytest.raises(ConnectionResetError):
            await heard
        await close(client, server, *fresh)


async def test_a_slow_connection_carries_so_many_bytes_a_second(target: Any) -> None:
    accepting, url = target
    async with lossy_proxy(url) as proxy:
        client, server = await joined(proxy, accepting)
        proxy.slow(10_000)
        began = asyncio.get_running_loop().time()
        client[1].write(bytes(2000))
        assert len(await server[0].readexactly(2000)) == 2000
        assert asyncio.get_running_loop().time() - began >= 0.15
        await close(client, server)


async def test_a_cut_resets_both_ends(target: Any) -> None:
    accepting, url = target
    async with lossy_proxy(url) as proxy:
        client, server = await joined(proxy, accepting)
        proxy.cut()
        for reader, _ in (client, server):
            with pytest.raises(ConnectionResetError):
                await reader.read(1)
        await close(client, server)


async def test_a_target_that_does_not_listen_is_closed_here_too() -> None:
    async with lossy_proxy(f"http://127.0.0.1:{free_port()}/") as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.address)
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        await close((reader, writer))
