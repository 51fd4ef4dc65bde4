"""Timers: what is to happen later, planned in the transaction that decides it.

A timer is known by (kind, key); planning it again replaces it. It is done in one of two ways. *In a transaction*:
`take` it, act, `complete` it; a crash leaves it due, and its effect happens exactly once. *Under a lease*, for calls
that leave the house and last: `lease` it and commit, call, then `held` and `complete`, `retry` or `bury` in a second
transaction; a lease that lapsed is an attempt of which nobody knows how it ended. Looking for what is due is a matter
of `due` and `lapsed`, which read and promise nothing: before it is taken somebody else may have been faster.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from hub.kernel.clock import micros
from hub.store.transaction import Snapshot, Tx

COLUMNS = "id, kind, key, due_at, not_after, payload, attempt, error, lease_until, buried_at"

FORGET = "DELETE FROM timer WHERE kind = ? AND key = ?"
# One that replaces another gets an id of its own, and nothing of the other: completing the old one cannot remove it.
PLAN = """
INSERT INTO timer (kind, key, due_at, not_after, payload, receiver) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (key, kind) DO UPDATE SET id = excluded.id, due_at = excluded.due_at, not_after = excluded.not_after,
payload = excluded.payload, receiver = excluded.receiver, attempt = 0, error = NULL, lease_until = NULL,
buried_at = NULL
"""
PLAN_UNLESS_PENDING = """
INSERT INTO timer (kind, key, due_at, payload) VALUES (?, ?, ?, ?)
ON CONFLICT (key, kind) DO UPDATE SET due_at = excluded.due_at, buried_at = NULL WHERE timer.due_at IS NULL
"""
# These walk the index on due_at from its beginning, which is the order wanted.
DUE = """
SELECT id FROM timer WHERE due_at <= ? AND kind IN ({kinds}) AND lease_until IS NULL ORDER BY due_at, id LIMIT ?
"""
DUE_OUTWARD = """
SELECT id, receiver FROM timer
WHERE due_at <= ? AND kind = ? AND lease_until IS NULL {others} ORDER BY due_at, id LIMIT ?
"""
OTHERS = "AND receiver NOT IN ({receivers})"
LAPSED = """
SELECT id, lease_until FROM timer
WHERE due_at <= ? AND kind IN ({kinds}) AND (lease_until <= ? OR lease_until > ?) ORDER BY due_at, id LIMIT ?
"""
NEXT_DUE = """
SELECT due_at FROM timer WHERE due_at > ? AND kind IN ({kinds}) AND lease_until IS NULL ORDER BY due_at LIMIT 1
"""
BACKLOG = "SELECT COUNT(*) FROM timer WHERE due_at <= ?"
OVERVIEW = """
SELECT kind, COUNT(due_at), SUM(CASE WHEN due_at <= ? THEN 1 ELSE 0 END),
  SUM(CASE WHEN due_at IS NULL THEN 0 WHEN lease_until IS NULL THEN 0 ELSE 1 END),
  COUNT(*) - COUNT(due_at), MIN(due_at)
