from hub.store import revocations
from hub.store.database import Database
from hub.store.revocations import Revocation
from tests.store.harness import NOW, NOW_MICROS


async def test_revocations_are_read_from_an_instant_on_in_order(db: Database) -> None:
    await db.write(lambda tx: revocations.revoke(tx, "acme", "late", NOW + 1, tokens=True))
    await db.write(lambda tx: revocations.revoke(tx, "acme", "alice", NOW, tokens=False))
    await db.write(lambda tx: revocations.revoke(tx, "acme", "early", NOW - 1, tokens=True))
    found = await db.read(lambda tx: revocations.since(tx, NOW_MICROS))
    assert found == [
        Revocation(2, "acme", "alice", NOW_MICROS, tokens=False),
        Revocation(1, "acme", "late", NOW_MICROS + 1_000_000, tokens=True),
    ]


async def test_a_user_may_be_revoked_twice(db: Database) -> None:
    for _ in range(2):
        await db.write(lambda tx: revocations.revoke(tx, "acme", "alice", NOW, tokens=True))
    assert [found.id for found in await db.read(lambda tx: revocations.since(tx, 0))] == [1, 2]


async def test_a_revocation_may_concern_one_login_or_spare_one(db: Database) -> None:
    await db.write(lambda tx: revocations.revoke_login(tx, "acme", "alice", "L1", NOW))
    await db.write(lambda tx: revocations.revoke(tx, "acme", "alice", NOW, tokens=True, spared="L2"))
    assert await db.read(lambda tx: revocations.since(tx, 0)) == [
        Revocation(1, "acme", "alice", NOW_MICROS, tokens=False, login="L1"),
        Revocation(2, "acme", "alice", NOW_MICROS, tokens=True, spared="L2"),
    ]


async def test_what_concerns_nothing_any_more_is_deleted_and_what_refuses_tokens_is_kept(db: Database) -> None:
    for user, age, tokens in (("a", 400, True), ("b", 366, True), ("c", 2, False), ("d", 0.5, False)):
        await db.write(lambda tx: revocations.revoke(tx, "acme", user, NOW - age * 86_400, tokens=tokens))  # noqa: B023
    assert await db.write(lambda tx: revocations.expire(tx, NOW, 1)) == 1
    assert await db.write(lambda tx: revocations.expire(tx, NOW, 10)) == 1
    assert [found.user for found in await db.read(lambda tx: revocations.since(tx, 0))] == ["b", "d"]
