"""Events leave with the transaction that caused them: collected while it runs, given positions just before COMMIT."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from channels.envelope import LoggedEvent, Stream
from hub.kernel.clock import micros
from hub.kernel.ids import event_id
from hub.store.dialect import Dialect
from hub.store.streams import find_heads
from hub.store.transaction import Cursor, Emitted, Tx

# Raises a head by as many events as the stream gets, making it on first use. The new position is read afterwards, for
# all streams at once: RETURNING would make SQLite build a table a row, at more than twice the price. Where nobody else
# writes, the positions are read first, and rows that are known raised by their number, at a third of it.
RAISE_HEAD = """
INSERT INTO stream_head (organization, "user", channel, seq, touched_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (organization, "user", channel)
DO UPDATE SET seq = stream_head.seq + excluded.seq, touched_at = excluded.touched_at
"""
LATE = micros(0.5)
SET_HEAD = "UPDATE stream_head SET seq = ?, touched_at = ? WHERE id = ?"
TOUCH = "UPDATE stream_head SET touched_at = ? WHERE id = ?"
INSERT_EVENT = 'INSERT INTO event (stream_id, seq, at, id, data, "binary") VALUES (?, ?, ?, ?, ?, ?)'


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
    if dialect.writes_alone:
        heads = _set_heads(cursor, touched, counts, at)
    else:
        heads = _raise_heads(cursor, touched, counts, at)
        if (later := now_micros()) - at > LATE:
            cursor.executemany(TOUCH, [(later, stream_id) for stream_id, _ in heads.values()])
    rows: list[tuple[object, ...]] = []
    for event in emitted:
        if event.durable:
            stream_id, last = heads[event.stream]
            event.seq = seq = last + 1
            heads[event.stream] = (stream_id, seq)
            rows.append((stream_id, seq, event.at, event.id, event.data, event.binary))
    if rows:
        cursor.executemany(INSERT_EVENT, rows)
    return [LoggedEvent(event.stream, event.seq, event.data, event.binary) for event in emitted]


def _raise_heads(
    cursor: Cursor, touched: Sequence[Stream], counts: Mapping[Stream, int], at: int
) -> dict[Stream, tuple[int, int]]:
    """Raise all of them; their row ids, and the positions that were the last ones until now."""
    cursor.executemany(RAISE_HEAD, [(*stream, counts[stream], at) for stream in touched])
    found = find_heads(cursor, touched)
    return {(stream := touched[place]): (stream_id, seq - counts[stream]) for place, stream_id, seq, _ in found}


def _set_heads(
    cursor: Cursor, touched: Sequence[Stream], counts: Mapping[Stream, int], at: int
) -> dict[Stream, tuple[int, int]]:
    """The same, where no other transaction can change anything in between."""
    known = {touched[place]: (stream_id, seq) for place, stream_id, seq, _ in find_heads(cursor, touched)}
    cursor.executemany(SET_HEAD, [(seq + counts[stream], at, stream_id) for stream, (stream_id, seq) in known.items()])
    if len(known) < len(touched):
        known |= _raise_heads(cursor, [stream for stream in touched if stream not in known], counts, at)
    return known
