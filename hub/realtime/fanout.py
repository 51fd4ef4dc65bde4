"""From one event to many sessions.

Delivering appends a reference to each session and nothing else: no engine is asked, nothing is encoded again, nobody
waits. Once a loop tick every session that got something is flushed, and then all its waiting frames leave in one
write; where many wait for the same frames these are joined once.

Looking at the sessions and writing to their sockets are two passes: a write runs through the kernel, and would leave
nothing of the next session's memory in the caches of the processor.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from hub.kernel import logs, metrics
from hub.realtime.prepared import Prepared

if TYPE_CHECKING:
    from hub.realtime.ports import Link
    from hub.realtime.session import Session

Part = tuple[bytes, "list[Callable[[bytes], object]]", "list[Session]"]

logger = logs.get("hub.fanout")


class Fanout:
    """The list of sessions with something to write, and the one flush a tick."""

    def __init__(self) -> None:
        self._dirty: list[Session] = []

    def deliver(self, event: Prepared, sessions: Iterable["Session"]) -> None:
        """Queue the event for each of the sessions."""
        idle = not self._dirty
        dirty = self._dirty
        for session in sessions:
            session.queue.append(event)
            if not session.dirty:
                session.dirty = True
                dirty.append(session)
        if idle and dirty:
            asyncio.get_running_loop().call_soon(self._flush)

    def mark(self, session: "Session") -> None:
        """Flush this session at the end of the tick."""
        if not session.dirty:
            session.dirty = True
            self._dirty.append(session)
            if len(self._dirty) == 1:
                asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        leaving = Leaving()
        for session in dirty:
            try:
                session.flush(leaving)
            except Exception:
                logger.exception("a session could not be flushed and has to begin anew", client=session.client_id[:8])
                session.fall_out()
        leaving.write()


class Leaving:
    """What leaves in one flush. Sessions that wait for the same events, as all listeners of a channel do, follow one
    another and share the bytes.
    """

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._queue: list[Prepared] = []
        self._replay = self._deflate = False
        self._writes: list[Callable[[bytes], object]] = []
        self._sessions: list[Session] = []
        self._events = 0

    def add(self, session: "Session", queue: list[Prepared], link: "Link", *, replay: bool) -> None:
        """The frames of the queue, for a session with or without the replay extension, shall be written."""
        if queue != self._queue or replay is not self._replay or link.deflates is not self._deflate:
            self._begin(queue.copy(), replay=replay, deflate=link.deflates)
        self._writes.append(link.write)
        self._sessions.append(session)
        self._events += len(queue)

    def _begin(self, queue: list[Prepared], *, replay: bool, deflate: bool) -> None:
        self._queue, self._replay, self._deflate = queue, replay, deflate
        self._writes, self._sessions = [], []
        frames = [event.frame(replay=replay, deflate=deflate) for event in queue]
        piece = frames[0] if len(frames) == 1 else b"".join(frames)
        self._parts.append((piece, self._writes, self._sessions))

    def write(self) -> None:
        """Write all of it."""
        for piece, writes, sessions in self._parts:
            for write in writes:
                try:
                    write(piece)
                except Exception:
                    logger.exception("a socket could not be written to; its session has to begin anew")
                    sessions[writes.index(write)].fall_out()
        if self._events:
            metrics.DELIVERIES.labels("websocket").inc(self._events)
