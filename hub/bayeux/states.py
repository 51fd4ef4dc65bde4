"""The life of a session, as one table.

A session is **new** until its handshake is accepted. It is then **handshaken**: it has a clientId and may subscribe,
and must send its first /meta/connect in time. From then on it is **connected**, whether a connect is held at this
moment or not: between two connects of a long-polling client nothing is held, and that is no change of state.
It ends in one of two ways, and both are final: **disconnected**, when the client or the hub said so, and **expired**,
when nobody said anything for too long. Every message for an ended session is answered "session unknown".

Two rules keep this small. Whatever changes the state of a session goes through `after`; nothing else assigns it. And
the table does not know about transports: a socket that breaks changes the deadline of a session, never its state.

There is one owner of expiry. A session's deadline is not set by events here and there; it is *derived* from the state
by `engine.Engine.deadline`, so a deadline cannot be forgotten.
"""

from enum import Enum


class State(Enum):
    """Where a session is in its life."""

    NEW = "new"
    HANDSHAKEN = "handshaken"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    EXPIRED = "expired"

    @property
    def alive(self) -> bool:
        """Whether a clientId of such a session is known to clients and answers."""
        return self in (State.HANDSHAKEN, State.CONNECTED)


class Signal(Enum):
    """What can move a session from one state to another."""

    WELCOME = "handshake accepted"
    REFUSE = "handshake refused"
    CONNECT = "connect received"
    LEAVE = "disconnect received"
    REVOKE = "kicked or token expired"
    LAPSE = "deadline passed"


TABLE: dict[State, dict[Signal, State]] = {
    State.NEW: {
        Signal.WELCOME: State.HANDSHAKEN,
        Signal.REFUSE: State.DISCONNECTED,
        Signal.LAPSE: State.EXPIRED,
    },
    State.HANDSHAKEN: {
        Signal.CONNECT: State.CONNECTED,
        Signal.LEAVE: State.DISCONNECTED,
        Signal.REVOKE: State.DISCONNECTED,
        Signal.LAPSE: State.EXPIRED,
    },
    State.CONNECTED: {
        Signal.CONNECT: State.CONNECTED,
        Signal.LEAVE: State.DISCONNECTED,
        Signal.REVOKE: State.DISCONNECTED,
        Signal.LAPSE: State.EXPIRED,
    },
    State.DISCONNECTED: {},
    State.EXPIRED: {},
}


class ImpossibleTransition(Exception):
    """The driver fed a signal that the state does not know: a fault of ours, never of a client."""


def after(state: State, signal: Signal) -> State:
    """The state that follows. Raises `ImpossibleTransition` where the table has no entry."""
    try:
        return TABLE[state][signal]
    except KeyError:
        raise ImpossibleTransition(f"{signal.value!r} in state {state.value!r}") from None


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.NEW.value}"]
    for state, row in TABLE.items():
        lines += [f"    {state.value} --> {target.value}: {signal.value}" for signal, target in row.items()]
        if not row:
            lines.append(f"    {state.value} --> [*]")
    return "\n".join(lines) + "\n"
