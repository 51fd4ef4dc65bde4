"""Autobahn section 7: the closing handshake."""

import pytest

from tests.support.hub_process import HubProcess
from tests.support.raw_websocket import CLOSE, CONT, PING, TEXT, Frame, Speaker, closing, encoded

GOOD_CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
BAD_CODES = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]
NEVER_SENT = b"\xff"


def is_echoed(speaker: Speaker, payload: bytes) -> bool:
    speaker.send(CLOSE, payload)
    return speaker.frame() == Frame(CLOSE, payload) and speaker.hung_up()


def test_a_close_after_a_message(speaker: Speaker) -> None:
    speaker.echoes()
    assert is_echoed(speaker, closing(1000))


def test_a_close_without_a_code(speaker: Speaker) -> None:
    assert is_echoed(speaker, b"")


@pytest.mark.parametrize("code", GOOD_CODES)
def test_a_good_code_is_sent_back(speaker: Speaker, code: int) -> None:
    assert is_echoed(speaker, closing(code))


@pytest.mark.parametrize("code", BAD_CODES)
def test_a_code_that_may_not_be_sent_breaks_the_protocol(speaker: Speaker, code: int) -> None:
    speaker.send(CLOSE, closing(code))
    assert speaker.close_code() == 1002


@pytest.mark.parametrize("reason", ["Hello World!", "κόσμε", "x" * 123, "ä" * 61], ids=len)
def test_a_reason_of_up_to_123_bytes(speaker: Speaker, reason: str) -> None:
    assert is_echoed(speaker, closing(1000, reason))


def test_a_longer_reason_breaks_the_protocol(speaker: Speaker) -> None:
    speaker.send(CLOSE, closing(1000, "x" * 124))
    assert speaker.close_code() == 1002


def test_a_payload_of_one_byte_breaks_the_protocol(speaker: Speaker) -> None:
    speaker.send(CLOSE, b"\x03")
    assert speaker.close_code() == 1002


@pytest.mark.parametrize("reason", [b"\xff", b"\xed\xa0\x80", b"ok\xc0\xaf", "κ".encode()[:1]], ids=bytes.hex)
def test_a_reason_that_is_no_utf8(speaker: Speaker, reason: bytes) -> None:
    speaker.send(CLOSE, closing(1000, reason))
    assert speaker.close_code() == 1007


@pytest.mark.parametrize(
    "late",
    [
        encoded(CLOSE, closing(1000)),
        encoded(PING, b"late"),
        encoded(TEXT, b"[]"),
        encoded(TEXT, NEVER_SENT),
        encoded(CONT, b"]"),
        encoded(15, b"x"),
        bytes(1000),
        encoded(TEXT, b" " * 200_000),
    ],
    ids=["close", "ping", "text", "invalid text", "continuation", "reserved", "zeros", "too large"],
)
def test_nothing_that_comes_after_the_close_is_answered(speaker: Speaker, late: bytes) -> None:
    speaker.write(encoded(CLOSE, closing(1000)) + late)
    assert speaker.frame() == Frame(CLOSE, closing(1000))
    assert speaker.hung_up()


def test_a_message_that_the_close_cuts_off_is_not_heard(speaker: Speaker) -> None:
    message = speaker.saying(b"never said")
    speaker.write(encoded(TEXT, message, fin=False), encoded(CLOSE, closing(1000)), encoded(CONT, b""))
    frame = speaker.frame()
    assert (frame.opcode, frame.code in {1000, 1002}) == (CLOSE, True)
    assert speaker.hung_up()


def test_a_message_right_before_the_close_counts(speaker: Speaker, echo_hub: HubProcess) -> None:
    with Speaker(echo_hub.port, speaker.organization) as listener:
        speaker.write(encoded(TEXT, speaker.saying(b"last words")) + encoded(CLOSE, closing(1000)))
        assert speaker.frame().opcode == CLOSE
        assert speaker.hung_up()
        listener.send(PING, b"nothing was heard")
        assert b"last words" in listener.frame().payload


def test_a_client_that_hangs_up_without_a_close_is_let_go(speaker: Speaker) -> None:
    speaker.end()
    assert speaker.hung_up() or speaker.frame().opcode == CLOSE


def test_the_close_of_a_client_may_come_octet_by_octet(speaker: Speaker) -> None:
    speaker.write(*[bytes((byte,)) for byte in encoded(CLOSE, closing(1000, "bye"))])
    assert speaker.frame() == Frame(CLOSE, closing(1000, "bye"))
    assert speaker.hung_up()
