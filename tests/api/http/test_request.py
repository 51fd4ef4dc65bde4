from collections.abc import Sequence

import pytest
from starlette.types import Message, Receive

from api.http.bodies import Disconnected, read_body
from hub.kernel.errors import BadInput, TooLarge


def arriving(*messages: Message) -> tuple[Receive, list[Message]]:
    left = list(messages)

    async def receive() -> Message:
        return left.pop(0)

    return receive, left


def chunks(*parts: bytes) -> Sequence[Message]:
    return [
        {"type": "http.request", "body": part, "more_body": number < len(parts)} for number, part in enumerate(parts, 1)
    ]


async def test_chunks_are_joined() -> None:
    receive, left = arriving(*chunks(b"ab", b"", b"cd"))
    assert await read_body(receive, None, 4) == b"abcd"
    assert left == []


async def test_a_declared_length_over_the_limit_is_refused_unread() -> None:
    receive, left = arriving(*chunks(b"abcde"))
    with pytest.raises(TooLarge):
        await read_body(receive, b"5", 4)
    assert len(left) == 1


async def test_reading_stops_at_the_first_byte_too_many() -> None:
    receive, left = arriving(*chunks(b"abc", b"de", b"never read"))
    with pytest.raises(TooLarge):
        await read_body(receive, None, 4)
    assert len(left) == 1


@pytest.mark.parametrize("declared", [b"9" * 5000, b"1" + b"0" * 15])
async def test_an_absurd_length_is_too_large(declared: bytes) -> None:
    receive, _ = arriving()
    with pytest.raises(TooLarge):
        await read_body(receive, declared, 4)


@pytest.mark.parametrize("declared", [b"", b"-1", b"1e3", b"4, 4", b"\xb2"])
async def test_a_length_that_is_no_number_is_bad(declared: bytes) -> None:
    receive, _ = arriving()
    with pytest.raises(BadInput):
        await read_body(receive, declared, 4)


async def test_a_client_that_left_is_told_apart_from_an_empty_body() -> None:
    receive, _ = arriving({"type": "http.request", "body": b"ab", "more_body": True}, {"type": "http.disconnect"})
    with pytest.raises(Disconnected):
        await read_body(receive, None, 4)
