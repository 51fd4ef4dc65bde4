"""Messages that arrive while a question is out: they wait their turn, and none is forgotten."""

import pytest

from hub.bayeux import commands as do
from hub.bayeux import events as on
from tests.bayeux.situations import (
    CALLS,
    GOODBYE,
    PING,
    PONG,
    advice,
    attach,
    connect,
    connected,
    disconnect,
    failed,
    handshake,
    holding,
    new,
    ok,
    publish,
    subscribe,
    unknown,
    unsubscribe,
    welcome,
)
from tests.support.playbook import Begin, Line, Origin, Playbook, answered, authenticate, ended, request, socket

CHAT = publish("/chat", data={})
KICKED = "403::session_kicked"


def asking(begin: Begin, origin: Origin) -> Playbook:
    """A subscribe is under way."""
    return connected(begin, origin).at(10).say(origin, subscribe(CALLS)).expect(do.Authorize((CALLS,)))


def granted(book: Playbook, origin: Origin, *following: do.Command | Line) -> Playbook:
    """It is answered, and then comes what follows."""
    book.tell(on.Granted({CALLS: (CALLS,)})).expect(attach(CALLS)).tell(on.Attached({}))
    return book.expect(answered(origin, ok(subscribe(CALLS), subscription=CALLS)), *following)


def test_they_wait_their_turn_and_are_answered_in_order(begin: Begin) -> None:
    origin = socket()
    asked = [PING, unsubscribe(CALLS), PING]
    book = asking(begin, origin)
    for message in asked:
        book.say(origin, message).expect()
    granted(
        book,
        origin,
        answered(origin, PONG),
        do.Detach((CALLS,)),
        answered(origin, ok(asked[1], subscription=CALLS)),
        answered(origin, PONG),
    ).done()


def test_one_question_at_a_time(begin: Begin) -> None:
    origin = socket()
    book = asking(begin, origin).say(origin, CHAT, subscribe(CALLS, "again")).expect()
    granted(book, origin, do.Publish("/chat", b"{}"))
    book.tell(on.Refused("403::no")).expect(answered(origin, failed(CHAT, "403::no")), do.Authorize((CALLS,)))
    book.tell(on.Refused("403::no"))
    book.expect(answered(origin, failed(subscribe(CALLS, "again"), "403::no", subscription=CALLS))).done()


def test_a_connect_waits_too_and_is_then_held(begin: Begin) -> None:
    origin = socket()
    book = asking(begin, origin).at(11).say(origin, connect("3")).expect()
    granted(book.at(12), origin)
    assert book.engine.deadline == 36
    book.at(36).tell(on.Woken()).expect(answered(origin, ok(connect("3")), takes_events=True)).done()


def test_an_older_held_connect_is_answered_meanwhile(begin: Begin) -> None:
    held, origin = request("held"), request("asking")
    book = holding(begin, request(), held).say(origin, subscribe(CALLS)).expect(do.Authorize((CALLS,)))
    book.tell(on.Deliverable()).expect(answered(held, ok(connect("3")), takes_events=True))
    granted(book, origin).done()


def test_whatever_shares_its_time_with_a_handshake(begin: Begin) -> None:
    origin = socket()
    book = new(begin).say(origin, handshake()).expect(authenticate(origin)).say(origin, connect()).expect()
    first = answered(origin, ok(connect(), advice=advice()), takes_events=True)
    book.tell(on.Authenticated(3600))
    book.expect(do.Opened(), do.Deliver(push=True), answered(origin, welcome(handshake())), first).done()


def test_a_refused_handshake_leaves_nobody_waiting(begin: Begin) -> None:
    origin = socket()
    book = new(begin).say(origin, handshake()).expect(authenticate(origin)).say(origin, connect(), CHAT).expect()
    refusal = failed(handshake(), "401::token_invalid", advice=advice("none"))
    late = [answered(origin, unknown(connect())), answered(origin, unknown(CHAT))]
    book.tell(on.Refused("401::token_invalid")).expect(answered(origin, refusal), ended("refused"), *late).done()


