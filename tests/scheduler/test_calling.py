"""Outward timers: leased before, recorded after, at most once for people and at least once for machines."""

import asyncio

import pytest

from hub.kernel.clock import micros
from hub.store import timers
from hub.store.database import Database
from hub.store.transaction import TransactionFailed, Tx
from scheduler.calling import SPARE_SECONDS
from scheduler.retries import Audience
from scheduler.senders.port import Outcome, RefusedForGood, RefusedForNow, Uncertain
from tests.scheduler.world import MACHINES, PEOPLE, Calls, calling, outward, plan, table
from tests.store.harness import writer_held
from tests.support.clock import START, FakeClock

LEASE = 30.0 + SPARE_SECONDS


async def test_an_accepted_call_is_over(db: Database, clock: FakeClock) -> None:
    calls = Calls()
    job = calling(db, clock, outward(calls))
    await plan(db, PEOPLE, "a", payload=b"hello")
    await job.work()
    await job.ended()
    assert [(timer.key, timer.payload) for timer in calls.begun] == [("a", b"hello")]
    assert await table(db) == []


async def test_the_attempt_is_on_record_before_the_call_and_no_transaction_is_open_during_it(
    db: Database, clock: FakeClock
) -> None:
    calls = Calls()
    calls.held = asyncio.Event()
    job = calling(db, clock, outward(calls))
    await plan(db, PEOPLE, "a")
    await job.work()
    await calls.until_begun(1)
    [timer] = await table(db)
    assert timer.lease_until == micros(START + LEASE)
    await plan(db, PEOPLE, "another write goes through", at=START + 999)
    calls.held.set()
    await job.ended()
    assert [timer.key for timer in await table(db)] == ["another write goes through"]


async def test_no_more_are_leased_than_are_called_at_once(db: Database, clock: FakeClock) -> None:
    calls = Calls()
    calls.held = asyncio.Event()
    job = calling(db, clock, outward(calls, at_once=2))
    await plan(db, PEOPLE, *"abcde")
    for _ in range(3):
        await job.work()
    await calls.until_begun(2)
    assert [timer.key for timer in await table(db) if timer.lease_until] == ["a", "b"]
    calls.held.set()
    await job.ended()
    await job.work()
    await job.ended()
    assert [timer.key for timer in calls.begun] == ["a", "b", "c", "d"]


async def test_receivers_share_the_calls(db: Database, clock: FakeClock) -> None:
    """However many wait for one receiver, however long: the others are served, in the order of their times."""
    calls = Calls()
    calls.held = asyncio.Event()
    job = calling(db, clock, outward(calls, at_once=5, share=2))
    await plan(db, PEOPLE, *(f"a{n}" for n in range(9)), receiver="a")
    await plan(db, PEOPLE, "b0", "b1", "b2", receiver="b")
    await plan(db, PEOPLE, "c0", "c1", receiver="c")
    for _ in range(3):
        await job.work()
    await calls.until_begun(5)
    assert [timer.key for timer in calls.begun] == ["a0", "a1", "b0", "b1", "c0"]
    assert [timer.key for timer in await table(db) if timer.lease_until] == ["a0", "a1", "b0", "b1", "c0"]
    calls.held.set()
    await job.ended()
    await job.work()
    await job.ended()
    assert [timer.key for timer in calls.begun][5:] == ["a2", "a3", "b2", "c1"]


OUTCOMES: list[tuple[Outcome | Exception, str, str | None]] = [
    (RefusedForGood("unknown address"), "refused: unknown address", "refused: unknown address"),
    (RefusedForNow("busy"), "busy", "busy"),
    (Uncertain("closed in the middle"), "uncertain: closed in the middle", "closed in the middle"),
    (
        RuntimeError("a bug"),
        "uncertain: the call failed inside the hub, the log has the trace",
        "the call failed inside the hub, the log has the trace",
    ),
]


@pytest.mark.parametrize("to", Audience)
@pytest.mark.parametrize(("outcome", "people", "machines"), OUTCOMES, ids=lambda value: type(value).__name__)
async def test_what_becomes_of_the_others(
    db: Database, clock: FakeClock, outcome: Outcome | Exception, people: str, machines: str, to: Audience
) -> None:
    calls = Calls(outcome)
    job = calling(db, clock, outward(calls, to))
    await plan(db, PEOPLE if to is Audience.PEOPLE else MACHINES, "a")
    await job.work()
    await job.ended()
    [timer] = await table(db)
    assert timer.error == (people if to is Audience.PEOPLE else machines)
    assert (timer.attempt, timer.lease_until) == (1, None)
    is_buried = timer.error.startswith(("refused:", "uncertain:"))
    assert timer.due_at == (None if is_buried else micros(START + 10))


async def test_a_call_that_takes_too_long_is_broken_off(db: Database, clock: FakeClock) -> None:
    calls = Calls()
    calls.held = asyncio.Event()
    job = calling(db, clock, outward(calls, seconds=0.01))
    await plan(db, PEOPLE, "a")
    await job.work()
    await job.ended()
    assert calls.cancelled == 1
    assert [timer.error for timer in await table(db)] == ["uncertain: no outcome within 0.01 s"]


async def test_stopping_waits_for_calls_and_then_breaks_them_off(db: Database, clock: FakeClock) -> None:
    calls = Calls()
    calls.held = asyncio.Event()
    job = calling(db, clock, outward(calls, Audience.MACHINES))
    await plan(db, MACHINES, "a", "b")
    await job.work()
    await calls.until_begun(2)
    await job.stop(0.01)
    assert {(timer.error, timer.lease_until, timer.attempt) for timer in await table(db)} == {
        ("broken off because the process had to stop", None, 1)
    }
    await job.work()
    assert len(calls.begun) == 2


