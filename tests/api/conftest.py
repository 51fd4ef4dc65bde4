from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.world import World, opened
from tests.store.conftest import postgresql_url

__all__ = ["postgresql_url"]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as world:
        yield world


@pytest.fixture(params=["sqlite", "postgresql"])
def either_url(request: pytest.FixtureRequest) -> str | None:
    """The address of a migrated PostgreSQL database; None for the file that a world makes for itself."""
    found: str | None = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else None
    return found


@pytest.fixture
async def both(either_url: str | None, tmp_path: Path) -> AsyncIterator[World]:
    """A world on each kind of database."""
    async with opened(tmp_path, url=either_url) as world:
        yield world
