"""What the store's tests share: streams, a clock that stands still, and a way to hold the writer thread."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from channels.envelope import Stream
from hub.kernel.clock import micros
from hub.store.database import Database
from hub.store.sqlite import SQLite
from hub.store.transaction import Snapshot, Tx

NOW = 1_800_000_000.0
NOW_MICROS = micros(NOW)
ALICE = Stream("acme", "alice", "/v2/me/calls")
BOB = Stream("acme", "bob", "/v2/me/calls")
USERS = Stream("acme", "", "/v2/users")


class StandingClock:
    """Says what it is told to."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


@asynccontextmanager
async def writer_held(db: Database) -> AsyncIterator[None]:
    """Inside, the writer thread is busy with one function, so that what is written meanwhile waits together."""
    loop = asyncio.get_running_loop()
    entered = asyncio.Event()
    gate = threading.Event()

    def hold(_: Tx) -> None:
        loop.call_soon_threadsafe(entered.set)
        assert gate.wait(30)

    held = asyncio.create_task(db.write(hold))
    await entered.wait()
    try:
        yield
        await asyncio.sleep(0)  # tasks made inside get to queue their functions
    finally:
        gate.set()
        await held


def rows(tx: Snapshot, sql: str, *parameters: object) -> list[tuple[object, ...]]:
    tx.cursor.execute(sql, parameters)
    return tx.cursor.fetchall()


def query_plan(tx: Snapshot, sql: str, *parameters: object) -> list[str]:
    """The steps of a statement, in the words of the database."""
    if isinstance(tx.dialect, SQLite):
        return [str(row[3]) for row in rows(tx, f"EXPLAIN QUERY PLAN {sql}", *parameters)]
    return [str(row[0]).strip(" ->") for row in rows(tx, f"EXPLAIN (COSTS OFF) {sql}", *parameters)]


async def query_plans(db: Database, statements: Mapping[str, tuple[str, Sequence[object]]]) -> dict[str, list[str]]:
    """The steps of each of these statements, by their names."""
    return await db.write(lambda tx: {name: query_plan(tx, sql, *given) for name, (sql, given) in statements.items()})
