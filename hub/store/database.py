"""The database as the rest of the hub sees it: `write`, `read`, `after_commit`."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

from channels.envelope import LoggedEvent
from hub.kernel import logs, metrics
from hub.kernel.clock import Clock
from hub.store import dialects
from hub.store.jobs import Job, Jobs, Outcome, settle
from hub.store.link import Link
from hub.store.transaction import Snapshot, Tx
from hub.store.worker import Worker
from hub.store.writer import Writer, refusal

log = logs.get("hub.store")

T = TypeVar("T")
AfterCommit = Callable[[Sequence[LoggedEvent]], None]
AfterPlanning = Callable[[], None]

QUEUE_BOUND = 1024
READERS = 2
WATCH_SECONDS = 1.0


class Database:
    """A migrated database, opened with `async with` on the loop that uses it.

    Leaving finishes what was accepted, then closes every connection. `url` is that of a SQLite file or a PostgreSQL
    database, ValueError otherwise; `clock` dates the commits. Entering raises ConnectionError where it is not reached.
    """

    def __init__(self, url: str, *, clock: Clock, queue_bound: int = QUEUE_BOUND, readers: int = READERS) -> None:
        dialect = dialects.of(url)
        self._watching: asyncio.TimerHandle | None = None
        self._callbacks: list[AfterCommit] = []
        self._planners: list[AfterPlanning] = []
        self._writes: Jobs[Tx] = Jobs(queue_bound)
        self._reads: Jobs[Snapshot] = Jobs(queue_bound)
        self._writing = Writer(self._writes, clock, self._hand_over, self._hand_over_planned, join=dialect.join)
        self._writer = Worker("store-writer", dialect, self._writing.serve)
        self._readers = [
            Worker(f"store-reader-{number}", dialect, self._serve_reads, read_only=True) for number in range(readers)
        ]

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        try:
            for worker in (self._writer, *self._readers):
                await worker.start()
        except BaseException:
            await self.close()
            raise
        self._writes.open()
        self._reads.open()
        self._watch()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Refuse new work, finish what was accepted, close the connections. May be called more than once."""
        self._writes.close(takers=1)
        self._reads.close(takers=len(self._readers))
        self.hasten()
        # The threads stop by themselves even if a cancelled close does not see the end of it.
        try:
            for worker in (self._writer, *self._readers):
                await worker.join()
        finally:
            if self._watching is not None:
                self._watching.cancel()

    def hasten(self) -> None:
        """The process wants to end: what the database has not answered after two seconds fails, and is not repeated."""
        for worker in (self._writer, *self._readers):
            worker.end()

    def _watch(self) -> None:
        for worker in (self._writer, *self._readers):
            worker.hurry()
        self._watching = self._loop.call_later(WATCH_SECONDS, self._watch)

    def trouble(self) -> str | None:
        """Why nothing can be read or written, None while all threads serve."""
        workers = (self._writer, *self._readers)
        if not all(worker.alive for worker in workers):
            return "a thread of the database has died; the log has the reason"
        if any(worker.away for worker in workers):
            return "the database cannot be reached; the log has the reason"
        return "the database has no room left" if self._writing.full else None

    async def write(self, function: Callable[[Tx], T]) -> T:
        """Run `function` in the writer thread and return its result once it is durable.

        Raises what the function raised (its changes and emissions are undone, those of others are not),
        `TransactionFailed` if the commit failed, `Overloaded` if too many wait, another process holds what is needed
        or the database is away, and `OutcomeUnknown` if it went away during the commit. The function may share its
        transaction with others and may be run again. Cancelling the caller does not undo a function that has started.
        """
        return await self._writes.submit(function)

    async def read(self, function: Callable[[Snapshot], T]) -> T:
        """Run `function` in a reader thread on one snapshot, which holds every write that has returned before.

        Raises what the function raised, or `Overloaded` if too many wait or the database is away. Writing fails.
        """
        return await self._reads.submit(function)

    def announce(self, events: Sequence[LoggedEvent]) -> None:
        """Tell those who are told after commits of ephemeral events that come with no change, and wait for none."""
        self._deliver(events, ())

    def after_commit(self, callback: AfterCommit) -> None:
        """Call `callback` on the loop's thread after every commit that has events, in commit order.

        Its argument holds all events of the transaction in order, ephemeral ones with seq 0. It runs before the
        functions' awaiters wake up and must not wait. What it raises is logged and counted, and goes no further.
        """
        self._callbacks.append(callback)

    def after_planning(self, callback: AfterPlanning) -> None:
        """Call `callback` on the loop's thread after every commit in which timers were planned. It must not raise."""
        self._planners.append(callback)

    def _hand_over(self, events: Sequence[LoggedEvent], outcomes: Sequence[Outcome]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._deliver, events, outcomes)
        except RuntimeError:
            log.exception("event loop closed before the database", events=len(events))

    def _hand_over_planned(self) -> None:
        with suppress(RuntimeError):  # the loop has gone; the timer is in the database
            for callback in self._planners:
                self._loop.call_soon_threadsafe(callback)

    def _deliver(self, events: Sequence[LoggedEvent], outcomes: Sequence[Outcome]) -> None:
        if events:
            for callback in self._callbacks:
                try:
                    callback(events)
                except Exception:
                    metrics.STORE_CALLBACK_ERRORS.inc()
                    log.exception("after-commit callback failed")
        settle(outcomes)

    def _serve_reads(self, link: Link) -> None:
        while self._serve_read(link):
            pass

    def _serve_read(self, link: Link) -> bool:
        jobs, more = self._reads.take(1, link.patience)
        for job in jobs:
            if not job.future.cancelled():
                self._hand_over((), (_read(link, job),))
        if not jobs:
            link.mend()
        return more


def _read(link: Link, job: Job[Snapshot]) -> Outcome:
    def look() -> object:
        link.begin()
        value = job.function(Snapshot(link.connection, link.cursor, link.dialect))
        link.commit()
        return value

    try:
        return Outcome(job.future, link.persist(look), None)
    except BaseException as error:  # noqa: BLE001 - it belongs to the awaiter, whatever it is
        return Outcome(job.future, None, refusal(link.dialect.trouble(error), error) or error)
