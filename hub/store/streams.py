"""Reading the log: its epoch, the heads of streams and their history. And keeping it short."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from channels.envelope import LoggedEvent, Stream
from hub.kernel.clock import micros
from hub.kernel.ids import epoch as random_epoch
from hub.store.transaction import Cursor, Snapshot, Tx

STREAMS_PER_QUERY = 256
ABOVE_ALL_NAMES = "\U0010ffff"

# CROSS JOIN keeps the order of the loops: each wanted stream is looked up by its unique key, however many there are.
# It is answered by its place among those that are asked for: names would be read, made and hashed once more.
HEADS = """
WITH wanted (place, organization, "user", channel) AS (VALUES {values})
SELECT w.place, h.id, h.seq, h.trimmed FROM wanted w CROSS JOIN stream_head h
WHERE h.organization = w.organization AND h."user" = w."user" AND h.channel = w.channel
"""
HEADS_TOUCHED = """
SELECT organization, "user", channel, seq FROM stream_head WHERE touched_at >= ? ORDER BY touched_at
"""
HEADS_UNDER = """
SELECT organization, "user", channel, seq, trimmed FROM stream_head
WHERE organization = ? AND "user" = '' AND channel >= ? AND channel < ? ORDER BY channel
"""
HISTORY = """
SELECT seq, data, "binary" FROM event
WHERE stream_id = (SELECT id FROM stream_head WHERE organization = ? AND "user" = ? AND channel = ?) AND seq > ?
ORDER BY seq LIMIT ?
"""
# Walks the index on touched_at from its end.
LATEST = """
SELECT "user", channel, seq, trimmed, touched_at FROM stream_head WHERE organization = ?
ORDER BY touched_at DESC, id DESC LIMIT ?
"""
# The oldest event of a stream stands at trimmed + 1, so one look-up a stream tells whether anything is too old. A
# subquery and not a join, which a planner might begin with all events.
OVERDUE = """
SELECT h.id, h.seq, h.trimmed, h.seq - CASE h."user" WHEN '' THEN ? ELSE ? END AS surplus_through
FROM stream_head h
WHERE h.seq > h.trimmed AND (
  h.seq - h.trimmed > CASE h."user" WHEN '' THEN ? ELSE ? END
  OR (SELECT e.at FROM event e WHERE e.stream_id = h.id AND e.seq = h.trimmed + 1) < ?
)
LIMIT ?
"""
FIRST_YOUNG = "SELECT seq FROM event WHERE stream_id = ? AND seq > ? AND seq <= ? AND at >= ? ORDER BY seq LIMIT 1"
REMOVE = "DELETE FROM event WHERE stream_id = ? AND seq <= ?"
# Another process may be trimming as well: whoever comes second finds the mark moved, and removes nothing.
MARK_TRIMMED = "UPDATE stream_head SET trimmed = ? WHERE id = ? AND trimmed = ?"

# Said twice: on PostgreSQL a row that has been written to meanwhile is looked at again by what stands outside.
FORGET = """
DELETE FROM stream_head WHERE seq = trimmed AND touched_at <= ? AND id IN
(SELECT id FROM stream_head WHERE organization = ? AND seq = trimmed AND touched_at <= ? LIMIT ?)
"""


class Head(NamedTuple):
    """Where a stream stands: `seq` is its last position (0 = nothing yet), `first` the oldest kept (seq + 1 = none)."""

    seq: int
    first: int


EMPTY = Head(0, 1)


def epoch(tx: Snapshot) -> str:
    """The identity of this log; a position is worth something only together with it."""
    tx.cursor.execute(tx.dialect.epoch)
    value: str = tx.cursor.fetchall()[0][0]
    return value


def new_epoch(tx: Tx) -> str:
    """Give the log a new identity, as after a restore: every client's position becomes a gap."""
    tx.cursor.execute("UPDATE log SET epoch = ?", (random_epoch(),))
    return epoch(tx)


def heads(tx: Snapshot, streams: Sequence[Stream]) -> dict[Stream, Head]:
    """The heads of all of `streams`, in one query; (0, 1) for those that never had an event."""
    found = dict.fromkeys(streams, EMPTY)
    wanted = list(found)
    for place, _, seq, trimmed in find_heads(tx.cursor, wanted):
        found[wanted[place]] = Head(seq, trimmed + 1)
    return found


