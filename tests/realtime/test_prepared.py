import base64
import json
import random
import zlib

import pytest

from channels.envelope import LoggedEvent, Stream
from hub.realtime.prepared import DEFLATED, PLAIN, REPLAYABLE, Form, frame, prepare
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
    for form in (PLAIN, DEFLATED, REPLAYABLE, REPLAYABLE | DEFLATED):
        assert event.frame(form) is event.frame(form)
    assert event.message(replay=False) != event.message(replay=True)


def test_data_is_carried_verbatim_without_replay() -> None:
    data = b'{ "a" : 1.0, "b":1e2,"a":"\\u00e4" }'
    assert prepare(LoggedEvent(STREAM, 3, data)).message(replay=False) == (
        b'{"channel":"/v2/me/calls","data":' + data + b"}"
    )


def test_with_replay_the_position_stands_in_both_places() -> None:
    [message] = unframed(prepare(LoggedEvent(STREAM, 42, b'{"n":1}')).frame(REPLAYABLE))
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


@pytest.mark.parametrize("form", [PLAIN, REPLAYABLE])
def test_a_compressed_frame_can_be_inflated_by_itself_and_is_made_once(form: Form) -> None:
    event = prepare(LoggedEvent(STREAM, 3, b'{"text":"%b"}' % (b"round and " * 50)))
    plain, small = event.frame(form), event.frame(form | DEFLATED)
    assert small is event.frame(form | DEFLATED)
    assert small[0] == 0x81 | 0x40
    assert len(small) < len(plain) / 2
    payload = small[2:] if small[1] < 126 else small[4:]
    inflated = zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")
    assert inflated == plain[4:]


def test_what_is_small_or_cannot_be_compressed_is_left_as_it_is() -> None:
    noise = base64.b85encode(random.Random(1).randbytes(100))[:110]
    for data in (b'{"n":1}', b'{"x":"%b"}' % noise.replace(b'"', b"").replace(b"\\", b"")):
        event = prepare(LoggedEvent(STREAM, 3, data))
        assert event.frame(DEFLATED)[0] in {0x81, 0x81 | 0x40}
        assert len(event.frame(DEFLATED)) <= len(event.frame(PLAIN))
    assert prepare(LoggedEvent(STREAM, 3, b'{"n":1}')).frame(DEFLATED)[0] == 0x81
