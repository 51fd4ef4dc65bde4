"""How a session comes to hear a stream, and how it catches up.

There is one mechanism for three situations: a subscribe that asks for what came after a position, a session whose
queue grew past its bound, and a socket that would not take more. In each the session is *behind* at a position. It
reads on from the log, a page at a time and only while its client keeps up, until it has reached the very position
that the stream has reached on this process; at that moment, with nothing awaited in between, it becomes live. So
there is no buffer to merge and no window to lose an event in.
"""

from collections import Counter
from typing import TYPE_CHECKING

from channels import names
from channels.catalog import Catalog
from channels.envelope import LoggedEvent, Stream
from hub.bayeux.commands import Attach
from hub.bayeux.events import Attached
from hub.bayeux.extensions.replay import ALL_KEPT, FROM_NOW
from hub.brokers.port import Broker, Topic
from hub.kernel import logs, metrics
from hub.realtime.fanout import Fanout
from hub.realtime.intake import Intake
from hub.realtime.prepared import Prepared, prepare
from hub.realtime.streams import UNKNOWN, LocalStream, Streams
from hub.store import streams as log
from hub.store.database import Database

if TYPE_CHECKING:
    from hub.realtime.session import Session

PAGE = 128

logger = logs.get("hub.recovery")


def is_gap(position: int, head: log.Head) -> bool:
    """Whether something after `position` can no longer be had: trimmed, or a position that was never given out."""
    return position > head.seq or position < head.first - 1