def find_heads(cursor: Cursor, streams: Sequence[Stream]) -> list[tuple[int, int, int, int]]:
    """Of those among `streams` that exist, in any order: the place in `streams`, the row id, the last position and the
    highest trimmed one.
    """
    found: list[tuple[int, int, int, int]] = []
    for start in range(0, len(streams), STREAMS_PER_QUERY):
        part = streams[start : start + STREAMS_PER_QUERY]
        cursor.execute(heads_of(len(part)), [name for stream in part for name in stream])
        found += [(start + place, *head) for place, *head in cursor.fetchall()] if start else cursor.fetchall()
    return found


@lru_cache(maxsize=STREAMS_PER_QUERY)
def heads_of(count: int) -> str:
    """The statement that looks for so many streams."""
    return HEADS.format(values=", ".join([f"({place}, ?, ?, ?)" for place in range(count)]))


def heads_touched(tx: Snapshot, since_micros: int) -> list[tuple[Stream, int]]:
    """Streams that got an event in a transaction committing at `since_micros` or later, with their last positions."""
    tx.cursor.execute(HEADS_TOUCHED, (since_micros,))
    return [(Stream(organization, user, channel), seq) for organization, user, channel, seq in tx.cursor.fetchall()]


def heads_under(tx: Snapshot, organization: str, prefix: str) -> list[tuple[Stream, Head]]:
    """The shared streams of `organization` whose channel starts with `prefix`, in the order of their names."""
    tx.cursor.execute(HEADS_UNDER, (organization, prefix, prefix + ABOVE_ALL_NAMES))
    return [
        (Stream(organization, user, channel), Head(seq, trimmed + 1))
        for organization, user, channel, seq, trimmed in tx.cursor.fetchall()
    ]


def latest(tx: Snapshot, organization: str, limit: int) -> list[tuple[Stream, Head, int]]:
    """The streams of `organization` that had an event last, latest first: the stream, its head, and when that was."""
    tx.cursor.execute(LATEST, (organization, limit))
    return [
        (Stream(organization, user, channel), Head(seq, trimmed + 1), touched_at)
        for user, channel, seq, trimmed, touched_at in tx.cursor.fetchall()
    ]


def history(tx: Snapshot, stream: Stream, after: int, limit: int) -> list[LoggedEvent]:
    """The events of `stream` behind position `after`, oldest first, at most `limit`.

    Whether the log still reaches back to `after` is for `heads` of the same snapshot to say: it does if
    `first <= after + 1` and `after <= seq`.
    """
    tx.cursor.execute(HISTORY, (*stream, after, limit))
    return [LoggedEvent(stream, seq, data, bool(binary)) for seq, data, binary in tx.cursor.fetchall()]


class Overdue(NamedTuple):
    """A stream with events to remove: kept are trimmed+1 … seq, of which those up to `surplus_through` are too many."""

    stream_id: int
    seq: int
    trimmed: int
    surplus_through: int


def trim(tx: Tx, *, now: float, seconds: float, events: int, events_shared: int, batch: int) -> int:
    """Remove the oldest events beyond the limits, at most `batch` of them; returns how many, fewer when done.

    A stream keeps its last `events` (`events_shared` if it has no user) and nothing older than `seconds`, counted
    from `now`. Only whole beginnings go, so what is kept has no holes. Positions are never given out again.
    """
    oldest = micros(now - seconds)
    limits = (events_shared, events)
    tx.cursor.execute(OVERDUE, (*limits, *limits, oldest, batch))
    left = batch
    for row in tx.cursor.fetchall():
        left -= _trim_stream(tx, Overdue(*row), oldest, left)
        if left <= 0:
            break
    return batch - left


def _trim_stream(tx: Tx, stream: Overdue, oldest: int, limit: int) -> int:
    last = min(stream.trimmed + limit, stream.seq)
    tx.cursor.execute(FIRST_YOUNG, (stream.stream_id, stream.trimmed, last, oldest))
    young = tx.cursor.fetchall()
    old_through = young[0][0] - 1 if young else last
    through = min(last, max(old_through, stream.surplus_through))
    tx.cursor.execute(MARK_TRIMMED, (through, stream.stream_id, stream.trimmed))
    if tx.cursor.rowcount == 0:
        return 0
    tx.cursor.execute(REMOVE, (stream.stream_id, through))
    return through - stream.trimmed


def forget(tx: Tx, organization: str, before: float, batch: int) -> int:
    """Delete at most `batch` streams of which nothing is kept and that nobody has written to since then; returns how
    many. They begin anew: only for streams that nobody can be listening to any more.
    """
    tx.cursor.execute(FORGET, (micros(before), organization, micros(before), batch))
    return tx.cursor.rowcount
