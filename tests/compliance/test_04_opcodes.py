"""Autobahn section 4: opcodes that mean nothing yet."""

import pytest

from tests.support.raw_websocket import PING, PONG, Frame, Speaker, encoded

DATA = [3, 4, 5, 6, 7]
CONTROL = [11, 12, 13, 14, 15]


@pytest.mark.parametrize("payload", [b"", b"[]"], ids=["empty", "with payload"])
@pytest.mark.parametrize("opcode", DATA + CONTROL)
def test_a_reserved_opcode_breaks_the_protocol(speaker: Speaker, opcode: int, payload: bytes) -> None:
    speaker.send(opcode, payload)
    assert speaker.close_code() == 1002


@pytest.mark.parametrize("opcode", DATA + CONTROL)
def test_a_reserved_opcode_after_a_good_message_breaks_the_protocol(speaker: Speaker, opcode: int) -> None:
    speaker.echoes()
    speaker.write(encoded(PING, b"before") + encoded(opcode, b"x") + encoded(PING, b"after"))
    assert speaker.frame() == Frame(PONG, b"before")
    assert speaker.close_code() == 1002


@pytest.mark.parametrize("opcode", DATA + CONTROL)
def test_a_reserved_opcode_breaks_the_protocol_octet_by_octet(speaker: Speaker, opcode: int) -> None:
    speaker.write(*[bytes((byte,)) for byte in encoded(opcode, b"x")])
    assert speaker.frame().code == 1002
