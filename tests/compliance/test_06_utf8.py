"""Autobahn section 6: text is UTF-8, wherever its frames are cut. What is not must fail at the end of its message."""

import pytest

from tests.support.raw_websocket import CONT, PING, PONG, TEXT, Frame, Speaker, encoded, fragments

VALID = {
    "greek": "κόσμε".encode(),
    "german and symbols": "Hello-µ@ßöäüàá-UTF-8!!".encode(),
    "astral": "𝄞😀".encode(),
    "first of 1 byte, escaped": rb"\u0000",
    "first of 2 bytes": b"\xc2\x80",
    "first of 3 bytes": b"\xe0\xa0\x80",
    "first of 4 bytes": b"\xf0\x90\x80\x80",
    "last of 1 byte": b"\x7f",
    "last of 2 bytes": b"\xdf\xbf",
    "last of 3 bytes": b"\xef\xbf\xbf",
    "last of all": b"\xf4\x8f\xbf\xbf",
    "before the surrogates": b"\xed\x9f\xbf",
    "after the surrogates": b"\xee\x80\x80",
    "replacement character": b"\xef\xbf\xbd",
    "byte order mark inside": b"\xef\xbb\xbf",
    "noncharacter U+FFFE": b"\xef\xbf\xbe",
    "noncharacter U+1FFFF": b"\xf0\x9f\xbf\xbf",
    "noncharacter U+10FFFE": b"\xf4\x8f\xbf\xbe",
    "private use": b"\xee\x80\x80\xf3\xb0\x80\x80",
}
INVALID = {
    "continuation alone": b"\x80",
    "last continuation alone": b"\xbf",
    "two continuations": b"\x80\xbf",
    "seven continuations": b"\x80\xbf\x80\xbf\x80\xbf\x80",
    "all continuations": bytes(range(0x80, 0xC0)),
    "2 byte starts, each with a blank": b"".join(bytes((first, 0x20)) for first in range(0xC0, 0xE0)),
    "3 byte starts, each with a blank": b"".join(bytes((first, 0x20)) for first in range(0xE0, 0xF0)),
    "4 byte starts, each with a blank": b"".join(bytes((first, 0x20)) for first in range(0xF0, 0xF8)),
    "2 bytes cut": b"\xc2",
    "3 bytes cut": b"\xe0\xa0",
    "4 bytes cut": b"\xf0\x90\x80",
    "cuts after each other": b"\xc2\xe0\xa0\xf0\x90\x80",
    "FE": b"\xfe",
    "FF": b"\xff",
    "FE FE FF FF": b"\xfe\xfe\xff\xff",
    "slash in 2 bytes": b"\xc0\xaf",
    "slash in 3 bytes": b"\xe0\x80\xaf",
    "slash in 4 bytes": b"\xf0\x80\x80\xaf",
    "slash in 5 bytes": b"\xf8\x80\x80\x80\xaf",
    "slash in 6 bytes": b"\xfc\x80\x80\x80\x80\xaf",
    "longest overlong of 2 bytes": b"\xc1\xbf",
    "longest overlong of 3 bytes": b"\xe0\x9f\xbf",
    "longest overlong of 4 bytes": b"\xf0\x8f\xbf\xbf",
    "overlong NUL": b"\xc0\x80",
    "overlong quote": b"\xc0\xa2",
    "high surrogate": b"\xed\xa0\x80",
    "low surrogate": b"\xed\xbf\xbf",
    "pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "beyond the last": b"\xf4\x90\x80\x80",
    "5 bytes": b"\xf8\x88\x80\x80\x80",
    "6 bytes": b"\xfc\x84\x80\x80\x80\x80",
    "between good text": "κόσμε".encode() + b"\xed\xa0\x80" + b"edited",
}
valid = pytest.mark.parametrize("text", VALID.values(), ids=VALID.keys())
invalid = pytest.mark.parametrize("text", INVALID.values(), ids=INVALID.keys())


@valid
def test_valid_text_comes_back_to_the_byte(speaker: Speaker, text: bytes) -> None:
    speaker.echoes(text)


@valid
@pytest.mark.parametrize("offset", range(1, 4))
def test_valid_text_may_be_cut_inside_a_character(speaker: Speaker, text: bytes, offset: int) -> None:
    message = speaker.saying(text)
    cut = message.index(text) + offset
    speaker.write(encoded(TEXT, message[:cut], fin=False), encoded(CONT, message[cut:]))
    speaker.assert_heard(text)


def test_valid_text_may_come_in_fragments_of_one_octet(speaker: Speaker) -> None:
    """The message is longer than fragments are allowed, so only its text is cut so fine."""
    text = "κόσμε𝄞".encode()
    message = speaker.saying(text)
    at = message.index(text)
    middle = [bytes((byte,)) for byte in text]
    parts = [message[:at], *middle, message[at + len(text) :]]
    speaker.write(*[encoded(CONT if n else TEXT, part, fin=n == len(parts) - 1) for n, part in enumerate(parts)])
    speaker.assert_heard(text)


@pytest.mark.parametrize("size", [3, 7])
def test_valid_text_may_be_cut_anywhere_with_pings_between(speaker: Speaker, size: int) -> None:
    message = speaker.saying("𝄞😀κόσμε".encode())
    frames = fragments(message, max(size, -(-len(message) // 60)))
    for frame in frames[:-1]:
        speaker.write(frame, encoded(PING, b"between"))
        assert speaker.frame() == Frame(PONG, b"between")
    speaker.write(frames[-1])
    speaker.assert_heard("𝄞😀κόσμε".encode())


@invalid
def test_invalid_text_closes_the_connection(speaker: Speaker, text: bytes) -> None:
    speaker.send(TEXT, speaker.saying(text))
    assert speaker.close_code() == 1007


@invalid
def test_invalid_text_in_fragments_closes_the_connection(speaker: Speaker, text: bytes) -> None:
    message = speaker.saying(text)
    cut = message.index(text) + 1
    speaker.write(encoded(TEXT, message[:cut], fin=False), encoded(CONT, message[cut:]))
    assert speaker.close_code() == 1007


@invalid
def test_invalid_text_outside_of_strings_closes_the_connection(speaker: Speaker, text: bytes) -> None:
    speaker.send(TEXT, b"[]" + text)
    assert speaker.close_code() == 1007


def test_a_message_that_ends_inside_a_character_closes_the_connection(speaker: Speaker) -> None:
    speaker.send(TEXT, speaker.saying("κ".encode())[: -len(b'"}}]') - 1])
    assert speaker.close_code() == 1007


def test_no_message_after_invalid_text_is_looked_at(speaker: Speaker) -> None:
    speaker.write(encoded(TEXT, speaker.saying(b"\xff")) + encoded(TEXT, speaker.saying(b"late")))
    assert speaker.close_code() == 1007
