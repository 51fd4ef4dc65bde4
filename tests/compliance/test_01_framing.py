"""Autobahn section 1: messages of all sizes, in one write and in many."""

import pytest

from tests.support.raw_websocket import BINARY, TEXT, Speaker, encoded

SIZES = [200, 253, 254, 255, 256, 1000, 65_535, 65_536]
CHOPS = [1, 997, 1460]


@pytest.mark.parametrize("size", SIZES)
def test_text_of_any_size_is_read(speaker: Speaker, size: int) -> None:
    speaker.send(TEXT, speaker.saying(b"hello", size=size))
    speaker.assert_heard()


@pytest.mark.parametrize("size", [125, 126, 127, 128])
def test_lengths_around_the_first_border_are_read(speaker: Speaker, size: int) -> None:
    """Too short for a publish, so the message is one that nobody has to answer."""
    speaker.send(TEXT, b"[]".ljust(size))
    speaker.echoes()


@pytest.mark.parametrize("size", [0, 1, 30, 31, 32, 33, 1000, 60_000])
def test_text_of_any_size_is_written(speaker: Speaker, size: int) -> None:
    speaker.echoes(b"x" * size)


@pytest.mark.parametrize("chop", CHOPS)
@pytest.mark.parametrize("size", [200, 4096, 65_536])
def test_a_frame_may_come_in_pieces(speaker: Speaker, size: int, chop: int) -> None:
    if size // chop > 5000:
        size = 5000  # octet by octet is slow, and says no more for being long
    frame = encoded(TEXT, speaker.saying(b"hello", size=size))
    speaker.write(*[frame[at : at + chop] for at in range(0, len(frame), chop)])
    speaker.assert_heard()


def test_many_frames_may_come_in_one_piece(speaker: Speaker) -> None:
    texts = [str(number).encode() for number in range(20)]
    speaker.write(b"".join(encoded(TEXT, speaker.saying(text)) for text in texts))
    frames = [speaker.frame().payload for _ in range(40)]
    events = [payload for payload in frames if b'"data":' in payload]
    assert [event.partition(b'"text":"')[2].removesuffix(b'"}}]') for event in events] == texts


def test_an_empty_text_is_no_bayeux(speaker: Speaker) -> None:
    speaker.send(TEXT, b"")
    assert speaker.close_code() == 1007


@pytest.mark.parametrize("size", [0, 125, 126, 127, 128, 65_535, 65_536])
def test_binary_of_any_size_is_refused(speaker: Speaker, size: int) -> None:
    speaker.send(BINARY, b"\xfe" * size)
    assert speaker.close_code() == 1003


@pytest.mark.parametrize("mask", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\x02\x03\x04"], ids=bytes.hex)
def test_any_mask_is_taken_off(speaker: Speaker, mask: bytes) -> None:
    speaker.write(encoded(TEXT, speaker.saying(b"hello"), mask=mask))
    speaker.assert_heard()


def test_a_frame_without_a_mask_breaks_the_protocol(speaker: Speaker) -> None:
    speaker.write(encoded(TEXT, speaker.saying(b"hello"), mask=None))
    assert speaker.close_code() == 1002


def test_a_length_with_its_highest_bit_set_is_refused(speaker: Speaker) -> None:
    speaker.write(encoded(TEXT, length=b"\xff" + b"\x80" + bytes(6) + b"\x05"))
    assert speaker.close_code() in {1002, 1009}


def test_a_length_that_announces_the_impossible_is_refused_before_the_payload(speaker: Speaker) -> None:
    speaker.write(encoded(TEXT, length=b"\xff" + (2**62).to_bytes(8, "big")))
    assert speaker.close_code() == 1009
