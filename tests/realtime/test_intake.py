"""Events arrive in order and whole, whatever the broker did with them."""

from pathlib import Path

import pytest

from channels.envelope import LoggedEvent
from hub.kernel import metrics
from tests.realtime.world import CALLS, SUPERVISOR, USERS, World, data, mine, ours, silent


def healed() -> float:
    return metrics.REGISTRY.get_sample_value("hub_healed_events_total") or 0.0


async def test_events_arrive_in_order_with_their_positions(world: World) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS)
    await world.publish(mine(), 1, 2)
    await world.publish(mine(), 3)
    await world.settled()
    assert desk.events == [(CALLS, 1, 1), (CALLS, 2, 2), (CALLS, 3, 3)]


async def test_an_event_that_comes_twice_is_delivered_once(world: World) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS)
    await world.publish(mine(), 1, 2)
    for seq in (1, 2, 2, 1):
        world.node.intake.event(LoggedEvent(mine(), seq, data(99)))
    await world.settled()
    assert desk.numbers() == [1, 2]


async def test_a_hole_is_filled_from_the_log(world: World, tmp_path: Path) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS)
    before = healed()
    async with silent(world, tmp_path) as dead:
        await world.publish(mine(), 1)
        await dead(mine(), 2, 3)
        await world.settled()
        assert desk.numbers() == [1]
        await world.publish(mine(), 4)
    await world.settled()
    assert desk.events == [(CALLS, n, n) for n in (1, 2, 3, 4)]
    assert healed() - before == 3


async def test_a_hole_longer_than_a_page_is_filled(world: World, tmp_path: Path) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS)
    async with silent(world, tmp_path) as dead:
        await dead(mine(), *range(1, 1301))
    await world.publish(mine(), 1301)
    await world.settled()
    assert desk.numbers() == list(range(1, 1302))


async def test_a_publisher_that_died_after_its_commit_is_found_by_the_heartbeat(world: World, tmp_path: Path) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS)
    async with silent(world, tmp_path) as dead:
        await dead(mine(), 1, 2)
    await world.settled()
    assert desk.numbers() == []
    await world.heartbeat.beat()
    await world.settled()
    assert desk.numbers() == [1, 2]
    await world.heartbeat.beat()
    await world.settled()
    assert desk.numbers() == [1, 2]


async def test_a_new_stream_under_a_pattern_is_found_by_the_heartbeat_from_its_beginning(
    world: World, tmp_path: Path
) -> None:
    desk = world.desk().open()
    await desk.subscribe("/walls/**")
    async with silent(world, tmp_path) as dead:
        await dead(ours("/walls/a/b"), 1, 2)
        await dead(ours("/walls/a/b", "globex"), 99)
    await world.heartbeat.beat()
    await world.settled()
    assert desk.events == [("/walls/a/b", 1, 1), ("/walls/a/b", 2, 2)]


async def test_a_new_stream_of_which_the_first_events_were_lost_is_heard_from_its_beginning(
    world: World, tmp_path: Path
) -> None:
    desk = world.desk().open()
    await desk.subscribe("/walls/**")
    async with silent(world, tmp_path) as dead:
        await dead(ours("/walls/x"), 1, 2)
    await world.publish(ours("/walls/x"), 3)
    await world.settled()
    assert desk.numbers("/walls/x") == [1, 2, 3]


async def test_a_broker_that_lost_track_makes_the_heartbeat_look_at_everything(world: World, tmp_path: Path) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS)
    async with silent(world, tmp_path) as dead:
        await dead(mine(), 1)
    world.clock.advance(3600)
    world.heartbeat._looked_at = world.clock.now()  # as if it had looked all the time, and seen nothing
    await world.heartbeat.beat()
    await world.settled()
    assert desk.numbers() == []
    world.node.intake.interrupted()
    await world.heartbeat.beat()
    await world.settled()
    assert desk.numbers() == [1]
    assert world.node.intake.suspicious is False


async def test_a_broken_healing_is_tried_again(world: World, tmp_path: Path) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS)

    async def fails() -> None:
        raise OSError("the disk")

    async with silent(world, tmp_path) as dead:
        await dead(mine(), 1)
    world.db.hook = fails
    await world.publish(mine(), 2)
    await world.settled()
    assert desk.numbers() == []
    world.db.hook = None
    await world.heartbeat.beat()
    await world.settled()
    assert desk.numbers() == [1, 2]


async def test_live_events_during_a_healing_keep_the_order(world: World, tmp_path: Path) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS)
    numbers = iter(range(4, 8))

    async def live() -> None:
        if (number := next(numbers, None)) is not None:
            await world.publish(mine(), number)

    async with silent(world, tmp_path) as dead:
        await dead(mine(), 1, 2)
    world.db.hook = live
    await world.publish(mine(), 3)
    await world.settled()
    world.db.hook = None
    assert desk.numbers() == [n for n, _ in enumerate(desk.numbers(), 1)]
    assert desk.numbers()[-1] >= 5


async def test_when_the_log_no_longer_holds_the_hole_the_session_has_to_begin_anew(
    world: World, tmp_path: Path
) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS)
    async with silent(world, tmp_path) as dead:
        await dead(mine(), *range(1, 21))
    await world.trim(5)
    await world.publish(mine(), 21)
    await world.settled()
    assert desk.numbers() == []
    assert desk.line.closed is not None
    assert desk.heard[-1]["error"] == "402::session_unknown"
    assert desk.heard[-1]["advice"]["reconnect"] == "handshake"
    world.nothing_is_left()


async def test_an_event_nobody_listens_to_is_dropped(world: World) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS)
    await world.publish(mine(user="bob"), 1)
    await world.publish(mine(organization="globex"), 2)
    await world.publish(mine("/v2/me"), 3)
    await world.settled()
    assert desk.events == []
    assert [local.stream for local in world.node.streams] == [mine()]


@pytest.mark.parametrize("channel", [CALLS, "/v2/me/devices", "/v2/me"])
async def test_two_organizations_with_the_same_user_never_hear_each_other(world: World, channel: str) -> None:
    here, there = world.desk().open(), world.desk(organization="globex").open()
    await here.subscribe(channel)
    await there.subscribe(channel)
    await world.publish(mine(channel), 1)
    await world.publish(mine(channel, organization="globex"), 2)
    await world.settled()
    assert (here.numbers(channel), there.numbers(channel)) == ([1], [2])


async def test_supervisors_hear_their_own_organization_only(world: World) -> None:
    here = world.desk("sue", SUPERVISOR).open()
    there = world.desk("sue", SUPERVISOR, organization="globex").open()
    await here.subscribe(USERS)
    await there.subscribe(USERS)
    await world.publish(ours(USERS), 1)
    await world.publish(ours(USERS, "globex"), 2)
    await world.settled()
    assert (here.numbers(USERS), there.numbers(USERS)) == ([1], [2])
