from collections.abc import AsyncIterator

import pytest

from hub.store.database import Database
from tests.store.conftest import postgresql_url, sqlite_url, url
from tests.support.clock import FakeClock

__all__ = ["postgresql_url", "sqlite_url", "url"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def db(url: str, clock: FakeClock) -> AsyncIterator[Database]:
    async with Database(url, clock=clock) as database:
        yield database
