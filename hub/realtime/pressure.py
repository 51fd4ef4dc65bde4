"""What happens to a session whose client does not keep up: it forgets its queue and remembers where it was."""

import asyncio
from collections.abc import Iterable

from msgspec import Struct

from channels.envelope import Stream
from hub.realtime.prepared import Prepared


class Bounds(Struct, frozen=True, kw_only=True):
    """How much may wait for one session in memory, how many connects may be held for one browser, how many sessions
    may begin in a second and be there at once, and how much a user may publish.
    """

    events: int = 256
    size: int = 256 * 1024
    browser_connects: int = 4
    handshakes: float = 500.0
    sessions: int = 20_000
    organization_sessions: int = 0
    """Of one organization; 0: as many as of all."""
    customers: int = 10_000
    """Without credentials: so many that they leave room for those who work here."""
    user_sessions: int = 50
    publishes: float = 200.0
    """A second, of one user on custom channels."""

    def exceeded(self, count: int, size: int) -> bool:
        """Whether so many events are past the bound; `size` is that of their data in bytes. One event always fits."""
        return count > 1 and (count > self.events or size > self.size)

    def fitting(self, page: list[Prepared], count: int, size: int) -> list[Prepared]:
        """The beginning of a page that may be kept beside so many events; beside none at least one event fits."""
        for taken, event in enumerate(page):
            count += 1
            size += len(event.data)
            if count > 1 and (count > self.events or size > self.size):
                return page[:taken]
        return page


def size_of(events: Iterable[Prepared]) -> int:
    """The bytes of the events' data."""
    return sum(len(event.data) for event in events)


class Strain:
    """What is known of a queue that its client does not empty at once: how much is in it, and who waits for relief."""

    __slots__ = ("_count", "_relief", "_size", "felt")

    def __init__(self) -> None:
        self._count = self._size = 0
        self._relief: asyncio.Event | None = None
        self.felt = False
        """Whether anybody has to be told when something is taken."""

    def weigh(self, queue: list[Prepared]) -> int:
        """The bytes of the events' data, of which each is weighed once while the queue grows at its end."""
        self.felt = True
        if len(queue) > self._count:
            self._size += size_of(queue[self._count :])
            self._count = len(queue)
        return self._size

    async def relief(self) -> None:
        """Return when the client has taken or acknowledged something."""
        self.felt = True
        self._relief = asyncio.Event()
        await self._relief.wait()

    def ease(self) -> None:
        """Something has been taken."""
        self.felt = False
        self._count = self._size = 0
        if self._relief is not None:
            self._relief.set()
            self._relief = None


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
