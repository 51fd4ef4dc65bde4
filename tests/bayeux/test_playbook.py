"""The playbook itself: it must see what differs, and it must not let a script end unread."""

import pytest

from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux.advice import Terms
from hub.bayeux.engine import Engine, SessionState
from tests.support.playbook import (
    Begin,
    MismatchError,
    Placeholder,
    UnfinishedPlaybookError,
    answered,
    authenticate,
    fits,
    playbooks,
    request,
    socket,
)

HANDSHAKE = {"channel": "/meta/handshake", "id": "1"}
UNKNOWN = {"channel": "/a", "successful": False, "error": "402::session_unknown"}


def engine() -> Engine:
    return Engine(SessionState("c1"), Terms(epoch="k7f3"))


@pytest.mark.parametrize(
    ("expected", "actual"),
    [("1", 1), (1, True), (1, 1.0), (0, False), (None, False), ({"a": None}, {}), ([1], [1, 2]), ([1], {"0": 1})],
)
def test_json_is_compared_with_its_types(expected: object, actual: object) -> None:
    assert not fits(expected, actual)
    assert not fits(actual, expected)
    assert fits(actual, actual)


def test_a_placeholder_keeps_to_what_it_met() -> None:
    name = Placeholder("clientId")
    with pytest.raises(LookupError, match="clientId"):
        _ = name.value
    assert fits([{"x": name}, name], [{"x": "c1"}, "c1"])
    assert name.value == "c1"
    assert not fits(name, "c2")


def test_a_script_that_fits_comes_to_its_end(begin: Begin) -> None:
    origin, channel = request(), Placeholder()
    book = begin(engine())
    book.say(origin, {"channel": "/a", "id": 7}).expect(answered(origin, {**UNKNOWN, "channel": channel, "id": 7}))
    book.done()
    assert channel.value == "/a"


@pytest.mark.parametrize(
    "reply",
    [
        UNKNOWN,
        {**UNKNOWN, "id": "7"},
        {**UNKNOWN, "id": 7, "advice": None},
        {**UNKNOWN, "id": 7, "successful": 0},
    ],
)
def test_a_reply_that_differs_is_seen(begin: Begin, reply: dict[str, object]) -> None:
    origin = request()
    book = begin(engine()).say(origin, {"channel": "/a", "id": 7})
    with pytest.raises(MismatchError):
        book.expect(answered(origin, reply))


def test_the_origin_and_the_marks_of_an_answer_count(begin: Begin) -> None:
    origin = request("one")
    for wrong in (
        answered(request("two"), UNKNOWN),
        answered(origin, UNKNOWN, displaced=True),
        answered(origin, UNKNOWN, takes_events=True),
    ):
        with pytest.raises(MismatchError):
            begin(engine()).say(origin, {"channel": "/a"}).expect(wrong)


def test_the_order_of_commands_counts(begin: Begin) -> None:
    origin = socket()
    book = begin(engine()).say(origin, HANDSHAKE).expect(authenticate(origin)).tell(on.Authenticated(10))
    with pytest.raises(MismatchError):
        book.expect(do.Deliver(push=True), do.Opened(), answered(origin, Placeholder()))


def test_a_mismatch_shows_both_conversations(begin: Begin) -> None:
    origin = request("poll")
    book = begin(engine()).at(3).say(origin, {"channel": "/a", "id": "1"})
    with pytest.raises(MismatchError) as raised:
        book.expect(answered(origin, {**UNKNOWN, "channel": Placeholder(), "id": 1}))
    lines = str(raised.value).splitlines()
    assert '  >> 3s poll: {"channel":"/a","id":"1"}' in lines
    assert '  << Answered "poll"' in lines
    (written,) = [line for line in lines if line.startswith("-      replies")]
    (seen,) = [line for line in lines if line.startswith("+      replies")]
    assert written == seen.replace("+", "-").replace('"id": "1"', '"id": 1')


def test_what_was_not_expected_is_seen_before_the_next_event_and_at_the_end(begin: Begin) -> None:
    origin = request()
    with pytest.raises(MismatchError):
        begin(engine()).say(origin, {"channel": "/a"}).tell(on.Woken())
    with pytest.raises(MismatchError):
        begin(engine()).say(origin, {"channel": "/a"}).done()


def test_the_messages_of_a_batch_are_answered_together(begin: Begin) -> None:
    origin = request()
    book = begin(engine()).say(origin, {"channel": "/a"}, b'{"channel":"/a"}')
    book.expect(answered(origin, UNKNOWN), answered(origin, UNKNOWN)).done()


def test_a_playbook_that_is_never_finished_raises() -> None:
    def forgetful() -> None:
        with playbooks() as begin:
            begin(engine()).done()
            begin(engine()).say(socket(), HANDSHAKE)

    with pytest.raises(UnfinishedPlaybookError, match="1 of 2"):
        forgetful()


def test_a_playbook_goes_on_neither_after_its_end_nor_after_a_failure(begin: Begin) -> None:
    finished, failed = begin(engine()), begin(engine())
    finished.done()
    with pytest.raises(UnfinishedPlaybookError):
        finished.tell(on.Woken())
    with pytest.raises(MismatchError):
        failed.expect(do.Opened())
    with pytest.raises(UnfinishedPlaybookError):
        failed.done()


def test_time_does_not_run_backwards(begin: Begin) -> None:
    book = begin(engine(), now=5).at(5)
    with pytest.raises(AssertionError, match="backwards"):
        book.at(4)
    book.done()
