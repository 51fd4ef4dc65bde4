"""Several processes that write to one PostgreSQL database at once. Each is played by a Database of its own."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
import pytest

from channels.envelope import LoggedEvent, Stream
from hub.kernel.errors import Conflict, Overloaded
from hub.kernel.metrics import REGISTRY
from hub.store import idempotency, outbox, postgresql, streams, timers
from hub.store.database import Database
from hub.store.idempotency import Answer, Scope
from hub.store.postgresql import PostgreSQL
from hub.store.transaction import Emitted, Snapshot, Tx
from tests.store.harness import ALICE, BOB, NOW, NOW_MICROS, StandingClock, rows, writer_held
from tests.store.test_durability import USERS, VICTIM
from tests.support.hub_process import clean_environment
from tests.support.waiting import eventually_blocking

WAIT_SECONDS = 30.0


@pytest.fixture
def url(postgresql_url: str) -> str:
    return postgresql_url


@pytest.fixture(autouse=True)
def nobody_is_hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here one is made to wait for the other, on a machine that may be busy."""
    patient = [f"SET {name} = '60s'" for name in ("lock_timeout", "idle_in_transaction_session_timeout")]
    monkeypatch.setattr(postgresql, "SETTINGS", (*postgresql.SETTINGS, "SET statement_timeout = '60s'", *patient))
    monkeypatch.setattr(PostgreSQL, "longest", None)


@pytest.fixture
async def other(url: str, clock: StandingClock) -> AsyncIterator[Database]:
    """Another process."""
    async with Database(url, clock=clock) as database:
        yield database


def until_waiting(url: str) -> None:
    """Return when some transaction in this database waits for a lock."""
    question = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(url, autocommit=True) as connection:
        eventually_blocking(lambda: connection.execute(question).fetchall() != [(0,)], WAIT_SECONDS)


@asynccontextmanager
async def under_way(db: Database, function: Callable[[Tx], Any]) -> AsyncIterator["asyncio.Task[Any]"]:
    """Inside, the function has run and its transaction is still open; afterwards it is committed."""
    loop = asyncio.get_running_loop()
    entered, gate = asyncio.Event(), threading.Event()

    def act(tx: Tx) -> object:
        value = function(tx)
        loop.call_soon_threadsafe(entered.set)
        assert gate.wait(30)
        return value

    task = asyncio.create_task(db.write(act))
    await entered.wait()
    try:
        yield task
    finally:
        gate.set()
        await task


def emit(stream: Stream, data: bytes = b"{}") -> Callable[[Tx], Emitted]:
    return lambda tx: outbox.emit(tx, stream, data, NOW)


def clashes() -> float:
    return REGISTRY.get_sample_value("hub_write_clashes_total") or 0


async def test_timers_that_another_process_has_claimed_are_passed_over(db: Database, other: Database) -> None:
    def plan(tx: Tx) -> None:
        for n in range(4):
            timers.plan(tx, "remind", str(n), NOW_MICROS + n)

    def take(limit: int) -> Callable[[Tx], list[str]]:
        def work(tx: Tx) -> list[str]:
            taken = [timers.take(tx, each, NOW + 1) for each in timers.due(tx, NOW + 1, ["remind"], limit)]
            return [timer.key for timer in taken if timer]

        return work

    await db.write(plan)
    async with under_way(other, take(2)) as taken:
        assert await db.write(take(9)) == ["2", "3"]
    assert await taken == ["0", "1"]


async def test_a_timer_is_leased_by_one_of_two_processes(db: Database, other: Database, url: str) -> None:
    def lease(tx: Tx) -> timers.Timer | None:
        return timers.lease(tx, 1, NOW, NOW + 60)

    await db.write(lambda tx: timers.plan(tx, "deliver.sms", "a", NOW_MICROS))
    async with under_way(other, lease) as first:
        second = asyncio.create_task(db.write(lease))
        await asyncio.to_thread(until_waiting, url)
    assert (await first) is not None
    assert await second is None


async def test_of_two_plans_at_once_the_last_counts(db: Database, other: Database, url: str) -> None:
    async with under_way(other, lambda tx: timers.plan(tx, "remind", "a", NOW_MICROS, b"first")):
        second = asyncio.create_task(db.write(lambda tx: timers.plan(tx, "remind", "a", NOW_MICROS, b"second")))
        await asyncio.to_thread(until_waiting, url)
    await second
    [number] = await db.read(lambda tx: timers.due(tx, NOW, ["remind"], 9))
    timer = await db.write(lambda tx: timers.take(tx, number, NOW))
    assert timer is not None
    assert timer.payload == b"second"


SCOPE = Scope("acme", "alice", "/api/appointments")


async def test_of_two_equal_requests_at_once_the_second_gets_the_answer_of_the_first(
    db: Database, other: Database, url: str
) -> None:
    answer = Answer(201, (), b"{}")

    def act(tx: Tx) -> Answer | None:
        if (stored := idempotency.begin(tx, SCOPE, "k", b"hash", NOW)) is None:
            idempotency.store(tx, SCOPE, "k", answer)
        return stored

    async with under_way(other, act) as first:
        second = asyncio.create_task(db.write(act))
        await asyncio.to_thread(until_waiting, url)
    assert (await first, await second) == (None, answer)


