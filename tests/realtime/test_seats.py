"""How many sessions a user, an organization and everybody may have."""

from pathlib import Path
from typing import Any

import pytest

from hub.kernel import metrics
from hub.realtime.pressure import Bounds
from tests.realtime.world import Desk, World, opened


def refused(limit: str) -> float:
    return metrics.REGISTRY.get_sample_value("hub_refused_total", {"limit": limit}) or 0.0


def turned_away(desk: Desk) -> Any:
    """What a client is told for whom there is no seat."""
    desk.say(desk.message("/meta/handshake", version="1.0"))
    reply = desk.heard[-1]
    assert (reply["successful"], reply["error"]) == (False, "503::too_many_sessions")
    assert reply["advice"]["reconnect"] == "handshake"
    assert 1 <= reply["advice"]["interval"] <= 5000
    assert "clientId" not in reply
    return reply


@pytest.mark.parametrize(
    ("bounds", "limit", "others"),
    [
        (Bounds(user_sessions=3), "user_sessions", [("bob", "acme")]),
        (Bounds(organization_sessions=3), "organization_sessions", [("alice", "globex")]),
        (Bounds(sessions=3), "sessions", []),
    ],
)
async def test_beyond_its_limit_nobody_gets_a_session(
    tmp_path: Path, bounds: Bounds, limit: str, others: list[tuple[str, str]]
) -> None:
    async with opened(tmp_path, bounds) as world:
        desks = [world.desk().open() for _ in range(3)]
        before = refused(limit)
        turned_away(world.desk())
        assert refused(limit) == before + 1
        for user, organization in others:
            world.desk(user, organization=organization).open()
        assert len(world.node.sessions()) == 3 + len(others)
        desks[0].say(desks[0].message("/meta/disconnect"))
        world.desk().open()
        turned_away(world.desk())


async def test_a_session_that_its_client_has_left_makes_room_for_the_same_user(tmp_path: Path) -> None:
    async with opened(tmp_path, Bounds(user_sessions=3)) as world:
        desks = [world.desk().open() for _ in range(3)]
        for desk in desks[1:]:
            desk.line.lose()
        before = refused("user_sessions_left_alone")
        world.desk().open()
        assert refused("user_sessions_left_alone") == before + 1
        alive = {session.client_id for session in world.node.sessions()}
        assert desks[0].client_id in alive
        assert desks[1].client_id not in alive
        assert desks[2].client_id in alive
        world.desk().open()
        turned_away(world.desk())


async def test_a_poll_that_is_held_keeps_its_seat(tmp_path: Path) -> None:
    async with opened(tmp_path, Bounds(user_sessions=1)) as world:
        polling = world.desk()
        polling.shake(over=polling.post)
        polling.poll()
        held = polling.poll()
        turned_away(world.desk())
        assert not held.answered


async def test_seats_are_free_again_when_all_have_gone(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        for desk in [world.desk(user, organization=where).open() for user in "ab" for where in ("acme", "globex")]:
            desk.say(desk.message("/meta/disconnect"))
        await world.settled()
        assert world.node.seats._of_user == {}
        assert not world.node.seats._of_organization


async def published(world: World, desk: Desk, count: int) -> list[Any]:
    return [await desk.publish("/chat/room", {"n": number}) for number in range(count)]


async def test_a_user_may_not_publish_more_than_so_much(tmp_path: Path) -> None:
    async with opened(tmp_path, Bounds(publishes=5)) as world:
        listener, desk, tab, other = (
            world.desk("eve").open(),
            world.desk().open(),
            world.desk().open(),
            world.desk("bob").open(),
        )
        await listener.subscribe("/chat/room")
        assert all(reply["successful"] for reply in await published(world, desk, 10))
        before = refused("publishes")
        for reply in await published(world, desk, 2) + await published(world, tab, 1):
            assert (reply["successful"], reply["error"]) == (False, "429::too_many_publishes")
        assert refused("publishes") == before + 3
        assert len(listener.events) == 10
        assert (await other.publish("/chat/room", {"n": 0}))["successful"]
        world.turn(1)
        assert [reply["successful"] for reply in await published(world, tab, 6)] == [True] * 5 + [False]
