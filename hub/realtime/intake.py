"""What comes in from the broker, put in order and made whole.

A stream is numbered without gaps, so a receiver needs nobody's word for what it missed: an event at or below the last
one is dropped, the next one is delivered, and one further on means that something is missing, which is then read from
the log. Because a quiet stream gives no such hint, the heads touched in the last seconds are compared regularly as
well; that is also how events are found whose publisher died between its commit and its publish.
"""

import asyncio
from collections.abc import Iterable
from functools import partial

from channels.envelope import LoggedEvent, Stream
from hub.kernel import logs, metrics
from hub.realtime.fanout import Fanout
from hub.realtime.listeners import Listeners
from hub.realtime.prepared import prepare
from hub.realtime.streams import UNKNOWN, LocalStream, Streams
from hub.store import streams as log
from hub.store.database import Database

PAGE = 512

logger = logs.get("hub.intake")


class Intake:
    """The receiver of the broker (`hub.brokers.port.Receiver`), and the one that reads the log for live sessions."""

    def __init__(self, database: Database, streams: Streams, fanout: Fanout) -> None:
        self._database = database
        self._streams = streams
        self._fanout = fanout
        self.suspicious = False
        """The broker has missed something, nobody knows what: compare all heads, not only those touched lately."""
        self._healing: dict[Stream, asyncio.Task[None]] = {}

    # The receiver -----------------------------------------------------------------------------------------------

    def event(self, event: LoggedEvent) -> None:
        """See the port."""
        local = self._streams.get(event.stream)
        if event.seq == 0:
            listeners = local.listeners if local is not None else Listeners(self._streams.listeners(event.stream))
            self._fanout.deliver(prepare(event), listeners)
        elif local is not None:
            self._arrived(local, event)
        elif self._streams.listeners(event.stream):
            self._arrived(self._streams.ensure(event.stream, last=0), event)

    def interrupted(self) -> None:
        """See the port."""
        self.suspicious = True

    def _arrived(self, local: LocalStream, event: LoggedEvent) -> None:
        local.seen = max(local.seen, event.seq)
        if local.last == UNKNOWN:
            return  # whoever reads the head compares with `seen`
        if event.seq == local.last + 1:
            self._take(local, event)
        elif event.seq > local.last:
            _ = self.heal(local)

    def _take(self, local: LocalStream, event: LoggedEvent) -> None:
        prepared = prepare(event)
        local.take(prepared)
        self._fanout.deliver(prepared, local.listeners)

    # Healing ----------------------------------------------------------------------------------------------------

    def heal(self, local: LocalStream) -> asyncio.Task[None]:
        """Read what is missing up to `local.seen`; one reader a stream, however many ask."""
        task = self._healing.get(local.stream)
        if task is None:
            task = asyncio.create_task(self._heal(local), name=f"heal {local.stream}")
            self._healing[local.stream] = task
            task.add_done_callback(lambda done: self._healed(local.stream, done))
        return task

    async def healed(self) -> None:
        """Return when what is being healed now has been handed to the sessions, and written where it can be."""
        if self._healing:
            await asyncio.wait(set(self._healing.values()))
        await asyncio.sleep(0)  # sessions are flushed at the end of a tick

    def _healed(self, stream: Stream, done: asyncio.Task[None]) -> None:
        del self._healing[stream]
        if not done.cancelled() and (error := done.exception()) is not None:
            logger.error("healing failed; the next look at the heads tries again", stream=stream, error=repr(error))

    async def _heal(self, local: LocalStream) -> None:
        while local.last < local.seen:
            after = local.last
            page = await self._database.read(partial(log.history, stream=local.stream, after=after, limit=PAGE))
            fresh = [event for event in page if event.seq > local.last]
            if not fresh:
                return  # the head moved in a transaction that this snapshot does not show yet
            if fresh[0].seq > local.last + 1:
                self._skip(local, fresh[0].seq - 1)
            for event in fresh:
                self._take(local, event)
            metrics.HEALED_EVENTS.inc(len(fresh))

    def _skip(self, local: LocalStream, to: int) -> None:
        """The log no longer reaches back: nobody can be served on, everybody is told to start over."""
        logger.error("log trimmed under live sessions", stream=local.stream, last=local.last, kept_from=to + 1)
        local.skip(to)
        for session in list(local.listeners):
            session.fall_out()

    # The regular look -------------------------------------------------------------------------------------------

    def compare(self, heads: Iterable[tuple[Stream, int]]) -> None:
        """Heal every local stream that is behind one of these heads."""
        for stream, seq in heads:
            self._compare(stream, seq)

    def _compare(self, stream: Stream, seq: int) -> None:
        local = self._streams.get(stream)
        if local is None and self._streams.listeners(stream):
            local = self._streams.ensure(stream, last=0)
        if local is not None and local.last != UNKNOWN and seq > local.last:
            local.seen = max(local.seen, seq)
            _ = self.heal(local)

    async def close(self) -> None:
        """Stop all readers."""
        tasks = list(self._healing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
