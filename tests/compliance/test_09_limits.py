"""Autobahn section 9, with the limits of the hub in place of megabytes: 64 KiB a message, 64 fragments.

Section 8 does not exist.
"""

import json

import pytest

from tests.support.raw_websocket import CONT, PING, TEXT, Speaker, encoded, fragments

LARGEST, MOST_FRAGMENTS = 65_536, 64


@pytest.mark.parametrize("size", [4096, 16_384, LARGEST])
def test_a_large_message_in_one_frame(speaker: Speaker, size: int) -> None:
    speaker.send(TEXT, speaker.saying(b"hello", size=size))
    speaker.assert_heard()


@pytest.mark.parametrize("size", [1024, 4096, 16_384])
def test_a_large_message_in_fragments(speaker: Speaker, size: int) -> None:
    speaker.write(*fragments(speaker.saying(b"hello", size=LARGEST), size))
    speaker.assert_heard()


@pytest.mark.parametrize("chop", [64, 128, 1024])
def test_a_large_message_in_small_writes(speaker: Speaker, chop: int) -> None:
    frame = encoded(TEXT, speaker.saying(b"hello", size=LARGEST))
    speaker.write(*[frame[at : at + chop] for at in range(0, len(frame), chop)])
    speaker.assert_heard()


def test_as_many_fragments_as_are_allowed(speaker: Speaker) -> None:
    message = speaker.saying(b"hello", size=LARGEST)
    frames = fragments(message, LARGEST // MOST_FRAGMENTS)
    assert len(frames) == MOST_FRAGMENTS
    speaker.write(b"".join(frames))
    speaker.assert_heard()


@pytest.mark.parametrize("part", [b"", b" "], ids=["empty", "blank"])
def test_one_fragment_too_many(speaker: Speaker, part: bytes) -> None:
    frames = [encoded(CONT if n else TEXT, part, fin=False) for n in range(MOST_FRAGMENTS + 1)]
    speaker.write(b"".join(frames))
    assert speaker.close_code() == 1008


def test_control_frames_do_not_count_as_fragments(speaker: Speaker) -> None:
    first, *rest = fragments(speaker.saying(b"hello"), 50)
    speaker.write(first, *[encoded(PING)] * 100)
    assert all(speaker.frame().payload == b"" for _ in range(100))
    speaker.write(*rest)
    speaker.assert_heard()


@pytest.mark.parametrize("size", [LARGEST + 1, 2 * LARGEST, 1_000_000])
def test_a_message_that_is_too_large(speaker: Speaker, size: int) -> None:
    speaker.send(TEXT, b" " * size)
    assert speaker.frame().code == 1009


def test_a_message_that_says_it_will_be_too_large_is_refused_before_it_comes(speaker: Speaker) -> None:
    speaker.write(encoded(TEXT, length=b"\xff" + (LARGEST + 1).to_bytes(8, "big")))
    assert speaker.close_code() == 1009


@pytest.mark.parametrize("size", [1040, 4096, 40_000])
def test_fragments_that_are_too_large_together(speaker: Speaker, size: int) -> None:
    speaker.write(*fragments(b" " * (LARGEST + 1), size))
    assert speaker.frame().code == 1009


def test_the_size_of_one_message_does_not_count_for_the_next(speaker: Speaker) -> None:
    for number in range(3):
        speaker.write(*fragments(speaker.saying(b"hello %d" % number, size=LARGEST), 32_768))
        speaker.assert_heard(b"hello %d" % number)


def test_many_messages_are_answered_in_order(speaker: Speaker) -> None:
    many = 500
    sent = [speaker.message("/service/x", data={}, id=number) for number in range(many)]
    speaker.write(b"".join(encoded(TEXT, message) for message in sent))
    answers: list[int] = []
    while len(answers) < many:
        answers += [reply["id"] for reply in json.loads(speaker.frame().payload)]
    assert answers == list(range(many))
