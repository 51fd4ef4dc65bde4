"""The life of a callback, as one table.

A callback begins **SCHEDULED**, waiting for its time, or **QUEUED**, when the customer wants to be called at once. At
its time a scheduled one is QUEUED too: it is in line for an agent, or in the pause before another attempt. As soon as
an agent is reserved for it, or its customer has been reached, it is **ROUTING**: an agent looks at it, a phone rings.
When both talk it is **PROCESSING**. **COMPLETED** is final, and the reason says how it ended.

Three rules keep this small. Whatever changes the state of a callback goes through `after`; nothing else assigns it.
From ROUTING a callback goes back to QUEUED as often as it takes: what limits that (attempts, rejections, its time) is
decided elsewhere, and only then does it end. And a customer may step back until somebody is being rung for them: a
cancellation finds SCHEDULED and QUEUED callbacks only, a move to another time only SCHEDULED ones.

A callback that talks is not ended by its time to live; it ends with the call.
"""

from enum import Enum, StrEnum
from typing import Final


class State(StrEnum):
    """Where a callback is in its life."""

    SCHEDULED = "SCHEDULED"
    QUEUED = "QUEUED"
    ROUTING = "ROUTING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"


class Signal(Enum):
    """What can move a callback from one state to another."""

    RESCHEDULE = "moved to another time"
    QUEUE = "its time has come"
    CANCEL = "cancelled"
    ASSIGN = "an agent is reserved"
    RETURN = "rejected, or not reached"
    CONNECT = "both talk"
    FINISH = "the call is over"
    GIVE_UP = "no further attempt"
    EXPIRE = "its time to live is over"


class Reason(StrEnum):
    """How a callback ended. `AGENT_PREVIEW_CANCEL_AFTER_<n>REJECTS` comes besides, from `after_rejects`."""

    CANCELLED = "CANCELLED"
    AGENT_CONNECTED = "AGENT_CONNECTED"
    NOT_AVAILABLE = "NOT_AVAILABLE"
    FAIL_TIMEOUT_TTL = "FAIL_TIMEOUT_TTL"
    FAIL_CALL_TO_CUSTOMER = "FAIL_CALL_TO_CUSTOMER"
    FAIL_AGENT_CONNECT = "FAIL_AGENT_CONNECT"


TABLE: Final[dict[State, dict[Signal, State]]] = {
    State.SCHEDULED: {
        Signal.RESCHEDULE: State.SCHEDULED,
        Signal.QUEUE: State.QUEUED,
        Signal.CANCEL: State.COMPLETED,
        Signal.EXPIRE: State.COMPLETED,
    },
    State.QUEUED: {
        Signal.ASSIGN: State.ROUTING,
        Signal.CANCEL: State.COMPLETED,
        Signal.GIVE_UP: State.COMPLETED,
        Signal.EXPIRE: State.COMPLETED,
    },
    State.ROUTING: {
        Signal.CONNECT: State.PROCESSING,
        Signal.RETURN: State.QUEUED,
        Signal.GIVE_UP: State.COMPLETED,
        Signal.EXPIRE: State.COMPLETED,
    },
    State.PROCESSING: {
        Signal.FINISH: State.COMPLETED,
    },
    State.COMPLETED: {},
}


class ImpossibleTransition(Exception):
    """A fault of ours: whoever asks has to look at the state first."""


def may(state: State, signal: Signal) -> bool:
    """Whether the table has an entry."""
    return signal in TABLE[state]


def after(state: State, signal: Signal) -> State:
    """The state that follows. Raises ImpossibleTransition where the table has no entry."""
    if not may(state, signal):
        raise ImpossibleTransition(f"{signal.value!r} in state {state.value!r}")
    return TABLE[state][signal]


def after_rejects(count: int) -> str:
    """The reason of a callback that too many agents did not want."""
    return f"AGENT_PREVIEW_CANCEL_AFTER_{count}REJECTS"


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", "    [*] --> SCHEDULED: for a time", "    [*] --> QUEUED: at once"]
    for state, row in TABLE.items():
        lines += [f"    {state} --> {target}: {signal.value}" for signal, target in row.items()]
        if not row:
            lines.append(f"    {state} --> [*]")
    return "\n".join(lines) + "\n"
