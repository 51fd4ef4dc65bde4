from hub.store import signing
from hub.store.database import Database
from hub.store.transaction import Snapshot


async def test_what_is_signed_is_known_again_for_just_that(db: Database) -> None:
    signature = await db.read(lambda tx: signing.sign(tx, "link", b"a text"))
    assert len(signature) == signing.SIGNATURE_BYTES
    for purpose, text, given, expected in (
        ("link", b"a text", signature, True),
        ("link", b"another", signature, False),
        ("other", b"a text", signature, False),
        ("link", b"a text", signature[:-1], False),
        ("link", b"a text", b"", False),
        ("link", b"a text", bytes(16), False),
    ):
        assert await db.read(lambda tx, of=(purpose, text, given): signing.is_signed(tx, *of)) is expected  # type: ignore[misc]


async def test_the_key_is_made_by_chance_with_the_tables(db: Database) -> None:
    def keys(tx: Snapshot) -> list[bytes]:
        tx.cursor.execute(signing.READ)
        return [bytes(row[0]) for row in tx.cursor.fetchall()]

    [key] = await db.read(keys)
    assert len(key) == 32
    assert len(set(key)) > 8
