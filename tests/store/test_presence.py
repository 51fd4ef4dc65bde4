"""Presence in rows, as several nodes write them, on both databases."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest

from hub.store import presence
from hub.store.database import Database
from hub.store.presence import Who
from hub.store.transaction import Tx
from tests.store.harness import NOW, StandingClock, rows

ALICE, BOB, EVE = ("acme", "alice"), ("acme", "bob"), ("globex", "eve")
GRACE = 60.0


@pytest.fixture
async def other(url: str, clock: StandingClock) -> AsyncIterator[Database]:
    """The connection of another process."""
    async with Database(url, clock=clock) as database:
        yield database


async def enter(db: Database, *nodes: str, at: float = NOW) -> None:
    for node in nodes:
        await db.write(lambda tx: presence.enter(tx, node, at))  # noqa: B023


async def tick(
    db: Database, node: str, at: float, came: Sequence[Who] = (), left: Mapping[Who, float] | None = None
) -> list[Who] | None:
    """What a node does each second; None if it has been given up."""
    return await db.write(
        lambda tx: presence.change(tx, node, came, left or {}) if presence.beat(tx, node, at) else None
    )


async def gone(db: Database, at: float, limit: int = 100) -> list[Who]:
    return await db.write(lambda tx: presence.gone(tx, at, GRACE, limit))


async def bury(db: Database, at: float, asking: str = "") -> list[str]:
    def work(tx: Tx) -> list[str]:
        dead = presence.silent(tx, at, asking)
        presence.bury(tx, dead, at)
        return dead

    return await db.write(work)


async def desktops(db: Database) -> list[tuple[object, ...]]:
    return await db.read(lambda tx: rows(tx, 'SELECT "user", node FROM desktop ORDER BY "user", node'))


async def test_a_user_comes_once_however_many_nodes_have_a_desktop_of_theirs(db: Database) -> None:
    await enter(db, "one", "two")
    assert await tick(db, "one", NOW, [BOB, EVE, ALICE]) == [ALICE, BOB, EVE]
    assert await tick(db, "two", NOW, [ALICE]) == []
    assert await tick(db, "one", NOW, [ALICE]) == [], "said twice"
    assert await desktops(db) == [("alice", "one"), ("alice", "two"), ("bob", "one"), ("eve", "one")]
    assert await db.read(lambda tx: presence.connected(tx, "acme", ["alice", "eve", "x"])) == {"alice"}


async def test_a_user_is_gone_once_after_the_grace(db: Database) -> None:
    await enter(db, "one", "two")
    await tick(db, "one", NOW, [ALICE, BOB])
    await tick(db, "two", NOW, [ALICE])
    await tick(db, "one", NOW + 5, left={ALICE: NOW + 4, BOB: NOW + 5})
    for node in ("one", "two"):
        await tick(db, node, NOW + 64.9)
    assert await gone(db, NOW + 64.9) == []
    for node in ("one", "two"):
        await tick(db, node, NOW + 65)
    assert await gone(db, NOW + 65) == [BOB], "alice is still at two"
    await tick(db, "two", NOW + 66, left={ALICE: NOW + 66})
    for node in ("one", "two"):
        await tick(db, node, NOW + 130)
    assert [await gone(db, NOW + 130), await gone(db, NOW + 130)] == [[ALICE], []]
    assert await tick(db, "one", NOW + 131, [ALICE]) == [ALICE]


async def test_who_is_back_within_the_grace_was_never_away(db: Database) -> None:
    await enter(db, "one", "two")
    await tick(db, "one", NOW, [ALICE])
    await tick(db, "one", NOW + 1, left={ALICE: NOW + 1})
    assert await tick(db, "two", NOW + 60, [ALICE]) == []
    await tick(db, "one", NOW + 500)
    await tick(db, "two", NOW + 500)
    assert await gone(db, NOW + 500) == []


async def test_nobody_is_gone_before_every_node_has_been_seen_since(db: Database) -> None:
    """A node that could not write for a while may have them."""
    await enter(db, "one", "two")
    await tick(db, "one", NOW, [ALICE])
    await tick(db, "one", NOW + 1, left={ALICE: NOW + 1})
    await tick(db, "two", NOW + 60)
    await tick(db, "one", NOW + 70)
    assert await gone(db, NOW + 70) == []
    assert await tick(db, "two", NOW + 71, [ALICE]) == []
    await tick(db, "one", NOW + 72)
    assert await gone(db, NOW + 72) == []


async def test_the_users_of_a_dead_node_begin_their_grace(db: Database) -> None:
    await enter(db, "one", "two")
    await tick(db, "one", NOW, [ALICE, BOB, EVE])
    await tick(db, "two", NOW, [BOB])
    await tick(db, "two", NOW + 10)
    assert await bury(db, NOW + 10, "two") == []
    await tick(db, "two", NOW + 11)
    assert [await bury(db, NOW + 11, "two"), await bury(db, NOW + 11, "two")] == [["one"], []]
    assert await desktops(db) == [("bob", "two")]
    assert await tick(db, "two", NOW + 12, [EVE]) == []
    await tick(db, "two", NOW + 71)
    assert await gone(db, NOW + 71) == [ALICE]
    assert await tick(db, "one", NOW + 72, [ALICE]) is None, "it has to begin anew"


async def test_a_node_that_asks_is_not_silent_and_one_from_the_future_is(db: Database) -> None:
    """After the wall clock was set back, the last heartbeat of a dead node lies ahead."""
    await enter(db, "one", "two")
    await enter(db, "ahead", at=NOW + 7200)
    assert await bury(db, NOW + 11, "one") == ["ahead", "two"]
    await tick(db, "one", NOW, [ALICE])
    await tick(db, "one", NOW, left={ALICE: NOW + 7200})
    assert await gone(db, NOW) == []
    await tick(db, "one", NOW + 60)
    assert await gone(db, NOW + 60) == [ALICE]


async def test_leaving_twice_brings_nobody_back(db: Database) -> None:
    """The answer to the first commit may have been lost, and the user be gone meanwhile."""
    await enter(db, "one")
    await tick(db, "one", NOW, [ALICE])
    await tick(db, "one", NOW + 1, left={ALICE: NOW - 100})
    assert await gone(db, NOW + 1) == [ALICE]
    assert await tick(db, "one", NOW + 2, left={ALICE: NOW - 100}) == []
    assert await gone(db, NOW + 2) == []


async def test_of_many_nodes_that_write_at_once_each_user_comes_and_goes_once(db: Database, other: Database) -> None:
    nodes = {f"node{n}": (db, other)[n % 2] for n in range(6)}
    crowd = [("acme", f"user{n:03}") for n in range(100)]
    await enter(db, *nodes)
    came = await asyncio.gather(*(tick(at, node, NOW, crowd) for node, at in nodes.items()))
    assert sorted(who for each in came for who in each or ()) == crowd
    left = dict.fromkeys(crowd, NOW + 1)
    await asyncio.gather(*(tick(at, node, NOW + 1, left=left) for node, at in nodes.items()))
    await asyncio.gather(*(tick(at, node, NOW + 61) for node, at in nodes.items()))
    went = await asyncio.gather(*(gone(at, NOW + 61, 30) for at in (db, other) * 6))
    assert sorted(who for each in went for who in each) == crowd


async def test_one_goes_while_another_node_takes_them_back(db: Database, other: Database) -> None:
    """Whichever is first: coming and going alternate, and who is here counts as connected in the end."""
    await enter(db, "one", "two")
    for turn in range(20):
        at = NOW + 200 * turn
        await tick(db, "one", at, [ALICE])
        await tick(db, "one", at + 1, left={ALICE: at + 1})
        await tick(db, "one", at + 61)
        await tick(db, "two", at + 61)
        went, back = await asyncio.gather(gone(db, at + 61), tick(other, "two", at + 61, [ALICE]))
        assert (went, back) in (([ALICE], [ALICE]), ([], []))
        assert await db.read(lambda tx: presence.connected(tx, "acme", ["alice"])) == {"alice"}
        await tick(db, "two", at + 62, left={ALICE: at + 62})


async def test_a_crowd_of_thousands_is_written_at_once(db: Database) -> None:
    crowd = [("acme", f"user{n:04}") for n in range(2500)]
    await enter(db, "one")
    assert await tick(db, "one", NOW, crowd) == crowd
    assert await tick(db, "one", NOW, left=dict.fromkeys(crowd, NOW)) == []
    await tick(db, "one", NOW + 60)
    sizes = [len(await gone(db, NOW + 60, 1000)) for _ in range(4)]
    assert sizes == [1000, 1000, 500, 0]
    assert await db.read(lambda tx: rows(tx, "SELECT * FROM desktop")) == []
