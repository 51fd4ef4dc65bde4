"""All sessions of this process, and the parts they share."""

import asyncio
import random
from collections.abc import Coroutine, Sequence
from typing import Final

from msgspec import structs

from channels.catalog import Catalog
from hub.auth.principal import Principal
from hub.bayeux import codec, replies
from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux.advice import Terms
from hub.bayeux.engine import Engine, SessionState
from hub.bayeux.messages import CONNECT, HANDSHAKE, Message, Reply
from hub.bayeux.states import State
from hub.brokers.port import Broker
from hub.kernel import ids, metrics
from hub.kernel.clock import Clock, micros
from hub.kernel.rate import Rate
from hub.realtime.admission import NOWHERE, Admission
from hub.realtime.attendance import Attendance
from hub.realtime.browsers import Browsers
from hub.realtime.fanout import Fanout
from hub.realtime.intake import Intake
from hub.realtime.kicked import Kicked
from hub.realtime.ports import Credentials, Link, Origin
from hub.realtime.pressure import Bounds
from hub.realtime.publishing import Publisher, Publishing
from hub.realtime.recovery import Recovery
from hub.realtime.seats import Seats
from hub.realtime.services import Services, about
from hub.realtime.session import Session
from hub.realtime.streams import Streams
from hub.realtime.wheel import Wheel
from hub.store.database import Database

LATEST_RETURN = 5000  # milliseconds over which clients sent away are spread

CUSTOMERS_A_SECOND: Final = (20.0, 200.0)
"""Sessions without credentials: so many in the long run, and so many at once."""


