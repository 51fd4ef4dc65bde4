"""Revocations: the sessions of a user end, and with `tokens` the tokens issued before are refused as well."""

from msgspec import Struct

from hub.kernel.clock import micros
from hub.store.transaction import Snapshot, Tx

REVOKE = 'INSERT INTO revocation (organization, "user", at, tokens) VALUES (?, ?, ?, ?)'
SINCE = 'SELECT id, organization, "user", at, tokens FROM revocation WHERE at >= ? ORDER BY at, id'


class Revocation(Struct, frozen=True):
    """One kick (`tokens` false) or one refusal of tokens with `iat` before `at`. Ids tell repeated reads apart."""

    id: int
    organization: str
    user: str
    at: int
    tokens: bool


def revoke(tx: Tx, organization: str, user: str, now: float, *, tokens: bool) -> None:
    """End the sessions that the user has at `now`; with `tokens`, refuse the tokens issued before as well."""
    tx.cursor.execute(REVOKE, (organization, user, micros(now), tokens))


def since(tx: Snapshot, at_micros: int) -> list[Revocation]:
    """Revocations dated `at_micros` or later, in order.

    A revocation is dated when it was asked for and seen when it is committed: read with an overlap of some seconds
    and tell what is known by its id.
    """
    tx.cursor.execute(SINCE, (at_micros,))
    return [
        Revocation(number, organization, user, at, bool(tokens))
        for number, organization, user, at, tokens in tx.cursor.fetchall()
    ]
