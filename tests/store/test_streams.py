import pytest

from channels.envelope import LoggedEvent, Stream
from hub.kernel.clock import micros
from hub.store import outbox, streams
from hub.store.database import Database
from hub.store.streams import Head
from hub.store.transaction import Snapshot, Tx
from tests.store.harness import ALICE, BOB, NOW, NOW_MICROS, USERS, StandingClock, rows

DAY = 86_400.0


def fill(tx: Tx, stream: Stream, count: int, *, at: float = NOW, step: float = 0.0) -> None:
    for n in range(count):
        outbox.emit(tx, stream, b"%d" % n, at + n * step)


async def test_an_untouched_stream_stands_at_zero(db: Database) -> None:
    assert await db.read(lambda tx: streams.heads(tx, [ALICE])) == {ALICE: Head(0, 1)}
    assert await db.read(lambda tx: streams.heads(tx, [])) == {}


async def test_heads_of_many_streams_in_one_call(db: Database) -> None:
    people = [Stream("acme", f"user{n}", "/v2/me/calls") for n in range(2500)]

    def emit_to_all(tx: Tx) -> None:
        for n, stream in enumerate(people):
            fill(tx, stream, 1 + n % 3)

    await db.write(emit_to_all)
    found = await db.read(lambda tx: streams.heads(tx, [*people, ALICE, ALICE]))
    assert found == {stream: Head(1 + n % 3, 1) for n, stream in enumerate(people)} | {ALICE: Head(0, 1)}


async def test_streams_differ_in_every_part_of_their_name(db: Database) -> None:
    near = [ALICE._replace(organization="acme2"), ALICE._replace(user="alice2"), ALICE._replace(channel="/v2/me")]
    await db.write(lambda tx: fill(tx, ALICE, 2))
    for stream in near:
        await db.write(lambda tx, stream=stream: fill(tx, stream, 1))  # type: ignore[misc]
    found = await db.read(lambda tx: streams.heads(tx, [ALICE, *near]))
    assert found == {ALICE: Head(2, 1)} | {stream: Head(1, 1) for stream in near}


async def test_heads_touched_lately_in_order_of_their_commits(db: Database, clock: StandingClock) -> None:
    for second, stream in enumerate((USERS, ALICE, BOB)):
        clock.time = NOW + second
        await db.write(lambda tx, stream=stream: fill(tx, stream, 1))  # type: ignore[misc]
    clock.time = NOW + 3
    await db.write(lambda tx: fill(tx, USERS, 1))
    since = NOW_MICROS + 1_000_000
    assert await db.read(lambda tx: streams.heads_touched(tx, since)) == [(ALICE, 1), (BOB, 1), (USERS, 2)]


async def test_heads_under_a_prefix_are_the_shared_ones_of_the_organization(db: Database) -> None:
    names = ["/wall", "/wall/a", "/wall/b/c", "/wall/ü", "/wallpaper", "/wall0"]
    shared = [Stream("acme", "", name) for name in names]
    others = [Stream("other", "", "/wall/a"), Stream("acme", "alice", "/wall/a")]

    def emit_to_all(tx: Tx) -> None:
        for stream in (*shared, *others):
            fill(tx, stream, 1)

    await db.write(emit_to_all)
    found = await db.read(lambda tx: streams.heads_under(tx, "acme", "/wall/"))
    assert found == [(stream, Head(1, 1)) for stream in shared[1:4]]
    await db.write(lambda tx: trim(tx, events_shared=0))
    found = await db.read(lambda tx: streams.heads_under(tx, "acme", "/wall/"))
    assert found == [(stream, Head(1, 2)) for stream in shared[1:4]]


async def test_history_is_what_stands_behind_a_position(db: Database) -> None:
    await db.write(lambda tx: fill(tx, ALICE, 10))
    await db.write(lambda tx: fill(tx, BOB, 3))
    page = await db.read(lambda tx: streams.history(tx, ALICE, 4, 3))
    assert page == [LoggedEvent(ALICE, 5, b"4"), LoggedEvent(ALICE, 6, b"5"), LoggedEvent(ALICE, 7, b"6")]
    assert await db.read(lambda tx: streams.history(tx, ALICE, 10, 3)) == []
    assert await db.read(lambda tx: streams.history(tx, USERS, 0, 3)) == []


async def test_data_is_kept_verbatim(db: Database) -> None:
    data = '{ "b":1.0,"a" : "ü\\u0000" }\n'.encode()
    await db.write(lambda tx: outbox.emit(tx, ALICE, data, NOW))
    assert (await db.read(lambda tx: streams.history(tx, ALICE, 0, 1)))[0].data == data


