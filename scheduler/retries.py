"""What becomes of a timer after an attempt: pure rules over the attempt's number and the time."""

from enum import StrEnum
from typing import TypeAlias, assert_never

from msgspec import Struct

from hub.kernel.clock import seconds
from hub.store.timers import Timer
from scheduler.senders.port import Accepted, Outcome, RefusedForGood, RefusedForNow, Uncertain


class Retries(Struct, frozen=True):
    """How often and how far apart. Pauses are in seconds and double; `attempts` None means for ever."""

    attempts: int | None = 10
    first: float = 5.0
    longest: float = 3600.0


class Audience(StrEnum):
    """Who is called. People must not be called twice for one thing; machines recognize the id."""

    PEOPLE = "people"
    MACHINES = "machines"


class Burial(StrEnum):
    """Why a timer was given up; the first word of its recorded error."""

    FAILED = "failed"
    MISSED = "missed"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"


class Done(Struct, frozen=True):
    """Nothing is left to do."""


class Again(Struct, frozen=True):
    """Another attempt at `at`."""

    at: float
    reason: str


class Buried(Struct, frozen=True):
    """No further attempt."""

    burial: Burial
    reason: str


Ending: TypeAlias = Done | Again | Buried


def is_missed(timer: Timer, now: float) -> bool:
    """Whether the timer has lost its meaning."""
    return timer.not_after is not None and now > seconds(timer.not_after)


def after_failure(timer: Timer, retries: Retries, reason: str, now: float, chance: float) -> Ending:
    """A transactional action raised; `chance` is a random number between 0 and 1."""
    return _again(timer, retries, Burial.FAILED, reason, now, chance, 0.0)


def after_call(timer: Timer, retries: Retries, to: Audience, outcome: Outcome, now: float, chance: float) -> Ending:
    """An outward call ended like this, or nobody knows how it ended."""
    match outcome:
        case Accepted():
            return Done()
        case RefusedForGood(reason):
            return Buried(Burial.REFUSED, reason)
        case RefusedForNow(reason, retry_after):
            return _again(timer, retries, Burial.REFUSED, reason, now, chance, retry_after)
        case Uncertain(reason):
            if to is Audience.PEOPLE:
                return Buried(Burial.UNCERTAIN, reason)
            return _again(timer, retries, Burial.UNCERTAIN, reason, now, chance, 0.0)
        case _:
            assert_never(outcome)


def _again(
    timer: Timer, retries: Retries, last: Burial, reason: str, now: float, chance: float, at_least: float
) -> Ending:
    """The next attempt, or burial when that would be one too many or too late to mean anything."""
    if retries.attempts is not None and timer.attempt + 1 >= retries.attempts:
        return Buried(last, reason)
    at = now + max(pause(retries, timer.attempt + 1, chance), min(at_least, retries.longest))
    return Buried(last, reason) if is_missed(timer, at) else Again(at, reason)


def pause(retries: Retries, failures: int, chance: float) -> float:
    """Seconds to wait after so many failures: between half of the doubled pause and all of it, so that many timers
    which failed together do not come back together.
    """
    doublings = min(failures - 1, 32)
    whole = min(retries.first * 2.0**doublings, retries.longest)
    return whole * (1 + chance) / 2
