from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.realtime.world import World, opened


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as opened_world:
        yield opened_world