async def test_a_new_epoch_is_another_one_and_keeps_the_positions(db: Database) -> None:
    await db.write(lambda tx: fill(tx, ALICE, 1))
    before = await db.read(streams.epoch)
    after = await db.write(streams.new_epoch)
    assert after != before
    assert await db.read(streams.epoch) == after
    assert (await db.write(lambda tx: outbox.emit(tx, ALICE, b"{}", NOW))).seq == 2


def trim(tx: Tx, *, now: float = NOW, events: int = 1000, events_shared: int = 1000, batch: int = 1000) -> int:
    return streams.trim(tx, now=now, seconds=DAY, events=events, events_shared=events_shared, batch=batch)


async def state(db: Database, stream: Stream) -> tuple[Head, list[int]]:
    def look(tx: Snapshot) -> tuple[Head, list[int]]:
        seqs = [event.seq for event in streams.history(tx, stream, 0, 10_000)]
        return streams.heads(tx, [stream])[stream], seqs

    return await db.read(look)


async def test_trimming_by_count_keeps_the_last_events_of_each_stream(db: Database) -> None:
    for stream in (ALICE, BOB, USERS):
        await db.write(lambda tx, stream=stream: fill(tx, stream, 20))  # type: ignore[misc]
    assert await db.write(lambda tx: trim(tx, events=5, events_shared=12)) == 15 + 15 + 8
    assert await state(db, ALICE) == (Head(20, 16), [16, 17, 18, 19, 20])
    assert await state(db, USERS) == (Head(20, 9), list(range(9, 21)))
    assert await db.write(lambda tx: trim(tx, events=5, events_shared=12)) == 0


async def test_trimming_by_age_removes_what_is_older_than_the_limit(db: Database) -> None:
    await db.write(lambda tx: fill(tx, ALICE, 10, at=NOW - DAY - 5, step=1))
    await db.write(lambda tx: fill(tx, BOB, 3, at=NOW - DAY))
    assert await db.write(trim) == 5
    assert await state(db, ALICE) == (Head(10, 6), [6, 7, 8, 9, 10])
    assert await state(db, BOB) == (Head(3, 1), [1, 2, 3])


async def test_a_stream_trimmed_empty_goes_on_from_its_head(db: Database) -> None:
    await db.write(lambda tx: fill(tx, ALICE, 3))
    assert await db.write(lambda tx: trim(tx, now=NOW + DAY + 1)) == 3
    assert await state(db, ALICE) == (Head(3, 4), [])
    await db.write(lambda tx: fill(tx, ALICE, 1, at=NOW + DAY))
    assert await state(db, ALICE) == (Head(4, 4), [4])


async def test_an_old_event_behind_a_young_one_stays_so_that_there_is_no_hole(db: Database) -> None:
    for at in (NOW - DAY - 1, NOW, NOW - DAY - 1):
        await db.write(lambda tx, at=at: fill(tx, ALICE, 1, at=at))  # type: ignore[misc]
    assert await db.write(trim) == 1
    assert await state(db, ALICE) == (Head(3, 2), [2, 3])


@pytest.mark.parametrize("age", [0.0, DAY + 1], ids=["count", "age"])
async def test_trimming_in_batches_arrives_at_the_same(db: Database, age: float) -> None:
    for stream in (ALICE, BOB):
        await db.write(lambda tx, stream=stream: fill(tx, stream, 20))  # type: ignore[misc]
    removed: list[int] = []
    while not removed or removed[-1] == 7:
        removed.append(await db.write(lambda tx: trim(tx, now=NOW + age, events=6, batch=7)))
        for stream in (ALICE, BOB):
            head, seqs = await state(db, stream)
            assert seqs == list(range(head.first, 21))
    kept = 0 if age else 6
    assert sum(removed) == 2 * (20 - kept)
    assert await state(db, ALICE) == (Head(20, 21 - kept), list(range(21 - kept, 21)))


async def test_trimming_is_not_touching(db: Database, clock: StandingClock) -> None:
    await db.write(lambda tx: fill(tx, ALICE, 3))
    clock.time = NOW + 60
    await db.write(lambda tx: trim(tx, events=1))
    assert await db.read(lambda tx: streams.heads_touched(tx, NOW_MICROS + 1)) == []


async def test_touched_since_is_in_microseconds(db: Database) -> None:
    await db.write(lambda tx: fill(tx, ALICE, 1))
    assert await db.read(lambda tx: streams.heads_touched(tx, micros(NOW))) == [(ALICE, 1)]
    assert await db.read(lambda tx: streams.heads_touched(tx, micros(NOW) + 1)) == []
    assert await db.read(lambda tx: rows(tx, "SELECT count(*) FROM stream_head")) == [(1,)]
