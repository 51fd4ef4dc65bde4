import asyncio

import pytest

from hub.realtime.drain import SERVICE_RESTART, drain
from hub.realtime.node import LATEST_RETURN
from tests.realtime.world import CALLS, Request, World, mine


def polling(world: World) -> Request:
    """A held connect of a client that polls."""
    desk = world.desk()
    desk.shake(over=desk.post)
    desk.poll()
    return desk.poll()


async def test_sockets_are_told_when_to_come_back_and_closed(world: World) -> None:
    desks = [world.desk().open() for _ in range(3)]
    await drain(world.node, 0.1)
    for desk in desks:
        assert desk.heard[-1]["successful"]
        assert 1 <= desk.heard[-1]["advice"]["interval"] <= LATEST_RETURN
        assert desk.line.closed == (SERVICE_RESTART, "restart")
        assert desk.line.closes_after > 0


async def test_held_polls_are_answered_with_intervals_of_their_own(world: World) -> None:
    polls = [polling(world) for _ in range(20)]
    await drain(world.node, 0.1)
    replies = [poll.heard[-1] for poll in polls]
    assert all(reply["successful"] and reply["advice"]["reconnect"] == "retry" for reply in replies)
    intervals = [reply["advice"]["interval"] for reply in replies]
    assert all(1 <= interval <= LATEST_RETURN for interval in intervals)
    assert len(set(intervals)) > 10


async def test_a_client_that_takes_intervals_for_seconds_gets_none(world: World) -> None:
    desk = world.desk()
    desk.credentials = world.node.admission.credentials(f"Bearer {desk.token}", "", "aiohttp/3.9")
    desk.shake(over=desk.post)
    desk.poll()
    poll = desk.poll()
    await drain(world.node, 0.05)
    assert poll.heard[-1]["advice"]["interval"] == 0


async def test_waiting_events_leave_with_the_farewell(world: World) -> None:
    desk = world.desk()
    desk.shake(over=desk.post)
    desk.poll()
    desk.post(desk.ask(CALLS))
    await world.settled()
    poll = desk.poll()
    await world.publish(mine(), 1)
    await drain(world.node, 0.05)
    assert [each["channel"] for each in poll.heard] == [CALLS, "/meta/connect"]


async def test_newcomers_are_refused_with_a_time_to_come_back(world: World) -> None:
    await drain(world.node, 0.05)
    desk = world.desk()
    [reply] = desk.post(desk.message("/meta/handshake", version="1.0")).heard
    assert (reply["successful"], reply["error"]) == (False, "503::draining")
    assert reply["advice"]["reconnect"] == "handshake"
    assert 1 <= reply["advice"]["interval"] <= LATEST_RETURN


async def test_a_client_that_comes_back_during_the_drain_is_not_held(world: World) -> None:
    desk = world.desk()
    desk.shake(over=desk.post)
    desk.poll()
    task = asyncio.create_task(drain(world.node, 0.2))
    await asyncio.sleep(0)
    poll = desk.poll()
    assert poll.answered
    assert poll.heard[-1]["advice"]["interval"] >= 1
    await task


@pytest.mark.parametrize("patience", [10.0, 1000.0])
async def test_a_handful_of_sessions_does_not_take_the_whole_time(world: World, patience: float) -> None:
    world.desk().open()
    async with asyncio.timeout(5):
        await drain(world.node, patience)
    assert world.node.draining
