"""Events that a client has been sent and has not acknowledged yet."""

from hub.realtime.prepared import Prepared
from hub.realtime.pressure import size_of


class Unacked:
    """Batches in the order in which they were sent; empty for sessions without the acknowledgement extension."""

    __slots__ = ("_batches", "_count", "size")

    def __init__(self) -> None:
        self._batches: list[tuple[int, list[Prepared]]] = []
        self._count = 0
        self.size = 0
        """Bytes of the events' data."""

    def __bool__(self) -> bool:
        return bool(self._batches)

    def __len__(self) -> int:
        return self._count

    def events(self) -> list[Prepared]:
        """All of them, oldest first."""
        return [event for _, events in self._batches for event in events]

    def add(self, batch: int, events: list[Prepared]) -> None:
        """These leave in this batch, together with all that is here already."""
        if events:
            self._batches.append((batch, events))
            self._count += len(events)
            self.size += size_of(events)

    def drop(self, batch: int) -> None:
        """The client has everything up to this batch."""
        while self._batches and self._batches[0][0] <= batch:
            _, events = self._batches.pop(0)
            self._count -= len(events)
            self.size -= size_of(events)
