"""One session of the protocol.

    handle(event, now) → commands

The engine never calls out, never waits and does not know the time except from `now` (seconds of a clock that does not
jump). A question (`Authenticate`, `Authorize`, `Attach`, `Publish`, `Call`) pauses the session: messages that arrive
meanwhile wait their turn inside, so answers leave in the order of their requests and no two changes of a session
overlap. Every message gets exactly one answer, sooner or later; `Answered` commands say so.

Deliveries do not pass through here. The engine says how events reach the client (`Deliver`), the driver appends them,
and a connect reply marked `takes_events` takes along what has queued up.

What a message means stands in a module of its own: `handshaking`, `connecting`, `subscribing`, `publishing`, `parting`.
"""

import math
from collections.abc import Callable

from msgspec import Struct, field, structs

from hub.bayeux import commands as do
from hub.bayeux import connecting, handshaking, messages, parting, publishing, replies, subscribing, validation
from hub.bayeux import events as on
from hub.bayeux.advice import Terms
from hub.bayeux.extensions import timesync
from hub.bayeux.extensions.ack import Batches
from hub.bayeux.messages import Message, Reply
from hub.bayeux.repeats import Repeats
from hub.bayeux.states import State

Commands = list[do.Command]
Resume = Callable[[on.Answer], Commands]


class SessionState(Struct):
    """All that a session is, as a plain value: it survives a round trip through bytes."""

    client_id: str
    state: State = State.NEW
    expires_at: float = math.inf
    touched_at: float = 0.0
    active_at: float = 0.0
    """When the client last said anything but connect."""
    pushes: bool = False
    replay: bool = False
    batches: Batches | None = None
    """Numbers of the acknowledgement extension, None for sessions without it."""
    subscriptions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    repeats: Repeats = field(default_factory=Repeats)


class Held(Struct, frozen=True):
    """The connect that waits for events or for its time."""

    received: on.Received
    since: float
    until: float

    @property
    def origin(self) -> on.Origin:
        """Whose connect it is."""
        return self.received.origin

    @property
    def message(self) -> Message:
        """What is needed of it to answer."""
        return self.received.message


class Asked(Struct, frozen=True):
    """The question under way and what to do with its answer."""

    received: on.Received
    resume: Resume


