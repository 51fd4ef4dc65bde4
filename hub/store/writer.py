"""Group commit: one thread turns all waiting functions into one transaction.

Per transaction: BEGIN, each function in its SAVEPOINT, heads and events, what functions want done last, COMMIT, then a
single hand-over to the event loop with the events and all outcomes. A function that raises is rolled back alone, with
its emissions. If the transaction itself fails, every function's awaiter is told so and nothing is published.
"""

from collections.abc import Callable, Sequence

from channels.envelope import LoggedEvent
from hub.kernel import logs, metrics
from hub.kernel.clock import Clock, micros
from hub.kernel.errors import HubError, Overloaded
from hub.store import outbox, sqlite
from hub.store.jobs import Job, Jobs, Outcome
from hub.store.sqlite import Link
from hub.store.transaction import TransactionFailed, Tx

log = logs.get("hub.store")

Deliver = Callable[[Sequence[LoggedEvent], Sequence[Outcome]], None]


class Writer:
    """The loop of the writer thread. `deliver` must hand over to the event loop and return at once."""

    def __init__(self, jobs: Jobs[Tx], clock: Clock, deliver: Deliver, *, join: int) -> None:
        self._jobs = jobs
        self._clock = clock
        self._deliver = deliver
        self._join = join

    def serve(self, link: Link) -> None:
        """Write until told to stop."""
        while self._serve_batch(link):
            pass

    def _serve_batch(self, link: Link) -> bool:
        # A function of its own, so that nothing of a finished batch is kept alive while the next is waited for.
        batch, more = self._jobs.take(self._join)
        metrics.WRITE_QUEUE.set(self._jobs.waiting())
        if batch:
            self._deliver(*self._transact(link, batch))
        return more

    def _transact(self, link: Link, batch: Sequence[Job[Tx]]) -> tuple[list[LoggedEvent], list[Outcome]]:
        done: list[Tx] = []
        began = self._clock.monotonic()
        try:
            link.begin(sqlite.BEGIN_WRITE)
            # A function whose awaiter has gone before it started is not run; one that has started is not stopped.
            outcomes = [_run(link, job, done) for job in batch if not job.future.cancelled()]
            emitted = [event for tx in done for event in tx.emitted]
            events = outbox.append(link.cursor, emitted, micros(self._clock.now()))
            for tx in done:
                for function in tx.at_last:
                    function()
            link.cursor.execute("COMMIT")
        except BaseException as error:
            log.exception("transaction failed", functions=len(batch))
            link.abandon()
            return [], [Outcome(job.future, None, _failure(error)) for job in batch]
        metrics.WRITE_TRANSACTIONS.inc()
        metrics.WRITE_FUNCTIONS.inc(len(outcomes))
        metrics.WRITE_SECONDS.observe(self._clock.monotonic() - began)
        return events, outcomes


def _run(link: Link, job: Job[Tx], done: list[Tx]) -> Outcome:
    cursor = link.cursor
    tx = Tx(link.connection, cursor)
    cursor.execute("SAVEPOINT f")
    try:
        value = job.function(tx)
    except BaseException as error:  # noqa: BLE001 - it belongs to the awaiter, whatever it is
        cursor.execute("ROLLBACK TO f")
        cursor.execute("RELEASE f")
        return Outcome(job.future, None, error)
    cursor.execute("RELEASE f")
    done.append(tx)
    return Outcome(job.future, value, None)


def _failure(error: BaseException) -> HubError:
    """One exception per awaiter: an instance raised in several tasks would mix their tracebacks."""
    failure = Overloaded("The database is busy") if sqlite.is_busy(error) else TransactionFailed()
    failure.__cause__ = error
    return failure
