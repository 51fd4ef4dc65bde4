from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.appointments.desk import SETTINGS, Desk
from tests.api.world import World, opened


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, configuration=SETTINGS) as world:
        yield world


@pytest.fixture
async def both(either_url: str | None, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, url=either_url, configuration=SETTINGS) as world:
        yield world


@pytest.fixture
async def desk(world: World) -> Desk:
    return Desk(world)


@pytest.fixture
async def either(both: World) -> Desk:
    """A desk on each kind of database."""
    return Desk(both)