def test_a_second_handshake_is_no_way_into_a_session(begin: Begin) -> None:
    origin = socket()
    book = new(begin).say(origin, handshake()).expect(authenticate(origin)).say(origin, handshake("2")).expect()
    again = failed(handshake("2"), "403:denied_by_security_policy:create_denied")
    book.tell(on.Authenticated(3600))
    welcomed = answered(origin, welcome(handshake()))
    book.expect(do.Opened(), do.Deliver(push=True), welcomed, answered(origin, again)).done()


def test_a_disconnect_waits_and_ends_what_comes_after_it(begin: Begin) -> None:
    origin = socket()
    book = asking(begin, origin).say(origin, disconnect(), CHAT).expect()
    granted(book, origin, answered(origin, ok(disconnect())), ended("disconnected"), answered(origin, unknown(CHAT)))
    book.done()


# The session ends meanwhile -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["Authorize", "Attach", "Publish"])
def test_outrun(begin: Begin, first: str) -> None:
    origin = socket()
    if first == "Publish":
        asked = CHAT
        book = connected(begin, origin).say(origin, asked).expect(do.Publish("/chat", b"{}"))
    else:
        asked = subscribe(CALLS)
        book = asking(begin, origin)
    if first == "Attach":
        book.tell(on.Granted({CALLS: (CALLS,)})).expect(attach(CALLS))
    book.say(origin, connect("3"), CHAT).expect()
    left = [answered(origin, unknown(each)) for each in (asked, connect("3"), CHAT)]
    book.tell(on.Outrun()).expect(*left, ended("outrun", close=1001))
    for late in (on.Granted({CALLS: (CALLS,)}), on.Attached({}), on.Accepted(), on.Refused("500::late")):
        book.tell(late).expect()
    book.say(origin, CHAT).expect(answered(origin, unknown(CHAT))).done()


def test_kicked(begin: Begin) -> None:
    """A connect that waited is told why and to stop, like one that was held."""
    held, origin = request("held"), request("asking")
    book = holding(begin, request(), held).say(origin, subscribe(CALLS)).expect(do.Authorize((CALLS,)))
    waiting = request("waiting")
    book.say(waiting, connect("4")).expect()
    book.tell(on.Revoked(KICKED)).expect(
        answered(held, failed(connect("3"), KICKED, advice=advice("none")), GOODBYE, takes_events=True),
        answered(origin, unknown(subscribe(CALLS))),
        answered(waiting, failed(connect("4"), KICKED, advice=advice("none"))),
        ended("session_kicked", close=1008, notice=GOODBYE),
    )
    book.tell(on.Granted({CALLS: (CALLS,)})).expect().done()


def test_expired_because_the_answer_never_came(begin: Begin) -> None:
    origin = socket()
    book = asking(begin, origin).at(30).say(origin, CHAT).expect()
    assert book.engine.deadline == 90
    left = [answered(origin, unknown(subscribe(CALLS))), answered(origin, unknown(CHAT))]
    book.at(90).tell(on.Woken()).expect(*left, ended("expired", close=1001)).done()


# The transport goes meanwhile ---------------------------------------------------------------------------------------


def test_a_connect_that_waited_on_a_lost_transport_takes_no_events(begin: Begin) -> None:
    asker, poll = request("asking"), request("polling")
    book = asking(begin, asker).say(poll, connect("3")).expect().tell(on.Lost(poll)).expect()
    granted(book, asker)
    book.tell(on.Deliverable()).expect().done()
    assert book.engine.held is None


def test_what_else_was_sent_is_still_done(begin: Begin) -> None:
    link = socket()
    book = asking(begin, link).say(link, CHAT, connect("3"), unsubscribe("/x")).expect().tell(on.Lost(link)).expect()
    granted(book, link, do.Deliver(push=True), do.Publish("/chat", b"{}"))
    book.tell(on.Accepted())
    book.expect(answered(link, ok(CHAT)), answered(link, ok(unsubscribe("/x"), subscription="/x"))).done()
    assert book.engine.held is None


def test_equal_connects_of_other_transports_stay(begin: Begin) -> None:
    asker, gone, here = request("asking"), request("gone"), request("here")
    book = asking(begin, asker).say(gone, connect("3")).say(here, connect("3")).expect()
    book.tell(on.Lost(gone)).expect()
    granted(book, asker, do.Deliver(push=False))
    book.tell(on.Deliverable()).expect(answered(here, ok(connect("3")), takes_events=True)).done()
