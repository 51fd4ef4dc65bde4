import pytest

from hub.store import timers
from hub.store.database import Database
from hub.store.timers import Timer
from hub.store.transaction import Tx
from tests.store.harness import NOW, NOW_MICROS, rows, writer_held

SECOND = 1_000_000
MINUTE = 60.0


async def due(db: Database, now: float = NOW, *kinds: str, limit: int = 10) -> list[int]:
    return await db.read(lambda tx: timers.due(tx, now, kinds or ("remind",), limit))


async def planned(db: Database, kind: str = "remind", key: str = "a", at: int = NOW_MICROS) -> int:
    """Plan a timer and give its id."""

    def plan(tx: Tx) -> int:
        timers.plan(tx, kind, key, at, b"p", not_after=at + 1)
        [(number,)] = rows(tx, "SELECT id FROM timer WHERE kind = ? AND key = ?", kind, key)
        assert isinstance(number, int)
        return number

    return await db.write(plan)


async def taken(db: Database, number: int, now: float = NOW) -> Timer | None:
    return await db.write(lambda tx: timers.take(tx, number, now))


async def leased(db: Database, number: int, now: float = NOW, seconds: float = MINUTE) -> Timer | None:
    return await db.write(lambda tx: timers.lease(tx, number, now, now + seconds))


async def test_due_ones_are_found_longest_due_first(db: Database) -> None:
    for key, offset in (("now", 0), ("later", 1), ("long ago", -9), ("before", -1)):
        await planned(db, key=key, at=NOW_MICROS + offset * SECOND)
    await planned(db, kind="other", at=NOW_MICROS - SECOND)

    found = [await taken(db, number) for number in await due(db)]
    assert [timer.key for timer in found if timer] == ["long ago", "before", "now"]
    assert (await due(db, limit=2)) == (await due(db))[:2]
    assert len(await due(db, NOW, "remind", "other")) == 4
    timer = found[2]
    assert timer is not None
    assert timer == Timer(timer.id, "remind", "now", NOW_MICROS, NOW_MICROS + 1, b"p", 0, None, None, None)


async def test_taking_asks_again_whether_it_is_due(db: Database) -> None:
    number = await planned(db, at=NOW_MICROS + SECOND)
    assert await taken(db, number) is None
    assert await taken(db, number, NOW + 1) is not None
    assert await taken(db, number + 1, NOW + 1) is None


async def test_planning_again_replaces_and_completing_the_old_one_leaves_the_new(db: Database) -> None:
    number = await planned(db)

    def fire(tx: Tx) -> bool:
        timer = timers.take(tx, number, NOW)
        assert timer is not None
        timers.plan(tx, "remind", "a", NOW_MICROS + SECOND)
        return timers.complete(tx, timer.id)

    assert not await db.write(fire)
    assert await db.read(lambda tx: timers.next_due(tx, NOW, ["remind"])) == NOW_MICROS + SECOND


async def test_one_that_replaces_another_has_an_id_that_nobody_had_and_nothing_of_the_other(db: Database) -> None:
    first = await planned(db)
    await db.write(lambda tx: [timers.retry(tx, first, NOW_MICROS, "no"), timers.bury(tx, first, "failed: x", NOW)])
    second = await planned(db, at=NOW_MICROS - 1)
    assert await taken(db, second) == Timer(
        second, "remind", "a", NOW_MICROS - 1, NOW_MICROS, b"p", 0, None, None, None
    )
    assert await db.write(lambda tx: timers.complete(tx, second))
    assert len({first, second, await planned(db)}) == 3


async def test_a_completed_timer_is_gone(db: Database) -> None:
    number = await planned(db)
    assert await db.write(lambda tx: [timers.complete(tx, number), timers.complete(tx, number)]) == [True, False]
    assert await due(db) == []


async def test_a_job_that_fails_leaves_its_timer_due(db: Database) -> None:
    number = await planned(db)

    def crash(tx: Tx) -> None:
        timers.take(tx, number, NOW)
        timers.complete(tx, number)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await db.write(crash)
    assert await due(db) == [number]


async def test_cancelling_says_whether_there_was_one(db: Database) -> None:
    await planned(db)
    assert not await db.write(lambda tx: timers.cancel(tx, "other", "a"))
    assert await db.write(lambda tx: timers.cancel(tx, "remind", "a"))
    assert not await db.write(lambda tx: timers.cancel(tx, "remind", "a"))


async def test_planned_unless_pending_leaves_what_is_pending_and_digs_out_what_is_buried(db: Database) -> None:
    await db.write(lambda tx: timers.plan_unless_pending(tx, "keep", "", NOW_MICROS))
    await db.write(lambda tx: timers.plan_unless_pending(tx, "keep", "", NOW_MICROS + SECOND))
    [number] = await due(db, NOW, "keep")
    await db.write(lambda tx: timers.bury(tx, number, "failed: x", NOW))
    await db.write(lambda tx: timers.plan_unless_pending(tx, "keep", "", NOW_MICROS + SECOND))
    assert await due(db, NOW, "keep") == []
    timer = await taken(db, number, NOW + 1)
    assert timer is not None
    assert timer.buried_at is None


async def test_next_due_is_the_earliest_still_to_come_of_the_kinds_asked_for(db: Database) -> None:
    for kind, offset in (("a", 5), ("b", 3), ("c", 1), ("a", -1)):
        await planned(db, kind=kind, key=str(offset), at=NOW_MICROS + offset)
    assert await db.read(lambda tx: timers.next_due(tx, NOW, ["a", "b"])) == NOW_MICROS + 3
    assert await db.read(lambda tx: timers.next_due(tx, NOW, ["d"])) is None
    assert await db.read(lambda tx: timers.next_due(tx, NOW, [])) is None


