"""The driver of one session: feeds its engine, carries out the commands, and owns what waits for the client."""

import asyncio
from collections.abc import Collection, Coroutine
from typing import TYPE_CHECKING, assert_never

from channels.catalog import Channel
from channels.envelope import Stream
from hub.auth.principal import Principal
from hub.bayeux import codec
from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux.engine import Engine
from hub.bayeux.messages import Message
from hub.kernel import logs, metrics
from hub.realtime.listeners import Write
from hub.realtime.ports import Link, Origin
from hub.realtime.prepared import DEFLATED, PLAIN, REPLAYABLE, Form, Prepared, joined
from hub.realtime.pressure import Strain, forget
from hub.realtime.streams import LocalStream
from hub.realtime.unacked import Unacked

if TYPE_CHECKING:
    from hub.realtime.node import Node

LARGEST_ANSWER = 900 * 1024  # some clients give up on long-polling answers from one megabyte on
LINGER = 1.0  # seconds in which a client may close its socket itself

logger = logs.get("hub.session")


class Session:
    """One client, from its handshake to its end."""

    __slots__ = (
        "_catching_up",
        "_node",
        "_pushes",
        "_told",
        "_unacked",
        "attached_by",
        "behind",
        "browser",
        "dirty",
        "engine",
        "filed",
        "form",
        "granted",
        "link",
        "patient",
        "principal",
        "queue",
        "strain",
        "streams",
        "targets",
        "write",
    )

    principal: Principal
    """Who the client is; set when the handshake is accepted."""

    def __init__(self, engine: Engine, node: "Node") -> None:
        self.engine = engine
        self._node = node
        self.link: Link | None = None
        self.queue: list[Prepared] = []
        self.write: Write | None = None
        self.form = PLAIN
        """Where frames go as they come, and how made; None while they wait in the queue. Changed by `steer` only."""
        self.dirty = False
        self.filed = -1
        self.patient = True
        self.granted: dict[str, Channel] = {}
        self.targets: dict[str, Channel] = {}
        self.streams: set[LocalStream] = set()
        self.behind: dict[LocalStream, None] = {}
        self.browser: str | None = None
        self._pushes = False
        """Whether the client takes events at any time, as the engine said last."""
        self._unacked = Unacked()
        self.strain = Strain()
        self._told: dict[LocalStream, int] = {}
        self.attached_by: Link | None = None
        self._catching_up: asyncio.Task[None] | None = None

    @property
    def client_id(self) -> str:
        """The name the client knows it by."""
        return self.engine.state.client_id

    @property
    def ended(self) -> bool:
        """Whether the session is over."""
        return not self.engine.alive

    @property
    def is_left_alone(self) -> bool:
        """Whether no client is there: no socket, and no connect that is held."""
        return self.link is None and self.engine.held is None

    # The wheel --------------------------------------------------------------------------------------------------

    @property
    def deadline(self) -> float:
        """When something is due if nothing happens."""
        return self.engine.deadline

    def wake(self, now: float) -> None:
        """The deadline has come."""
        del now
        self.feed(on.Woken())

    # What comes in ----------------------------------------------------------------------------------------------

    def receive(
        self, message: Message, origin: Origin, *, link: Link | None, alone: bool = True, surplus: bool = False
    ) -> None:
        """A message of the client. Its answer goes to `origin`, now or later."""
        if link is not None:
            self._bind(link)
        self.feed(
            on.Received(
                message,
                origin,
                pushes=link is not None,
                alone=alone,
                surplus=surplus,
                arrived=self._node.clock.now(),
            )
        )

    def feed(self, event: on.Event) -> None:
        """Tell the engine, and carry out what it wants; questions that need no waiting are answered on the spot."""
        following: on.Event | None = event
        while following is not None:
            now = self._node.clock.monotonic()
            commands = self.engine.handle(following, now)
            following = None
            for command in commands:
                following = self._carry_out(command)
        if self.link is not None and not self.engine.waiting:
            self.link.caught_up()
        if self.engine.alive:
            self._node.wheel.file(self)
            if self.engine.held is not None and self._has_something():
                self._node.fanout.mark(self)

    def lost(self, origin: Origin) -> None:
        """The transport of this origin is gone."""
        if self.link is origin:
            self.link = None
            self.steer()
        if not self.ended:
            self.feed(on.Lost(origin))

    def resumed(self) -> None:
        """The socket takes data again."""
        self._node.fanout.mark(self)

    def fall_out(self) -> None:
        """The log no longer reaches back to where the client is, or what is to be written cannot be."""
        try:
            self.feed(on.Outrun())
        finally:  # also where the client cannot even be told
            self._node.ended(self, "outrun")

    def replaced(self) -> None:
        """Another handshake came on the socket, which stays open."""
        if self.link is not None:
            self.link.session = None
            self.link = None
        self.feed(on.Outrun())

    def _bind(self, link: Link) -> None:
        if self.link is link:
            return
        if self.link is not None:
            self.link.session = None
        self.link, link.session = link, self
        self.steer()

    # Commands ---------------------------------------------------------------------------------------------------

    def _carry_out(self, command: do.Command) -> on.Event | None:
        """Do it; for a question that can be answered at once, the answer."""
        match command:
            case do.Answered():
                self._answer(command)
            case do.Authenticate():
                return self._soon(self._node.authenticate(self, command))
            case do.Authorize():
                return self._node.authorize(self, command)
            case do.Attach():
                self._node.recovery.begin_again(self, command)
                self._later(self._node.recovery.attach(self, command))
            case do.Publish():
                return self._soon(self._node.publishing.publish(self, command))
            case do.Call():
                return self._soon(self._node.services.call(self, command))
            case do.Acknowledged():
                self._unacked.drop(command.batch)
                self.strain.ease()
            case do.Detach():
                self._node.fanout.settle()  # what came before counts, and comes before the answer
                self._node.recovery.detach(self, command.targets)
            case do.Deliver():
                self._deliver(command)
            case do.Opened():
                self._node.opened(self)
            case do.Ended():
                self._end(command)
            case _:
                assert_never(command)
        return None

    def _soon(self, answer: on.Answer | Coroutine[object, object, on.Answer]) -> on.Answer | None:
        if isinstance(answer, Coroutine):
            self._later(answer)
            return None
        return answer

    def _later(self, work: Coroutine[object, object, on.Answer]) -> None:
        _ = self._node.spawn(self._answer_with(work), name=f"answer {self.client_id[:8]}")

    async def _answer_with(self, work: Coroutine[object, object, on.Answer]) -> None:
        try:
            answer = await work
        except Exception:
            logger.exception("a request of a session failed", client=self.client_id[:8])
            answer = on.Refused("500::internal_error")
        self.feed(answer)
        self.catch_up()

    def _answer(self, command: do.Answered) -> None:
        events = self._take(command.batch) if command.takes_events and not self.engine.state.pushes else []
        replies = list(command.replies)
        if command.tightens:
            self._node.fanout.settle()  # the positions are told after what they count
        if command.tightens and not self.queue and (moved := self._moved()):
            replies[-1] = replies[-1].extended(replay=moved)
        origin: Origin = command.origin
        origin.answer(events + [codec.encode(reply) for reply in replies], displaced=command.displaced)

    def _moved(self) -> dict[str, int]:
        """The positions that the client has reached since it was last told, for it to come back with."""
        moved: dict[str, int] = {}
        for local in self.streams:
            if self in local.listeners and local.last > self._told.get(local, 0):
                moved[local.stream.channel] = self._told[local] = local.last
        return moved

    def _deliver(self, command: do.Deliver) -> None:
        self._pushes = command.push
        if not (command.push or command.keeps_socket) and self.link is not None:
            self.link.session = None
            self.link = None
        self.steer()
        if self.queue:
            self._node.fanout.mark(self)

    def _end(self, command: do.Ended) -> None:
        self._node.fanout.settle()  # what was delivered before; nothing may follow the farewell
        if self.queue:
            metrics.UNDELIVERED.labels("session_ended").inc(len(self.queue))
            self.queue.clear()
        if self._catching_up is not None:
            self._catching_up.cancel()
        self._node.ended(self, command.reason)
        link, self.link = self.link, None
        if link is None:
            return
        link.session = None
        if command.notice is not None:
            link.answer([codec.encode(command.notice)])
        if command.close is None:
            link.close(1000, command.reason, after=LINGER + command.back_in)
        else:
            link.close(command.close, command.reason)

    # What goes out ----------------------------------------------------------------------------------------------

    def steer(self) -> None:
        """Be written to as events come if the client takes them and has taken everything before; else queue them."""
        if self._way() != (self.write, self.form):
            self._node.fanout.between_writes(self._turn)

    def _turn(self) -> None:
        self.write, self.form = self._way()
        for local in self.streams:
            local.listeners.move(self)

    def _way(self) -> tuple[Write | None, Form]:
        link = self.link
        if link is None or not self._pushes or self.queue or not link.clear():
            return None, PLAIN
        return link.write, self._form(link)

    def _form(self, link: Link) -> Form:
        return REPLAYABLE * self.engine.state.replay + DEFLATED * link.deflates

    def wait_for(self, page: list[Prepared]) -> None:
        """These events come before whatever is delivered from now on."""
        self.queue.extend(page)
        self.steer()
        self._node.fanout.mark(self)

    def flush(self) -> None:
        """Once a tick after something was queued: write it, or wake the held connect, or let it wait."""
        self.dirty = False
        link = self.link
        if self._pushes and link is not None and self.queue and link.clear():
            link.write(joined(self.queue, self._form(link)))
            self._node.delivered("websocket", len(self.queue))
            self.queue.clear()
            if self.strain.felt:
                self.strain.ease()
        else:
            self._keep()
        self.steer()

    def _keep(self) -> None:
        """What cannot be written now is taken by the held connect, or waits within its bound."""
        if self.engine.held is not None and not self._pushes and self._has_something():
            self.feed(on.Deliverable())
        if self.queue:
            count, size = len(self._unacked) + len(self.queue), self._unacked.size + self.strain.weigh(self.queue)
            if self._node.bounds.exceeded(count, size):
                self._overflow()

    def _has_something(self) -> bool:
        """Whether anything is to be delivered: new events, or some that the client has not acknowledged."""
        batches = self.engine.state.batches
        return bool(self.queue) or (bool(self._unacked) and batches is not None and batches.impatient)

    def _take(self, batch: int) -> list[bytes]:
        """What fits into one answer: all that is not acknowledged, and after it what is new."""
        replay = self.engine.state.replay
        taken = [event.message(replay=replay) for event in self._unacked.events()]
        size = sum(map(len, taken))
        fresh = 0
        for event in self.fitting(self.queue) if batch else self.queue:
            message = event.message(replay=replay)
            size += len(message)
            if taken and size > LARGEST_ANSWER:
                break
            taken.append(message)
            fresh += 1
        if batch:
            self._unacked.add(batch, self.queue[:fresh])
        del self.queue[:fresh]
        self._node.delivered("long-polling", len(taken))
        self.strain.ease()
        return taken

    # Catching up ------------------------------------------------------------------------------------------------

    def _overflow(self) -> None:
        """Forget what is new. What has been sent and is not acknowledged stays: it may have arrived."""
        forgotten = forget(self.queue)
        metrics.UNDELIVERED.labels("ephemeral_overflow").inc(forgotten.ephemeral)
        metrics.UNDELIVERED.labels("queue_overflow").inc(len(self.queue) - forgotten.ephemeral)
        self.queue.clear()
        for local in list(self.streams):
            position = forgotten.positions.get(local.stream)
            if position is not None:
                self._node.recovery.leave_behind(self, local, position)
        self.catch_up()
        self.strain.ease()

    def catch_up(self) -> None:
        """See that somebody brings the session up to date, if it is behind."""
        if self.behind and self._catching_up is None:
            self._catching_up = self._node.spawn(
                self._node.recovery.catch_up(self), name=f"catch up {self.client_id[:8]}"
            )
            self._catching_up.add_done_callback(self._caught_up)

    def _caught_up(self, done: asyncio.Task[None]) -> None:
        self._catching_up = None
        if done.cancelled() or self.ended:
            return
        if (error := done.exception()) is not None:
            logger.error("catching up failed", client=self.client_id[:8], error=repr(error))
            self.fall_out()
        else:
            self.catch_up()

    def forget(self, streams: Collection[Stream]) -> None:
        """What waits of these streams will be read again from where the client is."""
        self.queue[:] = [event for event in self.queue if event.stream not in streams]
        self.strain.ease()

    async def room(self) -> None:
        """Return when the client has taken everything, so that a page from the log may be queued."""
        while self.queue:
            await self.strain.relief()

    def fitting(self, page: list[Prepared]) -> list[Prepared]:
        """As much of a page as may be kept beside what is not acknowledged; may be none of it."""
        return self._node.bounds.fitting(page, len(self._unacked), self._unacked.size)
