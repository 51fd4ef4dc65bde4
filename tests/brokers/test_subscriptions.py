"""What a connection is told, turn by turn; the test plays Redis and confirms when it likes."""

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from hub.brokers.connection import Connection
from hub.brokers.subscriptions import BATCH, CLASSIC, Subscriptions


class Line:
    """What was said over a connection."""

    def __init__(self) -> None:
        self.said: list[tuple[bytes, list[bytes]]] = []

    def subscribe(self, verb: bytes, channels: Sequence[bytes]) -> None:
        self.said.append((verb, sorted(channels)))


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def subscriptions(line: Line) -> Subscriptions:
    """Of a connection that has just begun."""
    found = Subscriptions(CLASSIC)
    found.begin(cast("Connection", line))
    return found


async def turn() -> None:
    """Let everything run that is due."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_listening_ends_with_the_confirmation(subscriptions: Subscriptions, line: Line) -> None:
    listening = asyncio.create_task(subscriptions.listen([b"a"]))
    await turn()
    assert line.said == [(b"SUBSCRIBE", [b"a"])]
    assert not listening.done()
    subscriptions.confirmed(b"a")
    await listening
    await subscriptions.listen([b"a"])
    assert len(line.said) == 1


async def test_what_is_asked_in_one_turn_is_one_command(subscriptions: Subscriptions, line: Line) -> None:
    tasks = [asyncio.create_task(subscriptions.listen([b"%d" % n])) for n in range(9)]
    await turn()
    assert line.said == [(b"SUBSCRIBE", [b"%d" % n for n in range(9)])]
    for n in range(9):
        subscriptions.confirmed(b"%d" % n)
    await asyncio.gather(*tasks)


async def test_very_many_are_asked_for_in_batches(line: Line) -> None:
    subscriptions = Subscriptions(CLASSIC)
    await subscriptions.listen([b"%d" % n for n in range(2 * BATCH + 1)])
    subscriptions.begin(cast("Connection", line))
    assert [len(channels) for _, channels in line.said] == [BATCH, BATCH, 1]


async def test_a_confirmation_of_before_does_not_count_for_now(subscriptions: Subscriptions, line: Line) -> None:
    """Between the two Redis carries out the UNSUBSCRIBE: what is published then would be missed."""
    first = asyncio.create_task(subscriptions.listen([b"a"]))
    await turn()
    subscriptions.ignore([b"a"])
    await turn()
    second = asyncio.create_task(subscriptions.listen([b"a"]))
    await turn()
    assert [verb for verb, _ in line.said] == [b"SUBSCRIBE", b"UNSUBSCRIBE", b"SUBSCRIBE"]
    subscriptions.confirmed(b"a")
    await turn()
    assert not second.done()
    subscriptions.confirmed(b"a")
    await asyncio.gather(first, second)


async def test_what_is_given_up_and_wanted_again_in_one_turn_is_left_alone(
    subscriptions: Subscriptions, line: Line
) -> None:
    listening = asyncio.create_task(subscriptions.listen([b"a"]))
    await turn()
    subscriptions.confirmed(b"a")
    await listening
    subscriptions.ignore([b"a"])
    await subscriptions.listen([b"a"])
    await turn()
    assert line.said == [(b"SUBSCRIBE", [b"a"])]


async def test_what_is_given_up_before_it_was_asked_for_is_not_waited_for(
    subscriptions: Subscriptions, line: Line
) -> None:
    listening = asyncio.create_task(subscriptions.listen([b"a"]))
    await asyncio.sleep(0)
    subscriptions.ignore([b"a"])
    await listening
    assert line.said == []


async def test_without_a_connection_nobody_waits_and_the_next_one_is_told(
    subscriptions: Subscriptions, line: Line
) -> None:
    waiting = asyncio.create_task(subscriptions.listen([b"a"]))
    await turn()
    subscriptions.end()
    await waiting
    await subscriptions.listen([b"b"])
    subscriptions.ignore([b"a"])
    line.said.clear()
    subscriptions.begin(cast("Connection", line))
    assert line.said == [(b"SUBSCRIBE", [b"b"])]
    assert len(subscriptions) == 1


async def test_confirmations_of_a_lost_connection_do_not_count_for_the_next(
    subscriptions: Subscriptions, line: Line
) -> None:
    lost = asyncio.create_task(subscriptions.listen([b"a"]))
    await turn()
    subscriptions.end()
    await lost
    subscriptions.begin(cast("Connection", line))
    again = asyncio.create_task(subscriptions.listen([b"a"]))
    await turn()
    assert not again.done()
    subscriptions.confirmed(b"a")
    await again
