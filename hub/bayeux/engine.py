"""One session of the protocol.

    handle(event, now) → commands

The engine never calls out, never waits and does not know the time except from `now` (seconds of a clock that does not
jump). A question (`Authenticate`, `Authorize`, `Attach`, `Publish`) pauses the session: messages that arrive
meanwhile wait their turn inside, so answers leave in the order of their requests and no two changes of a session
overlap. Every message gets exactly one answer, sooner or later; `Answered` commands say so.

Deliveries do not pass through here. The engine says how events reach the client (`Deliver`), the driver appends them,
and a connect reply marked `takes_events` takes along what has queued up.
"""

import math
from collections import deque
from collections.abc import Callable
from typing import assert_never

from msgspec import UNSET, Struct, field

from channels import names
from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux import messages, replies, validation
from hub.bayeux.advice import Terms
from hub.bayeux.extensions import replay
from hub.bayeux.messages import Message, Reply
from hub.bayeux.states import Signal, State, after

GOING_AWAY = 1001
POLICY_VIOLATION = 1008


class SessionState(Struct):
    """All that a session is, as a plain value: it survives a round trip through bytes."""

    client_id: str
    state: State = State.NEW
    expires_at: float = math.inf
    touched_at: float = 0.0
    pushes: bool = False
    replay: bool = False
    subscriptions: dict[str, tuple[str, ...]] = field(default_factory=dict)


class Held(Struct, frozen=True):
    """The connect that waits for events or for its time."""

    origin: on.Origin
    message: Message
    until: float


class Asked(Struct, frozen=True):
    """The question under way and what to do with its answer."""

    received: on.Received
    resume: Callable[[on.Answer, float], list[do.Command]]


