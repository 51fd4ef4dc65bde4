"""Publishes that find no connection: the latest ones, for a short while.

They are bounded in bytes and in age. Age, because the log has supplied a durable event to everybody by the time, and
an ephemeral one means nothing any more.
"""

from collections import deque
from collections.abc import Iterator
from typing import Final

from hub.kernel import metrics

LARGEST: Final = 1_048_576
OLDEST: Final = 5.0  # seconds

_OVERHEAD: Final = 200


class Backlog:
    """First in, first out; the oldest go when there is no room. What goes unsent is counted."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, bytes]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, command: bytes, now: float) -> None:
        """Add a command that publishes."""
        self._kept.append((now, command))
        self._bytes += len(command) + _OVERHEAD
        while self._bytes > LARGEST:
            self._drop()

    def take(self, now: float) -> Iterator[bytes]:
        """Take commands out, as long as they are asked for; those that are too old are dropped first."""
        while self._kept and now - self._kept[0][0] > OLDEST:
            self._drop()
        while self._kept:
            yield self._next()

    def clear(self) -> None:
        """Drop everything."""
        while self._kept:
            self._drop()

    def _drop(self) -> None:
        self._next()
        metrics.REDIS_DROPPED.labels("away").inc()

    def _next(self) -> bytes:
        _, command = self._kept.popleft()
        self._bytes -= len(command) + _OVERHEAD
        return command
