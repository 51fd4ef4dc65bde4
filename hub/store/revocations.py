"""Revocations: the sessions of a user end, and with `tokens` the tokens issued before are refused as well."""

from msgspec import Struct

from hub.kernel.clock import micros
from hub.store.transaction import Snapshot, Tx

# Sessions end within seconds; what refuses tokens has to be kept as long as the longest-lived token.
KEEP_ENDS_SECONDS = 86_400
KEEP_TOKENS_SECONDS = 367 * 86_400

REVOKE = 'INSERT INTO revocation (organization, "user", at, tokens, login, spared) VALUES (?, ?, ?, ?, ?, ?)'
SINCE = 'SELECT id, organization, "user", at, tokens, login, spared FROM revocation WHERE at >= ? ORDER BY at, id'
EXPIRE = """
DELETE FROM revocation WHERE id IN
(SELECT id FROM revocation WHERE at < ? AND (at < ? OR NOT tokens) ORDER BY at LIMIT ?)
"""


class Revocation(Struct, frozen=True):
    """One kick (`tokens` false) or one refusal of tokens with `iat` before `at`. Ids tell repeated reads apart.

    With `login` only what that login opened ends. The login `spared` goes on with what it opened: its owner has just
    changed the password.
    """

    id: int
    organization: str
    user: str
    at: int
    tokens: bool
    login: str | None = None
    spared: str | None = None


def revoke(tx: Tx, organization: str, user: str, now: float, *, tokens: bool, spared: str | None = None) -> None:
    """End the sessions that the user has at `now`; with `tokens`, refuse the tokens issued before as well. What the
    login `spared` has opened goes on.
    """
    tx.cursor.execute(REVOKE, (organization, user, micros(now), tokens, None, spared))


def revoke_login(tx: Tx, organization: str, user: str, login: str, now: float) -> None:
    """End what one login of the user has opened, and the login."""
    tx.cursor.execute(REVOKE, (organization, user, micros(now), False, login, None))


def since(tx: Snapshot, at_micros: int) -> list[Revocation]:
    """Revocations dated `at_micros` or later, in order.

    A revocation is dated when it was asked for and seen when it is committed: read with an overlap of some seconds
    and tell what is known by its id.
    """
    tx.cursor.execute(SINCE, (at_micros,))
    return [
        Revocation(number, organization, user, at, bool(tokens), login, spared)
        for number, organization, user, at, tokens, login, spared in tx.cursor.fetchall()
    ]


def expire(tx: Tx, now: float, batch: int) -> int:
    """Delete at most `batch` of those that concern nothing any more, oldest first; returns how many."""
    tx.cursor.execute(EXPIRE, (micros(now - KEEP_ENDS_SECONDS), micros(now - KEEP_TOKENS_SECONDS), batch))
    return tx.cursor.rowcount
