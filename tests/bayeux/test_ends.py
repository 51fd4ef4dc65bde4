"""How sessions end: by the client, by silence, by their token, by the operator, by the log."""

import math

import pytest

from hub.bayeux import events as on
from hub.bayeux.states import State
from tests.bayeux.situations import (
    GOODBYE,
    Situation,
    advice,
    connect,
    connected,
    disconnect,
    failed,
    handshake,
    handshaken,
    holding,
    new,
    ok,
    publish,
    reach,
    unknown,
)
from tests.support.playbook import Begin, Playbook, answered, ended, request, socket

KICKED, EXPIRED = "403::session_kicked", "401::token_expired"
ENDED = [Situation.DISCONNECTED, Situation.EXPIRED]


def over(book: Playbook, state: State) -> None:
    """Nothing is left to wait for, nothing leads anywhere, and whoever asks is told."""
    origin = request("late")
    assert book.engine.state.state is state
    assert book.engine.deadline == math.inf
    assert book.engine.held is None
    for event in (
        on.Woken(),
        on.Deliverable(),
        on.Written(),
        on.Lost(origin),
        on.Revoked(KICKED),
        on.Outrun(),
        on.Leaving(5),
        on.Accepted(),
        on.Refused("500::late"),
    ):
        book.tell(event).expect()
    for asked in (connect("9"), handshake("9"), publish("/chat", data={}), disconnect()):
        book.say(origin, asked).expect(answered(origin, unknown(asked)))
    book.done()


# Disconnect ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pushes", [True, False])
def test_the_held_connect_is_answered_before_the_disconnect(begin: Begin, pushes: bool) -> None:
    origin, held = (socket(), None) if pushes else (request(), request("held"))
    book = holding(begin, origin, held).say(origin, disconnect())
    last = answered(held or origin, ok(connect("3"), advice=advice("none")), takes_events=True)
    book.expect(last, answered(origin, ok(disconnect())), ended("disconnected"))
    over(book, State.DISCONNECTED)


@pytest.mark.parametrize("id", ["d", 0, None])
def test_nothing_held(begin: Begin, id: str | int | None) -> None:
    origin = socket()
    book = handshaken(begin, origin).say(origin, disconnect(id))
    book.expect(answered(origin, ok(disconnect(id))), ended("disconnected"))
    over(book, State.DISCONNECTED)


def test_whatever_follows_in_the_batch_is_unknown(begin: Begin) -> None:
    origin = request()
    book = connected(begin, origin).say(origin, disconnect(), publish("/chat", data={}), disconnect("again"))
    late = [answered(origin, unknown(publish("/chat"))), answered(origin, unknown(disconnect("again")))]
    book.expect(answered(origin, ok(disconnect())), ended("disconnected"), *late)
    over(book, State.DISCONNECTED)


# Silence ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("situation", [Situation.HANDSHAKEN, Situation.CONNECTED])
def test_a_silent_session_expires(begin: Begin, situation: Situation) -> None:
    book = reach(begin, situation, request())
    due = book.now + 60
    assert book.engine.deadline == due
    book.at(due - 0.001).tell(on.Woken()).expect()
    book.at(due).tell(on.Woken()).expect(ended("expired", close=1001))
    over(book, State.EXPIRED)


def test_a_held_connect_does_not_expire_but_is_answered(begin: Begin) -> None:
    origin = socket()
    book = holding(begin, origin).at(1000).tell(on.Woken())
    book.expect(answered(origin, ok(connect("3")), takes_events=True))
    book.at(1059).tell(on.Woken()).expect()
    book.at(1060).tell(on.Woken()).expect(ended("expired", close=1001))
    over(book, State.EXPIRED)


def test_nothing_is_due_early(begin: Begin) -> None:
    book = new(begin)
    book.tell(on.Woken()).expect().done()
    assert book.engine.state.state is State.NEW


# The token ----------------------------------------------------------------------------------------------------------


def test_a_session_lives_no_longer_than_its_token(begin: Begin) -> None:
    book = connected(begin, socket(), expires_at=20)
    assert book.engine.deadline == 20
    book.at(19.9).tell(on.Woken()).expect()
    book.at(20).tell(on.Woken()).expect(ended("token_expired", close=1008, notice=GOODBYE))
    over(book, State.DISCONNECTED)


@pytest.mark.parametrize("now", [20, 34, 500])
def test_the_token_counts_before_the_hold_time(begin: Begin, now: float) -> None:
    origin = request()
    book = holding(begin, origin, expires_at=20).at(now).tell(on.Woken())
    failure = failed(connect("3"), EXPIRED, advice=advice("none"))
    book.expect(
        answered(origin, failure, GOODBYE, takes_events=True), ended("token_expired", close=1008, notice=GOODBYE)
    )
    over(book, State.DISCONNECTED)


# The operator -------------------------------------------------------------------------------------------------------


def test_kicked_while_polling(begin: Begin) -> None:
    """Both signs in one array: some clients know only the failed connect, others only the disconnect."""
    origin = request()
    book = holding(begin, origin).tell(on.Revoked(KICKED))
    failure = failed(connect("3"), KICKED, advice=advice("none"))
    book.expect(
        answered(origin, failure, GOODBYE, takes_events=True), ended("session_kicked", close=1008, notice=GOODBYE)
    )
    over(book, State.DISCONNECTED)


def test_kicked_on_a_socket(begin: Begin) -> None:
    origin = socket()
    book = holding(begin, origin).tell(on.Revoked(KICKED))
    failure = failed(connect("3"), KICKED, advice=advice("none"))
    book.expect(answered(origin, failure, takes_events=True), ended("session_kicked", close=1008, notice=GOODBYE))
    over(book, State.DISCONNECTED)


@pytest.mark.parametrize("situation", [Situation.HANDSHAKEN, Situation.CONNECTED])
def test_kicked_between_two_connects(begin: Begin, situation: Situation) -> None:
    book = reach(begin, situation, request()).tell(on.Revoked(KICKED))
    book.expect(ended("session_kicked", close=1008, notice=GOODBYE))
    over(book, State.DISCONNECTED)


@pytest.mark.parametrize("situation", [Situation.NEW, *ENDED])
def test_nobody_to_kick(begin: Begin, situation: Situation) -> None:
    reach(begin, situation, request()).tell(on.Revoked(KICKED)).expect().done()


# The log ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pushes", [True, False])
def test_outrun_by_the_log_a_client_has_to_start_anew(begin: Begin, pushes: bool) -> None:
    origin = socket() if pushes else request()
    book = holding(begin, origin).tell(on.Outrun())
    book.expect(answered(origin, unknown(connect("3"))), ended("outrun", close=1001))
    over(book, State.EXPIRED)


def test_outrun_between_two_connects(begin: Begin) -> None:
    book = connected(begin, request()).tell(on.Outrun()).expect(ended("outrun", close=1001))
    over(book, State.EXPIRED)


@pytest.mark.parametrize("situation", [Situation.NEW, *ENDED])
def test_nobody_to_outrun(begin: Begin, situation: Situation) -> None:
    reach(begin, situation, request()).tell(on.Outrun()).expect().done()
