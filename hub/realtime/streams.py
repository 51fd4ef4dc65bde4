"""The streams that somebody on this process listens to, and how far each has come here."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from channels import names
from channels.envelope import Stream
from hub.realtime.listeners import Listeners
from hub.realtime.prepared import Prepared

if TYPE_CHECKING:
    from hub.realtime.session import Session

RECENT, RECENT_PERSONAL = 64, 16
"""Events that memory keeps of a stream for those who come back soon; there are as many personal ones as users."""
FRESH = 16
"""Of these the forms for the wire are kept as well."""
UNKNOWN = -1


class LocalStream:
    """One stream on this process.

    `last` is the position up to which every listener has been given everything; events are taken in only in
    order, so it moves by one. It is `UNKNOWN` until the head has been read for the first time.
    """

    __slots__ = ("behind", "last", "listeners", "pins", "recent", "seen", "stream")

    def __init__(self, stream: Stream, last: int = UNKNOWN) -> None:
        self.stream = stream
        self.last = last
        self.seen = 0
        """The highest position heard of; above `last` something is missing."""
        self.recent: list[Prepared] = []
        self.listeners = Listeners()
        self.behind: dict[Session, int] = {}
        """Sessions that read on from the log, with the position each has reached."""
        self.pins = 0
        """Attachments under way; keeps the stream alive while nobody is attached yet."""

    @property
    def idle(self) -> bool:
        """Whether nobody listens any more."""
        return not (self.listeners or self.behind or self.pins)

    def begin(self, head: int) -> None:
        """The head as just read; counts only the first time."""
        if self.last == UNKNOWN:
            self.last = head

    def take(self, event: Prepared) -> None:
        """The next event in order: `event.seq == last + 1`."""
        self.last = event.seq
        self.recent.append(event)
        if len(self.recent) > FRESH:
            self.recent[-FRESH - 1].relax()
            if len(self.recent) > (RECENT_PERSONAL if self.stream.user else RECENT):
                del self.recent[0]

    def skip(self, to: int) -> None:
        """What comes up to this position can no longer be had; what memory holds before it is no whole history."""
        self.last = to
        self.recent.clear()

    def since(self, position: int) -> list[Prepared] | None:
        """Everything after `position` out of memory, None if memory does not reach back that far."""
        if position >= self.last:
            return []
        if not self.recent or self.recent[0].seq > position + 1:
            return None
        return [event for event in self.recent if event.seq > position]

    def drop(self, session: "Session") -> None:
        """The session does not listen any more."""
        self.listeners.drop(session)
        self.behind.pop(session, None)


class Streams:
    """All local streams, and the sessions that listen to patterns of shared channels."""

    def __init__(self) -> None:
        self._local: dict[Stream, LocalStream] = {}
        self._shared: dict[str, dict[str, LocalStream]] = {}
        self._patterns: dict[str, dict[str, dict[Session, None]]] = {}

    def __iter__(self) -> Iterator[LocalStream]:
        return iter(self._local.values())

    def get(self, stream: Stream) -> LocalStream | None:
        """The stream, None if nobody listens here."""
        return self._local.get(stream)

    def ensure(self, stream: Stream, last: int = UNKNOWN) -> LocalStream:
        """The stream, made if need be, with everyone attached who listens to a pattern that covers it.

        Whoever listens to a pattern has been attached to all streams that existed under it. So one that is unknown
        here although somebody's pattern covers it has come into being since, and they get it from its beginning.
        """
        local = self._local.get(stream)
        if local is None:
            listeners = self.listeners(stream)
            local = self._local[stream] = LocalStream(stream, 0 if listeners else last)
            if not stream.user:
                self._shared.setdefault(stream.organization, {})[stream.channel] = local
            for session in listeners:
                local.listeners.add(session)
                session.streams.add(local)
        return local

    def under(self, organization: str, pattern: str) -> list[LocalStream]:
        """The local shared streams of an organization that a name or pattern covers."""
        shared = self._shared.get(organization, {})
        return [local for channel, local in shared.items() if names.matches(pattern, channel)]

    def listeners(self, stream: Stream) -> dict["Session", None]:
        """Sessions whose patterns cover a shared stream."""
        patterns = self._patterns.get(stream.organization)
        if patterns is None or stream.user:
            return {}
        found = (patterns.get(name) for name in names.patterns_of(stream.channel))
        return {session: None for sessions in found if sessions for session in sessions}

    def listen(self, organization: str, pattern: str, session: "Session") -> None:
        """From now on the session hears streams under the pattern that are new here, from their beginning."""
        self._patterns.setdefault(organization, {}).setdefault(pattern, {})[session] = None

    def ignore(self, organization: str, pattern: str, session: "Session") -> None:
        """Undo `listen`; streams already attached stay so."""
        patterns = self._patterns.get(organization, {})
        sessions = patterns.get(pattern, {})
        sessions.pop(session, None)
        if not sessions:
            patterns.pop(pattern, None)
        if not patterns:
            self._patterns.pop(organization, None)

    def release(self, local: LocalStream) -> bool:
        """Forget the stream if it is idle; whether it was."""
        if local.idle and self._local.pop(local.stream, None) is not None and not local.stream.user:
            shared = self._shared[local.stream.organization]
            del shared[local.stream.channel]
            if not shared:
                del self._shared[local.stream.organization]
        return local.idle
