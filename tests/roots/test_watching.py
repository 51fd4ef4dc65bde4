"""The conversation of `hub watch`, frame by frame; the real server plays its part in tests/flows."""

import json
from typing import Any

import pytest

from hub.watching import (
    LONGEST_PAUSE_SECONDS,
    Conversation,
    Heard,
    WatchInterrupted,
    WatchRefused,
    endpoint,
    pause_before,
)

CALLS = "/v2/me/calls"


def heard(conversation: Conversation, *messages: dict[str, Any]) -> Heard:
    return conversation.hear(json.dumps(messages))


def shaken(epoch: str = "k7f3", **changes: Any) -> dict[str, Any]:
    return {
        "channel": "/meta/handshake",
        "successful": True,
        "clientId": "c1",
        "advice": {"reconnect": "retry", "interval": 0, "timeout": 25000},
        "ext": {"replay": True, "replayEpoch": epoch},
        **changes,
    }


def begun(position: int, *gap: str) -> dict[str, Any]:
    ext = {"replay": {CALLS: position, **({"gap": list(gap)} if gap else {})}}
    return {"channel": "/meta/subscribe", "successful": True, "subscription": CALLS, "ext": ext}


def event(position: int, data: dict[str, Any]) -> dict[str, Any]:
    return {"channel": CALLS, "data": data, "ext": {"replay": position}}


def sent(answer: str) -> dict[str, Any]:
    (message,) = json.loads(answer)
    assert isinstance(message, dict)
    return message


def listening(position: int = 41) -> Conversation:
    conversation = Conversation(CALLS, "t0ken")
    conversation.opening()
    heard(conversation, shaken(), begun(position))
    return conversation


def test_it_opens_with_its_token_and_asks_for_replay() -> None:
    opening = sent(Conversation(CALLS, "t0ken").opening())
    assert opening["channel"] == "/meta/handshake"
    assert opening["ext"] == {"replay": True, "authentication": {"token": "t0ken"}}
    assert opening["supportedConnectionTypes"] == ["websocket"]


def test_the_first_subscription_begins_now() -> None:
    conversation = Conversation(CALLS, "t0ken")
    (subscribe,) = heard(conversation, shaken()).answers
    assert sent(subscribe) == {"id": "1", "channel": "/meta/subscribe", "clientId": "c1", "subscription": CALLS}
    answer = heard(conversation, begun(41))
    assert answer.notices == ["listening to /v2/me/calls after 41"]
    assert sent(answer.answers[0])["channel"] == "/meta/connect"


def test_an_event_is_one_line_with_the_data_as_published() -> None:
    data = {"text": "Grüße\n\u2028", "float": 1.5, "big": 2**70}
    (line,) = heard(listening(), event(42, {**data, "event": {"replayId": 42}})).lines
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"channel": CALLS, "data": data, "ext": {"replay": 42}}


def test_an_event_member_of_the_publisher_stays() -> None:
    (line,) = heard(listening(), event(42, {"event": {"replayId": 7}})).lines
    assert json.loads(line)["data"] == {"event": {"replayId": 7}}


def test_ephemeral_events_have_no_position() -> None:
    (line,) = heard(listening(), {"channel": "/demo/chat", "data": {"n": 1}}).lines
    assert json.loads(line) == {"channel": "/demo/chat", "data": {"n": 1}}


def test_after_a_loss_it_asks_for_what_it_has_not_printed() -> None:
    conversation = listening(41)
    heard(conversation, event(42, {}), event(43, {}))
    conversation.opening()
    (subscribe,) = heard(conversation, shaken()).answers
    assert sent(subscribe)["ext"] == {"replay": {CALLS: 43}, "replayEpoch": "k7f3"}


def test_a_recovery_that_breaks_off_is_asked_for_again() -> None:
    conversation = listening(41)
    heard(conversation, shaken(), begun(57))
    (subscribe,) = heard(conversation, shaken()).answers
    assert sent(subscribe)["ext"]["replay"] == {CALLS: 41}


