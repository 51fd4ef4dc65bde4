"""Autobahn section 3: no extension is negotiated, so the reserved bits mean nothing."""

import pytest

from tests.support.raw_websocket import BINARY, CLOSE, CONT, PING, PONG, TEXT, Frame, Speaker, closing, encoded

RESERVED = [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("rsv", RESERVED)
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG], ids=["text", "binary", "ping", "pong"])
def test_a_reserved_bit_breaks_the_protocol(speaker: Speaker, opcode: int, rsv: int) -> None:
    speaker.send(opcode, b"[]", rsv=rsv)
    assert speaker.close_code() == 1002


@pytest.mark.parametrize("rsv", RESERVED)
def test_a_reserved_bit_in_a_close_breaks_the_protocol(speaker: Speaker, rsv: int) -> None:
    speaker.send(CLOSE, closing(1000), rsv=rsv)
    assert speaker.close_code() == 1002


@pytest.mark.parametrize("rsv", RESERVED)
def test_a_reserved_bit_in_a_continuation_breaks_the_protocol(speaker: Speaker, rsv: int) -> None:
    speaker.send(TEXT, b"[", fin=False)
    speaker.send(CONT, b"]", rsv=rsv)
    assert speaker.close_code() == 1002


@pytest.mark.parametrize("chop", [1, 1000])
def test_what_came_before_is_answered(speaker: Speaker, chop: int) -> None:
    speaker.echoes()
    frames = encoded(PING, b"before") + encoded(TEXT, b"[]", rsv=4) + encoded(PING, b"after")
    speaker.write(*[frames[at : at + chop] for at in range(0, len(frames), chop)])
    assert speaker.frame() == Frame(PONG, b"before")
    assert speaker.close_code() == 1002
