"""Tabs of one browser: how many connects may be held for it at once.

A browser opens only a few connections to one server, over HTTP/1.1 six. If every tab held a connect, none would be
left for anything else. So beyond a number of held connects the others are told to poll slowly.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.realtime.session import Session


class Browsers:
    """Polling sessions by the cookie of their browser."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sessions: dict[str, set[Session]] = {}

    def is_full(self, session: "Session", browser: str | None) -> bool:
        """Whether other sessions of this browser hold as many connects as may be held for it."""
        if browser is None:
            return False
        if session.browser != browser:
            self.forget(session)
            session.browser = browser
            self._sessions.setdefault(browser, set()).add(session)
        sessions = self._sessions[browser]
        if len(sessions) <= self._limit:
            return False
        return sum(other.engine.held is not None for other in sessions if other is not session) >= self._limit

    def forget(self, session: "Session") -> None:
        """The session is over, or has another browser."""
        sessions = self._sessions.get(session.browser) if session.browser is not None else None
        if sessions is not None:
            sessions.discard(session)
            if not sessions:
                del self._sessions[session.browser or ""]
            session.browser = None
