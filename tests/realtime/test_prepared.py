import json

import pytest

from channels.envelope import LoggedEvent, Stream
from hub.realtime.prepared import frame, prepare
from tests.realtime.world import unframed

STREAM = Stream("acme", "alice", "/v2/me/calls")


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_the_length_of_a_frame_takes_the_shortest_form(size: int, head: bytes) -> None:
    assert frame(b"x" * size) == head + b"x" * size


def test_every_form_is_made_once_and_shared() -> None:
    event = prepare(LoggedEvent(STREAM, 3, b'{"n":1}'))
    for replay in (False, True):
        assert event.message(replay=replay) is event.message(replay=replay)
        assert event.frame(replay=replay) is event.frame(replay=replay)
    assert event.message(replay=False) != event.message(replay=True)


def test_data_is_carried_verbatim_without_replay() -> None:
    data = b'{ "a" : 1.0, "b":1e2,"a":"\\u00e4" }'
    assert prepare(LoggedEvent(STREAM, 3, data)).message(replay=False) == (
        b'{"channel":"/v2/me/calls","data":' + data + b"}"
    )


def test_with_replay_the_position_stands_in_both_places() -> None:
    [message] = unframed(prepare(LoggedEvent(STREAM, 42, b'{"n":1}')).frame(replay=True))
    assert message == {
        "channel": "/v2/me/calls",
        "data": {"event": {"replayId": 42}, "n": 1},
        "ext": {"replay": 42},
    }


def test_data_with_an_event_of_its_own_keeps_it() -> None:
    event = prepare(LoggedEvent(STREAM, 42, b'{"event":{"mine":1}}'))
    assert json.loads(event.message(replay=True)) == {
        "channel": "/v2/me/calls",
        "data": {"event": {"mine": 1}},
        "ext": {"replay": 42},
    }


@pytest.mark.parametrize("data", [b'{"n":1}', b"[1]", b'"text"'])
def test_an_ephemeral_event_has_no_position(data: bytes) -> None:
    event = prepare(LoggedEvent(STREAM, 0, data))
    assert json.loads(event.message(replay=True)) == {"channel": "/v2/me/calls", "data": json.loads(data)}
