"""The two sorts of jobs, and what happens to their timers in transactions."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias, assert_never

from msgspec import Struct

from hub.kernel.clock import micros
from hub.store import timers
from hub.store.timers import Timer
from hub.store.transaction import Tx
from scheduler.retries import (
    Again,
    Audience,
    Burial,
    Buried,
    Done,
    Ending,
    Retries,
    after_call,
    after_failure,
    is_missed,
)
from scheduler.senders.port import Outcome, Uncertain

OUTWARD = "deliver."
MISSED = "it could not be done in time"
LAPSED: Outcome = Uncertain("the attempt was cut off, nothing is known of its outcome")

Lease: TypeAlias = tuple[int, int]
"""The id of a timer and the end of the lease on it, as stored."""


class Transactional(Struct, frozen=True):
    """Timers of `kind` are answered by rows: `act(tx, timer, now)` runs in the transaction that deletes the timer.

    Like every function on a transaction it may run again. It may plan its own next run under the same kind and key.
    """

    kind: str
    act: Callable[[Tx, Timer, float], None]
    retries: Retries = Retries()


class Outward(Struct, frozen=True):
    """Timers of `kind` are answered by a call: `deliver(timer)` runs while no transaction is open.

    `at_once` calls are under way at the same time at most, `share` of them to one receiver, so that one that hangs does
    not hold up the others. Each call is given up after `seconds`.
    """

    kind: str
    deliver: Callable[[Timer], Awaitable[Outcome]]
    to: Audience
    at_once: int
    seconds: float
    retries: Retries = Retries()
    share: int | None = None


class Jobs:
    """Every kind that this process knows. Timers of other kinds are left to processes that know them."""

    def __init__(self, transactional: Sequence[Transactional] = (), outward: Sequence[Outward] = ()) -> None:
        self.transactional: Mapping[str, Transactional] = {job.kind: job for job in transactional}
        self.outward: Mapping[str, Outward] = {job.kind: job for job in outward}
        if len(self.transactional) + len(self.outward) < len(transactional) + len(outward):
            raise ValueError("a kind has two jobs")
        if wrong := [kind for kind in self.transactional if kind.startswith(OUTWARD)]:
            raise ValueError(f"transactional kinds do not begin with {OUTWARD}: {wrong}")
        if wrong := [kind for kind in self.outward if not kind.startswith(OUTWARD)]:
            raise ValueError(f"outward kinds begin with {OUTWARD}: {wrong}")


class Ended(NamedTuple):
    """A timer as it was when it was taken, and what has become of it."""

    timer: Timer
    ending: Ending


def fire(tx: Tx, jobs: Jobs, id: int, now: float) -> Ended | None:
    """Do a transactional timer that is due at `now`; None if somebody else has it, had it or changed it.

    Raises what the action raised; then nothing has happened and the timer is still due.
    """
    timer = timers.take(tx, id, now)
    if timer is None:
        return None
    if is_missed(timer, now):
        return _end(tx, timer, Buried(Burial.MISSED, MISSED), now)
    jobs.transactional[timer.kind].act(tx, timer, now)
    return _end(tx, timer, Done(), now)


def fail(tx: Tx, jobs: Jobs, id: int, reason: str, now: float, chance: float) -> Ended | None:
    """Record that firing has raised; None if somebody else has recorded it, or done better, meanwhile."""
    timer = timers.take(tx, id, now)
    if timer is None:
        return None
    retries = jobs.transactional[timer.kind].retries
    return _end(tx, timer, after_failure(timer, retries, reason, now, chance), now)


def lease(tx: Tx, id: int, now: float, until: float) -> Timer | Ended | None:
    """The attempt at an outward timer, on record from the commit on; Ended if there is no sense in one any more."""
    timer = timers.lease(tx, id, now, until)
    if timer is not None and is_missed(timer, now):
        return _end(tx, timer, Buried(Burial.MISSED, MISSED), now)
    return timer


def settle(tx: Tx, jobs: Jobs, lease: Lease, outcome: Outcome, now: float, chance: float) -> Ended | None:
    """Record how the call under `lease` ended; None if there is no such lease any more."""
    timer = timers.held(tx, *lease)
    if timer is None:
        return None
    job = jobs.outward[timer.kind]
    return _end(tx, timer, after_call(timer, job.retries, job.to, outcome, now, chance), now)


def _end(tx: Tx, timer: Timer, ending: Ending, now: float) -> Ended:
    match ending:
        case Done():
            timers.complete(tx, timer.id)
        case Again(at, reason):
            timers.retry(tx, timer.id, micros(at), reason)
        case Buried(burial, reason):
            timers.bury(tx, timer.id, f"{burial}: {reason}", now)
        case _:
            assert_never(ending)
    return Ended(timer, ending)
