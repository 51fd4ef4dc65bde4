import asyncio
import threading

from hub.store import timers
from hub.store.changes import Changes
from hub.store.database import Database
from tests.store.harness import NOW_MICROS


class Told:
    """Counts, and can be waited for."""

    def __init__(self) -> None:
        self.times = 0
        self.event = asyncio.Event()

    def __call__(self) -> None:
        self.times += 1
        self.event.set()

    async def again(self) -> None:
        async with asyncio.timeout(30):
            await self.event.wait()
        self.event.clear()


async def plan(db: Database, key: str) -> None:
    await db.write(lambda tx: timers.plan(tx, "remind", key, NOW_MICROS))


async def test_what_another_connection_has_planned_is_told(url: str, db: Database) -> None:
    told = Told()
    async with Changes(url, told):
        await told.again()
        for times in (2, 3):
            await plan(db, str(times))
            await told.again()
            assert told.times == times
    assert not [thread for thread in threading.enumerate() if thread.name == "store-changes"]


async def test_reading_tells_nothing(url: str, db: Database) -> None:
    told = Told()
    async with Changes(url, told):
        await told.again()
        await db.read(lambda tx: timers.due(tx, 0.0, ["remind"], 1))
        await plan(db, "a")
        await told.again()
    assert told.times == 2