class Engine:
    """Feed `handle`; carry out what it returns; look at `deadline` afterwards and feed `Woken` when it has come."""

    __slots__ = ("_asked", "_heard_at", "_waiting", "held", "now", "socket", "state", "terms")

    def __init__(self, state: SessionState, terms: Terms) -> None:
        self.state = state
        self.terms = terms
        self.held: Held | None = None
        self.now = 0.0
        """The time of the event that is being handled."""
        self.socket: on.Origin | None = None
        """The socket that the client speaks through, if any."""
        self._asked: Asked | None = None
        self._waiting: list[tuple[on.Received, float]] = []
        self._heard_at = 0.0

    # What the driver looks at -----------------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """Whether the clientId is good."""
        return self.state.state.alive

    @property
    def deadline(self) -> float:
        """When to feed `Woken`. Derived, never stored: see `states`."""
        if self.held is not None:
            return min(self.held.until, self.state.expires_at)
        if self.state.state in (State.DISCONNECTED, State.EXPIRED):
            return math.inf
        return min(self.state.touched_at + self.terms.grace, self.state.expires_at)

    @property
    def waiting(self) -> int:
        """How many messages wait for the answer to a question; a driver that can reads no more when they are many."""
        return len(self._waiting)

    # What happens -----------------------------------------------------------------------------------------------

    def handle(self, event: on.Event, now: float) -> Commands:
        """What to do about `event`."""
        self.now = now
        match event:
            case on.Received():
                self.touch()
                self._waiting.append((event, now))
                return self._proceed()
            case on.Deliverable():
                return connecting.release(self)
            case on.Lost():
                return self._lost(event)
            case on.Written():
                self.touch()
                return []
            case on.Woken():
                return self._woken()
            case on.Revoked():
                return parting.revoke(self, event.error)
            case on.Outrun():
                return parting.lapse(self, "outrun") if self.alive else []
            case on.Leaving():
                return connecting.release(self, interval=event.interval)
            case _:
                return self._answered(event)

    def _proceed(self) -> Commands:
        """Take messages until one of them has to wait for an answer from outside."""
        done: Commands = []
        while self._waiting and self._asked is None:
            received, self._heard_at = self._waiting.pop(0)
            done += self._receive(received)
        return done

    def _answered(self, answer: on.Answer) -> Commands:
        asked, self._asked = self._asked, None
        self.touch()  # whoever was kept waiting could not say so
        if asked is None:
            return []  # the session ended while the question was out; `abandon` has answered
        return asked.resume(answer) + self._proceed()

    def _woken(self) -> Commands:
        if self.now < self.deadline:
            return []
        if self.now >= self.state.expires_at:
            return parting.revoke(self, replies.TOKEN_EXPIRED)
        if self.held is not None:
            return connecting.release(self)
        return parting.lapse(self, "expired")

    def _lost(self, event: on.Lost) -> Commands:
        """What was sent is still done, but a connect of that transport must not take events into the void."""
        if self.held is not None and self.held.origin is event.origin:
            self.held = None
        if self.socket is event.origin:
            self.socket = None
        self._waiting = [each for each in self._waiting if not each[0].is_connect_of(event.origin)]
        self.touch()
        return []

    # Messages ---------------------------------------------------------------------------------------------------

    def _receive(self, received: on.Received) -> Commands:
        message = received.message
        if message.channel == messages.HANDSHAKE and self.state.state is State.NEW:
            return handshaking.handshake(self, received)
        if not self.alive:
            return [self.reply(received, replies.unknown_session(message, self.terms))]
        refusal = validation.malformed(message)
        if refusal is not None:
            return [*self._adopt(received), self.reply(received, refusal)]
        return self._adopt(received) + self._dispatch(received)

    def _dispatch(self, received: on.Received) -> Commands:
        if received.message.channel == messages.CONNECT:
            return connecting.connect(self, received)
        self.state.active_at = self.now
        match received.message.channel:
            case messages.SUBSCRIBE:
                return subscribing.subscribe(self, received)
            case messages.UNSUBSCRIBE:
                return subscribing.unsubscribe(self, received)
            case messages.DISCONNECT:
                return parting.disconnect(self, received)
            case _:
                return publishing.publish(self, received)

    def _adopt(self, received: on.Received) -> Commands:
        """Deliver the way the newest transport can: to a socket from its first message, to polling with each connect.

        A polling connect says so every time, because events may have queued up while none was held.
        """
        if received.pushes and self.socket is not received.origin:
            return self.deliver(received)
        if not received.pushes and received.message.channel == messages.CONNECT:
            return self.deliver(received)
        return []

    # What the modules of the messages use -----------------------------------------------------------------------

    def deliver(self, received: on.Received) -> Commands:
        """From now on events go the way this message came."""
        acknowledges = self.state.batches is not None
        self.socket = received.origin if received.pushes else None
        self.state.pushes = received.pushes and not acknowledges
        return [do.Deliver(push=self.state.pushes, keeps_socket=received.pushes and acknowledges)]

    def ask(self, received: on.Received, question: do.Question, resume: Resume) -> Commands:
        """Pause the session until the answer to the question is there."""
        self._asked = Asked(received, resume)
        return [question]

    def abandon(self, error: str | None = None) -> Commands:
        """Answer whatever still waits, so that no request is left hanging."""
        left = [*([self._asked.received] if self._asked else []), *(received for received, _ in self._waiting)]
        self._asked = None
        self._waiting.clear()
        return [self.reply(received, replies.abandoned(received.message, error, self.terms)) for received in left]

    def hold(self, received: on.Received, seconds: float) -> Held:
        """Keep the connect for so long at most."""
        kept = structs.replace(received, message=validation.without_body(received.message))
        self.held = Held(kept, self._heard_at, self.now + seconds)
        return self.held

    def let_go(self) -> Held | None:
        """The held connect, which is held no longer."""
        held, self.held = self.held, None
        return held

    def touch(self) -> None:
        """The client is there."""
        self.state.touched_at = max(self.state.touched_at, self.now)

    def reply(self, received: on.Received, reply: Reply) -> do.Answered:
        """The one answer to a message."""
        return do.Answered(received.origin, (self.synced(received, reply, self._heard_at),))

    def synced(self, received: on.Received, reply: Reply, heard_at: float) -> Reply:
        """The reply, with the time if the client wants to know it."""
        time = timesync.answer(received.message, received.arrived, self.now - heard_at)
        return reply if time is None else reply.extended(timesync=time)
