from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hub.store.database import Database
from tests.store.harness import StandingClock
from tests.support.empty_database import migrated
from tests.support.postgres import PostgresServer


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return migrated(tmp_path)


@pytest.fixture
def postgresql_url(postgres_server: PostgresServer) -> Iterator[str]:
    name = postgres_server.migrated()
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database of each kind: one suite for both."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
async def db(url: str, clock: StandingClock) -> AsyncIterator[Database]:
    async with Database(url, clock=clock) as database:
        yield database