def test_connect_replies_move_the_position() -> None:
    conversation = listening(41)
    heard(conversation, {"channel": "/meta/connect", "successful": True, "ext": {"replay": {CALLS: 50}}})
    assert conversation.positions == {CALLS: 50}


def test_a_gap_is_told_and_the_new_position_taken() -> None:
    conversation = listening(41)
    answer = heard(conversation, shaken("other"), begun(3, CALLS))
    assert answer.notices[0] == "gap: events of /v2/me/calls were missed for good, read its state again"
    (subscribe,) = heard(conversation, shaken("other")).answers
    assert sent(subscribe)["ext"] == {"replay": {CALLS: 3}, "replayEpoch": "other"}


def test_the_heartbeat_follows_the_advice() -> None:
    advice = {"reconnect": "retry", "interval": 1500, "timeout": 20000}
    conversation = listening()
    answer = heard(conversation, {"channel": "/meta/connect", "successful": True, "advice": advice})
    assert answer.pause == 1.5
    assert conversation.silence == 30.0
    assert sent(answer.answers[0])["connectionType"] == "websocket"
    answer = heard(conversation, {"channel": "/meta/connect", "successful": True})
    assert (answer.pause, conversation.silence) == (0, 30.0)


@pytest.mark.parametrize(
    "message",
    [
        shaken(successful=False, error="401::token_invalid", advice={"reconnect": "none"}),
        {"channel": "/meta/subscribe", "successful": False, "error": "403:channel_unknown:subscribe_denied"},
        {
            "channel": "/meta/connect",
            "successful": False,
            "error": "401::token_expired",
            "advice": {"reconnect": "none"},
        },
        {"channel": "/meta/disconnect", "successful": True, "error": "403::session_kicked"},
    ],
    ids=["handshake", "subscribe", "connect", "disconnect"],
)
def test_a_refusal_for_good_carries_the_servers_words(message: dict[str, Any]) -> None:
    with pytest.raises(WatchRefused, match=message["error"]):
        heard(listening(), message)


def test_a_server_that_is_too_busy_is_asked_again_when_it_says() -> None:
    advice = {"reconnect": "handshake", "interval": 4000}
    with pytest.raises(WatchInterrupted, match="503::overloaded") as interrupted:
        heard(listening(), shaken(successful=False, error="503::overloaded", advice=advice))
    assert interrupted.value.pause == 4.0


def test_an_unknown_session_is_begun_anew() -> None:
    advice = {"reconnect": "handshake", "interval": 0}
    with pytest.raises(WatchInterrupted, match="402::session_unknown"):
        heard(
            listening(),
            {"channel": "/meta/connect", "successful": False, "error": "402::session_unknown", "advice": advice},
        )


@pytest.mark.parametrize("frame", [b"<html>", b'{"channel":"/x"}', b'[{"n":1}]', b"\xff", b"[" * 5000])
def test_what_is_no_bayeux_is_refused(frame: bytes) -> None:
    with pytest.raises(WatchRefused, match="no Bayeux server"):
        listening().hear(frame)


def test_unknown_replies_are_ignored() -> None:
    answer = heard(
        listening(),
        {"channel": "/meta/later", "successful": True},
        {"channel": "/demo/chat", "successful": True},
        {"channel": "/demo/chat"},
    )
    assert (answer.lines, answer.answers, answer.notices) == ([], [], [])


def test_addresses() -> None:
    assert endpoint("http://127.0.0.1:8080/") == "ws://127.0.0.1:8080/api/v2/notifications"
    assert endpoint("https://hub.example/base") == "wss://hub.example/base/api/v2/notifications"


def test_pauses_double_up_to_a_bound_and_respect_the_server() -> None:
    for attempt in range(40):
        longest = min(LONGEST_PAUSE_SECONDS, 0.2 * 2**attempt)
        assert longest / 2 <= pause_before(attempt) <= longest
    assert pause_before(0, least=3.0) == 3.0
