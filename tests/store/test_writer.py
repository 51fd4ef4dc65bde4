import asyncio
import sqlite3
from collections.abc import Callable, Sequence

import psycopg
import pytest

from channels.envelope import LoggedEvent, Stream
from hub.kernel.clock import micros
from hub.kernel.errors import Overloaded
from hub.kernel.metrics import REGISTRY
from hub.store import dialects, outbox, streams
from hub.store.database import Database
from hub.store.transaction import Emitted, TransactionFailed, Tx
from tests.store.harness import ALICE, BOB, NOW, NOW_MICROS, USERS, StandingClock, rows, writer_held


def emit_one(stream: Stream, data: bytes = b"{}") -> Callable[[Tx], Emitted]:
    return lambda tx: outbox.emit(tx, stream, data, NOW)


def transactions() -> float:
    return REGISTRY.get_sample_value("hub_write_transactions_total") or 0


def fail(tx: Tx) -> None:
    outbox.emit(tx, ALICE, b'{"never":1}', NOW)
    tx.cursor.execute("UPDATE log SET epoch = 'never'")
    raise ZeroDivisionError


async def test_waiting_functions_share_one_transaction(db: Database) -> None:
    published: list[Sequence[LoggedEvent]] = []
    db.after_commit(published.append)
    async with writer_held(db):
        before = transactions()
        writes = [asyncio.create_task(db.write(emit_one((ALICE, BOB)[n % 2], b"%d" % n))) for n in range(50)]
    emitted = await asyncio.gather(*writes)
    assert transactions() - before == 2  # the one that held the writer, and the fifty
    assert [event.seq for event in emitted] == [n // 2 + 1 for n in range(50)]
    expected = [LoggedEvent((ALICE, BOB)[n % 2], n // 2 + 1, b"%d" % n) for n in range(50)]
    assert published == [expected]
    assert await db.read(lambda tx: streams.history(tx, ALICE, 0, 100)) == expected[::2]


async def test_more_than_a_transaction_takes_is_split_in_order(db: Database, url: str) -> None:
    join = dialects.of(url).join
    async with writer_held(db):
        before = transactions()
        writes = [asyncio.create_task(db.write(emit_one(ALICE))) for _ in range(2 * join + 88)]
    assert [(await write).seq for write in writes] == list(range(1, 2 * join + 89))
    assert transactions() - before == 1 + (3 if join > 88 else 4)


async def test_a_failing_function_is_undone_alone(db: Database) -> None:
    published: list[LoggedEvent] = []
    db.after_commit(published.extend)
    epoch = await db.read(streams.epoch)
    async with writer_held(db):
        functions = (emit_one(ALICE, b"1"), fail, emit_one(ALICE, b"2"))
        writes = [asyncio.create_task(db.write(function)) for function in functions]
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert isinstance(results[1], ZeroDivisionError)
    assert published == [LoggedEvent(ALICE, 1, b"1"), LoggedEvent(ALICE, 2, b"2")]
    assert await db.read(lambda tx: streams.history(tx, ALICE, 0, 10)) == published
    assert await db.read(streams.epoch) == epoch


async def test_a_cancelled_waiter_disturbs_nobody_and_is_not_run(db: Database) -> None:
    async with writer_held(db):
        writes = [asyncio.create_task(db.write(emit_one(ALICE, b"%d" % n))) for n in range(3)]
        await asyncio.sleep(0)
        writes[1].cancel()
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert isinstance(results[1], asyncio.CancelledError)
    assert [event.data for event in await db.read(lambda tx: streams.history(tx, ALICE, 0, 10))] == [b"0", b"2"]


async def test_a_function_that_runs_when_its_waiter_is_cancelled_is_committed_and_published(db: Database) -> None:
    published: list[LoggedEvent] = []
    db.after_commit(published.extend)
    loop = asyncio.get_running_loop()
    task: asyncio.Task[Emitted]

    def cancel_the_waiter(tx: Tx) -> Emitted:
        cancelled = asyncio.run_coroutine_threadsafe(_cancel(task), loop)
        cancelled.result(30)
        return outbox.emit(tx, ALICE, b"{}", NOW)

    task = asyncio.create_task(db.write(cancel_the_waiter))
    with pytest.raises(asyncio.CancelledError):
        await task
    await db.write(lambda _: None)
    assert published == [LoggedEvent(ALICE, 1, b"{}")]


async def _cancel(task: asyncio.Task[Emitted]) -> None:
    task.cancel()


async def test_a_full_queue_refuses_with_a_time_to_retry(url: str, clock: StandingClock) -> None:
    async with Database(url, clock=clock, queue_bound=10) as db:
        async with writer_held(db):
            accepted = [asyncio.create_task(db.write(emit_one(ALICE))) for _ in range(10)]
            await asyncio.sleep(0)
            with pytest.raises(Overloaded) as refused:
                await db.write(emit_one(ALICE))
            assert refused.value.retry_after == 1
            assert refused.value.status == 503
        assert [(await write).seq for write in accepted] == list(range(1, 11))
        assert (await db.write(emit_one(ALICE))).seq == 11


async def test_a_failing_commit_fails_every_function_and_publishes_nothing(db: Database) -> None:
    def make_tables(tx: Tx) -> None:
        tx.cursor.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        tx.cursor.execute("CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")

    published: list[LoggedEvent] = []
    db.after_commit(published.extend)
    await db.write(make_tables)
    async with writer_held(db):
        orphan = asyncio.create_task(db.write(lambda tx: tx.cursor.execute("INSERT INTO child VALUES (1)")))
        other = asyncio.create_task(db.write(emit_one(ALICE)))
    results = await asyncio.gather(orphan, other, return_exceptions=True)
    assert [type(result) for result in results] == [TransactionFailed, TransactionFailed]
    assert results[0] is not results[1]
    assert isinstance(results[1], TransactionFailed)
    assert isinstance(results[1].__cause__, sqlite3.IntegrityError | psycopg.errors.ForeignKeyViolation)
    assert published == []
    assert (await db.write(emit_one(ALICE))).seq == 1


async def test_a_head_that_cannot_be_raised_fails_every_function(db: Database) -> None:
    await db.write(
        lambda tx: tx.cursor.execute(
            "CREATE UNIQUE INDEX one_bob ON stream_head ((\"user\" = 'bob')) WHERE \"user\" = 'bob'"
        )
    )
    await db.write(emit_one(BOB._replace(organization="other")))
    async with writer_held(db):
        writes = [asyncio.create_task(db.write(emit_one(stream))) for stream in (ALICE, BOB)]
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(result) for result in results] == [TransactionFailed, TransactionFailed]
    assert await db.read(lambda tx: rows(tx, "SELECT count(*) FROM event")) == [(1,)]
    assert (await db.write(emit_one(ALICE))).seq == 1


async def test_a_function_that_commits_is_found_out(db: Database) -> None:
    with pytest.raises(TransactionFailed):
        await db.write(lambda tx: tx.cursor.execute("COMMIT"))
    assert (await db.write(emit_one(ALICE))).seq == 1


async def test_callbacks_run_on_the_loop_before_the_futures_resolve(db: Database) -> None:
    order: list[object] = []
    loop = asyncio.get_running_loop()
    db.after_commit(lambda events: order.append((asyncio.get_running_loop() is loop, len(events))))

    async def write() -> None:
        await db.write(emit_one(ALICE))
        order.append("resolved")

    async with writer_held(db):
        writes = [asyncio.create_task(write()) for _ in range(2)]
    await asyncio.gather(*writes)
    assert order == [(True, 2), "resolved", "resolved"]


async def test_a_transaction_without_events_calls_nobody(db: Database) -> None:
    published: list[Sequence[LoggedEvent]] = []
    db.after_commit(published.append)
    await db.write(streams.new_epoch)
    assert published == []


async def test_a_failing_callback_is_counted_and_logged_and_stops_nothing(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    published: list[LoggedEvent] = []
    before = REGISTRY.get_sample_value("hub_store_callback_errors_total") or 0

    def broken(_: Sequence[LoggedEvent]) -> None:
        raise ZeroDivisionError

    db.after_commit(broken)
    db.after_commit(published.extend)
    assert [(await db.write(emit_one(ALICE))).seq for _ in range(2)] == [1, 2]
    assert [event.seq for event in published] == [1, 2]
    assert REGISTRY.get_sample_value("hub_store_callback_errors_total") == before + 2
    assert ["after-commit callback failed" in record.getMessage() for record in caplog.records] == [True] * 2


async def test_ephemeral_events_are_published_in_order_and_not_kept(db: Database) -> None:
    published: list[LoggedEvent] = []
    db.after_commit(published.extend)

    def mixed(tx: Tx) -> list[Emitted]:
        return [
            outbox.emit(tx, USERS, b"1", NOW),
            outbox.announce(tx, USERS, b"2"),
            outbox.emit(tx, ALICE, b"3", NOW),
            outbox.emit(tx, USERS, b"4", NOW),
        ]

    emitted = await db.write(mixed)
    assert [event.seq for event in emitted] == [1, 0, 1, 2]
    assert len({event.id for event in emitted}) == 4
    assert published == [LoggedEvent(event.stream, event.seq, event.data) for event in emitted]
    kept = await db.read(lambda tx: rows(tx, "SELECT data, id, at FROM event ORDER BY data"))
    assert kept == [(event.data, event.id, NOW_MICROS) for event in emitted if event.seq]


async def test_only_ephemeral_events_are_published_too(db: Database) -> None:
    published: list[LoggedEvent] = []
    db.after_commit(published.extend)
    await db.write(lambda tx: outbox.announce(tx, USERS, b"{}"))
    assert published == [LoggedEvent(USERS, 0, b"{}")]
    assert await db.read(lambda tx: rows(tx, "SELECT * FROM stream_head")) == []


async def test_heads_are_dated_by_the_commit(db: Database, clock: StandingClock) -> None:
    clock.time = NOW + 7
    await db.write(emit_one(ALICE))
    assert await db.read(lambda tx: rows(tx, "SELECT touched_at FROM stream_head")) == [(NOW_MICROS + 7_000_000,)]


async def test_heads_that_had_to_be_waited_for_are_dated_anew(url: str) -> None:
    class SteppingClock(StandingClock):
        def now(self) -> float:
            self.time += 1
            return self.time

    clock = SteppingClock()
    async with Database(url, clock=clock) as db:
        await db.write(emit_one(ALICE))
        touched = await db.read(lambda tx: rows(tx, "SELECT touched_at FROM stream_head"))
    assert touched == [(micros(clock.time),)]


async def test_a_function_that_only_emits_or_is_alone_costs_no_savepoint(db: Database) -> None:
    def emit_twice(tx: Tx) -> bool:
        outbox.emit(tx, ALICE, b"{}", NOW)
        return tx._saved

    def touch(tx: Tx) -> bool:
        tx.cursor.execute("SELECT 1")
        tx.cursor.fetchall()
        return tx._saved

    async with writer_held(db):
        writes = [asyncio.create_task(db.write(function)) for function in (emit_twice, touch)]
    assert await asyncio.gather(*writes) == [False, True]
    assert not await db.write(touch)


async def test_what_is_done_last_joins_the_transaction(db: Database) -> None:
    def act(tx: Tx) -> None:
        emitted = outbox.emit(tx, ALICE, b"{}", NOW)

        def sign() -> None:
            tx.cursor.execute("UPDATE log SET epoch = ?", (f"seq{emitted.seq}",))

        tx.at_last.append(sign)

    await db.write(act)
    assert str(await db.read(streams.epoch)).startswith("seq1")


async def test_a_function_that_leaks_stop_iteration_fails_like_any_other(db: Database) -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        await db.write(lambda _: next(iter(())))


async def test_a_function_that_is_alone_and_fails_leaves_nothing(db: Database) -> None:
    epoch, before = await db.read(streams.epoch), transactions()
    with pytest.raises(ZeroDivisionError):
        await db.write(fail)
    assert transactions() == before
    assert await db.read(streams.epoch) == epoch
    assert (await db.write(emit_one(ALICE))).seq == 1
