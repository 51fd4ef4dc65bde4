"""Group commit: one thread turns all waiting functions into one transaction.

Per transaction: BEGIN, each function (in a SAVEPOINT of its own once it touches the database, if there are others),
heads and events, what functions want done last, COMMIT, then a single hand-over to the event loop with the events and
all outcomes. A function that raises is rolled back alone, with its emissions. If the transaction itself fails, every
function's awaiter is told so and nothing is published.

Two things are tried again: a transaction that clashed with another process's, function by function, and one whose
connection was lost before it was committed. One whose connection was lost *while* it was committed is not.
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import assert_never

from channels.envelope import LoggedEvent
from hub.kernel import logs, metrics
from hub.kernel.clock import Clock, micros
from hub.kernel.errors import BadInput, HubError, Overloaded
from hub.store import outbox
from hub.store.dialect import Trouble
from hub.store.jobs import Job, Jobs, Outcome
from hub.store.link import RETRY_SECONDS, Link
from hub.store.transaction import OutcomeUnknown, TransactionFailed, Tx

log = logs.get("hub.store")

MOST_CLASHES = 4
LET_THROUGH = (0.01, 0.05)  # seconds for whom we gave in to, who would otherwise meet us at the same place again

Deliver = Callable[[Sequence[LoggedEvent], Sequence[Outcome]], None]
Planned = Callable[[], None]


class Writer:
    """The loop of the writer thread. `deliver` and `planned` must hand over to the event loop and return at once."""

    def __init__(self, jobs: Jobs[Tx], clock: Clock, deliver: Deliver, planned: Planned, *, join: int) -> None:
        self._jobs = jobs
        self._clock = clock
        self._deliver = deliver
        self._planned = planned
        self._join = join
        self.full = False
        """Whether there was no room for what was to be written last."""

    def serve(self, link: Link) -> None:
        """Write until told to stop."""
        while self._serve_batch(link):
            pass

    def _serve_batch(self, link: Link) -> bool:
        # A function of its own, so that nothing of a finished batch is kept alive while the next is waited for.
        batch, more = self._jobs.take(self._join, RETRY_SECONDS if self.full else link.patience)
        metrics.WRITE_QUEUE.set(self._jobs.waiting())
        if batch:
            self._write(link, batch)
        else:
            link.mend()
            if self.full:
                self._look_for_room(link)
        return more

    def _look_for_room(self, link: Link) -> None:
        """Write something small: while the process is not ready, nobody else may come to do so."""

        def write() -> None:
            link.begin()
            link.cursor.execute("UPDATE log SET epoch = epoch")
            link.commit()

        try:
            link.persist(write)
        except Exception as error:
            if link.dialect.trouble(error) is None:
                log.exception("looking for room in the database failed")
        else:
            self._notice_room(full=False)

    def _write(self, link: Link, batch: Sequence[Job[Tx]], clashes: int = 0) -> None:
        try:
            events, outcomes = link.persist(lambda: self._transact(link, batch))
        except BaseException as error:
            trouble = link.dialect.trouble(error)
            if trouble is Trouble.CLASH and clashes < MOST_CLASHES:
                metrics.WRITE_CLASHES.inc()
                time.sleep(random.uniform(*LET_THROUGH))  # noqa: S311 - spreads load, protects nothing
                for job in batch:
                    self._write(link, [job], clashes + 1)
                return
            if trouble in {None, Trouble.UNFIT}:  # what all have in common is ours
                log.exception("transaction failed", functions=len(batch))
            self._notice_room(full=trouble is Trouble.FULL)
            events, outcomes = [], [Outcome(job.future, None, _failure(trouble, error)) for job in batch]
        else:
            self._notice_room(full=False)
        self._deliver(events, outcomes)

    def _notice_room(self, *, full: bool) -> None:
        if full and not self.full:
            log.error("the database has no room left: every change is refused until there is some")
        elif self.full and not full:
            log.info("the database has room again")
        self.full = full

    def _transact(self, link: Link, batch: Sequence[Job[Tx]]) -> tuple[list[LoggedEvent], list[Outcome]]:
        done: list[Tx] = []
        began = self._clock.monotonic()
        link.begin()
        # A function whose awaiter has gone before it started is not run; one that has started is not stopped.
        wanted = [job for job in batch if not job.future.cancelled()]
        outcomes = [_run(link, job, done, alone=len(wanted) == 1) for job in wanted]
        metrics.WRITE_FUNCTIONS.inc(len(outcomes))
        if not done:
            link.abandon()
            return [], outcomes
        emitted = [event for tx in done for event in tx.emitted]
        events = outbox.append(link.cursor, link.dialect, emitted, lambda: micros(self._clock.now()))
        for tx in done:
            for function in tx.at_last:
                function()
        planned = any(tx.planned for tx in done)
        if planned and link.dialect.tell_planned:
            link.cursor.execute(link.dialect.tell_planned)
        _commit(link)
        if planned:
            self._planned()
        metrics.WRITE_TRANSACTIONS.inc()
        metrics.WRITE_SECONDS.observe(self._clock.monotonic() - began)
        return events, outcomes


def _run(link: Link, job: Job[Tx], done: list[Tx], *, alone: bool) -> Outcome:
    tx = Tx(link.connection, link.cursor, link.dialect, alone=alone)
    try:
        value = job.function(tx)
        tx.keep()
    except BaseException as error:
        trouble = link.dialect.trouble(error)
        if trouble in {Trouble.CLASH, Trouble.LOST, Trouble.FULL}:
            raise  # it concerns the transaction, not this function
        tx.undo()
        return Outcome(job.future, None, refusal(trouble, error) or error)
    done.append(tx)
    return Outcome(job.future, value, None)


def _commit(link: Link) -> None:
    try:
        link.commit()
    except BaseException as error:
        if link.dialect.trouble(error) is Trouble.LOST:
            link.close()
            log.exception("connection lost during a commit; whether it happened is not known")
            raise OutcomeUnknown from error
        raise


def refusal(trouble: Trouble | None, error: BaseException) -> HubError | None:
    """What an awaiter is told instead of the driver's error; None where that error is for the awaiter to see."""
    refused: HubError
    match trouble:
        case None:
            return None
        case Trouble.UNFIT:
            refused = BadInput("A value has a character, or a length, that cannot be kept")
        case Trouble.LOST:
            refused = Overloaded("The database cannot be reached", code="database_away")
        case Trouble.FULL:
            refused = Overloaded("The database has no room left", code="database_full")
        case Trouble.BUSY | Trouble.CLASH:
            refused = Overloaded("The database is busy")
        case _:
            assert_never(trouble)
    refused.__cause__ = error
    return refused


def _failure(trouble: Trouble | None, error: BaseException) -> HubError:
    """One exception per awaiter: an instance raised in several tasks would mix their tracebacks."""
    if trouble is not Trouble.UNFIT and (refused := refusal(trouble, error)) is not None:
        return refused
    failure = OutcomeUnknown() if isinstance(error, OutcomeUnknown) else TransactionFailed()
    failure.__cause__ = error
    return failure
