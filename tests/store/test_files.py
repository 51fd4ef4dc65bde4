"""Files as rows: they grow, are kept, released and swept, on both databases."""

import pytest

from hub.store import files
from hub.store.database import Database
from hub.store.files import GRACE_SECONDS, PENDING_SECONDS, FileGone

NOW = 1_800_000_000.0


async def make(db: Database, id: str, *chunks: bytes) -> None:
    await db.write(lambda tx: files.begin(tx, id, NOW))
    for number, chunk in enumerate(chunks):
        await db.write(lambda tx, number=number, chunk=chunk: files.append(tx, id, number, chunk, NOW))  # type: ignore[misc]


async def content(db: Database, id: str) -> list[bytes | None]:
    return [await db.read(lambda tx, number=number: files.chunk(tx, id, number)) for number in range(3)]  # type: ignore[misc]


async def sweep(db: Database, after: float, batch: int = 100) -> int:
    return await db.write(lambda tx: files.sweep(tx, NOW + after, batch))


async def test_a_file_that_is_kept_stays(db: Database) -> None:
    await make(db, "a", b"\x00one", b"two")
    await db.write(lambda tx: files.keep(tx, "a", NOW))
    assert await sweep(db, 10 * PENDING_SECONDS) == 0
    assert await content(db, "a") == [b"\x00one", b"two", None]


async def test_a_file_that_nobody_keeps_is_forgotten(db: Database) -> None:
    await make(db, "a", b"one", b"two")
    assert await sweep(db, PENDING_SECONDS - 1) == 0
    assert await sweep(db, PENDING_SECONDS) == 3
    assert await content(db, "a") == [None, None, None]
    with pytest.raises(FileGone):
        await db.write(lambda tx: files.keep(tx, "a", NOW))
    with pytest.raises(FileGone):
        await db.write(lambda tx: files.append(tx, "a", 2, b"three", NOW))


async def test_what_is_released_can_still_be_read_to_the_end(db: Database) -> None:
    await make(db, "a", b"one")
    await db.write(lambda tx: files.keep(tx, "a", NOW))
    await db.write(lambda tx: files.release(tx, "a", NOW))
    assert await sweep(db, GRACE_SECONDS - 1) == 0
    assert (await content(db, "a"))[0] == b"one"
    assert await sweep(db, GRACE_SECONDS) == 2


async def test_sweeping_takes_small_steps(db: Database) -> None:
    await make(db, "a", b"one", b"two", b"three")
    await make(db, "b", b"four")
    for file in ("a", "b"):
        await db.write(lambda tx, file=file: files.discard(tx, file, NOW))  # type: ignore[misc]
    assert [await sweep(db, 0, batch=2) for _ in range(4)] == [2, 2, 2, 0]


async def test_nobody_keeps_what_is_being_swept(db: Database) -> None:
    await make(db, "a", b"one")
    await db.write(lambda tx: files.discard(tx, "a", NOW))
    with pytest.raises(FileGone):
        await db.write(lambda tx: files.keep(tx, "a", NOW))
