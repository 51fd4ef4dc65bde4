"""The database as the rest of the hub sees it: `write`, `read`, `after_commit`."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar

from channels.envelope import LoggedEvent
from hub.kernel import logs, metrics
from hub.kernel.clock import Clock
from hub.store import sqlite
from hub.store.jobs import Job, Jobs, Outcome, settle
from hub.store.sqlite import Link
from hub.store.transaction import Snapshot, Tx
from hub.store.worker import Worker
from hub.store.writer import Writer

log = logs.get("hub.store")

T = TypeVar("T")
AfterCommit = Callable[[Sequence[LoggedEvent]], None]

QUEUE_BOUND = 1024
JOIN_FUNCTIONS = 256
READERS = 2


class Database:
    """A migrated database, opened with `async with` on the loop that uses it.

    Leaving finishes what was accepted, then closes every connection. `url` must name a SQLite file; `clock` dates the
    commits.
    """

    def __init__(self, url: str, *, clock: Clock, queue_bound: int = QUEUE_BOUND, readers: int = READERS) -> None:
        sqlite.path_of(url)
        self._callbacks: list[AfterCommit] = []
        self._writes: Jobs[Tx] = Jobs(queue_bound)
        self._reads: Jobs[Snapshot] = Jobs(queue_bound)
        writer = Writer(self._writes, clock, self._hand_over, join=JOIN_FUNCTIONS)
        self._writer = Worker("store-writer", url, writer.serve)
        self._readers = [
            Worker(f"store-reader-{number}", url, self._serve_reads, read_only=True) for number in range(readers)
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
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Refuse new work, finish what was accepted, close the connections. May be called more than once."""
        self._writes.close(takers=1)
        self._reads.close(takers=len(self._readers))
        # The threads stop by themselves even if a cancelled close does not see the end of it.
        for worker in (self._writer, *self._readers):
            await worker.join()

    def trouble(self) -> str | None:
        """Why nothing can be read or written, None while all threads serve."""
        served = all(worker.alive for worker in (self._writer, *self._readers))
        return None if served else "a thread of the database has died; the log has the reason"

    async def write(self, function: Callable[[Tx], T]) -> T:
        """Run `function` in the writer thread and return its result once it is durable.

        Raises what the function raised (its changes and emissions are undone, those of others are not),
        `TransactionFailed` if the commit failed, or `Overloaded` if too many wait or another process holds the
        database. The function may share its transaction with others and may be run again. Cancelling the caller
        does not undo a function that has started.
        """
        return await self._writes.submit(function)

    async def read(self, function: Callable[[Snapshot], T]) -> T:
        """Run `function` in a reader thread on one snapshot, which holds every write that has returned before.

        Raises what the function raised, or `Overloaded` if too many wait. Writing fails.
        """
        return await self._reads.submit(function)

    def after_commit(self, callback: AfterCommit) -> None:
        """Call `callback` on the loop's thread after every commit that has events, in commit order.

        Its argument holds all events of the transaction in order, ephemeral ones with seq 0. It runs before the
        functions' awaiters wake up and must not wait. What it raises is logged and counted, and goes no further.
        """
        self._callbacks.append(callback)

    def _hand_over(self, events: Sequence[LoggedEvent], outcomes: Sequence[Outcome]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._deliver, events, outcomes)
        except RuntimeError:
            log.exception("event loop closed before the database", events=len(events))

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
        jobs, more = self._reads.take(1)
        for job in jobs:
            if not job.future.cancelled():
                self._hand_over((), (_read(link, job),))
        return more


def _read(link: Link, job: Job[Snapshot]) -> Outcome:
    try:
        link.begin(sqlite.BEGIN_READ)
        return Outcome(job.future, job.function(Snapshot(link.connection, link.cursor)), None)
    except BaseException as error:  # noqa: BLE001 - it belongs to the awaiter, whatever it is
        return Outcome(job.future, None, error)
    finally:
        link.abandon()
