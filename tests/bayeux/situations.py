"""Where a session may be when something happens to it, what clients say, and what they are answered."""

from enum import Enum
from typing import Any

from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux.advice import Terms
from hub.bayeux.engine import Engine, SessionState
from tests.support.playbook import Begin, Origin, Playbook, Wire, answered, authenticate, ended

CLIENT = "c1"
TERMS = Terms(epoch="k7f3")
TOKEN_ENDS = 3600.0
CALLS, DEVICES = "/v2/me/calls", "/v2/me/devices"
UNKNOWN = "402::session_unknown"
GOODBYE = {"channel": "/meta/disconnect", "successful": True}


class Situation(Enum):
    """A state, and whether a connect is held."""

    NEW = "new"
    HANDSHAKEN = "handshaken"
    CONNECTED = "connected"
    HOLDING = "holding"
    DISCONNECTED = "disconnected"
    EXPIRED = "expired"


# What clients say ---------------------------------------------------------------------------------------------------


def message(channel: str, id: Any = None, **fields: Any) -> dict[str, Any]:
    """A message of the session; without an id when None is given."""
    return {"channel": channel, "clientId": CLIENT, **({} if id is None else {"id": id}), **fields}


def handshake(id: Any = "1", **fields: Any) -> dict[str, Any]:
    asked = {"version": "1.0", "supportedConnectionTypes": ["websocket", "long-polling"], **fields}
    return {"channel": "/meta/handshake", **({} if id is None else {"id": id}), **asked}


def connect(id: Any = "2", **fields: Any) -> dict[str, Any]:
    return message("/meta/connect", id, connectionType="websocket", **fields)


def subscribe(subscription: Any, id: Any = "s", **fields: Any) -> dict[str, Any]:
    return message("/meta/subscribe", id, subscription=subscription, **fields)


def unsubscribe(subscription: Any, id: Any = "u", **fields: Any) -> dict[str, Any]:
    return message("/meta/unsubscribe", id, subscription=subscription, **fields)


def disconnect(id: Any = "d") -> dict[str, Any]:
    return message("/meta/disconnect", id)


def publish(channel: str, id: Any = "p", **fields: Any) -> dict[str, Any]:
    return message(channel, id, **fields)


# What they are answered ---------------------------------------------------------------------------------------------


def advice(reconnect: str = "retry", interval: int = 0) -> dict[str, Any]:
    """The advice, whole."""
    return {"reconnect": reconnect, "interval": interval, "timeout": 25_000, "maxInterval": 60_000}


def advice_of(terms: Terms) -> dict[str, Any]:
    """The advice under other terms."""
    told = {"interval": terms.interval, "timeout": terms.timeout, "maxInterval": terms.max_interval}
    return {"reconnect": "retry", **told}


def ok(asked: Wire, **fields: Any) -> dict[str, Any]:
    """A success that echoes channel and id."""
    echoed = {key: asked[key] for key in ("channel", "id") if key in asked}
    return {**echoed, "successful": True, **fields}


def failed(asked: Wire, error: str, **fields: Any) -> dict[str, Any]:
    """A failure that echoes channel and id."""
    return {**ok(asked), "successful": False, "error": error, **fields}


def unknown(asked: Wire) -> dict[str, Any]:
    """402; only a connect and a handshake are told to handshake."""
    advised = asked["channel"] in ("/meta/connect", "/meta/handshake")
    return failed(asked, UNKNOWN, **({"advice": advice("handshake")} if advised else {}))


def welcome(asked: Wire, **fields: Any) -> dict[str, Any]:
    """The reply to an accepted handshake."""
    return ok(
        asked,
        clientId=CLIENT,
        version="1.0",
        minimumVersion="1.0",
        supportedConnectionTypes=["websocket", "long-polling"],
        advice=advice(),
        **fields,
    )


# How to get there ---------------------------------------------------------------------------------------------------


def new(begin: Begin, terms: Terms = TERMS) -> Playbook:
    """At 0 s."""
    return begin(Engine(SessionState(CLIENT), terms))


def handshaken(
    begin: Begin, origin: Origin, *, replay: bool = False, terms: Terms = TERMS, expires_at: float = TOKEN_ENDS
) -> Playbook:
    """At 1 s."""
    asked = handshake(**({"ext": {"replay": True}} if replay else {}))
    negotiated = {"ext": {"replay": True, "replayEpoch": terms.epoch}} if replay else {}
    reply = {**welcome(asked, **negotiated), "advice": advice_of(terms)}
    book = new(begin, terms).at(1).say(origin, asked).expect(authenticate(origin))
    book.tell(on.Authenticated(expires_at))
    return book.expect(do.Opened(), do.Deliver(push=origin.pushes), answered(origin, reply))


def connected(begin: Begin, origin: Origin, **options: Any) -> Playbook:
    """At 2 s, after the first connect."""
    terms = options.get("terms", TERMS)
    book = handshaken(begin, origin, **options).at(2).say(origin, connect())
    reply = ok(connect(), advice=advice_of(terms))
    return book.expect(*polled(origin), answered(origin, reply, takes_events=True))


def holding(begin: Begin, origin: Origin, held: Origin | None = None, **options: Any) -> Playbook:
    """At 10 s, with a connect of id "3" held since then at `held` (or `origin`)."""
    held = held or origin
    return connected(begin, origin, **options).at(10).say(held, connect("3")).expect(*polled(held))


def polled(origin: Origin) -> list[do.Command]:
    """What every connect over HTTP leads to before its answer."""
    return [] if origin.pushes else [do.Deliver(push=False)]


def reach(begin: Begin, situation: Situation, origin: Origin, held: Origin | None = None) -> Playbook:
    """A session in this situation, reached through `origin`; the held connect, if any, is at `held`."""
    match situation:
        case Situation.NEW:
            return new(begin)
        case Situation.HANDSHAKEN:
            return handshaken(begin, origin)
        case Situation.CONNECTED:
            return connected(begin, origin)
        case Situation.HOLDING:
            return holding(begin, origin, held)
        case Situation.DISCONNECTED:
            book = connected(begin, origin).say(origin, disconnect())
            return book.expect(answered(origin, ok(disconnect())), ended("disconnected"))
        case Situation.EXPIRED:
            book = connected(begin, origin).at(62).tell(on.Woken())
            return book.expect(ended("expired", close=1001))


def subscribed(book: Playbook, origin: Origin, name: str, *targets: str) -> Playbook:
    """Subscribe to `name`, which stands for `targets` (itself when none is given)."""
    names = targets or (name,)
    asked = subscribe(name)
    book.say(origin, asked).expect(do.Authorize((name,)))
    book.tell(on.Granted({name: names})).expect(attach(*sorted(names)))
    extra: dict[str, Any] = {"ext": {"replay": {}}} if book.engine.state.replay else {}
    return book.tell(on.Attached({})).expect(answered(origin, ok(asked, subscription=name, **extra)))


def attach(*targets: str, since: dict[str, int] | None = None, epoch: str | None = None) -> do.Attach:
    """The question of a subscribe without positions, or with some."""
    return do.Attach(targets, since or {}, epoch, replaying=since is not None)


PING = message("/meta/ping", "p")
"""A message that is answered at once, whatever else is going on, and changes nothing but the session's time."""
PONG = failed(PING, "403:denied_by_security_policy:create_denied")
