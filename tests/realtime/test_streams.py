from typing import cast

from channels.envelope import LoggedEvent, Stream
from hub.realtime.prepared import REPLAYABLE, prepare
from hub.realtime.session import Session
from hub.realtime.streams import FRESH, RECENT, RECENT_PERSONAL, UNKNOWN, LocalStream, Streams

CALLS = Stream("acme", "alice", "/v2/me/calls")
USERS = Stream("acme", "", "/v2/users")
WALL = Stream("acme", "", "/walls/sales")


class Listener:
    """As much of a session as streams look at."""

    def __init__(self) -> None:
        self.streams: set[LocalStream] = set()
        self.write = None


def session() -> Session:
    return cast("Session", Listener())


def filled(last: int, since: int = 0, stream: Stream = CALLS) -> LocalStream:
    local = LocalStream(stream, since)
    for seq in range(since + 1, last + 1):
        local.take(prepare(LoggedEvent(stream, seq, b"{}")))
    return local


def test_memory_answers_as_far_as_it_reaches() -> None:
    for stream, kept in ((CALLS, RECENT_PERSONAL), (USERS, RECENT)):
        local = filled(100, stream=stream)
        assert local.since(100) == []
        assert local.since(200) == []
        assert [event.seq for event in local.since(98) or []] == [99, 100]
        assert [event.seq for event in local.since(100 - kept) or []] == list(range(101 - kept, 101))
        assert local.since(100 - kept - 1) is None
    assert LocalStream(CALLS, 5).since(4) is None


def test_memory_keeps_the_forms_of_the_last_events_only() -> None:
    local = filled(1, stream=USERS)
    event = local.recent[0]
    frame = event.frame(REPLAYABLE)
    for seq in range(2, FRESH + 1):
        local.take(prepare(LoggedEvent(USERS, seq, b"{}")))
    assert event.frame(REPLAYABLE) is frame
    local.take(prepare(LoggedEvent(USERS, FRESH + 1, b"{}")))
    assert local.recent[0] is event
    assert event.frame(REPLAYABLE) == frame
    assert event.frame(REPLAYABLE) is not frame


def test_the_head_counts_only_the_first_time() -> None:
    local = LocalStream(CALLS)
    assert local.last == UNKNOWN
    local.begin(7)
    local.begin(9)
    assert local.last == 7


def test_a_stream_is_made_once_and_released_when_nobody_needs_it() -> None:
    streams, listener = Streams(), session()
    local = streams.ensure(CALLS)
    assert streams.ensure(CALLS) is local
    local.pins += 1
    assert streams.release(local) is False
    local.listeners.add(listener)
    local.pins -= 1
    assert streams.release(local) is False
    local.drop(listener)
    local.behind[listener] = 3
    assert streams.release(local) is False
    local.drop(listener)
    assert streams.release(local) is True
    assert streams.get(CALLS) is None
    assert list(streams) == []


def test_patterns_hear_what_they_cover_in_their_organization() -> None:
    streams, wide, narrow = Streams(), session(), session()
    streams.listen("acme", "/walls/**", wide)
    streams.listen("acme", "/walls/*", narrow)
    assert list(streams.listeners(WALL)) == [narrow, wide]
    assert list(streams.listeners(Stream("acme", "", "/walls/a/b"))) == [wide]
    assert list(streams.listeners(Stream("globex", "", "/walls/sales"))) == []
    assert list(streams.listeners(Stream("acme", "", "/walls"))) == []
    assert list(streams.listeners(Stream("acme", "alice", "/walls/sales"))) == []
    streams.ignore("acme", "/walls/**", wide)
    assert list(streams.listeners(WALL)) == [narrow]
    streams.ignore("acme", "/walls/*", narrow)
    assert streams._patterns == {}


def test_ignoring_what_nobody_listens_to_is_no_fault() -> None:
    streams = Streams()
    streams.ignore("acme", "/walls/**", session())
    assert streams._patterns == {}


def test_a_session_with_two_patterns_counts_once() -> None:
    streams, listener = Streams(), session()
    streams.listen("acme", "/walls/**", listener)
    streams.listen("acme", "/walls/*", listener)
    assert list(streams.listeners(WALL)) == [listener]


def test_a_stream_that_is_new_under_a_pattern_is_heard_from_its_beginning() -> None:
    streams, listener = Streams(), session()
    assert streams.ensure(WALL).last == UNKNOWN
    streams.release(streams.ensure(WALL))
    streams.listen("acme", "/walls/**", listener)
    local = streams.ensure(WALL)
    assert local.last == 0
    assert list(local.listeners) == [listener]
    assert listener.streams == {local}


def test_local_streams_under_a_name_or_pattern() -> None:
    streams = Streams()
    made = [streams.ensure(Stream("acme", "", name)) for name in ("/walls/a", "/walls/a/b", "/news")]
    streams.ensure(CALLS)
    streams.ensure(Stream("globex", "", "/walls/a"))
    assert streams.under("acme", "/walls/**") == made[:2]
    assert streams.under("acme", "/walls/*") == made[:1]
    assert streams.under("acme", "/news") == made[2:]
    for local in made:
        streams.release(local)
    assert streams.under("acme", "/**") == []
