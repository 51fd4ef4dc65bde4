import math
from typing import Any

import pytest

from hub.bayeux import codec
from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux.advice import Terms
from hub.bayeux.states import State
from tests.bayeux.situations import CLIENT, advice, connect, failed, handshake, handshaken, new, unknown, welcome
from tests.support.playbook import Begin, answered, authenticate, ended, request, socket


@pytest.mark.parametrize("pushes", [True, False])
def test_accepted(begin: Begin, pushes: bool) -> None:
    origin = socket() if pushes else request()
    book = new(begin).at(5).say(origin, handshake()).expect(authenticate(origin))
    book.at(6).tell(on.Authenticated(expires_at=100))
    book.expect(do.Opened(), do.Deliver(push=pushes), answered(origin, welcome(handshake()))).done()
    assert book.engine.state.client_id == CLIENT
    assert book.engine.state.expires_at == 100
    assert book.engine.deadline == 66


@pytest.mark.parametrize(
    "id", ["1", "0", 0, 1, "a-b", -7, 1.5, 12345678901234567890123, "ü", '"quoted"', None], ids=repr
)
def test_the_id_is_echoed_as_it_came(begin: Begin, id: Any) -> None:
    origin, asked = request(), handshake(id)
    book = new(begin).say(origin, asked).expect(authenticate(origin)).tell(on.Authenticated(100))
    book.expect(do.Opened(), do.Deliver(push=False), answered(origin, welcome(asked))).done()


@pytest.mark.parametrize("spelling", [b"1.0", b"1e2", b"0.10", b'"\\u0031"', b"123456789012345678901234567890"])
def test_the_spelling_of_the_id_is_kept_to_the_byte(begin: Begin, spelling: bytes) -> None:
    origin = request()
    book = new(begin).say(origin, b'{"channel":"/meta/handshake","id": %b }' % spelling).expect(authenticate(origin))
    opened = book.engine.handle(on.Authenticated(100), 0)
    (reply,) = [reply for command in opened if isinstance(command, do.Answered) for reply in command.replies]
    assert b'"id":%b' % spelling in codec.encode(reply)
    book.done()


@pytest.mark.parametrize("id", [{}, [], ["1"], True, False, "x" * 63], ids=repr)
def test_an_id_that_cannot_be_echoed_is_refused(begin: Begin, id: Any) -> None:
    origin = request()
    refusal = failed({"channel": "/meta/handshake"}, "405::message_id_invalid", advice=advice("none"))
    book = new(begin).say(origin, handshake(id))
    book.expect(answered(origin, refusal), ended("refused")).done()


def test_a_null_id_is_an_absent_one(begin: Begin) -> None:
    origin = request()
    book = new(begin).say(origin, b'{"channel":"/meta/handshake","id":null}').expect(authenticate(origin))
    book.tell(on.Authenticated(100))
    book.expect(do.Opened(), do.Deliver(push=False), answered(origin, welcome(handshake(None)))).done()


@pytest.mark.parametrize(
    "fields",
    [
        {"version": "0.9"},
        {"version": "1.1", "minimumVersion": "0.9"},
        {"version": None},
        {"version": 1},
        {"supportedConnectionTypes": None},
        {"supportedConnectionTypes": []},
        {"supportedConnectionTypes": "websocket"},
        {"supportedConnectionTypes": ["long-polling"]},
        {"supportedConnectionTypes": ["in-process", {"odd": 1}, 7, None, "websocket"]},
        {"advice": {"timeout": 60_000, "interval": 0}},
        {"advice": 3, "ext": "odd"},
        {"ext": None, "clientId": "an old one"},
        {"ext": {"ack": None, "timesync": {}}, "connectionId": "x", "json-comment-filtered": True},
    ],
)
def test_what_old_and_odd_clients_send_is_accepted(begin: Begin, fields: dict[str, Any]) -> None:
    origin, asked = request(), handshake(**fields)
    book = new(begin).say(origin, asked).expect(authenticate(origin)).tell(on.Authenticated(100))
    book.expect(do.Opened(), do.Deliver(push=False), answered(origin, welcome(asked))).done()


