from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.telephony.devices.office import CONFIGURATION, Office
from tests.api.world import opened


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path, configuration=CONFIGURATION) as world:
        yield Office(world)


@pytest.fixture
async def either(either_url: str | None, tmp_path: Path) -> AsyncIterator[Office]:
    """An office on each kind of database."""
    async with opened(tmp_path, url=either_url, configuration=CONFIGURATION) as world:
        yield Office(world)
