from typing import Any

import pytest

from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux.advice import Terms
from tests.bayeux.situations import (
    CALLS,
    PING,
    PONG,
    advice,
    connect,
    connected,
    disconnect,
    handshake,
    handshaken,
    holding,
    ok,
    polled,
    publish,
    subscribe,
    subscribed,
    unknown,
)
from tests.support.playbook import Begin, Origin, Playbook, answered, ended, request, socket

HELD = ok(connect("3"))


def released(book: Playbook, origin: Origin, **fields: Any) -> Playbook:
    return book.expect(answered(origin, ok(connect("3"), **fields), takes_events=True))


# The first one, and those answered at once --------------------------------------------------------------------------


@pytest.mark.parametrize("pushes", [True, False])
@pytest.mark.parametrize("fields", [{}, {"advice": {"timeout": 0}}, {"advice": {"timeout": 9000}}])
def test_the_first_is_answered_at_once_with_advice(begin: Begin, pushes: bool, fields: dict[str, Any]) -> None:
    origin = socket() if pushes else request()
    book = handshaken(begin, origin).at(2).say(origin, connect(**fields))
    book.expect(*polled(origin), answered(origin, ok(connect(), advice=advice()), takes_events=True)).done()
    assert book.engine.held is None
    assert book.engine.deadline == 62


@pytest.mark.parametrize("id", ["0", 3, None])
def test_the_id_of_a_held_connect_comes_back_as_it_was(begin: Begin, id: Any) -> None:
    origin = socket()
    book = connected(begin, origin).say(origin, connect(id)).expect()
    book.tell(on.Deliverable()).expect(answered(origin, ok(connect(id)), takes_events=True)).done()


@pytest.mark.parametrize("pushes", [True, False])
def test_a_client_may_ask_for_an_answer_at_once(begin: Begin, pushes: bool) -> None:
    origin = socket() if pushes else request()
    book = connected(begin, origin).at(10).say(origin, connect("3", advice={"timeout": 0}))
    book.expect(*polled(origin), answered(origin, ok(connect("3"), advice=advice()), takes_events=True)).done()


@pytest.mark.parametrize("connection_type", ["websocket", "long-polling", "smoke", 7, None])
def test_the_connection_type_is_not_looked_at(begin: Begin, connection_type: Any) -> None:
    origin = request()
    asked = {**connect(), "connectionType": connection_type}
    book = handshaken(begin, origin).say(origin, asked)
    book.expect(*polled(origin), answered(origin, ok(connect(), advice=advice()), takes_events=True)).done()


# Held ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pushes", [True, False])
def test_held_for_a_second_less_than_advertised(begin: Begin, pushes: bool) -> None:
    origin = socket() if pushes else request()
    book = holding(begin, origin)
    assert book.engine.deadline == 34
    book.at(33.9).tell(on.Woken()).expect()
    released(book.at(34).tell(on.Woken()), origin).done()
    assert book.engine.deadline == 94


@pytest.mark.parametrize(
    ("timeout", "until"),
    [(5000, 15), (0.5, 10.0005), (24_000, 34), (24_001, 34), (10**400, 34)],
    ids=["less", "tiny", "as-much", "more", "absurd"],
)
def test_a_client_may_ask_for_less_and_is_advised(begin: Begin, timeout: float, until: float) -> None:
    origin = socket()
    book = connected(begin, origin).at(10).say(origin, connect("3", advice={"timeout": timeout})).expect()
    assert book.engine.deadline == pytest.approx(until)
    released(book.at(until).tell(on.Woken()), origin, advice=advice()).done()


@pytest.mark.parametrize("timeout", [-1, "0", True, False, None, [], {}, "soon"], ids=repr)
def test_nonsense_counts_as_nothing_asked(begin: Begin, timeout: Any) -> None:
    origin = request()
    book = connected(begin, origin).at(10).say(origin, connect("3", advice={"timeout": timeout}))
    book.expect(*polled(origin))
    assert book.engine.deadline == 34
    released(book.at(34).tell(on.Woken()), origin, advice=advice()).done()


def test_advice_of_another_type_is_borne(begin: Begin) -> None:
    origin = request()
    book = connected(begin, origin).at(10).say(origin, connect("3", advice=[0])).expect(*polled(origin))
    released(book.at(34).tell(on.Woken()), origin, advice=advice()).done()


def test_a_held_connect_keeps_nothing_of_its_request(begin: Begin) -> None:
    origin = request()
    book = connected(begin, origin).say(origin, connect("3", advice={"x": "y" * 9000}, ext={"z": "y" * 9000}))
    book.expect(*polled(origin)).done()
    assert book.engine.held is not None
    kept = book.engine.held.message
    assert (kept.advice, kept.ext, kept.client_id, kept.connection_type) == ({}, None, None, None)


