"""Who hears a stream as it goes on, sorted by how an event gets to them."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from hub.realtime.prepared import Form

if TYPE_CHECKING:
    from hub.realtime.session import Session

Write = Callable[[bytes], object]


class Lane:
    """Sessions whose clients keep up and take frames of the same form: what fan-out writes goes straight to their
    sockets, and nothing of the sessions is looked at. They are in the order in which they came.
    """

    __slots__ = ("form", "writes")

    def __init__(self, form: Form) -> None:
        self.form = form
        self.writes: dict[Session, Write] = {}


class Listeners:
    """Some sessions, each once. One that keeps up stands in a lane, any other among those that `wait` with a queue.

    A session stands where it belonged when it was added; when that changes, `move` it, but not before everything has
    been written that fan-out has collected for the lanes (`Fanout.settle`).
    """

    __slots__ = ("lanes", "waiting")

    def __init__(self, sessions: Iterable["Session"] = ()) -> None:
        self.lanes: tuple[Lane, ...] = ()
        self.waiting: dict[Session, None] = {}
        for session in sessions:
            self.add(session)

    def __iter__(self) -> Iterator["Session"]:
        for lane in self.lanes:
            yield from lane.writes
        yield from self.waiting

    def __contains__(self, session: "Session") -> bool:
        return session in self.waiting or any(session in lane.writes for lane in self.lanes)

    def __bool__(self) -> bool:
        return bool(self.waiting or self.lanes)

    def add(self, session: "Session") -> None:
        """One session more, which is not among them yet."""
        if session.write is None:
            self.waiting[session] = None
        else:
            self._lane(session.form).writes[session] = session.write

    def drop(self, session: "Session") -> bool:
        """One session less; whether it was among them."""
        if session in self.waiting:
            del self.waiting[session]
            return True
        for lane in self.lanes:
            if lane.writes.pop(session, None) is not None:
                if not lane.writes:
                    self.lanes = tuple(other for other in self.lanes if other is not lane)
                return True
        return False

    def move(self, session: "Session") -> None:
        """The session, if it is among them, belongs somewhere else now."""
        if self.drop(session):
            self.add(session)

    def _lane(self, form: Form) -> Lane:
        for lane in self.lanes:
            if lane.form == form:
                return lane
        lane = Lane(form)
        self.lanes += (lane,)
        return lane
