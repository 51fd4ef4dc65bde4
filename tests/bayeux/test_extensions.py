"""The extensions that live in `ext`: acknowledgement, the time, and a renewed token."""

import msgspec
import pytest

from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux.engine import Engine
from hub.bayeux.extensions import ack, timesync
from hub.bayeux.messages import Message
from hub.bayeux.replies import SESSION_INACTIVE
from tests.bayeux.situations import CLIENT, advice, connect, connected, failed, handshake, new, ok, unknown, welcome
from tests.support.playbook import Begin, Line, Origin, Playbook, answered, authenticate, ended, request, socket

CONNECT = {"channel": "/meta/connect", "clientId": CLIENT, "connectionType": "long-polling"}


def acknowledging(begin: Begin, origin: Origin) -> Playbook:
    """A session with the extension whose first connect has closed the first batch."""
    book = new(begin).say(origin, handshake(ext={"ack": True})).expect(authenticate(origin)).tell(on.Authenticated(900))
    deliver = do.Deliver(push=False, keeps_socket=origin.name == socket().name)
    book.expect(do.Opened(), deliver, answered(origin, welcome(handshake(), ext={"ack": True})))
    return book.say(origin, connect("2", ext={"ack": 0})).expect(*polled(origin, "2", 1, advice=advice()))


def polled(origin: Origin, id: str, batch: int, **fields: object) -> list[do.Command | Line]:
    """What a connect that is answered at once brings about."""
    reply = answered(origin, ok(connect(id), ext={"ack": batch}, **fields), takes_events=True)
    return [reply] if origin.name == socket().name else [do.Deliver(push=False), reply]


def kept_by(book: Playbook) -> ack.Batches:
    assert book.engine.state.batches is not None
    return book.engine.state.batches


@pytest.mark.parametrize("asked", [True, {"enabled": True, "batch": 0}], ids=str)
def test_it_is_agreed_on(begin: Begin, asked: object) -> None:
    origin = socket()
    book = new(begin).say(origin, handshake(ext={"ack": asked})).expect(authenticate(origin)).tell(on.Authenticated(9))
    reply = answered(origin, welcome(handshake(), ext={"ack": True}))
    book.expect(do.Opened(), do.Deliver(push=False, keeps_socket=True), reply).done()


@pytest.mark.parametrize("asked", [False, None, 1, "true", {}, {"enabled": False}], ids=repr)
def test_it_is_not_turned_on_by_chance(begin: Begin, asked: object) -> None:
    origin = socket()
    book = new(begin).say(origin, handshake(ext={"ack": asked})).expect(authenticate(origin)).tell(on.Authenticated(9))
    book.expect(do.Opened(), do.Deliver(push=True), answered(origin, welcome(handshake()))).done()


def test_a_held_connect_closes_the_next_batch(begin: Begin) -> None:
    origin = request()
    book = acknowledging(begin, origin).say(origin, connect("3", ext={"ack": 1}))
    book.expect(do.Deliver(push=False), do.Acknowledged(1)).tell(on.Deliverable())
    book.expect(answered(origin, ok(connect("3"), ext={"ack": 2}), takes_events=True)).done()
    assert (kept_by(book).closed, kept_by(book).acknowledged) == (2, 1)


def test_over_a_socket_events_come_with_connects_as_well(begin: Begin) -> None:
    link = socket()
    book = acknowledging(begin, link).say(link, connect("3", ext={"ack": 1})).expect(do.Acknowledged(1))
    book.tell(on.Deliverable()).expect(answered(link, ok(connect("3"), ext={"ack": 2}), takes_events=True)).done()
    assert not book.engine.state.pushes


@pytest.mark.parametrize("number", [None, -1, 0, True, 1.0, "1", 2, 2**60, [1]], ids=repr)
def test_a_number_that_says_nothing_acknowledges_nothing(begin: Begin, number: object) -> None:
    origin = request()
    book = acknowledging(begin, origin).say(origin, connect("3", ext={"ack": number})).expect(do.Deliver(push=False))
    book.tell(on.Lost(origin)).expect().done()
    assert kept_by(book).acknowledged == 0


def test_cve_2025_53114_a_constant_number_makes_nobody_hurry() -> None:
    batches = ack.Batches()
    impatient = 0
    for _ in range(50):
        batches.close()
        batches.acknowledge(Message(channel="/meta/connect", ext={"ack": 1}))
        impatient += batches.impatient
    assert batches.acknowledged == 1
    assert impatient == 1 + ack.RESENDS_AT_ONCE


