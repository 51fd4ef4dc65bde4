"""Autobahn section 5: messages in fragments, and what may and may not come between them."""

import pytest

from tests.support.raw_websocket import BINARY, CLOSE, CONT, PING, PONG, TEXT, Frame, Speaker, closing, encoded

CHOPS = pytest.mark.parametrize("chop", [1, 100_000], ids=["octet by octet", "one write"])


def in_pieces(data: bytes, chop: int) -> list[bytes]:
    return [data[at : at + chop] for at in range(0, len(data), chop)]


def halves(message: bytes) -> tuple[bytes, bytes]:
    return message[: len(message) // 2], message[len(message) // 2 :]


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE], ids=["ping", "pong", "close"])
def test_control_frames_may_not_be_fragmented(speaker: Speaker, opcode: int) -> None:
    speaker.send(opcode, closing(1000), fin=False)
    speaker.send(CONT, b"")
    assert speaker.close_code() == 1002


@CHOPS
@pytest.mark.parametrize("pieces", [2, 3, 17])
def test_text_in_fragments_is_put_together(speaker: Speaker, pieces: int, chop: int) -> None:
    message = speaker.saying(b"hello")
    size = -(-len(message) // pieces)
    parts = in_pieces(message, size)
    frames = [encoded(CONT if n else TEXT, part, fin=n == len(parts) - 1) for n, part in enumerate(parts)]
    speaker.write(*in_pieces(b"".join(frames), chop))
    speaker.assert_heard()


@CHOPS
@pytest.mark.parametrize("pings", [1, 5])
def test_pings_between_fragments_are_answered_at_once(speaker: Speaker, pings: int, chop: int) -> None:
    first, last = halves(speaker.saying(b"hello"))
    between = b"".join(encoded(PING, f"ping {n}".encode()) for n in range(pings))
    speaker.write(*in_pieces(encoded(TEXT, first, fin=False) + between, chop))
    assert [speaker.frame() for _ in range(pings)] == [Frame(PONG, f"ping {n}".encode()) for n in range(pings)]
    speaker.write(*in_pieces(encoded(CONT, last), chop))
    speaker.assert_heard()


def test_a_pong_between_fragments_is_ignored(speaker: Speaker) -> None:
    first, last = halves(speaker.saying(b"hello"))
    speaker.write(encoded(TEXT, first, fin=False), encoded(PONG, b"x"), encoded(CONT, last))
    speaker.assert_heard()


@CHOPS
@pytest.mark.parametrize("fin", [True, False], ids=["last", "not last"])
def test_a_continuation_of_nothing_breaks_the_protocol(speaker: Speaker, fin: bool, chop: int) -> None:
    speaker.write(*in_pieces(encoded(CONT, b"[]", fin=fin), chop))
    assert speaker.close_code() == 1002


def test_a_continuation_after_a_whole_message_breaks_the_protocol(speaker: Speaker) -> None:
    speaker.echoes()
    speaker.send(CONT, b"[]")
    assert speaker.close_code() == 1002


def test_a_continuation_after_the_last_fragment_breaks_the_protocol(speaker: Speaker) -> None:
    first, last = halves(speaker.saying(b"hello"))
    speaker.write(encoded(TEXT, first, fin=False), encoded(CONT, last))
    speaker.assert_heard()
    speaker.send(CONT, b"[]")
    assert speaker.close_code() == 1002


@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])
def test_a_new_message_between_fragments_breaks_the_protocol(speaker: Speaker, opcode: int) -> None:
    speaker.send(TEXT, b"[", fin=False)
    speaker.send(opcode, b"]")
    assert speaker.close_code() == 1002


@pytest.mark.parametrize("where", [0, 1, 2], ids=["first", "middle", "last"])
def test_a_fragment_may_be_empty(speaker: Speaker, where: int) -> None:
    parts = list(halves(speaker.saying(b"hello")))
    parts.insert(where, b"")
    speaker.write(*[encoded(CONT if n else TEXT, part, fin=n == 2) for n, part in enumerate(parts)])
    speaker.assert_heard()


def test_a_message_of_empty_fragments_is_an_empty_message(speaker: Speaker) -> None:
    speaker.write(encoded(TEXT, fin=False), encoded(CONT, fin=False), encoded(CONT))
    assert speaker.close_code() == 1007


def test_binary_is_refused_at_its_first_fragment(speaker: Speaker) -> None:
    speaker.send(BINARY, b"x", fin=False)
    assert speaker.close_code() == 1003


def test_a_close_between_fragments_ends_the_connection(speaker: Speaker) -> None:
    speaker.send(TEXT, b"[", fin=False)
    speaker.send(CLOSE, closing(1000))
    assert speaker.close_code() in {1000, 1002}


def test_two_fragmented_messages_after_each_other(speaker: Speaker) -> None:
    for text in (b"one", b"two"):
        first, last = halves(speaker.saying(text))
        speaker.write(encoded(TEXT, first, fin=False), encoded(CONT, last))
        speaker.assert_heard(text)