class Engine:
    """Feed `handle`; carry out what it returns; look at `deadline` afterwards and feed `Woken` when it has come."""

    def __init__(self, state: SessionState, terms: Terms) -> None:
        self.state = state
        self.terms = terms
        self.held: Held | None = None
        self._asked: Asked | None = None
        self._waiting: deque[on.Received] = deque()
        self._socket: on.Origin | None = None

    # What the driver looks at -----------------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """Whether the clientId is good."""
        return self.state.state.alive

    @property
    def deadline(self) -> float:
        """When to feed `Woken`. Derived, never stored: see `states`."""
        if self.state.state in (State.DISCONNECTED, State.EXPIRED):
            return math.inf
        silence = self.held.until if self.held else self.state.touched_at + self.terms.grace
        return min(silence, self.state.expires_at)

    # What happens -----------------------------------------------------------------------------------------------

    def handle(self, event: on.Event, now: float) -> list[do.Command]:
        """What to do about `event`."""
        match event:
            case on.Received():
                self._touch(now)
                self._waiting.append(event)
                return self._proceed(now)
            case on.Authenticated() | on.Granted() | on.Attached() | on.Accepted() | on.Refused():
                return self._answered(event, now)
            case on.Deliverable():
                return self._release(now) if self.held else []
            case on.Lost():
                return self._lost(event, now)
            case on.Written():
                self._touch(now)
                return []
            case on.Woken():
                return self._woken(now)
            case on.Revoked():
                return self._revoked(event.error)
            case on.Outrun():
                return self._lapse("outrun") if self.alive else []
            case on.Leaving():
                return self._release(now, interval=event.interval) if self.held else []
            case _:
                assert_never(event)

    def _proceed(self, now: float) -> list[do.Command]:
        """Take messages until one of them has to wait for an answer from outside."""
        done: list[do.Command] = []
        while self._waiting and self._asked is None:
            done += self._receive(self._waiting.popleft(), now)
        return done

    def _answered(self, answer: on.Answer, now: float) -> list[do.Command]:
        asked, self._asked = self._asked, None
        if asked is None:
            return []  # the session ended while the question was out; `_abandon` has answered
        done = asked.resume(answer, now)
        return done + self._proceed(now)

    def _ask(
        self, received: on.Received, question: do.Question, resume: Callable[[on.Answer, float], list[do.Command]]
    ) -> list[do.Command]:
        self._asked = Asked(received, resume)
        return [question]

    # Messages ---------------------------------------------------------------------------------------------------

    def _receive(self, received: on.Received, now: float) -> list[do.Command]:
        message = received.message
        if message.channel == messages.HANDSHAKE and self.state.state is State.NEW:
            return self._handshake(received)
        if not self.alive:
            return [self._reply(received, replies.unknown_session(message, self.terms))]
        refusal = validation.malformed(message)
        if refusal is not None:
            return [*self._adopt(received), self._reply(received, refusal)]
        return self._adopt(received) + self._dispatch(received, now)

    def _dispatch(self, received: on.Received, now: float) -> list[do.Command]:
        match received.message.channel:
            case messages.CONNECT:
                return self._connect(received, now)
            case messages.SUBSCRIBE:
                return self._subscribe(received)
            case messages.UNSUBSCRIBE:
                return self._unsubscribe(received)
            case messages.DISCONNECT:
                return self._disconnect(received)
            case _:
                return self._publish(received)

    def _adopt(self, received: on.Received) -> list[do.Command]:
        """Deliver the way the newest transport can: to a socket from its first message, to polling with each connect.

        A polling connect says so every time, because events may have queued up while none was held.
        """
        if received.pushes and self._socket is not received.origin:
            return self._deliver(received)
        if not received.pushes and received.message.channel == messages.CONNECT:
            return self._deliver(received)
        return []

    def _deliver(self, received: on.Received) -> list[do.Command]:
        self._socket = received.origin if received.pushes else None
        self.state.pushes = received.pushes
        return [do.Deliver(push=received.pushes)]

    # /meta/handshake --------------------------------------------------------------------------------------------

    def _handshake(self, received: on.Received) -> list[do.Command]:
        if not replies.has_valid_id(received.message):
            return self._turn_away(received, replies.ID_INVALID, None)
        offered = received.message.supported_connection_types
        if isinstance(offered, list) and offered and not any(name in offered for name in self.terms.connection_types):
            return self._turn_away(received, replies.NO_TRANSPORT, None)
        question = do.Authenticate(received.message, received.origin)
        return self._ask(received, question, lambda answer, now: self._welcome(received, answer, now))

    def _welcome(self, received: on.Received, answer: on.Answer, now: float) -> list[do.Command]:
        if isinstance(answer, on.Refused):
            return self._turn_away(received, answer.error, answer.interval)
        if not isinstance(answer, on.Authenticated):
            raise AssertionError(f"{answer!r} does not answer Authenticate")
        state = self.state
        state.state = after(state.state, Signal.WELCOME)
        state.expires_at = answer.expires_at
        state.replay = replay.wanted(received.message)
        self._touch(now)
        reply = replies.success(
            received.message,
            client_id=state.client_id,
            version="1.0",
            minimum_version="1.0",
            supported_connection_types=self.terms.connection_types,
            advice=self.terms.advice(),
            ext=replay.accepted(self.terms.epoch) if state.replay else UNSET,
        )
        return [do.Opened(), *self._deliver(received), self._reply(received, reply)]

    def _turn_away(self, received: on.Received, error: str, interval: int | None) -> list[do.Command]:
        self.state.state = after(self.state.state, Signal.REFUSE)
        advice = self.terms.advice("none") if interval is None else self.terms.advice("handshake", interval=interval)
        reply = replies.failure(received.message, error, advice=advice)
        return [self._reply(received, reply), do.Ended("refused")]

    # /meta/connect ----------------------------------------------------------------------------------------------

    def _connect(self, received: on.Received, now: float) -> list[do.Command]:
        first = self.state.state is State.HANDSHAKEN
        self.state.state = after(self.state.state, Signal.CONNECT)
        done: list[do.Command] = []
        if self.held is not None:
            done.append(self._displaced(self.held))
        message = received.message
        hold = self.terms.hold(message)
        self.held = Held(received.origin, validation.without_body(message), now + hold)
        if first or hold == 0 or not (received.alone or received.pushes):
            return done + self._release(now, advise=first or message.advice is not None)
        return done

    def _release(self, now: float, *, advise: bool = False, interval: int | None = None) -> list[do.Command]:
        """Answer the held connect with success and whatever has queued up."""
        held, self.held = self.held, None
        if held is None:
            return []
        self._touch(now)
        told = advise or interval is not None or held.message.advice is not None
        reply = replies.success(held.message, advice=self.terms.advice(interval=interval) if told else UNSET)
        return [do.Answered(held.origin, (reply,), takes_events=True)]

    def _displaced(self, held: Held) -> do.Command:
        self.held = None
        return do.Answered(held.origin, (replies.success(held.message),), displaced=True)

    # /meta/subscribe, /meta/unsubscribe -------------------------------------------------------------------------

    def _subscribe(self, received: on.Received) -> list[do.Command]:
        message = received.message
        asked = validation.subscriptions(message)
        if isinstance(asked, str):
            return [self._reply(received, validation.subscription_refused(message, asked))]
        wanted = tuple(name for name in dict.fromkeys(asked) if not name.startswith("/service/"))
        new = [name for name in wanted if name not in self.state.subscriptions]
        if len(self.state.subscriptions) + len(new) > self.terms.max_subscriptions:
            return [self._reply(received, validation.subscription_refused(message, replies.TOO_MANY_SUBSCRIPTIONS))]
        try:
            positions = replay.requested(message) if self.state.replay else replay.NOTHING
        except replay.InvalidPositions:
            return [self._reply(received, validation.subscription_refused(message, replies.POSITION_INVALID))]
        if not wanted:
            return [self._reply(received, replies.success(message, subscription=message.subscription))]
        return self._ask(received, do.Authorize(wanted), lambda answer, _: self._attach(received, positions, answer))

    def _attach(self, received: on.Received, positions: replay.Request, answer: on.Answer) -> list[do.Command]:
        if isinstance(answer, on.Refused):
            return [self._reply(received, validation.subscription_refused(received.message, answer.error))]
        if not isinstance(answer, on.Granted):
            raise AssertionError(f"{answer!r} does not answer Authorize")
        granted = answer.targets
        targets = sorted({target for targets in granted.values() for target in targets})
        question = do.Attach(tuple(targets), positions.since, positions.epoch, positions.replaying)
        return self._ask(received, question, lambda answer, _: self._subscribed(received, granted, answer))

    def _subscribed(
        self, received: on.Received, granted: dict[str, tuple[str, ...]], answer: on.Answer
    ) -> list[do.Command]:
        message = received.message
        if isinstance(answer, on.Refused):
            return [self._reply(received, validation.subscription_refused(message, answer.error))]
        if not isinstance(answer, on.Attached):
            raise AssertionError(f"{answer!r} does not answer Attach")
        self.state.subscriptions.update(granted)
        ext = replay.began(answer) if self.state.replay else UNSET
        return [self._reply(received, replies.success(message, subscription=message.subscription, ext=ext))]

    def _unsubscribe(self, received: on.Received) -> list[do.Command]:
        message = received.message
        asked = validation.subscriptions(message)
        if isinstance(asked, str):
            return [self._reply(received, validation.subscription_refused(message, asked))]
        had = self._targets()
        for name in asked:
            self.state.subscriptions.pop(name, None)
        gone = tuple(sorted(had - self._targets()))
        detach: list[do.Command] = [do.Detach(gone)] if gone else []
        return [*detach, self._reply(received, replies.success(message, subscription=message.subscription))]

    def _targets(self) -> set[str]:
        return {target for targets in self.state.subscriptions.values() for target in targets}

    # /meta/disconnect -------------------------------------------------------------------------------------------

    def _disconnect(self, received: on.Received) -> list[do.Command]:
        """The held connect is answered first: the other way round, JavaScript clients leave their socket open."""
        self.state.state = after(self.state.state, Signal.LEAVE)
        done = self._farewell(None)
        return [*done, self._reply(received, replies.success(received.message)), do.Ended("disconnected")]

    def _farewell(self, error: str | None) -> list[do.Command]:
        held, self.held = self.held, None
        if held is None:
            return []
        advice = self.terms.advice("none")
        if error is None:
            return [do.Answered(held.origin, (replies.success(held.message, advice=advice),), takes_events=True)]
        failed = replies.failure(held.message, error, advice=advice)
        parting = (failed,) if self.state.pushes else (failed, replies.goodbye())
        return [do.Answered(held.origin, parting, takes_events=True)]

    # Publishing -------------------------------------------------------------------------------------------------

    def _publish(self, received: on.Received) -> list[do.Command]:
        message = received.message
        channel: str = message.channel
        if channel.startswith("/meta/"):
            return [self._reply(received, replies.failure(message, replies.CREATE_DENIED))]
        if names.is_pattern(channel):
            return [self._reply(received, replies.failure(message, replies.CHANNEL_INVALID))]
        data = bytes(message.data)
        if not data or data == b"null":
            return [self._reply(received, replies.failure(message, replies.DATA_MISSING))]
        if channel.startswith("/service/"):
            return [self._reply(received, replies.success(message))]
        return self._ask(
            received,
            do.Publish(channel, data),
            lambda answer, _: [self._reply(received, validation.published(message, answer))],
        )

    # The end ----------------------------------------------------------------------------------------------------

    def _woken(self, now: float) -> list[do.Command]:
        if now < self.deadline:
            return []
        if now >= self.state.expires_at:
            return self._revoked(replies.TOKEN_EXPIRED)
        if self.held is not None:
            return self._release(now)
        return self._lapse("expired")

    def _lapse(self, reason: str) -> list[do.Command]:
        """End the session in a way that makes the client come back with a new handshake."""
        self.state.state = after(self.state.state, Signal.LAPSE)
        held, self.held = self.held, None
        unknown = replies.unknown_session(held.message, self.terms) if held else None
        parting = [do.Answered(held.origin, (unknown,))] if held and unknown else []
        return [*parting, *self._abandon(), do.Ended(reason, close=GOING_AWAY)]

    def _revoked(self, error: str) -> list[do.Command]:
        if not self.alive:
            return []
        self.state.state = after(self.state.state, Signal.REVOKE)
        parting = self._farewell(error)
        ended = do.Ended(error.rpartition(":")[2], close=POLICY_VIOLATION, notice=replies.goodbye())
        return [*parting, *self._abandon(error), ended]

    def _abandon(self, error: str | None = None) -> list[do.Command]:
        """Answer whatever still waits, so that no request is left hanging."""
        left = [*([self._asked.received] if self._asked else []), *self._waiting]
        self._asked = None
        self._waiting.clear()
        return [self._reply(received, replies.abandoned(received.message, error, self.terms)) for received in left]

    def _lost(self, event: on.Lost, now: float) -> list[do.Command]:
        """What was sent is still done, but a connect of that transport must not take events into the void."""
        if self.held is not None and self.held.origin is event.origin:
            self.held = None
        if self._socket is event.origin:
            self._socket = None
        self._waiting = deque(each for each in self._waiting if not each.is_connect_of(event.origin))
        self._touch(now)
        return []

    def _touch(self, now: float) -> None:
        self.state.touched_at = max(self.state.touched_at, now)

    @staticmethod
    def _reply(received: on.Received, reply: Reply) -> do.Command:
        return do.Answered(received.origin, (reply,))
