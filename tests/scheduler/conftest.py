import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.store.database import Database
from hub.store.migrations import migrate
from tests.support.clock import FakeClock


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("timers") / "hub.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def url(migrated: Path, tmp_path: Path) -> str:
    shutil.copy(migrated, tmp_path / "hub.db")
    return f"sqlite:///{tmp_path}/hub.db"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def db(url: str, clock: FakeClock) -> AsyncIterator[Database]:
    async with Database(url, clock=clock) as database:
        yield database
