"""Transactional timers: done once, in order, with their traces; failures; clocks that move."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from channels.envelope import LoggedEvent
from hub.kernel import metrics
from hub.kernel.clock import micros
from hub.store import timers
from hub.store.database import Database
from hub.store.timers import Timer
from hub.store.transaction import Tx
from scheduler.claims import Jobs, Outward, Transactional
from scheduler.firing import PAGE
from scheduler.retries import Audience
from scheduler.senders.port import Accepted, Outcome
from tests.scheduler.world import REMIND, REMINDER, STREAM, effects, firing, plan, remind, table
from tests.support.clock import START, FakeClock


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


async def test_what_is_due_happens_longest_due_first_and_is_gone(db: Database, clock: FakeClock) -> None:
    await plan(db, REMIND, "b", at=START - 1)
    await plan(db, REMIND, "later", at=START + 5)
    await plan(db, REMIND, "a", at=START - 2)
    await firing(db, clock).work()
    assert await effects(db) == ["a", "b"]
    assert [timer.key for timer in await table(db)] == ["later"]
    clock.advance(5)
    await firing(db, clock).work()
    assert await effects(db) == ["a", "b", "later"]
    assert await table(db) == []


async def test_the_event_of_a_timer_is_published_after_its_commit(db: Database, clock: FakeClock) -> None:
    published: list[LoggedEvent] = []
    db.after_commit(published.extend)
    await plan(db, REMIND, "a")
    await firing(db, clock).work()
    assert [(event.stream, event.seq, event.data) for event in published] == [(STREAM, 1, b'{"key":"a"}')]


async def test_more_than_a_page_is_done_at_once(db: Database, clock: FakeClock) -> None:
    keys = [f"{n:04}" for n in range(2 * PAGE + 7)]
    for n, key in enumerate(keys):
        await plan(db, REMIND, key, at=START - 1000 + n)
    await firing(db, clock).work()
    assert await effects(db) == keys


async def test_a_timer_cancelled_or_replaced_before_it_is_due_does_not_happen(db: Database, clock: FakeClock) -> None:
    await plan(db, REMIND, "cancelled", "moved", at=START + 1)
    await db.write(lambda tx: timers.cancel(tx, REMIND, "cancelled"))
    await plan(db, REMIND, "moved", at=START + 9)
    clock.advance(2)
    await firing(db, clock).work()
    assert await effects(db) == []
    clock.advance(7)
    await firing(db, clock).work()
    assert await effects(db) == ["moved"]


async def test_other_kinds_are_left_to_who_knows_them(db: Database, clock: FakeClock) -> None:
    await plan(db, "of.a.newer.version", "x")
    await firing(db, clock).work()
    assert [timer.kind for timer in await table(db)] == ["of.a.newer.version"]


async def test_one_that_fails_takes_nobody_with_it_and_is_tried_again(db: Database, clock: FakeClock) -> None:
    retried = value("hub_timers_retried_total", kind=REMIND)
    await plan(db, REMIND, "a", at=START - 2)
    await plan(db, REMIND, "bad", at=START - 1, payload=b"broken")
    await plan(db, REMIND, "c")
    await firing(db, clock).work()
    assert await effects(db) == ["a", "c"]
    [timer] = await table(db)
    assert (timer.key, timer.attempt, timer.due_at) == ("bad", 1, micros(START + 10))
    assert timer.error == "Broken: this timer is broken, token=***"
    assert value("hub_timers_retried_total", kind=REMIND) == retried + 1


async def test_one_that_never_succeeds_is_buried_with_its_reason(db: Database, clock: FakeClock) -> None:
    buried = value("hub_timers_buried_total", kind=REMIND, reason="failed")
    await plan(db, REMIND, "bad", payload=b"broken")
    for pause in (10, 20, 40):
        await firing(db, clock).work()
        clock.advance(pause)
    await firing(db, clock).work()
    [timer] = await table(db)
    assert (timer.due_at, timer.attempt, timer.buried_at) == (None, 3, micros(START + 30))
    assert timer.error == "failed: Broken: this timer is broken, token=***"
    assert value("hub_timers_buried_total", kind=REMIND, reason="failed") == buried + 1
    assert await effects(db) == []


async def test_one_that_cannot_be_done_in_time_is_buried_as_missed(db: Database, clock: FakeClock) -> None:
    await plan(db, REMIND, "in time", at=START - 60, until=START)
    await plan(db, REMIND, "too late", at=START - 60, until=START - 1)
    await firing(db, clock).work()
    assert await effects(db) == ["in time"]
    [timer] = await table(db)
    assert (timer.key, timer.error) == ("too late", "missed: it could not be done in time")


async def test_a_timer_may_plan_its_own_next_run(db: Database, clock: FakeClock) -> None:
    def act(tx: Tx, timer: Timer, now: float) -> None:
        remind(tx, timer, now)
        timers.plan(tx, timer.kind, timer.key, micros(now + 60))

    job = firing(db, clock, Transactional("regular", act))
    await plan(db, "regular", "r")
    for _ in range(3):
        await job.work()
        clock.advance(60)
    assert await effects(db) == ["r", "r", "r"]
    assert [timer.due_at for timer in await table(db)] == [micros(START + 180)]


async def test_due_times_passed_while_nothing_ran_are_made_up_for(db: Database, clock: FakeClock) -> None:
    await plan(db, REMIND, "a", at=START + 60)
    await plan(db, REMIND, "b", at=START + 3600, until=START + 3660)
    clock.advance(86_400)
    await firing(db, clock).work()
    assert await effects(db) == ["a"]
    assert [(timer.key, timer.error) for timer in await table(db)] == [("b", "missed: it could not be done in time")]


async def test_a_clock_set_forward_brings_timers_about_at_once(db: Database, clock: FakeClock) -> None:
    await plan(db, REMIND, "a", at=START + 3600)
    clock.step(3601)
    await firing(db, clock).work()
    assert await effects(db) == ["a"]


async def test_a_clock_set_back_delays_and_repeats_nothing(db: Database, clock: FakeClock) -> None:
    await plan(db, REMIND, "done")
    await firing(db, clock).work()
    await plan(db, REMIND, "due", at=START)
    clock.step(-3600)
    await firing(db, clock).work()
    assert await effects(db) == ["done"]
    clock.advance(3600)
    await firing(db, clock).work()
    assert await effects(db) == ["done", "due"]


async def test_several_on_one_database_do_each_timer_once(url: str, clock: FakeClock) -> None:
    keys = [str(n) for n in range(500)]
    async with AsyncExitStack() as stack:
        databases = [await stack.enter_async_context(Database(url, clock=clock)) for _ in range(3)]
        await plan(databases[0], REMIND, *keys)
        await asyncio.gather(*(firing(db, clock).work() for db in databases for _ in range(2)))
        assert sorted(await effects(databases[0])) == sorted(keys)
        assert await table(databases[0]) == []


async def test_lateness_is_measured(db: Database, clock: FakeClock) -> None:
    before = value("hub_timers_late_seconds_sum", kind=REMIND)
    await plan(db, REMIND, "a", at=START - 42)
    await firing(db, clock).work()
    assert value("hub_timers_late_seconds_sum", kind=REMIND) == before + 42


def test_a_kind_has_one_job_and_its_name_says_of_which_sort() -> None:
    async def call(timer: Timer) -> Outcome:
        return Accepted()

    with pytest.raises(ValueError, match="two jobs"):
        Jobs([REMINDER, REMINDER])
    with pytest.raises(ValueError, match="do not begin with"):
        Jobs([Transactional("deliver.x", remind)])
    with pytest.raises(ValueError, match="begin with"):
        Jobs(outward=[Outward("x", call, Audience.PEOPLE, 1, 1.0)])


def test_the_two_sorts_cannot_be_confused() -> None:
    """The type checker fails here as soon as a line stops being an error, since its comment is unused then."""

    async def call(timer: Timer) -> Outcome:
        return Accepted()

    async def waits(tx: Tx, timer: Timer, now: float) -> None:
        return None

    job = Outward("deliver.x", call, Audience.PEOPLE, 1, 1.0)
    Transactional("x", waits)  # type: ignore[arg-type]  # an action cannot wait
    Transactional("x", call)  # type: ignore[arg-type]  # a call is no action
    Outward("deliver.x", remind, Audience.PEOPLE, 1, 1.0)  # type: ignore[arg-type]  # a call gets no transaction
    with pytest.raises(ValueError, match="begin with"):
        Jobs([job])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="begin with"):
        Jobs([], [REMINDER])  # type: ignore[list-item]
