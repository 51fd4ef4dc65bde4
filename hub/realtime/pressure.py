"""What happens to a session whose client does not keep up: it forgets its queue and remembers where it was."""

from collections.abc import Iterable

from msgspec import Struct

from channels.envelope import Stream
from hub.realtime.prepared import Prepared


class Bounds(Struct, frozen=True):
    """How much may wait for one session in memory, how many connects may be held for one browser, and how many
    sessions may begin in a second.
    """

    events: int = 256
    size: int = 256 * 1024
    browser_connects: int = 4
    handshakes: float = 500.0

    def exceeded(self, queue: list[Prepared]) -> bool:
        """Whether the queue is past its bound; `size` counts the bytes of the events' data. One event always fits."""
        return len(queue) > 1 and (len(queue) > self.events or _size(queue) > self.size)

    def fitting(self, page: list[Prepared], beside: list[Prepared]) -> list[Prepared]:
        """The beginning of a page that may be kept beside other events; beside nothing at least one event fits."""
        count, size = len(beside), _size(beside)
        for taken, event in enumerate(page):
            count += 1
            size += len(event.data)
            if count > 1 and (count > self.events or size > self.size):
                return page[:taken]
        return page


def _size(queue: Iterable[Prepared]) -> int:
    return sum(len(event.data) for event in queue)


class Forgotten(Struct, frozen=True):
    """What is left of a queue: the position before its first event of each stream, and how many events are lost."""

    positions: dict[Stream, int]
    ephemeral: int


def forget(queue: Iterable[Prepared]) -> Forgotten:
    """Give the queue up. Durable events can be read again from these positions; ephemeral ones are gone."""
    positions: dict[Stream, int] = {}
    ephemeral = 0
    for event in queue:
        if event.seq:
            positions.setdefault(event.stream, event.seq - 1)
        else:
            ephemeral += 1
    return Forgotten(positions, ephemeral)
