"""The life of a call as one table. Pure.

A call on a desktop is *one party's view* of something in which several people take part: what Alice sees as Dialing is
Ringing to Bob. The table is about such a view, a *leg*. What one party does moves the legs of others, and the switch
says how (`api.telephony.switch`); but however a leg is moved, it moves along this table.

A call begins in one of three ways. Its owner dials (Dialing), or somebody else does (Ringing). Or its owner has asked a
switch that stands outside of the hub to dial, and that switch has said nothing yet (Requested): desktops never see such
a call, because there may never be one.

Three rules keep this small. *Established* is reached from Dialing, Ringing and Held alike: desktops know that it means
"answered" or "retrieved", and that what else they want to know stands in the capabilities. *Held* is what the owner has
done; a party who is being held goes on to see an established call. *Released* is told once, and after that there is no
such call: a call that failed is a call that was released, after an error that says why.

A switch outside knows better than this table. What it reports is taken as it is (`actions.observe`), be the step in the
table or not: the hub may have missed one.
"""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a leg is in its life. The values are the words of the notifications, but for the first."""

    REQUESTED = "Requested"
    DIALING = "Dialing"
    RINGING = "Ringing"
    ESTABLISHED = "Established"
    HELD = "Held"
    RELEASED = "Released"


class Signal(StrEnum):
    """What can move a leg from one state to another."""

    PLACE = "the switch dials"
    ANSWER = "answered"
    HOLD = "held"
    RETRIEVE = "retrieved"
    RELEASE = "released"


BEGINNINGS: Final = (State.DIALING, State.RINGING, State.REQUESTED)

TABLE: Final[dict[State, dict[Signal, State]]] = {
    State.REQUESTED: {Signal.PLACE: State.DIALING, Signal.RELEASE: State.RELEASED},
    State.DIALING: {Signal.ANSWER: State.ESTABLISHED, Signal.RELEASE: State.RELEASED},
    State.RINGING: {Signal.ANSWER: State.ESTABLISHED, Signal.RELEASE: State.RELEASED},
    State.ESTABLISHED: {Signal.HOLD: State.HELD, Signal.RELEASE: State.RELEASED},
    State.HELD: {Signal.RETRIEVE: State.ESTABLISHED, Signal.RELEASE: State.RELEASED},
    State.RELEASED: {},
}


class ImpossibleTransition(Exception):
    """A leg was to take a step that the table does not know: a fault of ours, never of a client."""


def after(state: State, signal: Signal) -> State:
    """The state that follows. Raises `ImpossibleTransition` where the table has no entry."""
    try:
        return TABLE[state][signal]
    except KeyError:
        raise ImpossibleTransition(f"{signal.value!r} in state {state.value!r}") from None


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", *(f"    [*] --> {state.value}" for state in BEGINNINGS)]
    for state, row in TABLE.items():
        lines += [f"    {state.value} --> {target.value}: {signal.value}" for signal, target in row.items()]
        if not row:
            lines.append(f"    {state.value} --> [*]")
    return "\n".join(lines) + "\n"
