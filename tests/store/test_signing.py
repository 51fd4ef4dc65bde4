import pytest

from hub.store import signing
from hub.store.database import Database
from hub.store.signing import Standing
from hub.store.transaction import Snapshot
from tests.store.harness import NOW, rows

DAY = 86_400.0


async def signed(db: Database, text: bytes = b"a text") -> bytes:
    return await db.read(lambda tx: signing.sign(tx, "link", text))


async def standing(db: Database, signature: bytes, later: float = 0.0, *, text: bytes = b"a text") -> Standing:
    return await db.read(lambda tx: signing.standing(tx, "link", text, signature, NOW + later))


async def rotate(db: Database, keep: float, later: float = 0.0) -> None:
    await db.write(lambda tx: signing.rotate(tx, NOW + later, keep))


async def test_what_is_signed_is_known_again_for_just_that(db: Database) -> None:
    signature = await signed(db)
    assert len(signature) == signing.SIGNATURE_BYTES
    for purpose, text, given, expected in (
        ("link", b"a text", signature, Standing.GOOD),
        ("link", b"another", signature, Standing.UNKNOWN),
        ("other", b"a text", signature, Standing.UNKNOWN),
        ("link", b"a text", signature[:-1], Standing.UNKNOWN),
        ("link", b"a text", b"", Standing.UNKNOWN),
        ("link", b"a text", bytes(16), Standing.UNKNOWN),
    ):
        found = await db.read(lambda tx, p=purpose, t=text, g=given: signing.standing(tx, p, t, g, NOW))  # type: ignore[misc]
        assert found is expected


async def test_the_key_is_made_by_chance_with_the_tables(db: Database) -> None:
    def keys(tx: Snapshot) -> list[bytes]:
        tx.cursor.execute(signing.READ)
        return [bytes(row[0]) for row in tx.cursor.fetchall()]

    [key] = await db.read(keys)
    assert len(key) == signing.KEY_BYTES
    assert len(set(key)) > 8


async def test_after_a_rotation_what_was_signed_is_good_for_a_while(db: Database) -> None:
    oldest = await signed(db)
    await rotate(db, keep=10.0)
    older = await signed(db)
    await rotate(db, keep=20.0, later=1.0)
    newest = await signed(db)
    assert len({oldest, older, newest}) == 3
    found = [[await standing(db, each, later) for each in (oldest, older, newest)] for later in (9.9, 10.0, 21.0)]
    assert found == [
        [Standing.GOOD, Standing.GOOD, Standing.GOOD],
        [Standing.WITHDRAWN, Standing.GOOD, Standing.GOOD],
        [Standing.WITHDRAWN, Standing.WITHDRAWN, Standing.GOOD],
    ]
    assert await standing(db, oldest, text=b"another") is Standing.UNKNOWN


async def test_what_was_signed_may_be_withdrawn_at_once_also_by_older_keys(db: Database) -> None:
    oldest = await signed(db)
    await rotate(db, keep=DAY)
    older = await signed(db)
    await rotate(db, keep=0.0)
    assert [await standing(db, each) for each in (oldest, older)] == [Standing.WITHDRAWN] * 2
    assert await standing(db, await signed(db)) is Standing.GOOD


@pytest.mark.parametrize(("days", "left"), [(399, Standing.WITHDRAWN), (401, Standing.UNKNOWN)])
async def test_keys_are_forgotten_at_last(db: Database, days: int, left: Standing) -> None:
    signature = await signed(db)
    await rotate(db, keep=0.0)
    await rotate(db, keep=0.0, later=days * DAY)
    assert await standing(db, signature, days * DAY) is left
    kept = await db.read(lambda tx: rows(tx, "SELECT key FROM former_signing_key"))
    assert len(kept) == 1 + (left is Standing.WITHDRAWN)
