"""What uvicorn's HTTP protocol is not asked to do: requests that are no good are refused once, and without a trace."""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.transports.served import PATH, RawSocket, Served, serving

MANY = [f"X-{number}: y" for number in range(150)]


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


async def test_too_many_headers_are_refused_once_also_with_an_upgrade(
    hub: Served, caplog: pytest.LogCaptureFixture
) -> None:
    async with RawSocket(hub, hub.token(), headers=MANY) as raw:
        assert raw.status == 431
        assert await raw.reader.read() == b""
    assert errors(caplog) == []


async def test_a_bad_header_after_too_many_is_not_refused_again(hub: Served, caplog: pytest.LogCaptureFixture) -> None:
    async with RawSocket(hub, hub.token(), headers=[*MANY, "bad{header: y"]) as raw:
        assert raw.status == 431
        assert await raw.reader.read() == b""
    assert errors(caplog) == []


async def test_more_connections_than_can_be_served_are_turned_away(tmp_path: Path) -> None:
    """Of any kind: two for each WebSocket that is allowed, since polling takes two."""
    async with serving(tmp_path, max_connections=2) as hub, AsyncExitStack() as stack:
        idle = [await asyncio.open_connection("127.0.0.1", hub.port) for _ in range(4)]
        for reader, writer in idle:
            stack.callback(writer.close)
            writer.write(f"OPTIONS {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 ")
        reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
        stack.callback(writer.close)
        assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
        reader, writer = idle[0]
        writer.write(f"OPTIONS {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 "), "those inside stay"