async def test_the_backlog_counts_every_kind_and_no_buried_one(db: Database) -> None:
    await planned(db, kind="a")
    number = await planned(db, kind="b")
    await planned(db, kind="c", at=NOW_MICROS + 1)
    assert await db.read(lambda tx: timers.backlog(tx, NOW)) == 2
    await db.write(lambda tx: timers.bury(tx, number, "failed: x", NOW))
    assert await db.read(lambda tx: timers.backlog(tx, NOW)) == 1


async def test_what_is_leased_is_nobody_elses(db: Database) -> None:
    number = await planned(db)
    timer = await leased(db, number)
    assert timer is not None
    assert timer.lease_until == NOW_MICROS + 60 * SECOND
    assert await leased(db, number) is None
    assert await taken(db, number) is None
    assert await due(db) == []


async def test_a_lease_lapses_and_is_known_by_its_end(db: Database) -> None:
    number = await planned(db)
    await leased(db, number)
    until = NOW_MICROS + 60 * SECOND

    async def lapsed(now: float) -> list[tuple[int, int]]:
        return await db.read(lambda tx: timers.lapsed(tx, now, ["remind"], 10, 2 * MINUTE))

    assert await lapsed(NOW + MINUTE - 1) == []
    assert await lapsed(NOW + MINUTE) == [(number, until)]
    assert await db.write(lambda tx: timers.held(tx, number, until)) is not None
    assert await db.write(lambda tx: timers.held(tx, number, until + 1)) is None
    # The timer has been due for long when the clock is set back: the lease reaches further than anybody leases.
    await db.write(lambda tx: tx.cursor.execute("UPDATE timer SET due_at = 0"))
    assert await lapsed(NOW - 2 * MINUTE) == [(number, until)]
    assert await lapsed(NOW - MINUTE) == []


async def test_a_failed_timer_is_retried_with_its_reason_then_buried_with_it(db: Database) -> None:
    number = await planned(db, kind="deliver.sms")
    await leased(db, number)
    assert await db.write(lambda tx: timers.retry(tx, number, NOW_MICROS + SECOND, "no route"))
    assert await due(db, NOW, "deliver.sms") == []
    second = await leased(db, number, NOW + 1)
    assert second is not None
    assert (second.attempt, second.error) == (1, "no route")
    assert await db.write(lambda tx: timers.bury(tx, number, "uncertain: x", NOW + 2))
    assert await due(db, NOW + 9, "deliver.sms") == []
    [dead] = await db.read(lambda tx: timers.buried(tx, 10))
    assert (dead.key, dead.attempt, dead.error, dead.due_at) == ("a", 2, "uncertain: x", None)
    assert (dead.buried_at, dead.lease_until) == (NOW_MICROS + 2 * SECOND, None)
    assert not await db.write(lambda tx: timers.retry(tx, dead.id + 1, NOW_MICROS, "nobody"))


async def test_the_buried_are_listed_in_pages(db: Database) -> None:
    ids = [await planned(db, key=str(n)) for n in range(5)]
    for number in ids[:4]:
        await db.write(lambda tx, number=number: timers.bury(tx, number, "failed: x", NOW))  # type: ignore[misc]
    assert [timer.id for timer in await db.read(lambda tx: timers.buried(tx, 3))] == ids[:3]
    assert [timer.id for timer in await db.read(lambda tx: timers.buried(tx, 3, after=ids[2]))] == [ids[3]]


async def test_replaying_takes_a_buried_timer_back_with_all_its_attempts(db: Database) -> None:
    number = await planned(db)
    assert not await db.write(lambda tx: timers.replay(tx, number, NOW))
    await db.write(lambda tx: timers.bury(tx, number, "missed: x", NOW))
    assert await db.write(lambda tx: timers.replay(tx, number, NOW + 5))
    timer = await taken(db, number, NOW + 5)
    assert timer is not None
    assert (timer.attempt, timer.not_after, timer.error) == (0, None, "missed: x")


async def test_only_the_buried_are_forgotten_by_id_or_by_age(db: Database) -> None:
    pending, young, old = [await planned(db, key=key) for key in ("pending", "young", "old")]
    await db.write(lambda tx: timers.bury(tx, old, "failed: x", NOW - 100))
    await db.write(lambda tx: timers.bury(tx, young, "failed: x", NOW - 10))
    assert await db.write(lambda tx: timers.expire_buried(tx, NOW, 50, 10)) == 1
    assert [timer.key for timer in await db.read(lambda tx: timers.buried(tx, 9))] == ["young"]
    assert not await db.write(lambda tx: timers.forget_buried(tx, pending))
    assert await db.write(lambda tx: timers.forget_buried(tx, young))
    assert await db.read(lambda tx: rows(tx, "SELECT key FROM timer")) == [("pending",)]


async def test_whoever_waits_is_told_after_the_commit_that_planned_something(db: Database) -> None:
    seen: list[list[int]] = []

    def look() -> None:
        seen.append([])

    db.after_planning(look)

    def fail(tx: Tx) -> None:
        timers.plan(tx, "remind", "no", NOW_MICROS)
        raise LookupError

    with pytest.raises(LookupError):
        await db.write(fail)
    await db.write(lambda tx: timers.cancel(tx, "remind", "no"))
    assert seen == []
    async with writer_held(db):
        together = [db.write(lambda tx, n=n: timers.plan(tx, "remind", str(n), NOW_MICROS)) for n in range(3)]  # type: ignore[misc]
    for write in together:
        await write
    assert len(await due(db)) == 3
    assert 1 <= len(seen) <= 3
