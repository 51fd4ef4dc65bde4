"""Sessions that acknowledge: nothing is lost while they live, and what waits for them is bounded all the same."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hub.kernel import metrics
from hub.realtime.pressure import Bounds
from tests.realtime.world import CALLS, DEVICES, Desk, Line, Request, World, mine, opened, ours

BOUNDS = Bounds(events=8, size=2000)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, BOUNDS) as opened_world:
        yield opened_world


def undelivered(reason: str) -> float:
    return metrics.REGISTRY.get_sample_value("hub_undelivered_total", {"reason": reason}) or 0.0


class Acknowledging:
    """A client with the extension, which polls and counts batches as CometD's clients do."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.desk = world.desk()
        self.batch = 0
        self.numbers: list[int] = []

    async def open(self, *channels: str, replay: dict[str, int] | None = None) -> "Acknowledging":
        shake = self.desk.message("/meta/handshake", version="1.0", ext={"ack": True, "replay": replay is not None})
        [reply] = self.desk.post(shake).heard
        assert reply["ext"]["ack"] is True
        self.desk.client_id = reply["clientId"]
        await self.poll()
        self.desk.post(self.desk.ask(*channels, replay=replay))
        await self._world.settled()
        return self

    async def send(self) -> Request:
        """A connect; the caller decides whether its answer arrives."""
        request = self.desk.poll(ext={"ack": self.batch})
        await self._world.settled()
        return request

    def take(self, request: Request) -> list[int]:
        """The answer arrives. The numbers of its events."""
        *events, reply = request.heard
        self.batch = reply["ext"]["ack"]
        numbers = [event["data"]["n"] for event in events]
        self.numbers += numbers
        return numbers

    async def poll(self) -> list[int]:
        return self.take(await self.send())


async def opened_client(world: World, *channels: str, replay: dict[str, int] | None = None) -> Acknowledging:
    return await Acknowledging(world).open(*(channels or (CALLS,)), replay=replay)


def kept(client: Acknowledging) -> int:
    """How many events the session keeps in memory."""
    session = client.desk.session
    return len(session._unacked) + len(session.queue)


async def test_a_lost_answer_comes_again_with_what_is_new(world: World) -> None:
    client = await opened_client(world)
    await world.publish(mine(), 1, 2)
    lost = await client.send()
    assert lost.answered
    await world.publish(mine(), 3)
    assert await client.poll() == [1, 2, 3]
    await world.publish(mine(), 4)
    assert await client.poll() == [4]
    assert not (await client.send()).answered, "everything is acknowledged: nothing to hurry for"


async def test_a_client_that_comes_back_is_answered_at_once_with_what_it_has_not_acknowledged(world: World) -> None:
    client = await opened_client(world)
    await world.publish(mine(), 1)
    await client.send()
    again = await client.send()
    assert again.answered
    assert client.take(again) == [1]


async def test_a_client_far_behind_gets_all_of_it_once_and_in_order(world: World) -> None:
    client = await opened_client(world)
    held: list[int] = []
    for number in range(1, 101):
        await world.publish(mine(), number)
        held.append(kept(client))
    await world.settled()
    assert max(held) <= BOUNDS.events + 1
    while len(client.numbers) < 100:
        assert await client.poll(), client.numbers
    assert client.numbers == list(range(1, 101))
    await world.publish(mine(), 101)
    assert await client.poll() == [101]


async def test_what_exceeds_the_bound_while_an_answer_is_unacknowledged_is_read_again_and_not_repeated(
    world: World,
) -> None:
    client = await opened_client(world)
    await world.publish(mine(), *range(1, 7))
    assert await client.poll() == [1, 2, 3, 4, 5, 6]
    await world.publish_each(mine(), range(7, 40))
    await world.settled()
    assert kept(client) <= BOUNDS.events
    while client.numbers[-1] < 39:
        assert await client.poll()
    assert client.numbers == list(range(1, 40))


async def test_what_exceeds_the_bound_after_a_lost_answer_is_not_lost(world: World) -> None:
    client = await opened_client(world)
    await world.publish(mine(), *range(1, 7))
    await client.send()
    await world.publish_each(mine(), range(7, 40))
    await world.settled()
    assert kept(client) <= BOUNDS.events
    while not client.numbers or client.numbers[-1] < 39:
        assert await client.poll()
    assert client.numbers == list(range(1, 40))


async def test_ephemeral_events_beyond_the_bound_are_counted(world: World) -> None:
    client = await opened_client(world, "/chat/**", CALLS)
    dropped = undelivered("ephemeral_overflow")
    await world.publish(mine(), 1)
    for number in range(2, 30):
        world.announce(ours("/chat/x"), number)
        await world.settled()
    await world.publish(mine(), 30)
    while 30 not in client.numbers:
        assert await client.poll()
    lost = undelivered("ephemeral_overflow") - dropped
    assert lost > 0
    assert len(client.numbers) == 30 - lost
    assert [number for number in client.numbers if number in (1, 30)] == [1, 30]


@pytest.mark.parametrize("number", [None, 0, -1, 1, 2**40], ids=repr)
async def test_cve_2025_53114_whoever_never_acknowledges_fills_no_memory(world: World, number: Any) -> None:
    """It gets the same events again and again, however it polls."""
    client = await opened_client(world)
    for round_ in range(40):
        await world.publish(mine(), *range(round_ * 5 + 1, round_ * 5 + 6))
        request = client.desk.poll(ext={"ack": number})
        await world.settled()
        assert kept(client) <= BOUNDS.events + 5
        if request.answered:
            assert [event["data"]["n"] for event in request.heard[:-1]][:1] in ([], [1])


async def test_replay_and_acknowledgement_together(world: World) -> None:
    await world.publish(mine(), *range(1, 31))
    client = await opened_client(world, CALLS, replay={CALLS: 10})
    while not client.numbers or client.numbers[-1] < 30:
        lost = await client.send()
        assert lost.answered
        assert await client.poll()
    assert client.numbers == list(range(11, 31))


async def test_over_a_socket_events_come_with_connects_and_are_kept_when_it_breaks(world: World) -> None:
    client = await opened_client(world)
    desk = client.desk
    say(desk, 0)
    await world.publish(mine(), 1, 2)
    await world.settled()
    assert desk.numbers() == [1, 2]
    desk.line.lose()
    desk.line = Line(desk.credentials)
    desk._lines = [desk.line]
    say(desk, 0)
    await world.settled()
    assert desk.numbers() == [1, 2]
    say(desk, desk.heard[-1]["ext"]["ack"])
    await world.publish(mine(), 3)
    await world.settled()
    assert desk.numbers() == [1, 2, 3]


def say(desk: Desk, batch: int) -> None:
    desk.say(desk.message("/meta/connect", connectionType="websocket", ext={"ack": batch}))


async def test_several_streams_keep_their_order_each(world: World) -> None:
    client = await opened_client(world, CALLS, DEVICES)
    for number in range(1, 60, 2):
        await world.publish(mine(), number)
        await world.publish(mine(DEVICES), number + 1)
    await world.settled()
    for _ in range(60):
        if len(client.numbers) == 60:
            break
        assert await client.poll()
    assert [number for number in client.numbers if number % 2] == list(range(1, 60, 2))
    assert [number for number in client.numbers if number % 2 == 0] == list(range(2, 61, 2))
