import asyncio
import sqlite3
import threading

import psycopg
import pytest

from hub.kernel.errors import Overloaded
from hub.store import outbox, streams
from hub.store.database import Database
from hub.store.transaction import Snapshot, Tx
from tests.store.harness import ALICE, NOW, StandingClock, writer_held


def store_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("store-")]


async def test_a_write_returns_its_functions_result_and_a_later_read_sees_it(db: Database) -> None:
    emitted = await db.write(lambda tx: outbox.emit(tx, ALICE, b"{}", NOW))
    assert emitted.seq == 1
    assert await db.read(lambda tx: streams.heads(tx, [ALICE])) == {ALICE: streams.Head(1, 1)}


async def test_core_and_text_statements_share_the_transaction(db: Database) -> None:
    def both(tx: Tx) -> object:
        tx.cursor.execute("UPDATE log SET epoch = 'changed'")
        return tx.connection.exec_driver_sql("SELECT epoch FROM log").scalar_one()

    assert await db.write(both) == "changed"
    assert await db.read(lambda tx: tx.connection.exec_driver_sql("SELECT epoch FROM log").scalar_one()) == "changed"


async def test_a_read_sees_one_snapshot_whatever_is_committed_meanwhile(db: Database) -> None:
    loop = asyncio.get_running_loop()
    looked = asyncio.Event()
    written = threading.Event()

    def look_twice(tx: Snapshot) -> tuple[object, object]:
        first = streams.heads(tx, [ALICE])[ALICE].seq
        loop.call_soon_threadsafe(looked.set)
        assert written.wait(30)
        return first, streams.history(tx, ALICE, 0, 10)

    reading = asyncio.create_task(db.read(look_twice))
    await looked.wait()
    await db.write(lambda tx: outbox.emit(tx, ALICE, b"{}", NOW))
    written.set()
    assert await reading == (0, [])
    assert len(await db.read(lambda tx: streams.history(tx, ALICE, 0, 10))) == 1


async def test_a_read_cannot_write(db: Database) -> None:
    with pytest.raises((sqlite3.OperationalError, psycopg.errors.ReadOnlySqlTransaction), match=r"read-?only"):
        await db.read(lambda tx: tx.cursor.execute("UPDATE log SET epoch = 'x'"))
    assert await db.read(streams.epoch) != "x"


async def test_a_failing_read_goes_to_its_awaiter_and_the_reader_goes_on(db: Database) -> None:
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            await db.read(lambda _: 1 // 0)
    assert await db.read(streams.epoch)


async def test_reads_do_not_wait_for_the_writer(db: Database) -> None:
    async with writer_held(db):
        assert await db.read(streams.epoch)


async def test_leaving_finishes_what_was_accepted_and_closes_everything(url: str) -> None:
    async with Database(url, clock=StandingClock()) as db:
        async with writer_held(db):
            waiting = [asyncio.create_task(db.write(lambda tx: outbox.emit(tx, ALICE, b"{}", NOW))) for _ in range(20)]
        assert len(store_threads()) == 3
    assert [(await task).seq for task in waiting] == list(range(1, 21))
    assert store_threads() == []


async def test_a_closed_database_refuses_work_and_may_be_closed_again(url: str) -> None:
    async with Database(url, clock=StandingClock()) as db:
        pass
    await db.close()
    with pytest.raises(Overloaded):
        await db.write(streams.epoch)
    with pytest.raises(Overloaded):
        await db.read(streams.epoch)
