"""The driver of one session: feeds its engine, carries out the commands, and owns what waits for the client."""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, assert_never

from channels.catalog import Channel
from hub.auth.principal import Principal
from hub.bayeux import codec, replies
from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux.engine import Engine
from hub.bayeux.messages import Message
from hub.kernel import logs, metrics
from hub.realtime.ports import Link, Origin
from hub.realtime.prepared import Prepared
from hub.realtime.pressure import forget
from hub.realtime.streams import LocalStream

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
        "_room",
        "behind",
        "dirty",
        "engine",
        "filed",
        "granted",
        "link",
        "patient",
        "principal",
        "queue",
        "streams",
        "targets",
    )

    principal: Principal
    """Who the client is; set when the handshake is accepted."""

    def __init__(self, engine: Engine, node: "Node") -> None:
        self.engine = engine
        self._node = node
        self.link: Link | None = None
        self.queue: list[Prepared] = []
        self.dirty = False
        self.filed = -1
        self.patient = True
        self.granted: dict[str, Channel] = {}
        self.targets: dict[str, Channel] = {}
        self.streams: set[LocalStream] = set()
        self.behind: set[LocalStream] = set()
        self._catching_up: asyncio.Task[None] | None = None
        self._room: asyncio.Event | None = None

    @property
    def client_id(self) -> str:
        """The name the client knows it by."""
        return self.engine.state.client_id

    @property
    def ended(self) -> bool:
        """Whether the session is over."""
        return not self.engine.alive

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

    def receive(self, message: Message, origin: Origin, *, link: Link | None, alone: bool) -> None:
        """A message of the client. Its answer goes to `origin`, now or later."""
        if link is not None:
            self._bind(link)
        self.feed(on.Received(message, origin, pushes=link is not None, alone=alone))

    def feed(self, event: on.Event) -> None:
        """Tell the engine, and carry out what it wants; questions that need no waiting are answered on the spot."""
        following: on.Event | None = event
        while following is not None:
            now = self._node.clock.monotonic()
            commands = self.engine.handle(following, now)
            following = None
            for command in commands:
                following = self._carry_out(command)
        if self.engine.alive:
            self._node.wheel.file(self)

    def lost(self, origin: Origin) -> None:
        """The transport of this origin is gone."""
        if self.link is origin:
            self.link = None
        if not self.ended:
            self.feed(on.Lost(origin))

    def resumed(self) -> None:
        """The socket takes data again."""
        self.flush()

    def fall_out(self) -> None:
        """The log no longer reaches back to where the client is."""
        self.feed(on.Outrun())

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

    # Commands ---------------------------------------------------------------------------------------------------

    def _carry_out(self, command: do.Command) -> on.Event | None:
        """Do it; for a question that can be answered at once, the answer."""
        match command:
            case do.Answered():
                self._answer(command)
            case do.Authenticate():
                return self._node.authenticate(self, command)
            case do.Authorize():
                return self._node.authorize(self, command)
            case do.Attach():
                self._later(self._node.recovery.attach(self, command))
            case do.Publish():
                answer = self._node.publishing.publish(self, command)
                if isinstance(answer, Coroutine):
                    self._later(answer)
                else:
                    return answer
            case do.Detach():
                self._node.recovery.detach(self, command.targets)
            case do.Deliver():
                self._deliver(push=command.push)
            case do.Opened():
                self._node.opened(self)
            case do.Ended():
                self._end(command)
            case _:
                assert_never(command)
        return None

    def _later(self, work: Coroutine[object, object, on.Answer]) -> None:
        _ = self._node.spawn(self._answer_with(work), name=f"answer {self.client_id[:8]}")

    async def _answer_with(self, work: Coroutine[object, object, on.Answer]) -> None:
        try:
            answer = await work
        except Exception:
            logger.exception("a request of a session failed", client=self.client_id[:8])
            answer = on.Refused("500::internal_error")
        if not self.ended:
            self.feed(answer)
            self.catch_up()

    def _answer(self, command: do.Answered) -> None:
        parts = [codec.encode(reply) for reply in command.replies]
        if command.takes_events and not self.engine.state.pushes:
            parts = self._take() + parts
        origin: Origin = command.origin
        origin.answer(parts, displaced=command.displaced)

    def _deliver(self, *, push: bool) -> None:
        if not push and self.link is not None:
            self.link.session = None
            self.link = None
        if self.queue:
            self._node.fanout.mark(self)

    def _end(self, command: do.Ended) -> None:
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
            link.close(1000, command.reason, after=LINGER)
        else:
            link.close(command.close, command.reason)

    # What goes out ----------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Once a tick after something was queued: write it, or wake the held connect, or let it wait."""
        self.dirty = False
        if not self.queue:
            return
        if self.engine.state.pushes:
            self._push()
        elif self.engine.held is not None:
            self.feed(on.Deliverable())
        if self.queue and self._node.bounds.exceeded(self.queue):
            self._overflow()

    def _push(self) -> None:
        link = self.link
        if link is None or link.paused:
            return
        replay = self.engine.state.replay
        frames = [event.frame(replay=replay) for event in self.queue]
        self.queue.clear()
        link.push(frames[0] if len(frames) == 1 else b"".join(frames))
        self._node.delivered("websocket", len(frames))
        self._made_room()

    def _take(self) -> list[bytes]:
        """What fits into one answer."""
        replay = self.engine.state.replay
        taken: list[bytes] = []
        size = 0
        for event in self.queue:
            message = event.message(replay=replay)
            size += len(message)
            if taken and size > LARGEST_ANSWER:
                break
            taken.append(message)
        if taken:
            del self.queue[: len(taken)]
            self._node.delivered("long-polling", len(taken))
            self._made_room()
        return taken

    # Catching up ------------------------------------------------------------------------------------------------

    def _overflow(self) -> None:
        forgotten = forget(self.queue)
        metrics.UNDELIVERED.labels("ephemeral_overflow").inc(forgotten.ephemeral)
        metrics.UNDELIVERED.labels("queue_overflow").inc(len(self.queue) - forgotten.ephemeral)
        self.queue.clear()
        for local in list(self.streams):
            position = forgotten.positions.get(local.stream)
            if position is not None:
                self._node.recovery.leave_behind(self, local, position)
        self.catch_up()
        self._made_room()

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

    async def room(self) -> None:
        """Return when the client has taken everything, so that a page from the log may be queued."""
        while self.queue:
            self._room = asyncio.Event()
            await self._room.wait()

    def fitting(self, page: list[Prepared]) -> list[Prepared]:
        """As much of a page from the log as may be queued at once."""
        return self._node.bounds.fitting(page)

    def _made_room(self) -> None:
        if self._room is not None:
            self._room.set()
            self._room = None


def unknown_to(node: "Node", message: Message) -> bytes:
    """The answer to a message whose clientId means nothing here."""
    return codec.encode(replies.unknown_session(message, node.terms))
