"""The ways in which a session ends. Whatever still waits gets its answer, and no request is left hanging."""

from typing import TYPE_CHECKING

from hub.bayeux import commands as do
from hub.bayeux import connecting, replies
from hub.bayeux import events as on
from hub.bayeux.states import Signal, after

if TYPE_CHECKING:
    from hub.bayeux.engine import Commands, Engine

GOING_AWAY = 1001
POLICY_VIOLATION = 1008


def disconnect(engine: "Engine", received: on.Received) -> "Commands":
    """The client leaves. The held connect is answered first, or JavaScript clients would leave their socket open."""
    engine.state.state = after(engine.state.state, Signal.LEAVE)
    done: Commands = []
    held = engine.let_go()
    if held is not None:
        farewell = replies.success(held.message, advice=engine.terms.advice("none"))
        done.append(connecting.carrier(engine, held, farewell))
    return [*done, engine.reply(received, replies.success(received.message)), do.Ended("disconnected")]


def revoke(engine: "Engine", error: str) -> "Commands":
    """The session's rights are over: the client shall stop, and is told so in every way that some client heeds."""
    if not engine.alive:
        return []
    engine.state.state = after(engine.state.state, Signal.REVOKE)
    done: Commands = []
    held = engine.let_go()
    if held is not None:
        failed = replies.failure(held.message, error, advice=engine.terms.advice("none"))
        parting = (failed,) if engine.socket is not None else (failed, replies.goodbye())
        done.append(do.Answered(held.origin, parting, takes_events=True))
    ended = do.Ended(error.rpartition(":")[2], close=POLICY_VIOLATION, notice=replies.goodbye())
    return [*done, *engine.abandon(error), ended]


def lapse(engine: "Engine", reason: str) -> "Commands":
    """End the session in a way that makes the client come back with a new handshake."""
    engine.state.state = after(engine.state.state, Signal.LAPSE)
    held = engine.let_go()
    done: Commands = []
    if held is not None:
        done.append(do.Answered(held.origin, (replies.unknown_session(held.message, engine.terms),)))
    return [*done, *engine.abandon(), do.Ended(reason, close=GOING_AWAY)]
