"""Presence: which users have desktops, on which nodes, and who counts as connected.

A row of `presence` is a user who counts as connected: making it is their coming, deleting it their going, and what is
told of either is emitted in that same transaction. So each is told exactly once, however many processes look. While no
node has a desktop of theirs the row carries the instant since when; it goes when that is too long ago.

*Locks.* A node changes its own desktops only, under the lock of its row in `node`. Whoever has changed desktops takes
the rows of their users, in sorted order, before it looks whether others are left: of two nodes that a user leaves at
the same moment, the second sees what the first has done.

*Nobody goes while a node has not had its say.* A user is gone only when every node has been seen since the end of the
grace: a node writes its desktops together with its heartbeat, so whoever came back anywhere in time is known by then.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias, TypeVar

from hub.kernel.clock import micros
from hub.store.transaction import Snapshot, Tx

T = TypeVar("T")
Who: TypeAlias = tuple[str, str]
"""(organization, user)."""

DEAD_SECONDS = 10.0
"""A node that has been silent for so long is dead."""
USERS_PER_STATEMENT = 1000

BEAT = "UPDATE node SET seen_at = ? WHERE name = ?"
ENTER = "INSERT INTO node (name, seen_at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at"
# From the future: written before the clock was set back.
SILENT = "SELECT name FROM node WHERE (seen_at < ? OR seen_at > ?) AND name <> ? ORDER BY name {skip_locked}"
REMOVE_NODES = "DELETE FROM node WHERE name IN ({marks})"
HORIZON = "SELECT MIN(seen_at) FROM node"

ADD = 'INSERT INTO desktop (organization, "user", node) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'
REMOVE = 'DELETE FROM desktop WHERE organization = ? AND node = ? AND "user" IN ({marks}) RETURNING "user"'
REMOVE_ALL = "DELETE FROM desktop WHERE node IN ({marks})"
USERS_OF = """
SELECT organization, "user" FROM presence p WHERE EXISTS (
  SELECT 1 FROM desktop d WHERE d.organization = p.organization AND d."user" = p."user" AND d.node IN ({marks})
)
ORDER BY organization, "user" {for_update}
"""
# DO UPDATE, and not DO NOTHING, because it locks the row that is there.
TOUCH = """
INSERT INTO presence (organization, "user", returns) VALUES {values}
ON CONFLICT (organization, "user") DO UPDATE SET left_at = NULL, returns = presence.returns + 1
RETURNING organization, "user", returns
"""
LEAVE = """
UPDATE presence SET left_at = ? WHERE organization = ? AND "user" = ? AND NOT EXISTS (
  SELECT 1 FROM desktop d WHERE d.organization = presence.organization AND d."user" = presence."user"
)
"""
# From the future, likewise: their grace begins anew.
BACKDATE = "UPDATE presence SET left_at = ? WHERE left_at > ?"
GONE = 'SELECT organization, "user" FROM presence WHERE left_at <= ? ORDER BY left_at LIMIT ? {skip_locked}'
FORGET = 'DELETE FROM presence WHERE organization = ? AND "user" = ?'
NODES = """
SELECT n.name, n.seen_at, (SELECT COUNT(*) FROM desktop d WHERE d.node = n.name) FROM node n ORDER BY n.name
"""
CONNECTED = 'SELECT "user" FROM presence WHERE organization = ? AND "user" IN ({marks})'


def beat(tx: Tx, node: str, now: float) -> bool:
    """The node is alive, and holds the lock of its row; False if it is not known, or has been given up as dead."""
    tx.cursor.execute(BEAT, (micros(now), node))
    return tx.cursor.rowcount > 0


def enter(tx: Tx, node: str, now: float) -> None:
    """The node is alive, and was not known; no desktop is on it yet."""
    tx.cursor.execute(ENTER, (node, micros(now)))


def change(tx: Tx, node: str, came: Collection[Who], left: Mapping[Who, float]) -> list[Who]:
    """Users have their first desktop on the node, or no longer any since an instant of theirs; call `beat` or `enter`
    before. Returns those who did not count as connected and do now, sorted. Telling it again changes nothing.
    """
    if not came and not left:
        return []
    removed = _remove(tx, node, sorted(left))
    new = _touch(tx, sorted({*came, *removed}))
    if came:
        tx.cursor.executemany(ADD, [(*who, node) for who in came])
    _leave(tx, {who: left[who] for who in removed})
    return new


def silent(tx: Tx, now: float, asking: str) -> list[str]:
    """Nodes that are dead, apart from the one that asks, locked; what somebody else has locked is left to them."""
    sql = SILENT.format(skip_locked=tx.dialect.skip_locked)
    tx.cursor.execute(sql, (micros(now - DEAD_SECONDS), micros(now + DEAD_SECONDS), asking))
    return [row[0] for row in tx.cursor.fetchall()]


def bury(tx: Tx, nodes: Sequence[str], now: float) -> None:
    """These nodes are no more, and neither are the desktops that were on them."""
    if not nodes:
        return
    marks = _marks(nodes)
    tx.cursor.execute(REMOVE_NODES.format(marks=marks), nodes)
    tx.cursor.execute(USERS_OF.format(marks=marks, for_update=tx.dialect.for_update), nodes)
    users: list[Who] = [tuple(row) for row in tx.cursor.fetchall()]
    tx.cursor.execute(REMOVE_ALL.format(marks=marks), nodes)
    _leave(tx, dict.fromkeys(users, now))


def gone(tx: Tx, now: float, grace: float, limit: int) -> list[Who]:
    """Forget and return users who have had no desktop for `grace` seconds, longest gone first, at most `limit`."""
    tx.cursor.execute(HORIZON)
    horizon: int | None = tx.cursor.fetchall()[0][0]
    at = micros(now)
    tx.cursor.execute(BACKDATE, (at, at + micros(DEAD_SECONDS)))
    until = min(at, at if horizon is None else horizon) - micros(grace)
    tx.cursor.execute(GONE.format(skip_locked=tx.dialect.skip_locked), (until, limit))
    found: list[Who] = [tuple(row) for row in tx.cursor.fetchall()]
    if found:
        tx.cursor.executemany(FORGET, found)
    return found


def nodes(tx: Snapshot) -> list[tuple[str, int, int]]:
    """Name, last sign (microseconds) and number of users of every node that is known."""
    tx.cursor.execute(NODES)
    return [(name, seen_at, users) for name, seen_at, users in tx.cursor.fetchall()]


def connected(tx: Snapshot, organization: str, users: Collection[str]) -> frozenset[str]:
    """Which of these users count as connected."""
    found: set[str] = set()
    for part in _parts(list(users)):
        tx.cursor.execute(CONNECTED.format(marks=_marks(part)), (organization, *part))
        found.update(row[0] for row in tx.cursor.fetchall())
    return frozenset(found)


def _remove(tx: Tx, node: str, users: Sequence[Who]) -> list[Who]:
    """Those of the users, who must be sorted, whose desktop was there to be removed."""
    removed: list[Who] = []
    for organization, own in groupby(users, key=itemgetter(0)):
        for part in _parts([user for _, user in own]):
            tx.cursor.execute(REMOVE.format(marks=_marks(part)), (organization, node, *part))
            removed += [(organization, user) for (user,) in tx.cursor.fetchall()]
    return removed


def _touch(tx: Tx, users: Sequence[Who]) -> list[Who]:
    """Lock the rows of the users, who must be sorted; returns those for whom a row was made."""
    new: list[Who] = []
    for part in _parts(users):
        sql = TOUCH.format(values=", ".join(["(?, ?, 0)"] * len(part)))
        tx.cursor.execute(sql, [name for who in part for name in who])
        new += [(organization, user) for organization, user, returns in tx.cursor.fetchall() if returns == 0]
    return sorted(new)


def _leave(tx: Tx, since: Mapping[Who, float]) -> None:
    """Begin the grace of those without any desktop left; their rows must be locked."""
    if since:
        tx.cursor.executemany(LEAVE, [(micros(at), *who) for who, at in since.items()])


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), USERS_PER_STATEMENT):
        yield items[start : start + USERS_PER_STATEMENT]


def _marks(values: Iterable[object]) -> str:
    return ", ".join("?" for _ in values)
