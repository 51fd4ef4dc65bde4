"""The tables of conversations and legs.

A leg is kept as one JSON text beside the columns by which it is looked for. The statements are text on the driver's
cursor: a call is changed many times in its life, and each time somebody waits for the ring.
"""

from collections.abc import Collection

import msgspec
from sqlalchemy import Column, Index, LargeBinary, Table

from api.telephony.calls.legs import Conversation, Leg
from hub.kernel.clock import micros
from hub.store.schema import Micros, Name, metadata
from hub.store.transaction import Snapshot, Tx

# Whoever changes a conversation holds its row.
conversation = Table(
    "conversation",
    metadata,
    Column("organization", Name, primary_key=True),
    Column("id", Name, primary_key=True),
)

# `user` is "" for a party outside.
leg = Table(
    "leg",
    metadata,
    Column("organization", Name, primary_key=True),
    Column("user", Name, primary_key=True),
    Column("id", Name, primary_key=True),
    Column("conversation", Name, nullable=False),
    Column("changed_at", Micros, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "organization", "conversation"),
    Index(None, "changed_at"),
)

OPEN = "INSERT INTO conversation (organization, id) VALUES (?, ?) ON CONFLICT (organization, id) DO NOTHING"
CLOSE = "DELETE FROM conversation WHERE organization = ? AND id = ?"
CONVERSATION_OF = 'SELECT conversation FROM leg WHERE organization = ? AND "user" = ? AND id = ?'
LOCK = "SELECT id FROM conversation WHERE organization = ? AND id = ? {for_update}"
LEGS = "SELECT body FROM leg WHERE organization = ? AND conversation = ?"
OWN = 'SELECT body FROM leg WHERE organization = ? AND "user" = ? LIMIT ?'
ONE = 'SELECT body FROM leg WHERE organization = ? AND "user" = ? AND id = ?'
COUNT = 'SELECT COUNT(*) FROM leg WHERE organization = ? AND "user" = ?'
INSERT = """
INSERT INTO leg (organization, "user", id, conversation, changed_at, body) VALUES (?, ?, ?, ?, ?, ?)
"""
UPDATE = 'UPDATE leg SET body = ?, changed_at = ? WHERE organization = ? AND "user" = ? AND id = ?'
DELETE = 'DELETE FROM leg WHERE organization = ? AND "user" = ? AND id = ?'
FORGOTTEN = """
SELECT organization, "user", id FROM leg WHERE changed_at <= ? ORDER BY changed_at LIMIT ?
"""

MOST_LISTED = 1000

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Leg)


def conversation_of(tx: Snapshot, organization: str, user: str, id: str) -> str | None:
    """The conversation of a user's leg."""
    tx.cursor.execute(CONVERSATION_OF, (organization, user, id))
    rows = tx.cursor.fetchall()
    found: str | None = rows[0][0] if rows else None
    return found


def lock(tx: Tx, organization: str, id: str) -> Conversation | None:
    """The conversation, which nobody else changes before this transaction ends; None if there is none (any more)."""
    tx.cursor.execute(LOCK.format(for_update=tx.dialect.for_update), (organization, id))
    if not tx.cursor.fetchall():
        return None
    # A statement of its own: on PostgreSQL the one that waited for the lock has not seen what happened meanwhile.
    tx.cursor.execute(LEGS, (organization, id))
    legs = sorted((_DECODER.decode(body) for (body,) in tx.cursor.fetchall()), key=lambda leg: leg.place)
    return Conversation(organization, id, tuple(legs))


def open_and_lock(tx: Tx, organization: str, id: str) -> Conversation:
    """The same for one that may still have to be made: whoever comes second, from wherever, waits for the first."""
    tx.cursor.execute(OPEN, (organization, id))
    return lock(tx, organization, id) or Conversation(organization, id)


def find(tx: Snapshot, organization: str, user: str, id: str) -> Leg | None:
    """One leg of a user."""
    tx.cursor.execute(ONE, (organization, user, id))
    rows = tx.cursor.fetchall()
    return _DECODER.decode(rows[0][0]) if rows else None


def own(tx: Snapshot, organization: str, user: str) -> list[Leg]:
    """All legs of a user, the oldest first."""
    tx.cursor.execute(OWN, (organization, user, MOST_LISTED))
    legs = [_DECODER.decode(body) for (body,) in tx.cursor.fetchall()]
    return sorted(legs, key=lambda leg: (leg.began_at, leg.id))


def count(tx: Snapshot, organization: str, user: str) -> int:
    """How many legs a user has."""
    tx.cursor.execute(COUNT, (organization, user))
    number: int = tx.cursor.fetchall()[0][0]
    return number


def save(tx: Tx, before: Conversation, after: Conversation, now: float) -> None:
    """Write what differs. A conversation begins with its first legs and ends with its last; released legs go."""
    live = [leg for leg in after.legs if leg.is_live]
    if not before.legs and live:
        tx.cursor.execute(OPEN, (after.organization, after.id))
    old = {leg.id: leg for leg in before.legs}
    gone = [(leg.organization, leg.user, leg.id) for leg in after.legs if not leg.is_live and leg.id in old]
    if gone:
        tx.cursor.executemany(DELETE, gone)
    at = micros(now)
    new = [_row(leg, at) for leg in live if leg.id not in old]
    if new:
        tx.cursor.executemany(INSERT, new)
    changed = [
        (_ENCODER.encode(leg), at, leg.organization, leg.user, leg.id)
        for leg in live
        if leg.id in old and leg != old[leg.id]
    ]
    if changed:
        tx.cursor.executemany(UPDATE, changed)
    if not live:
        tx.cursor.execute(CLOSE, (after.organization, after.id))


def forgotten(tx: Snapshot, before: float, limit: int) -> Collection[tuple[str, str, str]]:
    """Organization, user and id of legs that have not changed since then, the oldest first."""
    tx.cursor.execute(FORGOTTEN, (micros(before), limit))
    return [(row[0], row[1], row[2]) for row in tx.cursor.fetchall()]


def _row(leg: Leg, at: int) -> tuple[object, ...]:
    return leg.organization, leg.user, leg.id, leg.conversation, at, _ENCODER.encode(leg)
