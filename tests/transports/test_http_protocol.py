"""What uvicorn's HTTP protocol is not asked to do: requests that are no good are refused once, and without a trace."""

import logging

import pytest

from tests.transports.served import RawSocket, Served

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
