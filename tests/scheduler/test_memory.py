"""A hundred thousand timers wait in the database, not in memory."""

import tracemalloc

from hub.store import timers
from hub.store.database import Database
from hub.store.transaction import Tx
from tests.scheduler.world import REMIND, effects, firing, table
from tests.support.clock import FakeClock

PENDING, DUE = 100_000, 1_000
LIMIT = 4 * 1024 * 1024


async def test_pending_timers_take_no_memory(db: Database, clock: FakeClock) -> None:
    now = round(clock.now() * 1_000_000)
    payload = b"x" * 100

    def plan(tx: Tx) -> None:
        dues = (now - DUE + n + (0 if n < DUE else 10**9) for n in range(PENDING))
        rows = ((REMIND, str(n), due, None, payload, "") for n, due in enumerate(dues))
        tx.cursor.executemany(timers.PLAN, rows)

    await db.write(plan)
    job = firing(db, clock)
    tracemalloc.start()
    try:
        await job.work()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(await effects(db)) == DUE
    assert len(await table(db)) == PENDING - DUE
    assert peak < LIMIT, f"{peak} bytes"
