from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.callbacks.house import TUESDAY, configured
from tests.api.world import World, opened


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world with the callback services of the house, on a Tuesday at ten in Berlin."""
    async with opened(tmp_path, configuration=configured()) as world:
        world.clock.at = TUESDAY
        yield world


@pytest.fixture
async def both(either_url: str | None, tmp_path: Path) -> AsyncIterator[World]:
    """The same on each kind of database."""
    async with opened(tmp_path, url=either_url, configuration=configured()) as world:
        world.clock.at = TUESDAY
        yield world
