"""From one event to many sessions.

Delivering collects a reference to the event and nothing else: no engine is asked, nothing is encoded again, nobody
waits. Once a loop tick everything collected is written, in one piece to each socket. Frames that follow one another on
a stream are joined once for all whose clients keep up, and go straight to their sockets: of a thousand sessions not one
is looked at, whose memory would have to come into the caches of the processor first. The others have a queue of their
own, which is flushed into whatever they can take.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import repeat
from typing import TYPE_CHECKING, Final

from hub.kernel import logs, metrics
from hub.realtime.listeners import Listeners, Write
from hub.realtime.prepared import Prepared, joined

if TYPE_CHECKING:
    from hub.realtime.session import Session

Collected = tuple[Listeners, list[Prepared]]

_DELIVERED: Final = metrics.DELIVERIES.labels("websocket")
logger = logs.get("hub.fanout")


class Fanout:
    """What is to be written, and the one flush a tick."""

    def __init__(self) -> None:
        self._collected: list[Collected] = []
        self._dirty: list[Session] = []
        self._answers: list[Callable[[], None]] = []
        self._changes: list[Callable[[], None]] = []
        self._scheduled = self._writing = False

    def deliver(self, event: Prepared, listeners: Listeners) -> None:
        """Take the event to all of them, to each after whatever was delivered to it before."""
        if listeners.lanes:
            self._collect(event, listeners)
        for session in listeners.waiting:
            session.queue.append(event)
            self.mark(session)

    def mark(self, session: "Session") -> None:
        """Flush the queue of this session at the end of the tick."""
        if not session.dirty:
            session.dirty = True
            self._dirty.append(session)
            self._schedule()

    def first(self, answers: Callable[[], None]) -> None:
        """Call this before anything that has been collected is written, at the end of the tick at the latest."""
        self._answers.append(answers)
        self._schedule()

    def settle(self) -> None:
        """Write now what has been collected, so that an answer comes after it, or who listens can change."""
        if self._writing:
            return
        self._writing = True
        answers, self._answers = self._answers, []
        for write_answers in answers:
            try:
                write_answers()
            except Exception:
                logger.exception("answers could not be written; their socket is about to be lost")
        collected, self._collected = self._collected, []
        for write, piece in _pieces(collected):
            try:
                write(piece)
            except Exception:
                logger.exception("a socket could not be written to; its session has to begin anew")
                _begin_anew(_sessions_of(write, collected))
        self._writing = False
        changes, self._changes = self._changes, []
        for change in changes:
            change()

    def between_writes(self, change: Callable[[], None]) -> None:
        """Change who stands in which lane when everything collected is written: at once if nothing is being written."""
        self.settle()
        if self._writing:
            self._changes.append(change)
        else:
            change()

    def _collect(self, event: Prepared, listeners: Listeners) -> None:
        if self._collected and self._collected[-1][0] is listeners:
            self._collected[-1][1].append(event)
        else:
            self._collected.append((listeners, [event]))
            self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        self.settle()
        dirty, self._dirty = self._dirty, []
        for session in dirty:
            try:
                session.flush()
            except Exception:
                logger.exception("a session could not be flushed and has to begin anew", client=session.client_id[:8])
                _begin_anew([session])


def _pieces(collected: Collection[Collected]) -> Iterator[tuple[Write, bytes]]:
    """What goes to which socket, in one piece each."""
    if len(collected) == 1:
        for piece, writes in _by_lane(collected):
            yield from zip(writes, repeat(piece))
        return
    pieces: dict[Write, list[bytes]] = {}
    for piece, writes in _by_lane(collected):
        for write in writes:
            pieces.setdefault(write, []).append(piece)
    for write, parts in pieces.items():
        yield write, parts[0] if len(parts) == 1 else b"".join(parts)


def _by_lane(collected: Iterable[Collected]) -> Iterator[tuple[bytes, list[Write]]]:
    for listeners, events in collected:
        for lane in listeners.lanes:
            try:
                piece = joined(events, lane.form)
            except Exception:
                logger.exception("events could not be written; all who wait for them have to begin anew")
                _begin_anew(list(lane.writes))
            else:
                writes = list(lane.writes.values())
                yield piece, writes
                _DELIVERED.inc(len(events) * len(writes))


def _sessions_of(write: Write, collected: Iterable[Collected]) -> Iterable["Session"]:
    lanes = [lane for listeners, _ in collected for lane in listeners.lanes]
    return dict.fromkeys(session for lane in lanes for session, own in lane.writes.items() if own == write)


def _begin_anew(sessions: Iterable["Session"]) -> None:
    """End the sessions; where a socket does not even take the farewell, nobody else shall suffer from that."""
    for session in sessions:
        try:
            session.fall_out()
        except Exception:
            logger.exception("a session could not be ended in good order", client=session.client_id[:8])