async def test_stopping_lets_a_call_finish(db: Database, clock: FakeClock) -> None:
    calls = Calls()
    calls.held = asyncio.Event()
    job = calling(db, clock, outward(calls))
    await plan(db, PEOPLE, "a")
    await job.work()
    await calls.until_begun(1)
    stopping = asyncio.create_task(job.stop(60))
    await asyncio.sleep(0)
    calls.held.set()
    await stopping
    assert await table(db) == []


@pytest.mark.parametrize("to", Audience)
async def test_an_attempt_without_an_outcome_is_repeated_for_machines_only(
    db: Database, clock: FakeClock, to: Audience
) -> None:
    kind = PEOPLE if to is Audience.PEOPLE else MACHINES
    await plan(db, kind, "a")
    await db.write(lambda tx: timers.lease(tx, 1, START, START + LEASE))  # and then its process died
    calls = Calls()
    job = calling(db, clock, outward(calls, to))
    await job.settle_lapsed()
    await job.work()
    assert calls.begun == []
    clock.advance(LEASE)
    await job.settle_lapsed()
    clock.advance(10)
    await job.work()
    await job.ended()
    if to is Audience.PEOPLE:
        [timer] = await table(db)
        assert timer.error == "uncertain: the attempt was cut off, nothing is known of its outcome"
        assert (timer.due_at, calls.begun) == (None, [])
    else:
        assert [(timer.key, timer.attempt) for timer in calls.begun] == [("a", 1)]
        assert await table(db) == []


async def test_a_clock_set_forward_does_not_make_a_call_under_way_lapse(db: Database, clock: FakeClock) -> None:
    calls = Calls()
    calls.held = asyncio.Event()
    job = calling(db, clock, outward(calls))
    await plan(db, PEOPLE, "a")
    await job.work()
    await calls.until_begun(1)
    clock.step(86_400)
    await job.settle_lapsed()
    assert [timer.due_at for timer in await table(db)] == [micros(START)]
    calls.held.set()
    await job.ended()
    assert await table(db) == []


async def test_an_outcome_that_comes_after_the_timer_was_replaced_leaves_the_new_one(
    db: Database, clock: FakeClock
) -> None:
    calls = Calls(RefusedForGood("gone"))
    calls.held = asyncio.Event()
    job = calling(db, clock, outward(calls))
    await plan(db, PEOPLE, "a")
    await job.work()
    await calls.until_begun(1)
    await plan(db, PEOPLE, "a", at=START + 5)
    calls.held.set()
    await job.ended()
    assert [(timer.due_at, timer.error) for timer in await table(db)] == [(micros(START + 5), None)]


async def test_an_outcome_that_comes_after_the_lease_was_settled_by_somebody_else_changes_nothing(
    db: Database, clock: FakeClock
) -> None:
    calls = Calls(RefusedForNow("late"))
    calls.held = asyncio.Event()
    job = calling(db, clock, outward(calls))
    await plan(db, PEOPLE, "a")
    await job.work()
    await calls.until_begun(1)
    clock.step(LEASE)
    await calling(db, clock, outward(Calls())).settle_lapsed()
    calls.held.set()
    await job.ended()
    [timer] = await table(db)
    assert timer.error == "uncertain: the attempt was cut off, nothing is known of its outcome"


async def test_an_outcome_is_not_taken_for_that_of_a_later_attempt(db: Database, clock: FakeClock) -> None:
    slow, quick = Calls(RefusedForGood("of the first attempt")), Calls()
    slow.held, quick.held = asyncio.Event(), asyncio.Event()
    first, second = (calling(db, clock, outward(calls, Audience.MACHINES)) for calls in (slow, quick))
    await plan(db, MACHINES, "a")
    await first.work()
    await slow.until_begun(1)
    clock.step(LEASE)
    await second.settle_lapsed()
    clock.advance(10)
    await second.work()
    await quick.until_begun(1)
    slow.held.set()
    await first.ended()
    assert [(timer.attempt, timer.lease_until) for timer in await table(db)] == [(1, micros(clock.now() + LEASE))]
    quick.held.set()
    await second.ended()
    assert await table(db) == []


async def test_a_message_that_has_lost_its_meaning_is_not_sent(db: Database, clock: FakeClock) -> None:
    calls = Calls()
    job = calling(db, clock, outward(calls))
    await plan(db, PEOPLE, "a", at=START - 9, until=START - 1)
    await job.work()
    await job.ended()
    assert calls.begun == []
    assert [timer.error for timer in await table(db)] == ["missed: it could not be done in time"]


async def test_an_outcome_is_recorded_even_if_the_first_attempt_to_record_it_fails(
    db: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.calling.RECORD_PAUSE", 0)
    calls = Calls()
    calls.held = asyncio.Event()
    job = calling(db, clock, outward(calls))
    await plan(db, PEOPLE, "a")
    await job.work()
    await calls.until_begun(1)

    def fail() -> None:
        raise LookupError("this commit fails")

    def spoil(tx: Tx) -> None:
        tx.at_last.append(fail)

    async with writer_held(db):
        spoiled = asyncio.gather(db.write(spoil), return_exceptions=True)
        calls.held.set()
        while db._writes.waiting() < 2:  # noqa: ASYNC110 - the queue tells nobody; both share a transaction then
            await asyncio.sleep(0)
    await job.ended()
    assert isinstance((await spoiled)[0], TransactionFailed)
    assert await table(db) == []