class Node:
    """The realtime side of one process. Transports call `receive` and `lost`; `hub.app` runs the rest."""

    def __init__(
        self,
        *,
        terms: Terms,
        bounds: Bounds,
        clock: Clock,
        catalog: Catalog,
        admission: Admission,
        database: Database,
        broker: Broker,
        publisher: Publisher,
    ) -> None:
        self.name = ids.node_id()
        self.terms = terms
        self._at_once = structs.replace(terms, interval=0)
        """The terms of clients that may not be told to wait."""
        self.bounds = bounds
        self.clock = clock
        self.draining = False
        self.outdated = False
        """The log is another one than when this process started: no position known here means anything any more."""
        self.admission = admission
        self._handshakes = Rate(bounds.handshakes)
        self._customers = Rate(*CUSTOMERS_A_SECOND)
        self.wheel = Wheel(clock.monotonic())
        self.fanout = Fanout()
        self.streams = Streams()
        self.intake = Intake(database, self.streams, self.fanout)
        self.recovery = Recovery(database, broker, self.streams, self.intake, self.fanout, catalog, terms.epoch)
        self.publishing = Publishing(database, publisher, catalog, clock, bounds.publishes)
        self.services = Services()
        self.services.offer("session", about(clock))
        self.browsers = Browsers(bounds.browser_connects)
        self.attendance = Attendance()
        self._kicked = Kicked(terms.grace)
        self._sessions: dict[str, Session] = {}
        self.seats = Seats(bounds)
        self._tasks: set[asyncio.Task[None]] = set()
        self._deliveries = {name: metrics.DELIVERIES.labels(name) for name in ("websocket", "long-polling")}
        broker.connect(self.intake)
        metrics.SESSIONS.labels("websocket").set_function(lambda: self._count(pushes=True))
        metrics.SESSIONS.labels("long-polling").set_function(lambda: self._count(pushes=False))
        metrics.SUBSCRIPTIONS.set_function(self._subscriptions)

    # Requests ---------------------------------------------------------------------------------------------------

    def receive(self, messages: Sequence[Message], origin: Origin, link: Link | None = None) -> list[Session]:
        """The messages of one request or frame. Each is answered to `origin`, now or later, in order.

        Returns the sessions that were spoken to.

        A handshake travels alone: whatever shares its request is ignored. `link` is the origin itself on a WebSocket.
        """
        for message in messages:
            if message.channel == HANDSHAKE:
                origin.expect(1)
                return [self._open(message, origin, link)]
        origin.expect(len(messages))
        spoken_to: list[Session] = []
        for message in messages:
            session = self._session_of(message, origin.credentials, link)
            if session is None:
                origin.answer([codec.encode(self._unknown(message))])
            else:
                spoken_to.append(session)
                self._hand_on(message, session, origin, link, alone=len(messages) == 1)
                if self.draining and session.patient:  # others would be back at once, and again
                    self.send_away(session)
        return spoken_to

    def _hand_on(self, message: Message, session: Session, origin: Origin, link: Link | None, *, alone: bool) -> None:
        polls = link is None and message.channel == CONNECT
        surplus = polls and session.patient and self.browsers.is_full(session, origin.browser)
        session.receive(message, origin, link=link, alone=alone, surplus=surplus)

    def _open(self, handshake: Message, origin: Origin, link: Link | None) -> Session:
        if link is not None and link.session is not None:
            if link.session.engine.state.state is State.NEW:  # judged one after the other, or a stranger piles them up
                link.session.receive(handshake, origin, link=link)
                return link.session
            link.session.replaced()
        terms = self.terms if origin.credentials.patient else self._at_once
        session = Session(Engine(SessionState(client_id=ids.client_id(self.name)), terms), self)
        session.receive(handshake, origin, link=link)
        return session

    def _unknown(self, message: Message) -> Reply:
        """The answer to a message whose clientId means nothing here, or nothing any more."""
        return replies.abandoned(message, self._kicked.error(message.client_id, self.clock.monotonic()), self.terms)

    def _session_of(self, message: Message, credentials: Credentials, link: Link | None) -> Session | None:
        """The session a message is for, if the sender may speak for it."""
        session = self._sessions.get(message.client_id) if isinstance(message.client_id, str) else None
        if session is None or credentials.fault is not None:
            return None
        if not _speaks_for(credentials, session.principal):
            return None
        if link is not None and link.session is not None and link.session is not session:
            return None
        return session

    # What sessions ask ------------------------------------------------------------------------------------------

    def authenticate(
        self, session: Session, question: do.Authenticate
    ) -> on.Answer | Coroutine[object, object, on.Answer]:
        """Whether this client may have a session, or go on with the one it has; needs waiting for unknown keys only."""
        origin: Origin = question.origin
        if self.admission.is_prepared(question.message, origin.credentials):
            return self._authenticate(session, question, origin.credentials)
        return self._authenticate_later(session, question, origin.credentials)

    async def _authenticate_later(
        self, session: Session, question: do.Authenticate, credentials: Credentials
    ) -> on.Answer:
        return self._authenticate(session, question, await self.admission.prepared(question.message, credentials))

    def _authenticate(self, session: Session, question: do.Authenticate, credentials: Credentials) -> on.Answer:
        if session.engine.alive:
            return self._renew(session, question.message, credentials)
        answer = self._admit(session, question.message, credentials)
        metrics.HANDSHAKES.labels(_outcome(answer)).inc()
        return answer

    def _admit(self, session: Session, handshake: Message, credentials: Credentials) -> on.Answer:
        if self.draining:
            return on.Refused("503::draining", interval=self.a_while() if credentials.patient else 0)
        found = self.admission.authenticate(handshake, credentials)
        if isinstance(found, on.Refused):
            return found  # before the rate, of which strangers shall not take anything away
        if found.organization == NOWHERE:
            found = structs.replace(found, user=session.client_id)
        # Strangers have a rate of their own, and take nothing from those who work here.
        rate = self._customers if found.organization == NOWHERE else self._handshakes
        if not rate.admits(self.clock.monotonic()):
            return self._turned_away("handshakes", "503::overloaded", credentials)
        if (full := self.seats.full_for(found)) is not None:
            return self._turned_away(full, "503::too_many_sessions", credentials)
        session.principal = found
        session.patient = credentials.patient
        if handshake.version is None or handshake.supported_connection_types is None:
            metrics.HANDSHAKES_INCOMPLETE.inc()
        return on.Authenticated(self._ends_at(found))

    def _turned_away(self, limit: str, error: str, credentials: Credentials) -> on.Refused:
        metrics.REFUSED.labels(limit).inc()
        return on.Refused(error, interval=self.a_while() if credentials.patient else 0)

    def _renew(self, session: Session, connect: Message, credentials: Credentials) -> on.Answer:
        """A newer token of the same user, brought by a connect."""
        found = self.admission.authenticate(connect, credentials)
        if isinstance(found, on.Refused):
            return found
        if found.identity != session.principal.identity:
            return on.Refused(replies.HANDSHAKE_DENIED)
        other_rights = found.roles != session.principal.roles
        session.principal = found
        return on.Authenticated(self._ends_at(found), other_rights=other_rights)

    def _ends_at(self, principal: Principal) -> float:
        """When the session of this principal ends, on the clock of the engines."""
        return self.clock.monotonic() + principal.expires_at - self.clock.now()

    def authorize(self, session: Session, question: do.Authorize) -> on.Answer:
        """What the names of a subscription mean for this client."""
        found = self.admission.targets(session.principal, question.names)
        if isinstance(found, on.Refused):
            metrics.SUBSCRIBES.labels("unknown" if "channel_unknown" in found.error else "denied").inc()
            return found
        metrics.SUBSCRIBES.labels("ok").inc()
        for targets in found.values():
            session.granted.update({target.name: target.channel for target in targets})
        return on.Granted({name: tuple(target.name for target in targets) for name, targets in found.items()})

    def opened(self, session: Session) -> None:
        """The handshake was accepted."""
        self._sessions[session.client_id] = session
        self.seats.take(session)
        self.attendance.opened(session.client_id, session.principal)
        if session.link is not None:
            session.link.session = session  # which counts from now on

    def ended(self, session: Session, reason: str) -> None:
        """The session is over."""
        if self._sessions.pop(session.client_id, None) is None:
            return
        self.seats.leave(session)
        # A session expires by silence, which is how long its client has been away by then.
        silence = self.terms.grace if reason == "expired" else 0.0
        self.attendance.closed(session.client_id, session.principal.identity, self.clock.now() - silence)
        self.recovery.detach(session, tuple(session.targets))
        self.browsers.forget(session)
        metrics.SESSIONS_ENDED.labels(reason).inc()

    def delivered(self, transport: str, count: int) -> None:
        """So many events have been handed to the network."""
        self._deliveries[transport].inc(count)

    def spawn(self, work: Coroutine[object, object, None], *, name: str) -> asyncio.Task[None]:
        """A task that this node owns; it is cancelled when the node closes."""
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # What operators do ------------------------------------------------------------------------------------------

    def end_user(
        self,
        organization: str,
        user: str,
        error: str,
        *,
        before: int | None = None,
        login: str | None = None,
        spared: str | None = None,
    ) -> None:
        """End every session of a user, and keep their clients from coming back by themselves.

        Of one `login` only, if given; of credentials issued `before` an instant (microseconds) only, if given: this may
        come late, when the user is back with newer ones. What the login `spared` has opened stays: its owner has just
        changed the password.
        """
        for session in self.seats.of(organization, user):
            principal = session.principal
            if spared is not None and principal.login == spared:
                session.principal = structs.replace(principal, must_change=False)
                continue
            is_newer = before is not None and micros(principal.issued_at) >= before
            if not is_newer and login in {None, principal.login}:
                self._kicked.add(session.client_id, error, self.clock.monotonic())
                session.feed(on.Revoked(error))

    def send_away(self, session: Session) -> None:
        """Answer the connect that the session holds, if any, so that its client comes back after a while."""
        if not session.ended:
            session.feed(on.Leaving(self.a_while() if session.patient else 0))

    def is_session(self, client_id: str) -> bool:
        """Whether a session of this process has this name."""
        return client_id in self._sessions

    def sessions(self) -> list[Session]:
        """All sessions, for the drain and for figures."""
        return list(self._sessions.values())

    def _count(self, *, pushes: bool) -> int:
        return sum(session.engine.state.pushes is pushes for session in self._sessions.values())

    def _subscriptions(self) -> int:
        return sum(len(session.engine.state.subscriptions) for session in self._sessions.values())

    @staticmethod
    def a_while() -> int:
        """Milliseconds after which one client may come back, different for each."""
        return random.randint(1, LATEST_RETURN)  # noqa: S311 - spreads load, protects nothing

    async def close(self) -> None:
        """Stop all work under way; sessions are simply forgotten."""
        await self.intake.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _speaks_for(credentials: Credentials, principal: Principal) -> bool:
    """Whether a request with these credentials may speak for a session of `principal`. A cookie, which the browser
    sends unasked, says nothing against a session that was opened by other means.
    """
    given = credentials.principal
    if given is None or given is principal or given.identity == principal.identity:
        return True
    return credentials.unasked and principal.login is None


def _outcome(answer: on.Answer) -> str:
    match answer:
        case on.Refused(error=error) if error.startswith("401"):
            return "unauthenticated"
        case on.Refused(error=error) if error.startswith("503"):
            return "overloaded"
        case on.Refused():
            return "forbidden"
        case _:
            return "ok"
