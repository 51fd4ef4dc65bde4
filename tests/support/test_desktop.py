"""The test clients' own rules: what they record, what they ask for again, and what they refuse to overlook."""

from typing import Any

import pytest

from tests.support.checker import Gap, Received
from tests.support.desktop import Desktop, Message, Refused, SessionLost

CALLS = "/v2/me/calls"


class Deaf(Desktop):
    """A desktop without a transport: the test is its server."""

    connection_type = "websocket"

    async def run(self) -> None:
        raise NotImplementedError


def desktop(**changes: Any) -> Deaf:
    return Deaf("http://127.0.0.1:1", "token", [CALLS], user="alice", **changes)


def shaken(epoch: str = "k7f3") -> Message:
    ext = {"replay": True, "replayEpoch": epoch}
    return {"channel": "/meta/handshake", "id": "1", "successful": True, "clientId": "c", "ext": ext}


def live(position: int, *gap: str) -> Message:
    ext = {"replay": {CALLS: position, **({"gap": list(gap)} if gap else {})}}
    return {"channel": "/meta/subscribe", "id": "2", "successful": True, "subscription": [CALLS], "ext": ext}


def event(seq: int, **data: Any) -> Message:
    return {"channel": CALLS, "data": {"n": seq, **data}, "ext": {"replay": seq}}


def test_it_asks_for_what_came_after_the_last_event() -> None:
    alice = desktop()
    alice.hear([shaken()])
    assert "ext" not in alice.subscribe()
    alice.hear([live(41), event(42), event(43)])
    alice.hear([shaken()])
    assert alice.subscribe()["ext"] == {"replay": {CALLS: 43}, "replayEpoch": "k7f3"}
    assert alice.client().since == {CALLS: 41}


def test_the_reply_to_a_recovery_does_not_move_the_position_before_the_events_came() -> None:
    alice = desktop()
    alice.hear([shaken(), live(41)])
    alice.hear([shaken(), live(57)])
    assert alice.subscribe()["ext"]["replay"] == {CALLS: 41}


def test_connect_replies_move_the_position_forward_only() -> None:
    alice = desktop()
    alice.hear([shaken(), live(41)])
    alice.hear([{"channel": "/meta/connect", "successful": True, "ext": {"replay": {CALLS: 50}}}])
    alice.hear([{"channel": "/meta/connect", "successful": True, "ext": {"replay": {CALLS: 45}}}])
    assert alice.positions == {CALLS: 50}


def test_a_gap_is_recorded_and_the_new_position_taken() -> None:
    alice = desktop()
    alice.hear([shaken(), live(41)])
    alice.hear([shaken("other"), live(3, CALLS)])
    assert [(entry.channel, entry.live) for entry in alice.log if isinstance(entry, Gap)] == [(CALLS, 3)]
    assert alice.subscribe()["ext"] == {"replay": {CALLS: 3}, "replayEpoch": "other"}


def test_data_is_recorded_as_published() -> None:
    alice = desktop()
    alice.hear([shaken(), live(0), event(1, event={"replayId": 1}), event(2, event="own")])
    assert [entry.data for entry in alice.log if isinstance(entry, Received)] == [{"n": 1}, {"n": 2, "event": "own"}]


def test_from_the_very_beginning() -> None:
    alice = desktop(positions={CALLS: -2})
    alice.hear([shaken()])
    assert alice.subscribe()["ext"] == {"replay": {CALLS: -2}}
    alice.hear([live(9), event(1)])
    assert alice.client().since == {CALLS: 0}
    assert alice.positions == {CALLS: 1}


def test_an_unknown_session_asks_for_a_new_handshake() -> None:
    reply = {"successful": False, "error": "402::session_unknown", "advice": {"reconnect": "handshake", "interval": 0}}
    with pytest.raises(SessionLost, match="session_unknown"):
        desktop().hear([{"channel": "/meta/connect", **reply}])


@pytest.mark.parametrize(
    "message",
    [
        {"channel": "/meta/subscribe", "successful": False, "error": "403:denied_by_security_policy:subscribe_denied"},
        {"channel": "/meta/handshake", "successful": False, "advice": {"reconnect": "none"}},
        {"channel": "/meta/connect", "successful": False, "advice": {"reconnect": "none"}},
        {"channel": "/meta/disconnect", "successful": True},
    ],
    ids=["subscribe", "handshake", "connect", "disconnect"],
)
def test_a_refusal_is_loud(message: Message) -> None:
    with pytest.raises(Refused):
        desktop().hear([message])


@pytest.mark.parametrize(
    "messages",
    [
        [],
        {"channel": CALLS, "data": {}},
        [{"channel": CALLS, "data": {}, "successful": True}],
        [{"channel": CALLS, "data": {}, "clientId": "c"}],
    ],
    ids=["empty", "object", "event with successful", "event with clientId"],
)
def test_a_breach_of_the_protocol_is_loud(messages: Any) -> None:
    with pytest.raises(AssertionError):
        desktop().hear(messages)
