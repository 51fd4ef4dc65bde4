"""A client that does not keep up holds nobody up, and loses nothing durable."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from hub.kernel import metrics
from hub.realtime.pressure import Bounds, size_of
from hub.realtime.recovery import PAGE
from hub.realtime.session import LARGEST_ANSWER
from tests.realtime.world import CALLS, DEVICES, Desk, World, mine, opened, ours, silent

BOUNDS = Bounds(events=8, size=1000)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, BOUNDS) as opened_world:
        yield opened_world


def undelivered(reason: str) -> float:
    return metrics.REGISTRY.get_sample_value("hub_undelivered_total", {"reason": reason}) or 0.0


async def stuck(world: World, *channels: str) -> Desk:
    """A client that has subscribed and reads no more."""
    desk = world.desk().open()
    await desk.subscribe(*(channels or (CALLS,)))
    desk.line.block()
    return desk


def within(desk: Desk) -> bool:
    return not BOUNDS.exceeded(len(desk.session.queue), size_of(desk.session.queue))


async def test_what_waits_is_bounded_and_nothing_is_lost(world: World) -> None:
    desk = await stuck(world)
    before = undelivered("queue_overflow")
    for number in range(1, 101):
        await world.publish(mine(), number)
        assert len(desk.session.queue) <= BOUNDS.events + 1
    await world.settled()
    assert within(desk)
    assert desk.events == []
    assert undelivered("queue_overflow") > before
    desk.line.resume()
    await world.settled()
    assert desk.events == [(CALLS, n, n) for n in range(1, 101)]
    assert not desk.session.behind
    await world.publish(mine(), 101)
    await world.settled()
    assert desk.numbers()[-1] == 101


async def test_events_that_arrive_while_it_reads_on_keep_their_order(world: World) -> None:
    desk = await stuck(world)
    await world.publish_each(mine(), range(1, 51))
    await world.settled()
    coming = iter(range(51, 90))

    async def live() -> None:
        if (number := next(coming, None)) is not None:
            await world.publish(mine(), number)

    world.db.hook = live
    desk.line.resume()
    await world.settled()
    world.db.hook = None
    await world.publish(mine(), next(coming))
    await world.settled()
    assert desk.numbers() == list(range(1, next(coming)))


@pytest.mark.parametrize("seed", range(8))
async def test_a_client_that_stops_and_goes_hears_every_event_once(world: World, seed: int) -> None:
    random = Random(seed)
    desk = await stuck(world, CALLS, DEVICES, "/walls/**")
    published: dict[str, list[int]] = {CALLS: [], DEVICES: [], "/walls/a": []}
    for number in range(1, 400):
        channel = random.choice(list(published))
        stream = ours(channel) if channel == "/walls/a" else mine(channel)
        await world.publish(stream, number, size=random.choice([0, 0, 50, 400]))
        published[channel].append(number)
        match random.randrange(12):
            case 0:
                desk.line.resume()
            case 1 | 2:
                desk.line.block()
            case 3:
                desk.reconnect()
            case 4:
                await world.settled()
                assert within(desk)
            case _:
                pass
    desk.line.resume()
    await world.settled()
    assert {channel: desk.numbers(channel) for channel in published} == published


async def test_a_hole_in_the_log_is_no_hole_in_what_is_read_on(world: World, tmp_path: Path) -> None:
    """What memory holds from before the hole is not followed by what comes after it."""
    desk = await stuck(world)
    await world.publish_each(mine(), range(1, 21))
    await world.settled()
    async with silent(world, tmp_path) as dead:
        await dead(mine(), *range(21, 41))
    await world.trim(5)
    await world.heartbeat.beat()
    await world.settled()
    desk.line.resume()
    await world.settled()
    assert desk.numbers() == list(range(1, len(desk.numbers()) + 1))
    assert desk.heard[-1]["error"] == "402::session_unknown"


async def test_one_event_larger_than_the_bound_is_delivered(world: World) -> None:
    desk = await stuck(world)
    await world.publish(mine(), 1, size=5000)
    await world.publish(mine(), 2, 3, size=5000)
    await world.settled()
    assert len(desk.session.queue) == 1
    desk.line.resume()
    await world.settled()
    assert desk.numbers() == [1, 2, 3]


async def test_a_polling_client_far_behind_is_served_page_by_page(world: World) -> None:
    """And nobody reads the same page again and again while it is away."""
    await world.publish(mine(), *range(1, PAGE + 1), size=300)
    desk = world.desk()
    desk.shake(over=desk.post)
    desk.poll()
    desk.post(desk.ask(CALLS, replay={CALLS: 0}))
    reads = 0

    async def counted() -> None:
        nonlocal reads
        reads += 1

    await world.settled()
    world.db.hook = counted
    await world.settled()
    assert reads == 0
    heard: list[int] = []
    while len(heard) < PAGE:
        poll = desk.poll()
        await world.settled()
        assert poll.answered
        assert poll.heard[-1]["channel"] == "/meta/connect"
        new = [each["data"]["n"] for each in poll.heard[:-1]]
        assert 1 <= len(new) <= BOUNDS.events
        heard += new
    assert heard == list(range(1, PAGE + 1))


async def test_ephemeral_events_are_dropped_and_counted(world: World) -> None:
    desk = await stuck(world, "/chat/**", CALLS)
    dropped = undelivered("ephemeral_overflow")
    await world.publish(mine(), 1)
    for number in range(2, 30):
        world.announce(ours("/chat/x"), number)
    await world.publish(mine(), 30)
    await world.settled()
    desk.line.resume()
    await world.settled()
    arrived = desk.numbers("/chat/x")
    assert undelivered("ephemeral_overflow") - dropped == 28 - len(arrived)
    assert undelivered("ephemeral_overflow") > dropped
    assert arrived == sorted(set(arrived))
    assert desk.numbers() == [1, 30]


async def test_others_are_not_held_up(world: World) -> None:
    await stuck(world)
    other = world.desk().open()
    await other.subscribe(CALLS)
    await world.publish_each(mine(), range(1, 51))
    await world.settled()
    assert other.numbers() == list(range(1, 51))


async def test_a_client_that_leaves_while_stuck_leaves_nothing(world: World) -> None:
    desk = await stuck(world)
    await world.publish_each(mine(), range(1, 51))
    await world.settled()
    ended = undelivered("session_ended")
    waiting = len(desk.session.queue)
    world.node.end_user("acme", "alice", "403::session_kicked")
    await world.settled()
    assert undelivered("session_ended") - ended == waiting > 0
    world.nothing_is_left()


async def test_an_unsubscribe_while_stuck_ends_the_reading_on(world: World) -> None:
    desk = await stuck(world, CALLS, DEVICES)
    await world.publish_each(mine(), range(1, 51))
    await world.publish_each(mine(DEVICES), range(1, 51))
    await world.settled()
    await desk.unsubscribe(CALLS)
    desk.line.resume()
    await world.settled()
    assert desk.numbers(DEVICES) == list(range(1, 51))
    assert len(desk.numbers()) <= BOUNDS.events
    assert not desk.session.behind


async def test_an_answer_stays_below_what_clients_can_take(tmp_path: Path) -> None:
    async with opened(tmp_path, Bounds(events=1000, size=10**9)) as world:
        desk = world.desk()
        desk.shake(over=desk.post)
        desk.poll()
        desk.post(desk.ask(CALLS))
        await world.settled()
        await world.publish(mine(), *range(1, 31), size=60_000)
        await world.settled()
        answers = []
        for _ in range(3):
            poll = desk.poll()
            await world.settled()
            answers.append([each["data"]["n"] for each in poll.heard if "data" in each])
        assert [number for numbers in answers for number in numbers] == list(range(1, 31))
        assert max(len(numbers) for numbers in answers) * 60_000 <= LARGEST_ANSWER
