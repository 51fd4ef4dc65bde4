"""From one event to many sessions.

Delivering appends a reference to each session and nothing else: no engine is asked, nothing is encoded again, nobody
waits. Once a loop tick every session that got something is flushed, and then all its waiting frames leave in one
write.
"""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hub.kernel import logs
from hub.realtime.prepared import Prepared

if TYPE_CHECKING:
    from hub.realtime.session import Session

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
        for session in dirty:
            try:
                session.flush()
            except Exception:
                logger.exception("a session could not be flushed and has to begin anew", client=session.client_id[:8])
                session.fall_out()
