"""Files as rows: a head, and the content in chunks, so that every process serves every file and none holds one whole.

A file is begun and grows chunk by chunk, each in a transaction of its own. Whoever refers to it keeps it, in the
transaction in which they begin to refer to it, and releases it in the one in which they cease to. What was never kept,
because its sender left or its process died, and what was released, is swept: not at once, so that whoever is reading
can come to the end.
"""

from typing import Final

from hub.kernel.clock import micros
from hub.kernel.errors import Conflict
from hub.store.transaction import Snapshot, Tx

CHUNK_BYTES: Final = 262_144
PENDING_SECONDS: Final = 10_800.0
GRACE_SECONDS: Final = 600.0

BEGIN = "INSERT INTO file (id, forget_at) VALUES (?, ?)"
EXISTS = "SELECT 1 FROM file WHERE id = ? AND forget_at > ?"
APPEND = "INSERT INTO file_chunk (file, number, data) VALUES (?, ?, ?)"
KEEP = "UPDATE file SET forget_at = NULL WHERE id = ? AND forget_at > ?"
RELEASE = "UPDATE file SET forget_at = ? WHERE id = ?"
CHUNK = "SELECT data FROM file_chunk WHERE file = ? AND number = ?"
FORGOTTEN = "SELECT id FROM file WHERE forget_at <= ? ORDER BY forget_at LIMIT ? {locked}"
SWEEP = """
DELETE FROM file_chunk WHERE file = ? AND number IN (SELECT number FROM file_chunk WHERE file = ? LIMIT ?)
"""
FORGET = "DELETE FROM file WHERE id = ?"


class FileGone(Conflict):
    """The file was too long in coming, and has been forgotten."""

    code = "file_gone"
    default_detail = "The file was too long in coming"


def begin(tx: Tx, id: str, now: float) -> None:
    """A new file, without content; forgotten after `PENDING_SECONDS` unless somebody keeps it."""
    tx.cursor.execute(BEGIN, (id, micros(now + PENDING_SECONDS)))


def append(tx: Tx, id: str, number: int, data: bytes, now: float) -> None:
    """Chunk `number`, counted from 0, of a file that nobody keeps yet. Raises FileGone."""
    tx.cursor.execute(EXISTS, (id, micros(now)))
    if not tx.cursor.fetchall():
        raise FileGone
    tx.cursor.execute(APPEND, (id, number, data))


def keep(tx: Tx, id: str, now: float) -> None:
    """From now on it is kept until it is released. Raises FileGone."""
    tx.cursor.execute(KEEP, (id, micros(now)))
    if tx.cursor.rowcount != 1:
        raise FileGone


def release(tx: Tx, id: str, now: float) -> None:
    """Nobody refers to it any more; it can be read for another `GRACE_SECONDS`."""
    tx.cursor.execute(RELEASE, (micros(now + GRACE_SECONDS), id))


def discard(tx: Tx, id: str, now: float) -> None:
    """Nobody has ever referred to it, nor will."""
    tx.cursor.execute(RELEASE, (micros(now), id))


def chunk(tx: Snapshot, id: str, number: int) -> bytes | None:
    """One chunk; None after the last one, and of a file that has been forgotten."""
    tx.cursor.execute(CHUNK, (id, number))
    rows = tx.cursor.fetchall()
    return bytes(rows[0][0]) if rows else None


def sweep(tx: Tx, now: float, batch: int) -> int:
    """Delete at most `batch` chunks and heads of what is to be forgotten, the oldest first; returns how many."""
    tx.cursor.execute(FORGOTTEN.format(locked=tx.dialect.skip_locked), (micros(now), batch))
    swept = 0
    for (each,) in tx.cursor.fetchall():
        room = batch - swept
        if not room:
            break
        tx.cursor.execute(SWEEP, (each, each, room))
        swept += tx.cursor.rowcount
        if swept < batch:
            tx.cursor.execute(FORGET, (each,))
            swept += 1
    return swept