FROM timer GROUP BY kind ORDER BY kind
"""
TAKE = f"SELECT {COLUMNS} FROM timer WHERE id = ? AND due_at <= ? AND lease_until IS NULL {{locked}}"
LEASE = f"UPDATE timer SET lease_until = ? WHERE id = ? AND due_at <= ? AND lease_until IS NULL RETURNING {COLUMNS}"
HELD = f"SELECT {COLUMNS} FROM timer WHERE id = ? AND lease_until = ? {{locked}}"
COMPLETE = "DELETE FROM timer WHERE id = ?"
RETRY = "UPDATE timer SET due_at = ?, attempt = attempt + 1, error = ?, lease_until = NULL WHERE id = ?"
BURY = """
UPDATE timer SET due_at = NULL, buried_at = ?, attempt = attempt + 1, error = ?, lease_until = NULL WHERE id = ?
"""
BURIED = f"SELECT {COLUMNS} FROM timer WHERE due_at IS NULL AND id > ? ORDER BY id LIMIT ?"
REPLAY = """
UPDATE timer SET due_at = ?, not_after = NULL, buried_at = NULL, attempt = 0 WHERE id = ? AND due_at IS NULL
"""
FORGET_BURIED = "DELETE FROM timer WHERE id = ? AND due_at IS NULL"
EXPIRE_BURIED = """
DELETE FROM timer WHERE id IN (SELECT id FROM timer WHERE due_at IS NULL AND buried_at <= ? LIMIT ?)
"""


class Timer(Struct, frozen=True):
    """A planned timer. `attempt` counts the failures so far, `error` tells the last.

    `due_at` is None once buried, `buried_at` None before. Later than `not_after` the timer has lost its meaning.
    `lease_until` is set while somebody is at it, or was when he died.
    """

    id: int
    kind: str
    key: str
    due_at: int | None
    not_after: int | None
    payload: bytes
    attempt: int
    error: str | None
    lease_until: int | None
    buried_at: int | None


class Due(NamedTuple):
    """A timer that is due, and whom it goes to: empty where that makes no difference."""

    id: int
    receiver: str


class Kind(NamedTuple):
    """The timers of one kind: how many are planned, and of these due and under a lease; how many are buried; when the
    first planned one is due.
    """

    name: str
    planned: int
    due: int
    leased: int
    buried: int
    next_due: int | None


def plan(
    tx: Tx,
    kind: str,
    key: str,
    due_at: int,
    payload: bytes = b"",
    *,
    not_after: int | None = None,
    receiver: str = "",
) -> None:
    """Have `kind` happen at `due_at` for `key`, instead of whatever was planned for the two before.

    Timers with the same `receiver` share what one receiver may take of those who call; see `due_outward`.
    """
    tx.cursor.execute(PLAN, (kind, key, due_at, not_after, payload, receiver))
    tx.planned = True


def plan_unless_pending(tx: Tx, kind: str, key: str, due_at: int) -> None:
    """Plan it, or dig it out, if it is not planned already; what is pending stays as it is."""
    tx.cursor.execute(PLAN_UNLESS_PENDING, (kind, key, due_at, b""))
    tx.planned = True


def cancel(tx: Tx, kind: str, key: str) -> bool:
    """Forget the timer, buried or not; says whether there was one."""
    tx.cursor.execute(FORGET, (kind, key))
    return tx.cursor.rowcount > 0


def due(tx: Snapshot, now: float, kinds: Sequence[str], limit: int) -> list[int]:
    """The ids of timers of `kinds` due at `now` that nobody holds, longest due first."""
    if not kinds:
        return []
    tx.cursor.execute(DUE.format(kinds=_marks(kinds)), (micros(now), *kinds, limit))
    return [row[0] for row in tx.cursor.fetchall()]


def due_outward(tx: Snapshot, now: float, kind: str, limit: int, without: Sequence[str]) -> list[Due]:
    """Timers of `kind` due at `now` that nobody holds, longest due first, but none to the receivers `without`."""
    others = OTHERS.format(receivers=_marks(without)) if without else ""
    tx.cursor.execute(DUE_OUTWARD.format(others=others), (micros(now), kind, *without, limit))
    return [Due(*row) for row in tx.cursor.fetchall()]


def lapsed(tx: Snapshot, now: float, kinds: Sequence[str], limit: int, longest: float) -> list[tuple[int, int]]:
    """Id and lease of timers of `kinds` whose holder should long have said how it went.

    Nobody leases for more than `longest` seconds: a lease that reaches further was written before the clock was set
    back, and counts as lapsed too.
    """
    if not kinds:
        return []
    at = micros(now)
    tx.cursor.execute(LAPSED.format(kinds=_marks(kinds)), (at, *kinds, at, at + micros(longest), limit))
    return [(row[0], row[1]) for row in tx.cursor.fetchall()]


def next_due(tx: Snapshot, now: float, kinds: Sequence[str]) -> int | None:
    """When the first of the timers of `kinds` that are not due at `now` will be; None when none is planned."""
    if not kinds:
        return None
    tx.cursor.execute(NEXT_DUE.format(kinds=_marks(kinds)), (micros(now), *kinds))
    row = tx.cursor.fetchall()
    due_at: int | None = row[0][0] if row else None
    return due_at


def backlog(tx: Snapshot, now: float) -> int:
    """How many timers, of whatever kind, should have happened by `now` and have not."""
    tx.cursor.execute(BACKLOG, (micros(now),))
    count: int = tx.cursor.fetchall()[0][0]
    return count


def overview(tx: Snapshot, now: float) -> list[Kind]:
    """How the timers of each kind stand at `now`. Reads the whole table: for people, not for loops."""
    tx.cursor.execute(OVERVIEW, (micros(now),))
    return [Kind(name, *(each and int(each) for each in rest)) for name, *rest in tx.cursor.fetchall()]


def take(tx: Tx, id: int, now: float) -> Timer | None:
    """The timer, this transaction's until it ends; None if it is not due (any more) or somebody has it."""
    tx.cursor.execute(TAKE.format(locked=tx.dialect.skip_locked), (id, micros(now)))
    return _timer(tx)