def test_of_its_time_a_held_connect_keeps_the_numbers(begin: Begin) -> None:
    origin = request()
    times = {"tc": 1, "l": 2, "o": "y" * 9000, "z": "y" * 9000}
    book = connected(begin, origin).say(origin, connect("3", ext={"timesync": times}))
    book.expect(*polled(origin)).done()
    assert book.engine.held is not None
    assert book.engine.held.message.ext == {"timesync": {"tc": 1, "l": 2}}


def test_the_hold_follows_the_operators_terms(begin: Begin) -> None:
    book = holding(begin, socket(), terms=Terms(epoch="e", timeout=1000))
    assert book.engine.deadline == pytest.approx(10.96)
    book.done()


def test_without_any_hold_every_connect_is_answered_at_once(begin: Begin) -> None:
    origin = socket()
    book = handshaken(begin, origin, terms=Terms(epoch="k7f3", timeout=0))
    told = {**advice(), "timeout": 0}
    book.say(origin, connect()).expect(answered(origin, ok(connect(), advice=told), takes_events=True))
    book.say(origin, connect("3")).expect(answered(origin, HELD, takes_events=True)).done()


# What releases it ---------------------------------------------------------------------------------------------------


def test_events_release_it(begin: Begin) -> None:
    origin = request()
    book = holding(begin, origin).at(11)
    released(book.tell(on.Deliverable()), origin)
    book.tell(on.Deliverable()).expect().done()
    assert book.engine.deadline == 71


def test_every_poll_asks_for_what_queued_up_meanwhile(begin: Begin) -> None:
    first, second = request("first"), request("second")
    book = holding(begin, first)
    released(book.at(11).tell(on.Deliverable()), first)
    book.at(12).tell(on.Deliverable()).expect()
    book.at(13).say(second, connect("4")).expect(do.Deliver(push=False))
    book.tell(on.Deliverable()).expect(answered(second, ok(connect("4")), takes_events=True)).done()


def test_leaving_releases_it_with_an_interval(begin: Begin) -> None:
    origin = request()
    book = holding(begin, origin)
    released(book.tell(on.Leaving(interval=321)), origin, advice=advice("retry", 321))
    book.tell(on.Leaving(interval=321)).expect().done()


def test_leaving_tells_the_impatient_not_to_wait(begin: Begin) -> None:
    origin = request()
    released(holding(begin, origin).tell(on.Leaving(interval=0)), origin, advice=advice("retry", 0)).done()


def test_a_lost_transport_takes_it_along_without_an_answer(begin: Begin) -> None:
    origin = request()
    book = holding(begin, origin).at(20).tell(on.Lost(origin)).expect()
    assert book.engine.deadline == 80
    book.at(21).tell(on.Deliverable()).expect()
    book.at(80).tell(on.Woken()).expect(ended("expired", close=1001)).done()


def test_the_loss_of_another_transport_does_not(begin: Begin) -> None:
    origin, other = request("polling"), request("publishing")
    book = holding(begin, origin).at(20).tell(on.Lost(other)).expect()
    released(book.at(34).tell(on.Woken()), origin).done()


# A second one -------------------------------------------------------------------------------------------------------


def test_displaced_on_the_same_socket(begin: Begin) -> None:
    origin = socket()
    book = holding(begin, origin).at(12).say(origin, connect("4"))
    book.expect(answered(origin, HELD, displaced=True))
    book.at(36).tell(on.Woken()).expect(answered(origin, ok(connect("4")), takes_events=True)).done()


def test_displaced_by_another_request(begin: Begin) -> None:
    old, young = request("old"), request("young")
    book = holding(begin, request("handshake"), old).at(12).say(young, connect("4"))
    book.expect(do.Deliver(push=False), answered(old, HELD, displaced=True))
    book.at(13).tell(on.Lost(old)).expect()
    book.tell(on.Deliverable()).expect(answered(young, ok(connect("4")), takes_events=True)).done()


def test_displaced_by_one_that_is_answered_at_once(begin: Begin) -> None:
    origin = socket()
    book = holding(begin, origin).at(12).say(origin, connect("4", advice={"timeout": 0}))
    last = answered(origin, ok(connect("4"), advice=advice()), takes_events=True)
    book.expect(answered(origin, HELD, displaced=True), last).done()
    assert book.engine.held is None


# In company ---------------------------------------------------------------------------------------------------------


