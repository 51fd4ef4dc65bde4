from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from hub.kernel.telephony import Outside, Telephony
from tests.api.conftest import either_url, postgresql_url
from tests.api.telephony.desks import Office
from tests.api.world import CONFIGURATION, opened

__all__ = ["either_url", "postgresql_url"]

TELEPHONY = Telephony(
    recording=True,
    ring_seconds=30.0,
    outside=(
        Outside(number="+1555000?", busy_after=1.0),
        Outside(number="+1555001?", unanswered_after=20.0),
        Outside(number="+1555002?", answers_after=3.0, hangs_up_after=60.0),
    ),
)
SIMULATED = msgspec.structs.replace(CONFIGURATION, telephony=TELEPHONY)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path, configuration=SIMULATED) as world:
        yield Office(world)


@pytest.fixture
async def either_office(either_url: str | None, tmp_path: Path) -> AsyncIterator[Office]:
    """On each kind of database."""
    async with opened(tmp_path, url=either_url, configuration=SIMULATED) as world:
        yield Office(world)
