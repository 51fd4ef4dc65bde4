"""Timers: what is to happen later, planned in the transaction that decides it.

A timer is known by (kind, key); planning it again replaces it. A transactional job takes its timers with `claim`, acts
and calls `complete`, all in one transaction: a crash leaves the timer due, and its effect happens exactly once.
"""

from collections.abc import Sequence

from msgspec import Struct

from hub.kernel.clock import micros
from hub.store.transaction import Snapshot, Tx

COLUMNS = "id, kind, key, due_at, not_after, payload, attempt, error"

# Replacing deletes: the new row gets an id of its own, and completing the old one cannot remove it.
FORGET = "DELETE FROM timer WHERE kind = ? AND key = ?"
PLAN = """
INSERT INTO timer (kind, key, due_at, not_after, payload) VALUES (?, ?, ?, ?, ?) ON CONFLICT (key, kind) DO NOTHING
"""
# Walks the index on due_at from its beginning, which is the order wanted.
CLAIM = """
SELECT {columns} FROM timer
WHERE due_at <= ? AND kind IN ({kinds}) AND (lease_until IS NULL OR lease_until <= ?)
ORDER BY due_at, id LIMIT ? {locked}
"""
NEXT_DUE = """
SELECT due_at FROM timer WHERE due_at IS NOT NULL AND kind IN ({kinds}) AND lease_until IS NULL ORDER BY due_at LIMIT 1
"""
COMPLETE = "DELETE FROM timer WHERE id = ?"
RETRY = "UPDATE timer SET due_at = ?, attempt = attempt + 1, error = ?, lease_until = NULL WHERE id = ?"
BURY = "UPDATE timer SET due_at = NULL, attempt = attempt + 1, error = ?, lease_until = NULL WHERE id = ?"
BURIED = "SELECT {columns} FROM timer WHERE due_at IS NULL ORDER BY id LIMIT ?"


class Timer(Struct, frozen=True):
    """A planned timer. `attempt` counts the failures so far, `error` tells the last; `due_at` is None once buried.

    `not_after` is for the job: later than that the timer has lost its meaning.
    """

    id: int
    kind: str
    key: str
    due_at: int | None
    not_after: int | None
    payload: bytes
    attempt: int
    error: str | None


def plan(tx: Tx, kind: str, key: str, due_at: int, payload: bytes = b"", *, not_after: int | None = None) -> None:
    """Have `kind` happen at `due_at` for `key`, instead of whatever was planned for the two before."""
    planned = 0
    while not planned:  # another process may have planned it between the two statements; the last one counts
        cancel(tx, kind, key)
        tx.cursor.execute(PLAN, (kind, key, due_at, not_after, payload))
        planned = tx.cursor.rowcount


def cancel(tx: Tx, kind: str, key: str) -> bool:
    """Forget the timer, buried or not; says whether there was one."""
    tx.cursor.execute(FORGET, (kind, key))
    return tx.cursor.rowcount > 0


def claim(tx: Tx, now: float, kinds: Sequence[str], limit: int) -> list[Timer]:
    """The timers of `kinds` due at `now`, longest due first; they are this transaction's until it ends.

    Those that another process has claimed are passed over.
    """
    if not kinds:
        return []
    at = micros(now)
    claim = CLAIM.format(columns=COLUMNS, kinds=_marks(kinds), locked=tx.dialect.skip_locked)
    tx.cursor.execute(claim, (at, *kinds, at, limit))
    return [Timer(*row) for row in tx.cursor.fetchall()]


def complete(tx: Tx, id: int) -> bool:
    """Delete a timer that has done its work; False if it was cancelled or replaced meanwhile."""
    tx.cursor.execute(COMPLETE, (id,))
    return tx.cursor.rowcount > 0


def retry(tx: Tx, id: int, due_at: int, error: str) -> bool:
    """Count a failure and try again at `due_at`; False if the timer was cancelled or replaced meanwhile."""
    tx.cursor.execute(RETRY, (due_at, error, id))
    return tx.cursor.rowcount > 0


def bury(tx: Tx, id: int, error: str) -> bool:
    """Give up: the row stays with its reason, and is never due; False if it was cancelled or replaced meanwhile."""
    tx.cursor.execute(BURY, (error, id))
    return tx.cursor.rowcount > 0


def buried(tx: Snapshot, limit: int) -> list[Timer]:
    """Timers that were given up, oldest first."""
    tx.cursor.execute(BURIED.format(columns=COLUMNS), (limit,))
    return [Timer(*row) for row in tx.cursor.fetchall()]


def next_due(tx: Snapshot, kinds: Sequence[str]) -> int | None:
    """When the next timer of `kinds` is due, past instants included; None when none is planned."""
    if not kinds:
        return None
    tx.cursor.execute(NEXT_DUE.format(kinds=_marks(kinds)), tuple(kinds))
    row = tx.cursor.fetchall()
    due_at: int | None = row[0][0] if row else None
    return due_at


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
