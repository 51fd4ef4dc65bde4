"""Events leave with the transaction that caused them: collected while it runs, given positions just before COMMIT."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

from channels.envelope import LoggedEvent, Stream
from hub.kernel.clock import micros
from hub.kernel.ids import event_id
from hub.store.dialect import Dialect
from hub.store.streams import find_heads
from hub.store.transaction import Cursor, Emitted, Tx

# Raises heads by as many events as their streams get, making them on first use. Where nobody else writes, RETURNING is
# saved, which would make SQLite build a table for it: positions are read first, and known rows written by their number.
RAISE_HEADS = """
INSERT INTO stream_head (organization, "user", channel, seq, touched_at) VALUES {rows}
ON CONFLICT (organization, "user", channel)
DO UPDATE SET seq = stream_head.seq + excluded.seq, touched_at = excluded.touched_at
RETURNING organization, "user", channel, id, seq
"""
SET_HEAD = "UPDATE stream_head SET seq = ?, touched_at = ? WHERE id = ?"
LATE = micros(0.5)
TOUCH = "UPDATE stream_head SET touched_at = ? WHERE id = ?"
INSERT_EVENTS = 'INSERT INTO event (stream_id, seq, at, id, data, "binary") VALUES {rows}'
# A statement of its own for each number of rows: prepared, and few enough to be kept so.
ROWS_PER_STATEMENT = 128

Row = tuple[object, ...]
Heads = dict[Stream, tuple[int, int]]
"""Row ids of streams, and the last positions given out."""


def emit(tx: Tx, stream: Stream, data: bytes, now: float, *, binary: bool = False) -> Emitted:
    """Add a durable event to `stream`: `data` is one JSON object and is kept and delivered verbatim.

    The event shares the fate of the transaction. Within a stream, events get their positions in the order in which
    they were emitted, over all functions of the common transaction.
    """
    emitted = Emitted(stream, data, event_id(), at=micros(now), durable=True, binary=binary)
    tx.emitted.append(emitted)
    return emitted


def announce(tx: Tx, stream: Stream, data: bytes) -> Emitted:
    """Add an ephemeral event: published after the commit like the others, without a position, never stored."""
    emitted = Emitted(stream, data, event_id(), at=0, durable=False)
    tx.emitted.append(emitted)
    return emitted


def append(
    cursor: Cursor, dialect: Dialect, emitted: Sequence[Emitted], now_micros: Callable[[], int]
) -> list[LoggedEvent]:
    """Assign positions and insert the events: the last statements before COMMIT. Returns them in order of emission.

    Heads are taken in sorted order, each once, so that two transactions on the same streams cannot deadlock and hold
    the locks only until their commit. They are dated by the time of the commit, not of the events: nodes look for heads
    touched lately, and a write may have waited; even here, where another process holds a head.
    """
    if not emitted:
        return []
    counts = Counter([event.stream for event in emitted if event.durable])
    touched = sorted(counts)
    at = now_micros()
    heads = (_set_heads if dialect.writes_alone else _raise_heads)(cursor, touched, counts, at)
    if (later := now_micros()) - at > LATE:
        cursor.executemany(TOUCH, [(later, stream_id) for stream_id, _ in heads.values()])
    rows: list[Row] = []
    for event in emitted:
        if event.durable:
            stream_id, last = heads[event.stream]
            event.seq = seq = last + 1
            heads[event.stream] = (stream_id, seq)
            rows.append((stream_id, seq, event.at, event.id, event.data, event.binary))
    for part in _parts(rows):
        cursor.execute(_insert(INSERT_EVENTS, len(part), 6), [value for row in part for value in row])
    return [LoggedEvent(event.stream, event.seq, event.data, event.binary) for event in emitted]


def _raise_heads(cursor: Cursor, touched: Sequence[Stream], counts: Mapping[Stream, int], at: int) -> Heads:
    """Raise all of them; as they were until now."""
    heads: Heads = {}
    for part in _parts([(*stream, counts[stream], at) for stream in touched]):
        cursor.execute(_insert(RAISE_HEADS, len(part), 5), [value for row in part for value in row])
        for organization, user, channel, stream_id, seq in cursor.fetchall():
            stream = Stream(organization, user, channel)
            heads[stream] = (stream_id, seq - counts[stream])
    return heads


def _set_heads(cursor: Cursor, touched: Sequence[Stream], counts: Mapping[Stream, int], at: int) -> Heads:
    """The same, where no other transaction can change anything in between."""
    heads = {touched[place]: (stream_id, seq) for place, stream_id, seq, _ in find_heads(cursor, touched)}
    cursor.executemany(SET_HEAD, [(seq + counts[stream], at, stream_id) for stream, (stream_id, seq) in heads.items()])
    if len(heads) < len(touched):
        heads |= _raise_heads(cursor, [stream for stream in touched if stream not in heads], counts, at)
    return heads


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    return (rows[start : start + ROWS_PER_STATEMENT] for start in range(0, len(rows), ROWS_PER_STATEMENT))


@lru_cache(maxsize=3 * ROWS_PER_STATEMENT)
def _insert(statement: str, rows: int, columns: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return statement.format(rows=", ".join([row] * rows))