def lease(tx: Tx, id: int, now: float, until: float) -> Timer | None:
    """The timer, held beyond this transaction until `until`; None if it is not due (any more) or somebody has it."""
    tx.cursor.execute(LEASE, (micros(until), id, micros(now)))
    return _timer(tx)


def held(tx: Tx, id: int, lease_until: int) -> Timer | None:
    """The timer if it is still under exactly this lease, this transaction's until it ends."""
    tx.cursor.execute(HELD.format(locked=tx.dialect.for_update), (id, lease_until))
    return _timer(tx)


def complete(tx: Tx, id: int) -> bool:
    """Delete a timer that has done its work; False if it was cancelled or replaced meanwhile."""
    tx.cursor.execute(COMPLETE, (id,))
    return tx.cursor.rowcount > 0


def retry(tx: Tx, id: int, due_at: int, error: str) -> bool:
    """Count a failure and try again at `due_at`; False if the timer was cancelled or replaced meanwhile."""
    tx.cursor.execute(RETRY, (due_at, error, id))
    tx.planned = True
    return tx.cursor.rowcount > 0


def bury(tx: Tx, id: int, error: str, now: float) -> bool:
    """Give up: the row stays with its reason, and is never due; False if it was cancelled or replaced meanwhile."""
    tx.cursor.execute(BURY, (micros(now), error, id))
    return tx.cursor.rowcount > 0


def buried(tx: Snapshot, limit: int, *, after: int = 0) -> list[Timer]:
    """Timers that were given up, in the order of their ids, which begin above `after`."""
    tx.cursor.execute(BURIED, (after, limit))
    return [Timer(*row) for row in tx.cursor.fetchall()]


def replay(tx: Tx, id: int, now: float) -> bool:
    """Have a buried timer happen now, with all its attempts before it; False if there is no such one."""
    tx.cursor.execute(REPLAY, (micros(now), id))
    tx.planned = True
    return tx.cursor.rowcount > 0


def forget_buried(tx: Tx, id: int) -> bool:
    """Delete a buried timer; False if there is no such one."""
    tx.cursor.execute(FORGET_BURIED, (id,))
    return tx.cursor.rowcount > 0


def expire_buried(tx: Tx, now: float, seconds: float, batch: int) -> int:
    """Delete at most `batch` timers that were buried more than `seconds` ago; returns how many."""
    tx.cursor.execute(EXPIRE_BURIED, (micros(now - seconds), batch))
    return tx.cursor.rowcount


def _timer(tx: Snapshot) -> Timer | None:
    rows = tx.cursor.fetchall()
    return Timer(*rows[0]) if rows else None


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
