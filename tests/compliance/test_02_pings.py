"""Autobahn section 2: pings and pongs."""

import pytest

from tests.support.raw_websocket import PING, PONG, Frame, Speaker, encoded

BYTES = bytes(range(256))


@pytest.mark.parametrize(
    "payload",
    [b"", b"Hello, world!", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125, BYTES[:125], BYTES[131:]],
    ids=["empty", "text", "binary", "longest", "low bytes", "high bytes"],
)
def test_a_ping_is_answered_with_its_payload(speaker: Speaker, payload: bytes) -> None:
    speaker.send(PING, payload)
    assert speaker.frame() == Frame(PONG, payload)
    speaker.echoes()


def test_a_longer_ping_breaks_the_protocol(speaker: Speaker) -> None:
    speaker.send(PING, b"\xfe" * 126)
    assert speaker.close_code() == 1002


def test_a_longer_pong_breaks_the_protocol(speaker: Speaker) -> None:
    speaker.send(PONG, b"\xfe" * 126)
    assert speaker.close_code() == 1002


def test_a_ping_may_come_octet_by_octet(speaker: Speaker) -> None:
    speaker.write(*[bytes((byte,)) for byte in encoded(PING, b"\xfe" * 125)])
    assert speaker.frame() == Frame(PONG, b"\xfe" * 125)


@pytest.mark.parametrize("payload", [b"", b"unsolicited payload", b"x" * 125])
def test_a_pong_that_nobody_asked_for_is_ignored(speaker: Speaker, payload: bytes) -> None:
    speaker.send(PONG, payload)
    speaker.echoes()


def test_an_unasked_pong_does_not_disturb_a_ping(speaker: Speaker) -> None:
    speaker.send(PONG, b"unsolicited")
    speaker.send(PING, b"mine")
    assert speaker.frame() == Frame(PONG, b"mine")


@pytest.mark.parametrize("at_once", [True, False], ids=["one write", "many writes"])
def test_ten_pings_get_ten_pongs_in_order(speaker: Speaker, at_once: bool) -> None:
    pings = [encoded(PING, f"payload-{number}".encode()) for number in range(10)]
    speaker.write(*([b"".join(pings)] if at_once else pings))
    assert [speaker.frame() for _ in pings] == [Frame(PONG, f"payload-{number}".encode()) for number in range(10)]