class Recovery:
    """Attaches sessions to streams and lets them catch up."""

    def __init__(
        self,
        database: Database,
        broker: Broker,
        streams: Streams,
        intake: Intake,
        fanout: Fanout,
        catalog: Catalog,
        epoch: str,
    ) -> None:
        self._database = database
        self._broker = broker
        self._streams = streams
        self._intake = intake
        self._fanout = fanout
        self._catalog = catalog
        self._listening: Counter[Topic] = Counter()
        self._epoch = epoch

    # Attaching --------------------------------------------------------------------------------------------------

    async def attach(self, session: "Session", question: Attach) -> Attached:
        """Begin to deliver the targets to the session; those it hears already stay as they are (but `begin_again`)."""
        fresh = [name for name in question.targets if name not in session.targets]
        for name in fresh:
            session.targets[name] = session.granted[name]
            self._listening[self._topic(session, name)] += 1
        pinned = [self._pin(stream) for stream in self._concrete(session, fresh)]
        try:
            await self._listen(session, fresh, pinned)
            heads = await self._heads(pinned, question)
            gaps = [local for local in pinned if not self._join(session, local, question, heads)]
        except BaseException:
            self.detach(session, tuple(fresh))  # so that asking again begins anew
            raise
        finally:
            for local in pinned:
                local.pins -= 1
                self._streams.release(local)
        self._fanout.settle()  # the positions are told after what they count
        concerned = [local for local in session.streams if self._is_asked(local, question)]
        positions = {local.stream.channel: local.last for local in concerned if self._is_durable(local.stream)}
        return Attached(positions, tuple(local.stream.channel for local in gaps))

    def begin_again(self, session: "Session", question: Attach) -> None:
        """Give up the targets that are heard already and asked for from a position, so that they attach anew.

        A client does that after its connection died: what was in it comes again. On the very socket that the last
        positions came on nothing can have been lost, so there asking again changes nothing. Runs before anything is
        awaited, or what has queued up would leave first and come twice.

        Clients that subscribe name by name hand their whole map over with the first: what it says of other channels
        counts from then on, or live events would overtake what was lost of those that are asked for next.
        """
        if session.link is None or session.link is not session.attached_by:
            session.attached_by = session.link
            known = [name for name in question.targets if name in session.targets]
            again = tuple(name for name in known if self._is_positioned(session, name, question))
            before = {local.stream for local in session.streams}
            self.detach(session, again)
            gone = before - {local.stream for local in session.streams}
            session.forget(gone | self._rewound(session, question))
        if question.replaying and session.queue:  # what waits since before an unsubscribe is asked for anew
            heard = {local.stream for local in session.streams}
            session.forget({event.stream for event in session.queue if event.seq} - heard)

    def _rewound(self, session: "Session", question: Attach) -> set[Stream]:
        """The streams that the session still hears and of which the client has less than this process: now behind."""
        if question.epoch not in (None, self._epoch):
            return set()
        rewound = set()
        for local in list(session.streams):
            position = question.since.get(local.stream.channel, local.last)
            if 0 <= position < local.last:
                self.leave_behind(session, local, position)
                rewound.add(local.stream)
        return rewound

    def _is_positioned(self, session: "Session", name: str, question: Attach) -> bool:
        """Whether the client says where it is under this name; a pattern's channels that its map lacks count as 0."""
        if any(names.matches(name, channel) for channel in question.since):
            return True
        unseen = question.replaying and question.epoch in (None, self._epoch)
        return unseen and names.is_pattern(name) and session.targets[name].durable

    def _concrete(self, session: "Session", fresh: list[str]) -> list[Stream]:
        owner = session.principal
        return [
            self._catalog.stream(owner.organization, owner.user, name) for name in fresh if not names.is_pattern(name)
        ]

    def _pin(self, stream: Stream) -> LocalStream:
        local = self._streams.ensure(stream, UNKNOWN if self._is_durable(stream) else 0)
        local.pins += 1
        return local

    async def _listen(self, session: "Session", fresh: list[str], pinned: list[LocalStream]) -> None:
        """Tell the broker; for patterns also find the streams that exist under them, and pin them."""
        organization = session.principal.organization
        for name in fresh:
            if session.ended:
                return
            topic = self._topic(session, name)
            await self._broker.listen(topic)
            if not self._listening[topic]:
                self._broker.ignore(topic)  # the session ended before the broker had been told
            if names.is_pattern(name):
                pinned += await self._under(organization, name, durable=session.granted[name].durable)
                # Only now: what is under the pattern is attached by position, what is new from here on from its start.
                if not session.ended:
                    self._streams.listen(organization, name, session)

    def _topic(self, session: "Session", name: str) -> Topic:
        channel = session.granted[name]
        user = session.principal.user if channel.personal else ""
        return Topic(session.principal.organization, user, "" if user else channel.pattern)

    async def _under(self, organization: str, pattern: str, *, durable: bool) -> list[LocalStream]:
        if durable:
            prefix = pattern.rstrip("*")
            heads = await self._database.read(lambda tx: log.heads_under(tx, organization, prefix))
            for stream, _ in heads:
                if names.matches(pattern, stream.channel):
                    self._streams.ensure(stream)
        found = self._streams.under(organization, pattern)
        for local in found:
            local.pins += 1
        return found

    async def _heads(self, pinned: list[LocalStream], question: Attach) -> dict[Stream, log.Head]:
        """The heads of the streams whose position here is not known, or not enough to judge what is asked."""
        doubtful = [local.stream for local in pinned if self._is_doubtful(local, question)]
        if not doubtful:
            return {}
        heads = await self._database.read(lambda tx: log.heads(tx, doubtful))
        for local in pinned:
            if local.stream in doubtful:
                head = heads[local.stream]
                local.begin(head.seq)
                local.seen = max(local.seen, head.seq)
                if local.seen > local.last:
                    await self._intake.heal(local)
        return heads

    def _is_doubtful(self, local: LocalStream, question: Attach) -> bool:
        return self._is_durable(local.stream) and (local.last == UNKNOWN or self._asked(local, question) is not None)

    def _asked(self, local: LocalStream, question: Attach) -> int | None:
        """After which position the client wants this stream, None for from now on."""
        position = question.since.get(local.stream.channel)
        if position is None and question.replaying and self._is_new_to_client(local, question):
            return 0
        return None if position == FROM_NOW else position

    def _is_new_to_client(self, local: LocalStream, question: Attach) -> bool:
        by_name = local.stream.channel in question.targets
        return not by_name and not local.stream.user and question.epoch in (None, self._epoch)

    def _join(self, session: "Session", local: LocalStream, question: Attach, heads: dict[Stream, log.Head]) -> bool:
        """Make the session live on the stream, or behind it; False if it has to be told of a gap."""
        if session.ended or local in session.streams:
            return True
        session.streams.add(local)
        position = self._asked(local, question) if local.stream in heads else None
        if position is None:
            self._go_live(session, local)
            return True
        head = heads[local.stream]
        foreign = question.epoch not in (None, self._epoch)
        if position == ALL_KEPT:
            position, foreign = head.first - 1, False
        if foreign or is_gap(position, head):
            self._go_live(session, local)
            metrics.RECOVERIES.labels("gap").inc()
            return False
        if position >= local.last:
            self._go_live(session, local)
            return True
        self.leave_behind(session, local, position)
        metrics.RECOVERIES.labels("replayed").inc()
        return True

    def _is_asked(self, local: LocalStream, question: Attach) -> bool:
        return any(names.matches(name, local.stream.channel) for name in question.targets)

    def _is_durable(self, stream: Stream) -> bool:
        channel = self._catalog.find(stream.channel)
        return channel is not None and channel.durable

    # Detaching --------------------------------------------------------------------------------------------------

    def detach(self, session: "Session", targets: tuple[str, ...]) -> None:
        """Stop delivering the targets, except what other targets of the session cover as well."""
        for name in targets:
            if session.targets.pop(name, None) is not None:
                self._stop_listening(session, name)
        for local in list(session.streams):
            if not any(names.matches(name, local.stream.channel) for name in session.targets):
                session.streams.discard(local)
                session.behind.pop(local, None)
                local.drop(session)
                self._streams.release(local)

    def _stop_listening(self, session: "Session", name: str) -> None:
        if names.is_pattern(name):
            self._streams.ignore(session.principal.organization, name, session)
        topic = self._topic(session, name)
        self._listening[topic] -= 1
        if not self._listening[topic]:
            del self._listening[topic]
            self._broker.ignore(topic)

    # Catching up ------------------------------------------------------------------------------------------------

    def leave_behind(self, session: "Session", local: LocalStream, position: int) -> None:
        """The session has everything up to `position`; what follows it reads from the log."""
        local.listeners.drop(session)
        local.behind[session] = position
        session.behind[local] = None

    async def catch_up(self, session: "Session") -> None:
        """Bring the session up to date on every stream that it is behind, as fast as its client takes it."""
        while session.behind:
            await session.room()
            local = next(iter(session.behind), None)
            if local is None:
                return
            position = local.behind[session]
            page = local.since(position)
            if page is None:
                page = await self._read(local, position)
            if session.ended:
                return
            if local.behind.get(session) != position:
                continue  # unsubscribed, or forgot its queue, meanwhile
            fitting = session.fitting(page)
            if page and not fitting:
                await session.strain.relief()  # what is not acknowledged leaves no room
                continue
            self._advance(session, local, position, fitting)

    async def _read(self, local: LocalStream, position: int) -> list[Prepared]:
        page: list[LoggedEvent] = await self._database.read(lambda tx: log.history(tx, local.stream, position, PAGE))
        return [prepare(event) for event in page if event.seq <= local.last]

    def _advance(self, session: "Session", local: LocalStream, position: int, page: list[Prepared]) -> None:
        kept_from = page[0].seq if page else local.last + 1
        if kept_from > position + 1:
            logger.warning("log trimmed under a session", stream=local.stream, position=position)
            metrics.UNDELIVERED.labels("trimmed").inc(kept_from - position - 1)
            session.fall_out()
            return
        if page:
            session.wait_for(page)
            position = local.behind[session] = page[-1].seq
        if position >= local.last:
            del local.behind[session]
            session.behind.pop(local, None)
            self._go_live(session, local)

    def _go_live(self, session: "Session", local: LocalStream) -> None:
        """The session has everything up to the last event of the stream, and hears what follows."""
        self._fanout.settle()  # what has been collected for the others, this one has
        local.listeners.add(session)