@pytest.mark.parametrize("types", [b'"callback-polling"', b'"in-process","eventsource"', b"7", b"9" * 4000])
def test_no_transport_in_common(begin: Begin, types: bytes) -> None:
    origin = request()
    refusal = failed(handshake(), "405::no_transport", advice=advice("none"))
    asked = b'{"id":"1","channel":"/meta/handshake","supportedConnectionTypes":[%b]}' % types
    book = new(begin).say(origin, asked).expect(answered(origin, refusal), ended("refused"))
    book.done()
    assert book.engine.state.state is State.DISCONNECTED
    assert book.engine.deadline == math.inf


@pytest.mark.parametrize(
    ("refused", "advised", "back_in"),
    [
        (on.Refused("401::token_expired"), advice("none"), 0.0),
        (on.Refused("403::handshake_denied"), advice("none"), 0.0),
        (on.Refused("503::draining", interval=1234), advice("handshake", 1234), 1.234),
        (on.Refused("503::draining", interval=0), advice("handshake", 0), 0.0),
    ],
)
def test_refused(begin: Begin, refused: on.Refused, advised: dict[str, Any], back_in: float) -> None:
    origin = socket()
    book = new(begin).say(origin, handshake()).expect(authenticate(origin)).tell(refused)
    book.expect(answered(origin, failed(handshake(), refused.error, advice=advised)), ended("refused", back_in=back_in))
    book.say(origin, connect()).expect(answered(origin, unknown(connect()))).done()
    assert book.engine.deadline == math.inf


@pytest.mark.parametrize("asked", [{"replay": True}, {"replay": True, "ack": False}])
def test_replay_is_agreed_on(begin: Begin, asked: dict[str, Any]) -> None:
    origin = socket()
    book = new(begin).say(origin, handshake(ext=asked)).expect(authenticate(origin)).tell(on.Authenticated(100))
    reply = welcome(handshake(), ext={"replay": True, "replayEpoch": "k7f3"})
    book.expect(do.Opened(), do.Deliver(push=True), answered(origin, reply)).done()
    assert book.engine.state.replay


@pytest.mark.parametrize("asked", [{"replay": False}, {"replay": 1}, {"replay": "true"}, {"replay": {}}, {}])
def test_replay_is_agreed_on_only_for_true(begin: Begin, asked: dict[str, Any]) -> None:
    origin = socket()
    book = new(begin).say(origin, handshake(ext=asked)).expect(authenticate(origin)).tell(on.Authenticated(100))
    book.expect(do.Opened(), do.Deliver(push=True), answered(origin, welcome(handshake()))).done()
    assert not book.engine.state.replay


def test_the_operators_terms_are_advertised(begin: Begin) -> None:
    terms = Terms(epoch="e", timeout=1000, interval=20, max_interval=3000, connection_types=("long-polling",))
    origin = request()
    book = new(begin, terms).say(origin, handshake()).expect(authenticate(origin)).tell(on.Authenticated(100))
    told = {"reconnect": "retry", "interval": 20, "timeout": 1000, "maxInterval": 3000}
    reply = {**welcome(handshake()), "advice": told, "supportedConnectionTypes": ["long-polling"]}
    book.expect(do.Opened(), do.Deliver(push=False), answered(origin, reply)).done()
    assert book.engine.deadline == 3.02


def test_a_question_that_is_never_answered_ends_in_a_refusal(begin: Begin) -> None:
    origin = request()
    book = new(begin).at(1000).say(origin, handshake()).expect(authenticate(origin))
    assert book.engine.deadline == 1060
    book.at(1059.9).tell(on.Woken()).expect()
    book.at(1060).tell(on.Woken()).expect(answered(origin, unknown(handshake())), ended("expired", close=1001))
    book.tell(on.Authenticated(9999)).expect().done()
    assert book.engine.state.state is State.EXPIRED


def test_a_session_that_never_connects_expires(begin: Begin) -> None:
    book = handshaken(begin, request())
    book.at(60.9).tell(on.Woken()).expect()
    book.at(61).tell(on.Woken()).expect(ended("expired", close=1001)).done()


def test_another_answer_than_the_one_asked_for_is_a_fault_of_ours(begin: Begin) -> None:
    book = new(begin).say(request(), handshake()).expect(authenticate(request()))
    with pytest.raises(AssertionError, match="does not answer Authenticate"):
        book.tell(on.Accepted())
