"""/meta/subscribe and /meta/unsubscribe. A list of names is all or nothing."""

from typing import TYPE_CHECKING

from msgspec import UNSET

from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux import replies, validation
from hub.bayeux.extensions import replay

if TYPE_CHECKING:
    from hub.bayeux.engine import Commands, Engine

Granted = dict[str, tuple[str, ...]]


def subscribe(engine: "Engine", received: on.Received) -> "Commands":
    """Ask what the names mean for this client, then for their events. Service channels need no subscription."""
    message = received.message
    asked = validation.subscriptions(message)
    if isinstance(asked, str):
        return _refuse(engine, received, asked)
    wanted = tuple(name for name in dict.fromkeys(asked) if not name.startswith("/service/"))
    had = engine.state.subscriptions
    if len(had) + sum(name not in had for name in wanted) > engine.terms.max_subscriptions:
        return _refuse(engine, received, replies.TOO_MANY_SUBSCRIPTIONS)
    try:
        positions = replay.requested(message) if engine.state.replay else replay.NOTHING
    except replay.InvalidPositions:
        return _refuse(engine, received, replies.POSITION_INVALID)
    if not wanted:
        return _agree(engine, received)
    return engine.ask(received, do.Authorize(wanted), lambda answer: _attach(engine, received, positions, answer))


def _attach(engine: "Engine", received: on.Received, positions: replay.Request, answer: on.Answer) -> "Commands":
    if isinstance(answer, on.Refused):
        return _refuse(engine, received, answer.error)
    if not isinstance(answer, on.Granted):
        raise AssertionError(f"{answer!r} does not answer Authorize")
    granted = answer.targets
    targets = sorted({target for targets in granted.values() for target in targets})
    question = do.Attach(tuple(targets), positions.since, positions.epoch, positions.replaying)
    asked = engine.ask(received, question, lambda answer: _subscribed(engine, received, granted, answer))
    return _let_go(engine, received) + asked


def _let_go(engine: "Engine", received: on.Received) -> "Commands":
    """Whoever says over HTTP where it is may have lost a socket or a request that nobody knows to be dead yet.

    What comes from here on must not go there: it waits for the next connect. Sessions that acknowledge lose nothing.
    """
    if received.pushes or not engine.state.replay or engine.state.batches is not None:
        return []
    done: Commands = [] if engine.socket is None else engine.deliver(received)
    held = engine.let_go()
    if held is not None:
        success = engine.synced(held.received, replies.success(held.message), held.since)
        done.append(do.Answered(held.origin, (success,)))
    return done


def _subscribed(engine: "Engine", received: on.Received, granted: Granted, answer: on.Answer) -> "Commands":
    if isinstance(answer, on.Refused):
        return _refuse(engine, received, answer.error)
    if not isinstance(answer, on.Attached):
        raise AssertionError(f"{answer!r} does not answer Attach")
    engine.state.subscriptions.update(granted)
    return _agree(engine, received, answer)


def unsubscribe(engine: "Engine", received: on.Received) -> "Commands":
    """Give the names up; what other subscriptions cover as well goes on."""
    asked = validation.subscriptions(received.message)
    if isinstance(asked, str):
        return _refuse(engine, received, asked)
    had = _targets(engine)
    for name in asked:
        engine.state.subscriptions.pop(name, None)
    gone = tuple(sorted(had - _targets(engine)))
    detach: Commands = [do.Detach(gone)] if gone else []
    return detach + _agree(engine, received)


def _targets(engine: "Engine") -> set[str]:
    return {target for targets in engine.state.subscriptions.values() for target in targets}


def _agree(engine: "Engine", received: on.Received, attached: on.Attached | None = None) -> "Commands":
    ext = replay.began(attached) if attached is not None and engine.state.replay else UNSET
    reply = replies.success(received.message, subscription=received.message.subscription, ext=ext)
    return [engine.reply(received, reply)]


def _refuse(engine: "Engine", received: on.Received, error: str) -> "Commands":
    return [engine.reply(received, validation.subscription_refused(received.message, error))]
