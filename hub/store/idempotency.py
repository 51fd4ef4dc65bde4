"""Idempotency keys: a request repeated under the same key gets the first answer instead of a second effect.

Call `begin` first in the action's transaction and `store` last: an action that fails leaves no trace of its key. Where
an operation needs several transactions, the key stays *in progress* between them, until `store` or `abandon`.
"""

from typing import NamedTuple

import msgspec

from hub.kernel.clock import micros
from hub.kernel.errors import Conflict, Unprocessable
from hub.store.transaction import Tx

KEEP_SECONDS = 24 * 3600
# Nothing a request does takes this long: a key still in progress then belongs to a process that is gone.
IN_PROGRESS_SECONDS = 60

KEY = "organization = ? AND principal = ? AND path = ? AND key = ?"
FIND = f"SELECT body_hash, at, status, headers, body FROM idempotency WHERE {KEY}"
BEGIN = """
INSERT INTO idempotency (organization, principal, path, key, body_hash, at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (organization, principal, path, key) DO NOTHING
"""
STORE = f"UPDATE idempotency SET status = ?, headers = ?, body = ? WHERE {KEY}"
FORGET = f"DELETE FROM idempotency WHERE {KEY}"
FORGET_OLD = f"{FORGET} AND at = ?"
EXPIRE = """
DELETE FROM idempotency WHERE (organization, principal, path, key)
IN (SELECT organization, principal, path, key FROM idempotency WHERE at <= ? ORDER BY at LIMIT ?)
"""


class Scope(NamedTuple):
    """Where a key is unique: `principal` is the user, or the service's name for anonymous calls."""

    organization: str
    principal: str
    path: str


class Answer(msgspec.Struct, frozen=True):
    """An HTTP answer as it was given; headers in order, without those that belong to the connection."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


_headers = msgspec.json.Decoder(tuple[tuple[str, str], ...])


def begin(tx: Tx, scope: Scope, key: str, body_hash: bytes, now: float) -> Answer | None:
    """Claim `key` for the request whose body hashes to `body_hash`; None means: act, then `store`.

    Returns the stored answer if the same request was answered in the last 24 hours. Raises Unprocessable if the key
    was used with another body, Conflict if that first request is still in progress.
    """
    begun = 0
    while not begun:  # another process may have begun the same request between the two statements
        if (stored := _answered(tx, scope, key, body_hash, now)) is not None:
            return stored
        tx.cursor.execute(BEGIN, (*scope, key, body_hash, micros(now)))
        begun = tx.cursor.rowcount
    return None


def _answered(tx: Tx, scope: Scope, key: str, body_hash: bytes, now: float) -> Answer | None:
    """The answer that is kept; None where the key is free. Raises where it is taken."""
    tx.cursor.execute(FIND, (*scope, key))
    rows = tx.cursor.fetchall()
    if not rows:
        return None
    first_hash, at, status, headers, body = rows[0]
    kept = KEEP_SECONDS if status is not None else IN_PROGRESS_SECONDS
    if micros(now) - at >= micros(kept):
        tx.cursor.execute(FORGET_OLD, (*scope, key, at))
        return None
    if first_hash != body_hash:
        raise Unprocessable("The Idempotency-Key was used with another request body", code="idempotency_key_reused")
    if status is None:
        raise Conflict("A request with this Idempotency-Key is in progress", code="idempotency_key_in_progress")
    return Answer(status, _headers.decode(headers), body)


def store(tx: Tx, scope: Scope, key: str, answer: Answer) -> None:
    """Keep the answer to the request that `begin` admitted."""
    headers = msgspec.json.encode(answer.headers)
    tx.cursor.execute(STORE, (answer.status, headers, answer.body, *scope, key))
    if tx.cursor.rowcount != 1:
        raise LookupError(f"idempotency key was not begun: {key!r}")


def abandon(tx: Tx, scope: Scope, key: str) -> None:
    """Free the key of a request that failed between its transactions."""
    tx.cursor.execute(FORGET, (*scope, key))


def expire(tx: Tx, now: float, batch: int) -> int:
    """Delete at most `batch` keys older than 24 hours, oldest first; returns how many."""
    tx.cursor.execute(EXPIRE, (micros(now - KEEP_SECONDS), batch))
    return tx.cursor.rowcount
