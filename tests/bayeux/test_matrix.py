"""Every kind of message in every situation, on both transports: what comes of it at once."""

from collections.abc import Callable
from typing import Any

import pytest

from hub.bayeux import commands as do
from hub.bayeux.states import State
from tests.bayeux.situations import (
    CALLS,
    Situation,
    advice,
    connect,
    disconnect,
    failed,
    handshake,
    message,
    ok,
    polled,
    publish,
    reach,
    subscribe,
    unknown,
    unsubscribe,
)
from tests.support.playbook import Begin, Line, Origin, answered, authenticate, ended, request, socket

Kind = Callable[[], dict[str, Any]]
KINDS: dict[str, Kind] = {
    "handshake": handshake,
    "connect": lambda: connect("9"),
    "subscribe": lambda: subscribe(CALLS),
    "unsubscribe": lambda: unsubscribe(CALLS),
    "disconnect": disconnect,
    "publish": lambda: publish("/chat", data={}),
    "other-meta": lambda: message("/meta/gossip", "m"),
}
CREATE_DENIED = "403:denied_by_security_policy:create_denied"
STATES = {
    Situation.NEW: State.NEW,
    Situation.HANDSHAKEN: State.HANDSHAKEN,
    Situation.CONNECTED: State.CONNECTED,
    Situation.HOLDING: State.CONNECTED,
    Situation.DISCONNECTED: State.DISCONNECTED,
    Situation.EXPIRED: State.EXPIRED,
}


def of_a_live_session(kind: str, situation: Situation, origin: Origin, held: Origin) -> list[do.Command | Line]:
    asked = KINDS[kind]()
    match kind, situation:
        case "connect", Situation.HANDSHAKEN:
            return [*polled(origin), answered(origin, ok(asked, advice=advice()), takes_events=True)]
        case "connect", Situation.HOLDING:
            return [*polled(origin), answered(held, ok(connect("3")), displaced=True)]
        case "connect", _:
            return [*polled(origin)]
        case "subscribe", _:
            return [do.Authorize((CALLS,))]
        case "unsubscribe", _:
            return [answered(origin, ok(asked, subscription=CALLS))]
        case "disconnect", Situation.HOLDING:
            last = answered(held, ok(connect("3"), advice=advice("none")), takes_events=True)
            return [last, answered(origin, ok(asked)), ended("disconnected")]
        case "disconnect", _:
            return [answered(origin, ok(asked)), ended("disconnected")]
        case "publish", _:
            return [do.Publish("/chat", b"{}")]
        case _:
            return [answered(origin, failed(asked, CREATE_DENIED))]


def expected(kind: str, situation: Situation, origin: Origin, held: Origin) -> list[do.Command | Line]:
    match kind, situation:
        case "handshake", Situation.NEW:
            return [authenticate(origin)]
        case _, (Situation.NEW | Situation.DISCONNECTED | Situation.EXPIRED):
            return [answered(origin, unknown(KINDS[kind]()))]
        case _:
            return of_a_live_session(kind, situation, origin, held)


def following(kind: str, situation: Situation) -> State:
    live = situation in (Situation.HANDSHAKEN, Situation.CONNECTED, Situation.HOLDING)
    if live and kind == "connect":
        return State.CONNECTED
    return State.DISCONNECTED if live and kind == "disconnect" else STATES[situation]


@pytest.mark.parametrize("pushes", [True, False], ids=["websocket", "long-polling"])
@pytest.mark.parametrize("situation", Situation, ids=lambda situation: situation.value)
@pytest.mark.parametrize("kind", KINDS)
def test_a_message(begin: Begin, kind: str, situation: Situation, pushes: bool) -> None:
    if pushes:
        origin = held = socket()
    else:
        origin, held = request("request"), request("held")
    book = reach(begin, situation, origin, held)
    assert book.engine.state.state is STATES[situation]
    book.say(origin, KINDS[kind]()).expect(*expected(kind, situation, origin, held)).done()
    assert book.engine.state.state is following(kind, situation)
    assert book.engine.alive is book.engine.state.state.alive
