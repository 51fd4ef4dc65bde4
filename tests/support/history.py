"""A history under construction: test clients and publishers write into it, `verify` puts it before the checker."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from tests.support.checker import Client, Finding, Gap, Published, Received, Stream, check, home, report

OWN = "UserStateChangeMessage"
"""What the hub itself says on `/v2/users`, between the events that are ingested there."""


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
        return check(*with_own(self.published, [client() for client in self._clients], self.heads()))

    def verify(self) -> None:
        """Every promise was kept, or an AssertionError with the report."""
        findings = self.findings()
        assert not findings, report(findings)

    def close(self) -> None:
        """The test is over: a history that nobody looked at is an error."""
        if not self._verified:
            raise UncheckedHistoryError("the history was never verified: call history.verify()")


def with_own(
    published: Sequence[Published], clients: Sequence[Client], heads: dict[Stream, int]
) -> tuple[list[Published], list[Client]]:
    """Take what any client heard of the hub's own events as published, so that all must have heard the same.

    Those after the last ingested event of a stream may still be on their way when a test ends, and are left out.
    """
    own: dict[tuple[Stream, int], Published] = {}
    kept = []
    for client in clients:
        log: list[Received | Gap] = []
        for entry in client.log:
            if isinstance(entry, Received) and entry.data.get("messageType") == OWN:
                stream = home(client, entry.channel)
                if entry.seq is None or entry.seq > heads.get(stream, 0):
                    continue
                event = Published(**stream._asdict(), seq=entry.seq, data=entry.data, at=entry.at)
                own.setdefault((stream, entry.seq), event)
            log.append(entry)
        kept.append(msgspec.structs.replace(client, log=log))
    return [*published, *own.values()], kept


@contextmanager
def recorded_history() -> Iterator[History]:
    """A history that must have been verified when the block ends normally."""
    history = History()
    yield history
    history.close()