def test_a_poll_in_company_is_never_held(begin: Begin) -> None:
    origin = request()
    book = connected(begin, origin).say(origin, PING, connect("3"))
    answer = answered(origin, HELD, takes_events=True)
    book.expect(answered(origin, PONG), do.Deliver(push=False), answer).done()


def test_a_poll_behind_a_question_of_its_own_batch_is_not_held_either(begin: Begin) -> None:
    origin = request()
    book = connected(begin, origin).say(origin, publish("/chat", data={}), connect("3"))
    book.expect(do.Publish("/chat", b"{}")).tell(on.Accepted())
    answer = answered(origin, HELD, takes_events=True)
    book.expect(answered(origin, ok(publish("/chat"))), do.Deliver(push=False), answer).done()


@pytest.mark.parametrize("first", [True, False])
def test_on_a_socket_it_is_held_and_the_others_are_answered_at_once(begin: Begin, first: bool) -> None:
    origin = socket()
    other, reply = PING, PONG
    book = connected(begin, origin).say(origin, *([connect("3"), other] if first else [other, connect("3")]))
    book.expect(answered(origin, reply)).tell(on.Deliverable())
    released(book, origin).done()


# From one transport to the other ------------------------------------------------------------------------------------


def test_from_polling_to_a_socket_with_its_first_message_of_any_kind(begin: Begin) -> None:
    poll, link = request(), socket()
    book = subscribed(holding(begin, poll), request("other"), CALLS)
    asked = PING
    book.say(link, asked).expect(do.Deliver(push=True), answered(link, PONG))
    book.say(link, asked).expect(answered(link, PONG))
    book.say(link, connect("4")).expect(answered(poll, HELD, displaced=True)).done()
    assert book.engine.state.pushes


def test_even_a_message_that_is_no_good_shows_the_socket(begin: Begin) -> None:
    link = socket()
    book = connected(begin, request()).say(link, {"channel": "no slash", "clientId": "c1"})
    reply = {"channel": "no slash", "successful": False, "error": "405::channel_invalid"}
    book.expect(do.Deliver(push=True), answered(link, reply)).done()


def test_from_a_socket_to_polling_with_a_connect_only(begin: Begin) -> None:
    link, poll = socket(), request()
    book = holding(begin, link)
    asked = PING
    other = request("other")
    book.say(other, asked).expect(answered(other, PONG))
    book.say(poll, connect("4")).expect(do.Deliver(push=False), answered(link, HELD, displaced=True)).done()
    assert not book.engine.state.pushes


@pytest.mark.parametrize("lost", [True, False])
def test_a_new_socket_is_given_what_queued_up(begin: Begin, lost: bool) -> None:
    old, young = socket("old"), socket("young")
    book = connected(begin, old)
    if lost:
        book.tell(on.Lost(old)).expect()
    book.say(young, subscribe("/service/x"))
    book.expect(do.Deliver(push=True), answered(young, ok(subscribe("x"), subscription="/service/x"))).done()


def test_handshake_by_polling_and_everything_else_on_a_socket(begin: Begin) -> None:
    poll, link = request(), socket()
    book = handshaken(begin, poll).at(2).say(link, connect("b"))
    book.expect(do.Deliver(push=True), answered(link, ok(connect("b"), advice=advice()), takes_events=True)).done()


def test_a_silent_socket_dies_in_time_and_a_late_connect_is_told_to_handshake(begin: Begin) -> None:
    link = socket()
    book = holding(begin, link).at(11).tell(on.Lost(link)).expect()
    book.at(71).tell(on.Woken()).expect(ended("expired", close=1001))
    book.say(socket("new"), connect("9")).expect(answered(socket("new"), unknown(connect("9"))))
    book.say(link, disconnect()).expect(answered(link, unknown(disconnect())))
    book.say(link, handshake()).expect(answered(link, unknown(handshake()))).done()


# The deadline -------------------------------------------------------------------------------------------------------


def test_any_message_keeps_a_session_alive(begin: Begin) -> None:
    origin = request()
    book = connected(begin, origin)
    for now in (50, 100, 150):
        book.at(now).say(origin, PING).expect(answered(origin, PONG))
        assert book.engine.deadline == now + 60
    book.at(210).tell(on.Woken()).expect(ended("expired", close=1001)).done()


def test_a_slow_line_is_given_the_time_it_took(begin: Begin) -> None:
    origin = request()
    book = holding(begin, origin)
    released(book.at(34).tell(on.Woken()), origin)
    book.at(50).tell(on.Written()).expect().done()
    assert book.engine.deadline == 110
