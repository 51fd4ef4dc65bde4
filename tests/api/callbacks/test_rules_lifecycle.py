from itertools import product

import pytest

from api.callbacks.rules import lifecycle
from api.callbacks.rules.lifecycle import TABLE, ImpossibleTransition, Signal, State


def test_every_state_has_its_row_and_leads_to_the_end() -> None:
    assert TABLE.keys() == set(State)
    reachable: dict[State, set[State]] = {state: set(TABLE[state].values()) for state in State}
    for _ in State:
        for targets in reachable.values():
            targets |= {further for target in list(targets) for further in reachable[target]}
    assert all(State.COMPLETED in reachable[state] for state in State if state is not State.COMPLETED)
    assert TABLE[State.COMPLETED] == {}


@pytest.mark.parametrize(("state", "signal"), list(product(State, Signal)))
def test_only_the_table_decides(state: State, signal: Signal) -> None:
    if lifecycle.may(state, signal):
        assert lifecycle.after(state, signal) is TABLE[state][signal]
    else:
        with pytest.raises(ImpossibleTransition):
            lifecycle.after(state, signal)


def test_a_customer_may_step_back_until_somebody_is_rung() -> None:
    assert {state for state in State if lifecycle.may(state, Signal.CANCEL)} == {State.SCHEDULED, State.QUEUED}
    assert {state for state in State if lifecycle.may(state, Signal.RESCHEDULE)} == {State.SCHEDULED}


def test_the_diagram_has_every_move() -> None:
    drawn = lifecycle.diagram()
    for state, row in TABLE.items():
        for signal, target in row.items():
            assert f"    {state} --> {target}: {signal.value}\n" in drawn
