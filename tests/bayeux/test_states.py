import itertools
import math
import re
from pathlib import Path

import msgspec
import pytest

from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux.engine import Engine, SessionState
from hub.bayeux.states import TABLE, ImpossibleTransition, Signal, State, after, diagram
from tests.bayeux.situations import CALLS, PING, PONG, TERMS, connect, connected, ok, subscribed
from tests.support.playbook import Begin, answered, ended, request, socket

ARROW = re.compile(r"^    (\S+) --> (\S+?)(?:: (.+))?$", re.MULTILINE)
PAIRS = list(itertools.product(State, Signal))


def test_every_state_has_its_row() -> None:
    assert set(TABLE) == set(State)
    assert {signal for row in TABLE.values() for signal in row} == set(Signal)


@pytest.mark.parametrize(("state", "signal"), PAIRS, ids=lambda each: each.name)
def test_the_table_is_followed_and_nothing_else(state: State, signal: Signal) -> None:
    if signal in TABLE[state]:
        assert after(state, signal) is TABLE[state][signal]
    else:
        with pytest.raises(ImpossibleTransition, match=f"'{signal.value}' in state '{state.value}'"):
            after(state, signal)


def test_the_end_is_final() -> None:
    final = {state for state, row in TABLE.items() if not row}
    assert final == {State.DISCONNECTED, State.EXPIRED}
    assert not any(state.alive for state in final)
    assert not State.NEW.alive


def test_every_state_can_be_reached_and_left_for_an_end() -> None:
    def within(start: State) -> set[State]:
        found, fresh = {start}, [start]
        while fresh:
            fresh = [state for state in set(TABLE[fresh.pop()].values()) if state not in found] + fresh
            found.update(fresh)
        return found

    assert within(State.NEW) == set(State)
    assert all(within(state) & {State.DISCONNECTED, State.EXPIRED} for state in State)


def test_the_diagram_shows_the_table() -> None:
    drawn = set(ARROW.findall(diagram()))
    moves = {(state.value, to.value, signal.value) for state, row in TABLE.items() for signal, to in row.items()}
    ends = {(state.value, "[*]", "") for state, row in TABLE.items() if not row}
    assert drawn == moves | ends | {("[*]", "new", "")}
    assert diagram().startswith("stateDiagram-v2\n")


def test_only_the_table_moves_a_session() -> None:
    modules = Path(Engine.handle.__code__.co_filename).parent.glob("*.py")
    assigned = re.findall(r"state\.state = (.+)", "\n".join(module.read_text(encoding="utf-8") for module in modules))
    assert assigned
    assert [value for value in assigned if not value.startswith("after(")] == []


# A session is a plain value -----------------------------------------------------------------------------------------


def round_trip(state: SessionState) -> SessionState:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=SessionState)


@pytest.mark.parametrize("state", State)
def test_a_session_survives_a_round_trip_through_bytes(state: State) -> None:
    subscriptions = {CALLS: (CALLS,), "/v2/me/*": (CALLS, "/v2/me/devices"), "/none/**": ()}
    session = SessionState("c1", state, 12.5, 3.25, pushes=True, replay=True, subscriptions=subscriptions)
    assert round_trip(session) == session
    assert round_trip(SessionState("c2")).expires_at == math.inf


def test_a_session_goes_on_where_it_was(begin: Begin) -> None:
    link = socket()
    book = subscribed(connected(begin, link, replay=True), link, CALLS)
    book.done()
    resumed = begin(Engine(round_trip(book.engine.state), TERMS), now=book.now)
    assert resumed.engine.state == book.engine.state
    assert resumed.engine.deadline == book.engine.deadline
    poll = request()
    resumed.at(10).say(poll, connect("3")).expect(do.Deliver(push=False))
    resumed.at(34).tell(on.Woken()).expect(answered(poll, ok(connect("3")), takes_events=True))
    resumed.at(94).tell(on.Woken()).expect(ended("expired", close=1001)).done()


def test_a_new_socket_of_a_session_from_elsewhere_is_given_its_events(begin: Begin) -> None:
    book = connected(begin, socket())
    book.done()
    link = socket()
    resumed = begin(Engine(round_trip(book.engine.state), TERMS), now=book.now)
    resumed.say(link, PING)
    resumed.expect(do.Deliver(push=True), answered(link, PONG)).done()
