"""A whole runner with its real alarm, on a real clock where time has to pass and a fake one where it must not."""

import asyncio
import threading
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from hub.kernel import metrics
from hub.kernel.clock import Clock, SystemClock, micros
from hub.kernel.settings import load
from hub.store import timers
from hub.store.database import Database
from hub.store.deliveries import Webhook
from hub.store.deliveries import plan as plan_delivery
from hub.store.timers import Timer
from hub.store.transaction import Tx
from scheduler import senders
from scheduler.claims import Jobs, Transactional
from scheduler.jobs import deliveries
from scheduler.runner import Pump, Runner
from tests.scheduler.world import PEOPLE, REMIND, Calls, effects, outward, plan, remind, table
from tests.support.clock import START, FakeClock
from tests.support.http_receiver import http_receiver


class Effects:
    """Counts what a job did, and can be waited for from the event loop."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    def act(self, tx: Tx, timer: Timer, now: float) -> None:
        remind(tx, timer, now)
        self._loop.call_soon_threadsafe(self._note, timer.key)

    def _note(self, key: str) -> None:
        self.keys.append(key)
        self._changed.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.keys) < count:
                self._changed.clear()
                await self._changed.wait()


def runner(db: Database, clock: Clock, effects: Effects, *calls: Calls, stop_seconds: float = 5.0) -> Runner:
    jobs = Jobs([Transactional(REMIND, effects.act)], [outward(each) for each in calls])
    return Runner(db, jobs, clock, chance=lambda: 1.0, stop_seconds=stop_seconds)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No beat within the time of a test: only hints and alarms."""
    monkeypatch.setattr("scheduler.clockwork.BEAT_SECONDS", 3600.0)


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beat after beat."""
    monkeypatch.setattr("scheduler.clockwork.BEAT_SECONDS", 0.02)


@pytest.mark.usefixtures("still")
async def test_it_begins_with_what_is_due_and_takes_hints_from_commits(db: Database, clock: FakeClock) -> None:
    seen, calls = Effects(), Calls()
    await plan(db, REMIND, "from before")
    async with runner(db, clock, seen, calls):
        await seen.until(1)
        await plan(db, REMIND, "planned now")
        await seen.until(2)
        await plan(db, PEOPLE, "a call")
        await calls.until_begun(1)
    assert seen.keys == ["from before", "planned now"]
    assert await table(db) == []


@pytest.mark.usefixtures("still")
async def test_the_alarm_rings_at_the_due_time(db: Database) -> None:
    clock, seen = SystemClock(), Effects()
    async with runner(db, clock, seen):
        now = clock.now()

        def plan_all(tx: Tx) -> None:
            for key, offset in (("second", 0.4), ("first", 0.2), ("next year", 365 * 86_400)):
                timers.plan(tx, REMIND, key, micros(now + offset))

        await db.write(plan_all)
        await seen.until(2)
        assert clock.now() >= now + 0.4
    assert seen.keys == ["first", "second"]
    assert [timer.key for timer in await table(db)] == ["next year"]


@pytest.mark.usefixtures("fast")
async def test_the_beat_finds_what_no_hint_told_of(db: Database, url: str, clock: FakeClock) -> None:
    seen = Effects()
    async with Database(url, clock=clock) as elsewhere, runner(db, clock, seen):
        await plan(elsewhere, REMIND, "of another process")
        await seen.until(1)
        await plan(db, REMIND, "after a step of the clock", at=START + 3600)
        clock.step(3600)
        await seen.until(2)


@pytest.mark.usefixtures("fast")
async def test_an_attempt_that_was_cut_off_is_settled_by_the_beat(
    db: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await plan(db, PEOPLE, "a")
    await db.write(lambda tx: tx.cursor.execute("UPDATE timer SET lease_until = 1"))
    buried = asyncio.Event()
    monkeypatch.setattr("scheduler.ledger.ended", lambda _: buried.set())
    async with runner(db, clock, Effects(), Calls()), asyncio.timeout(30):
        await buried.wait()
    assert [timer.error for timer in await table(db)] == [
        "uncertain: the attempt was cut off, nothing is known of its outcome"
    ]


async def test_it_stops_with_nothing_left_running_or_leased(db: Database, clock: FakeClock) -> None:
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    calls = Calls()
    calls.held = asyncio.Event()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(runner(db, clock, Effects(), calls, stop_seconds=0.01))
        await plan(db, PEOPLE, "a", "b", "c")
        await calls.until_begun(2)
    assert {task.get_name() for task in asyncio.all_tasks() - tasks} == set()
    assert set(threading.enumerate()) <= threads
    assert [(timer.key, timer.lease_until, timer.due_at is None) for timer in await table(db)] == [
        ("a", None, True),
        ("b", None, True),
        ("c", None, False),
    ]


@pytest.mark.usefixtures("fast")
async def test_the_backlog_is_shown(db: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    await plan(db, "unknown", "a", "b")
    seen = asyncio.Event()

    def look(value: float) -> None:
        if value == 2:
            seen.set()

    monkeypatch.setattr(metrics.TIMERS_DUE, "set", look)
    async with runner(db, clock, Effects()), asyncio.timeout(30):
        await seen.wait()


async def test_two_runners_share_the_work(url: str, clock: FakeClock) -> None:
    async with AsyncExitStack() as stack:
        seen = Effects()
        databases = [await stack.enter_async_context(Database(url, clock=clock)) for _ in range(2)]
        await plan(databases[0], REMIND, *map(str, range(300)))
        async with runner(databases[0], clock, seen), runner(databases[1], clock, seen):
            await seen.until(300)
        assert sorted(await effects(databases[0])) == sorted(map(str, range(300)))


async def test_a_pump_works_once_for_all_wakes_before_it(clock: FakeClock) -> None:
    rounds = 0
    worked = asyncio.Event()

    async def work() -> None:
        nonlocal rounds
        rounds += 1
        worked.set()

    pump = Pump(work)
    for _ in range(5):
        pump.wake()
    task = asyncio.create_task(pump.run())
    await worked.wait()
    await pump.quiet()
    pump.wake()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    assert rounds == 1


async def test_a_receiver_that_hangs_does_not_hold_up_another(db: Database, tmp_path: Path) -> None:
    clock = SystemClock()
    settings = await asyncio.to_thread(load, {"HUB_DATA_DIR": str(tmp_path), "HUB_WEBHOOK_PRIVATE": "on"})
    async with (
        http_receiver() as well,
        http_receiver() as hanging,
        senders.opened(settings, clock) as ways,
        Runner(db, Jobs(outward=deliveries.outward(ways)), clock, stop_seconds=0.0),
    ):
        hanging.answers = [[None]]

        def write(tx: Tx) -> None:
            for receiver, count in ((hanging, 100), (well, 40)):
                for number in range(count):
                    hook = Webhook(url=receiver.url, type="T", payload=msgspec.Raw(b"%d" % number), at=0)
                    plan_delivery(tx, hook, 0.0)

        await db.write(write)
        await well.asked(40)
        assert len(hanging.requests) == 8