# The time -----------------------------------------------------------------------------------------------------------


def asking(tc: object = 1000, **more: object) -> Message:
    return Message(channel="/meta/connect", ext={"timesync": {"tc": tc, **more}})


def test_the_first_answer_has_no_accuracy() -> None:
    assert timesync.answer(asking(), 5.0, 0.25) == {"tc": 1000, "ts": 5000, "p": 250}


def test_later_ones_say_how_far_off_the_client_is() -> None:
    told = timesync.answer(asking(l=10, o=4100), 5.0, 0)
    assert told == {"tc": 1000, "ts": 5000, "p": 0, "a": 110}


@pytest.mark.parametrize(
    ("lag", "offset", "sent"), [(10, 3990, False), (10, 4014, False), (10, 4016, True), (0, 4000, True)]
)
def test_an_accurate_client_is_left_alone(lag: int, offset: int, sent: bool) -> None:
    assert (timesync.answer(asking(l=lag, o=offset), 5.0, 0) is not None) is sent


@pytest.mark.parametrize("asked", [None, 7, {}, {"tc": "now"}, {"tc": True}], ids=repr)
def test_nonsense_is_not_answered(asked: object) -> None:
    assert timesync.answer(Message(channel="/meta/connect", ext={"timesync": asked}), 5.0, 0) is None


def test_a_held_connect_says_how_long_it_was_held(begin: Begin) -> None:
    origin = request()
    book = connected(begin, origin).at(10).say(origin, connect("3", ext={"timesync": {"tc": 1000}}))
    book.expect(do.Deliver(push=False)).at(34).tell(on.Woken())
    time = {"timesync": {"tc": 1000, "ts": 0, "p": 24000}}
    book.expect(answered(origin, ok(connect("3"), ext=time), takes_events=True)).done()


# A renewed token ----------------------------------------------------------------------------------------------------

TOKEN = {"authentication": {"token": "newer"}}


def test_a_renewed_token_lets_the_session_go_on(begin: Begin) -> None:
    origin = request()
    book = connected(begin, origin).at(50).say(origin, connect("3", ext=TOKEN))
    book.expect(do.Deliver(push=False), authenticate(origin)).tell(on.Authenticated(5000)).expect().done()
    assert book.engine.state.expires_at == 5000
    assert book.engine.held is not None


def test_a_bad_one_changes_nothing(begin: Begin) -> None:
    origin = request()
    book = connected(begin, origin)
    before = book.engine.state.expires_at
    book.say(origin, connect("3", ext=TOKEN)).expect(do.Deliver(push=False), authenticate(origin))
    book.tell(on.Refused("401::token_invalid"))
    book.expect(answered(origin, failed(connect("3"), "401::token_invalid", advice=advice()))).done()
    assert book.engine.state.expires_at == before
    assert book.engine.alive


def test_other_rights_need_a_new_session(begin: Begin) -> None:
    origin = request()
    book = connected(begin, origin).say(origin, connect("3", ext=TOKEN))
    book.expect(do.Deliver(push=False), authenticate(origin)).tell(on.Authenticated(5000, other_rights=True))
    book.expect(answered(origin, unknown(connect("3"))), ended("roles_changed", close=1001)).done()


# Tabs, and clients that only listen ---------------------------------------------------------------------------------


def test_a_surplus_tab_polls_slowly(begin: Begin) -> None:
    origin = request()
    book = connected(begin, origin)
    asked = msgspec.json.decode(msgspec.json.encode(connect("3")), type=Message)
    book.tell(on.Received(asked, origin, pushes=False, surplus=True))
    told = {**advice(), "interval": 2000, "multiple-clients": True}
    book.expect(do.Deliver(push=False), answered(origin, ok(connect("3"), advice=told), takes_events=True)).done()


def test_a_client_that_says_nothing_but_connect_is_sent_away(begin: Begin) -> None:
    origin = request()
    book = connected(begin, origin)
    engine: Engine = book.engine
    engine.terms = msgspec.structs.replace(engine.terms, activity=30_000)
    book.at(40).say(origin, connect("3"))
    farewell = ended("session_inactive", close=1008, notice={"channel": "/meta/disconnect", "successful": True})
    reply = answered(origin, failed(connect("3"), SESSION_INACTIVE, advice=advice("none")))
    book.expect(do.Deliver(push=False), farewell, reply).done()
