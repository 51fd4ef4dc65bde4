import pytest

from hub.store import timers
from hub.store.database import Database
from hub.store.transaction import Tx
from tests.store.harness import NOW, NOW_MICROS

SECOND = 1_000_000


def keys(found: list[timers.Timer]) -> list[str]:
    return [timer.key for timer in found]


async def test_timers_due_are_claimed_longest_due_first(db: Database) -> None:
    def plan(tx: Tx) -> None:
        for key, offset in (("now", 0), ("later", 1), ("long ago", -9), ("before", -1)):
            timers.plan(tx, "remind", key, NOW_MICROS + offset * SECOND, b"p", not_after=NOW_MICROS)
        timers.plan(tx, "other", "x", NOW_MICROS - SECOND)

    await db.write(plan)
    found = await db.write(lambda tx: timers.claim(tx, NOW, ["remind"], 10))
    assert keys(found) == ["long ago", "before", "now"]
    assert keys(await db.write(lambda tx: timers.claim(tx, NOW, ["remind"], 2))) == ["long ago", "before"]
    assert keys(await db.write(lambda tx: timers.claim(tx, NOW, ["remind", "other"], 9)))[1:3] == ["before", "x"]
    assert found[2] == timers.Timer(found[2].id, "remind", "now", NOW_MICROS, NOW_MICROS, b"p", 0, None)


async def test_planning_again_replaces_and_completing_the_old_one_leaves_the_new(db: Database) -> None:
    await db.write(lambda tx: timers.plan(tx, "remind", "a", NOW_MICROS))

    def fire(tx: Tx) -> bool:
        [timer] = timers.claim(tx, NOW, ["remind"], 10)
        timers.plan(tx, "remind", "a", NOW_MICROS + SECOND)
        return timers.complete(tx, timer.id)

    assert not await db.write(fire)
    assert await db.read(lambda tx: timers.next_due(tx, ["remind"])) == NOW_MICROS + SECOND


async def test_a_completed_timer_is_gone(db: Database) -> None:
    await db.write(lambda tx: timers.plan(tx, "remind", "a", NOW_MICROS))

    def fire(tx: Tx) -> list[bool]:
        [timer] = timers.claim(tx, NOW, ["remind"], 10)
        return [timers.complete(tx, timer.id), timers.complete(tx, timer.id)]

    assert await db.write(fire) == [True, False]
    assert await db.read(lambda tx: timers.next_due(tx, ["remind"])) is None


async def test_a_job_that_fails_leaves_its_timer_due(db: Database) -> None:
    await db.write(lambda tx: timers.plan(tx, "remind", "a", NOW_MICROS))

    def crash(tx: Tx) -> None:
        [timer] = timers.claim(tx, NOW, ["remind"], 10)
        timers.complete(tx, timer.id)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await db.write(crash)
    assert keys(await db.write(lambda tx: timers.claim(tx, NOW, ["remind"], 10))) == ["a"]


async def test_cancelling_says_whether_there_was_one(db: Database) -> None:
    await db.write(lambda tx: timers.plan(tx, "remind", "a", NOW_MICROS))
    assert not await db.write(lambda tx: timers.cancel(tx, "other", "a"))
    assert await db.write(lambda tx: timers.cancel(tx, "remind", "a"))
    assert not await db.write(lambda tx: timers.cancel(tx, "remind", "a"))


async def test_next_due_is_the_earliest_of_the_kinds_asked_for(db: Database) -> None:
    def plan(tx: Tx) -> None:
        timers.plan(tx, "a", "1", NOW_MICROS + 5)
        timers.plan(tx, "b", "1", NOW_MICROS + 3)
        timers.plan(tx, "c", "1", NOW_MICROS + 1)

    await db.write(plan)
    assert await db.read(lambda tx: timers.next_due(tx, ["a", "b"])) == NOW_MICROS + 3
    assert await db.read(lambda tx: timers.next_due(tx, ["d"])) is None
    assert await db.read(lambda tx: timers.next_due(tx, [])) is None


async def test_a_failed_timer_is_retried_with_its_reason_then_buried_with_it(db: Database) -> None:
    await db.write(lambda tx: timers.plan(tx, "deliver.sms", "a", NOW_MICROS))
    [first] = await db.write(lambda tx: timers.claim(tx, NOW, ["deliver.sms"], 1))
    assert await db.write(lambda tx: timers.retry(tx, first.id, NOW_MICROS + SECOND, "no route"))
    assert await db.write(lambda tx: timers.claim(tx, NOW, ["deliver.sms"], 1)) == []
    [second] = await db.write(lambda tx: timers.claim(tx, NOW + 1, ["deliver.sms"], 1))
    assert (second.attempt, second.error) == (1, "no route")
    assert await db.write(lambda tx: timers.bury(tx, second.id, "uncertain"))
    assert await db.write(lambda tx: timers.claim(tx, NOW + 9, ["deliver.sms"], 1)) == []
    assert await db.read(lambda tx: timers.next_due(tx, ["deliver.sms"])) is None
    [dead] = await db.read(lambda tx: timers.buried(tx, 10))
    assert (dead.key, dead.attempt, dead.error, dead.due_at) == ("a", 2, "uncertain", None)
    assert not await db.write(lambda tx: timers.retry(tx, dead.id + 1, NOW_MICROS, "nobody"))
