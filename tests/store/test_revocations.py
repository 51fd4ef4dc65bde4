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