async def test_a_request_that_another_process_has_begun_is_in_progress(db: Database, other: Database, url: str) -> None:
    def begin(tx: Tx) -> Answer | None:
        return idempotency.begin(tx, SCOPE, "k", b"hash", NOW)

    async with under_way(other, begin):
        second = asyncio.create_task(db.write(begin))
        await asyncio.to_thread(until_waiting, url)
    with pytest.raises(Conflict):
        await second


async def test_of_two_that_trim_at_once_one_does_it(db: Database, other: Database, url: str) -> None:
    def trim(events: int) -> Callable[[Tx], int]:
        return lambda tx: streams.trim(tx, now=NOW, seconds=60, events=events, events_shared=events, batch=1000)

    for _ in range(20):
        await db.write(emit(ALICE))
    async with under_way(other, trim(5)) as first:
        second = asyncio.create_task(db.write(trim(8)))
        await asyncio.to_thread(until_waiting, url)
    assert (await first, await second) == (15, 0)
    assert await db.read(lambda tx: streams.heads(tx, [ALICE])) == {ALICE: streams.Head(20, 16)}
    assert [event.seq for event in await db.read(lambda tx: streams.history(tx, ALICE, 0, 99))] == list(range(16, 21))


async def test_a_deadlock_repeats_the_functions_one_by_one(db: Database, url: str) -> None:
    """Another process holds row 2 and wants row 1; one of our functions holds 1 and wants 2, and is the victim."""
    published: list[LoggedEvent] = []
    db.after_commit(published.extend)
    loop = asyncio.get_running_loop()
    has_one, others_wait = asyncio.Event(), threading.Event()
    runs: list[int] = []

    def make(tx: Tx) -> None:
        tx.cursor.execute("CREATE TABLE pair (id bigint, n bigint)")
        tx.cursor.execute("INSERT INTO pair VALUES (1, 0), (2, 0)")

    def take_both(tx: Tx) -> Emitted:
        runs.append(len(runs))
        tx.cursor.execute("UPDATE pair SET n = n + 1 WHERE id = 1")
        if len(runs) == 1:
            loop.call_soon_threadsafe(has_one.set)
            assert others_wait.wait(30)
        tx.cursor.execute("UPDATE pair SET n = n + 1 WHERE id = 2")
        return outbox.emit(tx, ALICE, b"both", NOW)

    def take_them_the_other_way(connection: psycopg.Connection[Any]) -> None:
        connection.execute("UPDATE pair SET n = n + 10 WHERE id = 1")
        connection.commit()

    await db.write(make)
    before = clashes()
    with psycopg.connect(url) as connection:
        connection.execute("SET deadlock_timeout = '20s'")  # so that it is not this one which gives in
        connection.execute("UPDATE pair SET n = n + 10 WHERE id = 2")
        async with writer_held(db):
            writes = [asyncio.create_task(db.write(each)) for each in (emit(ALICE, b"a"), take_both, emit(ALICE, b"b"))]
        await has_one.wait()
        waiting = asyncio.create_task(asyncio.to_thread(take_them_the_other_way, connection))
        await asyncio.to_thread(until_waiting, url)
        others_wait.set()
        await waiting
    assert [event.seq for event in await asyncio.gather(*writes)] == [1, 2, 3]
    assert clashes() > before
    assert len(runs) == 1 + clashes() - before  # it may be too quick for the other one, and be the victim once more
    assert [event.data for event in published] == [b"a", b"both", b"b"]
    assert await db.read(lambda tx: rows(tx, "SELECT n FROM pair ORDER BY id")) == [(11,), (11,)]


async def test_who_waits_too_long_for_a_head_is_told_that_the_database_is_busy(
    url: str, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "SETTINGS", (*postgresql.SETTINGS, "SET lock_timeout = '10ms'"))
    async with Database(url, clock=clock) as db:
        await db.write(emit(ALICE))
        with psycopg.connect(url) as connection:
            connection.execute("SELECT * FROM stream_head FOR UPDATE")
            with pytest.raises(Overloaded, match="busy"):
                await db.write(emit(ALICE))
            assert (await db.write(emit(BOB))).seq == 1
        assert (await db.write(emit(ALICE))).seq == 2


@contextmanager
def writing(url: str) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Two processes that write as fast as they can."""
    command = [sys.executable, str(VICTIM), url]
    victims = [subprocess.Popen(command, stdout=subprocess.DEVNULL, env=clean_environment()) for _ in range(2)]
    try:
        yield victims
    finally:
        for victim in victims:
            victim.kill()
            victim.wait()


async def test_positions_become_visible_in_their_order_whoever_writes(url: str, db: Database) -> None:
    """Two processes write to the same streams; a third reads what is new, again and again."""
    last = dict.fromkeys(USERS, 0)

    def look(tx: Snapshot) -> dict[Stream, list[LoggedEvent]]:
        return {stream: streams.history(tx, stream, last[stream], 100_000) for stream in USERS}

    deadline = time.monotonic() + 60
    with writing(url) as victims:
        while min(last.values()) < 150:
            for stream, events in (await db.read(look)).items():
                assert [event.seq for event in events] == list(range(last[stream] + 1, last[stream] + 1 + len(events)))
                last[stream] += len(events)
            assert time.monotonic() < deadline, last
            assert [victim.poll() for victim in victims] == [None, None]
    heads = await db.read(lambda tx: streams.heads(tx, USERS))
    ids = {row[0] for row in await db.read(lambda tx: rows(tx, "SELECT id FROM event"))}
    assert len(ids) == sum(head.seq for head in heads.values())
