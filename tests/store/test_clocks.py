import time

import pytest

from hub.store import clocks, dialects
from hub.store.database import Database
from tests.store.harness import StandingClock


async def test_a_file_has_the_time_of_its_machine_and_a_server_its_own(db: Database, url: str) -> None:
    found = await db.read(clocks.difference)
    if dialects.is_postgresql(url):
        assert found is not None
        assert abs(found) < clocks.LONGEST_QUESTION  # it runs on this machine
    else:
        assert found is None


@pytest.fixture
def hour_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    monkeypatch.setattr("hub.store.clocks.time.time", lambda: real() - 3600)


@pytest.mark.usefixtures("hour_behind")
async def test_a_machine_that_is_behind_learns_by_how_much(postgresql_url: str) -> None:
    async with Database(postgresql_url, clock=StandingClock()) as db:
        found = await db.read(clocks.difference)
    assert found is not None
    assert abs(found - 3600) < 1
