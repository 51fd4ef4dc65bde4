"""What becomes of a timer: a table of cases."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kernel.clock import micros
from hub.store.timers import Timer
from scheduler.retries import (
    Again,
    Audience,
    Burial,
    Buried,
    Done,
    Retries,
    after_call,
    after_failure,
    is_missed,
    pause,
)
from scheduler.senders.port import Accepted, Outcome, RefusedForGood, RefusedForNow, Uncertain

NOW = 1_800_000_000.0
RETRIES = Retries(attempts=4, first=10.0, longest=35.0)
TIMER = Timer(1, "k", "a", micros(NOW), None, b"", 0, None, None, None)


def timer(**changes: Any) -> Timer:
    return msgspec.structs.replace(TIMER, **changes)


@pytest.mark.parametrize(
    ("outcome", "people", "machines"),
    [
        (Accepted(), Done(), Done()),
        (RefusedForGood("no"), Buried(Burial.REFUSED, "no"), Buried(Burial.REFUSED, "no")),
        (RefusedForNow("busy"), Again(NOW + 10, "busy"), Again(NOW + 10, "busy")),
        (RefusedForNow("busy", 20), Again(NOW + 20, "busy"), Again(NOW + 20, "busy")),
        (RefusedForNow("busy", 1e9), Again(NOW + 35, "busy"), Again(NOW + 35, "busy")),
        (Uncertain("?"), Buried(Burial.UNCERTAIN, "?"), Again(NOW + 10, "?")),
    ],
    ids=["accepted", "refused for good", "for now", "for a while", "for ages", "uncertain"],
)
def test_a_first_call(outcome: Outcome, people: object, machines: object) -> None:
    assert after_call(TIMER, RETRIES, Audience.PEOPLE, outcome, NOW, 1.0) == people
    assert after_call(TIMER, RETRIES, Audience.MACHINES, outcome, NOW, 1.0) == machines


def test_pauses_double_up_to_the_longest_and_the_last_failure_is_final() -> None:
    endings = [after_failure(timer(attempt=n), RETRIES, "x", NOW, 1.0) for n in range(4)]
    assert endings == [Again(NOW + 10, "x"), Again(NOW + 20, "x"), Again(NOW + 35, "x"), Buried(Burial.FAILED, "x")]


def test_for_ever_is_for_ever() -> None:
    ending = after_failure(timer(attempt=10**6), Retries(attempts=None, longest=600.0), "x", NOW, 1.0)
    assert ending == Again(NOW + 600, "x")


def test_a_machine_that_never_answers_is_given_up_as_uncertain() -> None:
    ending = after_call(timer(attempt=3), RETRIES, Audience.MACHINES, Uncertain("?"), NOW, 1.0)
    assert ending == Buried(Burial.UNCERTAIN, "?")


def test_there_is_no_attempt_after_the_last_sensible_moment() -> None:
    assert after_failure(timer(not_after=micros(NOW + 10)), RETRIES, "x", NOW, 1.0) == Again(NOW + 10, "x")
    assert after_failure(timer(not_after=micros(NOW + 9)), RETRIES, "x", NOW, 1.0) == Buried(Burial.FAILED, "x")


def test_missed_is_after_the_last_sensible_moment() -> None:
    assert not is_missed(TIMER, 1e12)
    assert not is_missed(timer(not_after=micros(NOW)), NOW)
    assert is_missed(timer(not_after=micros(NOW)), NOW + 0.001)


@given(
    failures=st.integers(1, 10**9),
    chance=st.floats(0, 1),
    first=st.floats(0.001, 1e4),
    longest=st.floats(0.001, 1e6),
)
def test_a_pause_is_between_half_and_all_of_its_bound(
    failures: int, chance: float, first: float, longest: float
) -> None:
    retries = Retries(first=first, longest=longest)
    whole = pause(retries, failures, 1.0)
    assert whole <= longest
    assert whole / 2 <= pause(retries, failures, chance) <= whole
    assert pause(retries, failures + 1, 0.0) >= pause(retries, failures, 0.0)
