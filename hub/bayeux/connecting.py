"""/meta/connect: the heartbeat, and for polling clients the way in which events travel.

At most one connect of a session is held. It is answered when events wait that cannot be pushed, when its time is over,
or when a newer one takes its place.
"""

from typing import TYPE_CHECKING

from msgspec import UNSET

from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux import parting, replies
from hub.bayeux.messages import Message, Reply
from hub.bayeux.states import Signal, State, after

if TYPE_CHECKING:
    from hub.bayeux.engine import Commands, Engine, Held


def connect(engine: "Engine", received: on.Received) -> "Commands":
    """Hold it, or answer at once; before that, take over a renewed token if it brings one."""
    if engine.terms.activity and engine.now - engine.state.active_at > engine.terms.activity / 1000:
        return [*parting.revoke(engine, replies.SESSION_INACTIVE), *_too_late(engine, received)]
    if brings_token(received.message):
        question = do.Authenticate(received.message, received.origin)
        return engine.ask(received, question, lambda answer: _renewed(engine, received, answer))
    return _connect(engine, received)


def brings_token(message: Message) -> bool:
    """Whether a token comes with the message itself."""
    authentication = message.extensions.get("authentication")
    return isinstance(authentication, dict) and isinstance(authentication.get("token"), str)


def _too_late(engine: "Engine", received: on.Received) -> "Commands":
    failed = replies.failure(received.message, replies.SESSION_INACTIVE, advice=engine.terms.advice("none"))
    return [engine.reply(received, failed)]


def _renewed(engine: "Engine", received: on.Received, answer: on.Answer) -> "Commands":
    """The session goes on until the new token ends; a bad token changes nothing, so that the client can try another."""
    if isinstance(answer, on.Refused):
        failed = replies.failure(received.message, answer.error, advice=engine.terms.advice())
        return [engine.reply(received, failed)]
    if not isinstance(answer, on.Authenticated):
        raise AssertionError(f"{answer!r} does not answer Authenticate")
    if answer.other_rights:
        unknown = engine.reply(received, replies.unknown_session(received.message, engine.terms))
        return [unknown, *parting.lapse(engine, "roles_changed")]
    engine.state.expires_at = answer.expires_at
    return _connect(engine, received)


def _connect(engine: "Engine", received: on.Received) -> "Commands":
    first = engine.state.state is State.HANDSHAKEN
    if first:
        engine.state.state = after(engine.state.state, Signal.CONNECT)
    done: Commands = []
    displaced = engine.let_go()
    if displaced is not None:
        success = engine.synced(displaced.received, replies.success(displaced.message), displaced.since)
        done.append(do.Answered(displaced.origin, (success,), displaced=True))
    batches = engine.state.batches
    if batches is not None and batches.acknowledge(received.message):
        done.append(do.Acknowledged(batches.acknowledged))
    seconds = engine.terms.hold(received.message)
    engine.hold(received, seconds)
    if first or received.surplus or seconds == 0 or not (received.alone or received.pushes):
        return done + release(engine, advise=first, surplus=received.surplus)
    return done


def release(
    engine: "Engine", *, advise: bool = False, surplus: bool = False, interval: int | None = None
) -> "Commands":
    """Answer the held connect, if any, with success and whatever has queued up."""
    held = engine.let_go()
    if held is None:
        return []
    engine.touch()
    told = advise or interval is not None or held.message.advice is not None
    advice = engine.terms.advice(interval=interval) if told else UNSET
    reply = replies.success(held.message, advice=engine.terms.surplus() if surplus else advice)
    return [carrier(engine, held, reply)]


def carrier(engine: "Engine", held: "Held", *answers: Reply) -> do.Answered:
    """A connect reply that takes events along; it closes a batch of sessions that acknowledge."""
    last = engine.synced(held.received, answers[-1], held.since)
    batch = 0
    if engine.state.batches is not None:
        batch = engine.state.batches.close()
        last = last.extended(ack=batch)
    return do.Answered(held.origin, (*answers[:-1], last), takes_events=True, batch=batch, tightens=engine.state.replay)
