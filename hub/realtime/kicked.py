"""Sessions that were kicked, remembered for as long as their clients could still come back with them.

A client may not hold a connect at the moment of the kick, may never get its answer, or may send a refused one again
after it has authenticated anew. An unknown session would tell it to shake hands again, and it would be back at once.
"""

from itertools import takewhile


class Kicked:
    """Why sessions were ended, by clientId, for `seconds` each."""

    __slots__ = ("_seconds", "_sessions")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._sessions: dict[str, tuple[str, float]] = {}

    def add(self, client_id: str, error: str, now: float) -> None:
        """The session was ended with that error at `now`, which does not go back."""
        for other in self._outdated(now):
            del self._sessions[other]
        self._sessions[client_id] = (error, now + self._seconds)

    def error(self, client_id: object, now: float) -> str | None:
        """The error that its client's connects are to fail with, None if the session was not kicked lately."""
        found = self._sessions.get(client_id) if isinstance(client_id, str) else None
        return found[0] if found is not None and now < found[1] else None

    def _outdated(self, now: float) -> list[str]:
        """Entries are in the order of their ends."""
        return list(takewhile(lambda client_id: self._sessions[client_id][1] <= now, self._sessions))
