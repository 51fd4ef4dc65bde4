"""/meta/handshake: the beginning of a session."""

from typing import TYPE_CHECKING

from msgspec import UNSET

from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux import replies
from hub.bayeux.extensions import ack, replay
from hub.bayeux.states import Signal, after

if TYPE_CHECKING:
    from hub.bayeux.engine import Commands, Engine


def handshake(engine: "Engine", received: on.Received) -> "Commands":
    """Ask who it is, unless there is no transport in common."""
    if not replies.has_valid_id(received.message):
        return turn_away(engine, received, replies.ID_INVALID, None)
    offered = received.message.supported_connection_types
    if isinstance(offered, list) and offered and not any(name in offered for name in engine.terms.connection_types):
        return turn_away(engine, received, replies.NO_TRANSPORT, None)
    question = do.Authenticate(received.message, received.origin)
    return engine.ask(received, question, lambda answer: _welcome(engine, received, answer))


def _welcome(engine: "Engine", received: on.Received, answer: on.Answer) -> "Commands":
    if isinstance(answer, on.Refused):
        return turn_away(engine, received, answer.error, answer.interval)
    if not isinstance(answer, on.Authenticated):
        raise AssertionError(f"{answer!r} does not answer Authenticate")
    state = engine.state
    state.state = after(state.state, Signal.WELCOME)
    state.expires_at = answer.expires_at
    state.active_at = engine.now
    state.replay = replay.wanted(received.message)
    state.batches = ack.Batches() if ack.wanted(received.message) else None
    engine.touch()
    reply = replies.success(
        received.message,
        client_id=state.client_id,
        version="1.0",
        minimum_version="1.0",
        supported_connection_types=engine.terms.connection_types,
        advice=engine.terms.advice(),
        ext=_agreed(engine) or UNSET,
    )
    return [do.Opened(), *engine.deliver(received), engine.reply(received, reply)]


def _agreed(engine: "Engine") -> dict[str, object]:
    extensions: dict[str, object] = {}
    if engine.state.batches is not None:
        extensions["ack"] = True
    if engine.state.replay:
        extensions |= replay.accepted(engine.terms.epoch)
    return extensions


def turn_away(engine: "Engine", received: on.Received, error: str, interval: int | None) -> "Commands":
    """Refuse: for good, or with an interval until later."""
    engine.state.state = after(engine.state.state, Signal.REFUSE)
    terms = engine.terms
    advice = terms.advice("none") if interval is None else terms.advice("handshake", interval=interval)
    reply = replies.failure(received.message, error, advice=advice)
    return [engine.reply(received, reply), do.Ended("refused", back_in=(interval or 0) / 1000)]
