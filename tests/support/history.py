"""A history under construction: test clients and publishers write into it, `verify` puts it before the checker."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.support.checker import Client, Finding, Published, Stream, check, report


class UncheckedHistoryError(AssertionError):
    """A test collected a history and never had it checked."""


class History:
    """What one test published and what its clients received.

    Clients are given as functions, called when the history is verified, because they go on recording until then.
    """

    def __init__(self) -> None:
        self.published: list[Published] = []
        self._clients: list[Callable[[], Client]] = []
        self._verified = False
        self._grown = asyncio.Event()

    def publish(self, *events: Published) -> None:
        """Ingest has acknowledged these."""
        self.published += events
        self._grown.set()

    async def until_published(self, count: int, timeout: float = 30.0) -> None:
        """Return when so many events have been acknowledged in all; TimeoutError after so many seconds."""
        async with asyncio.timeout(timeout):
            while len(self.published) < count:
                self._grown.clear()
                await self._grown.wait()

    def follow(self, client: Callable[[], Client]) -> None:
        """What this client has received will be checked too."""
        self._clients.append(client)

    def heads(self) -> dict[Stream, int]:
        """The highest acknowledged position of each stream."""
        heads: dict[Stream, int] = {}
        for event in self.published:
            heads[event.stream] = max(event.seq, heads.get(event.stream, 0))
        return heads

    def findings(self) -> list[Finding]:
        """What the checker has to say; counts as having looked. A history without events or clients proves nothing."""
        self._verified = True
        assert self.published, "nothing was published"
        assert self._clients, "no client took part"
        return check(self.published, [client() for client in self._clients])

    def verify(self) -> None:
        """Every promise was kept, or an AssertionError with the report."""
        findings = self.findings()
        assert not findings, report(findings)

    def close(self) -> None:
        """The test is over: a history that nobody looked at is an error."""
        if not self._verified:
            raise UncheckedHistoryError("the history was never verified: call history.verify()")


@contextmanager
def recorded_history() -> Iterator[History]:
    """A history that must have been verified when the block ends normally."""
    history = History()
    yield history
    history.close()
