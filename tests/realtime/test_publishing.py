"""What clients publish themselves."""

import json

import pytest

from hub.store.streams import history
from tests.realtime.world import CALLS, SUPERVISOR, USERS, World, ours


async def kept(world: World, channel: str) -> list[tuple[int, bytes]]:
    events = await world.db.read(lambda tx: history(tx, ours(channel), 0, 100))
    return [(event.seq, event.data) for event in events]


async def test_an_ephemeral_channel_goes_to_everybody_listening_and_is_not_kept(world: World) -> None:
    alice, bob, there = world.desk().open(), world.desk("bob").open(), world.desk(organization="globex").open()
    for desk in (alice, bob, there):
        await desk.subscribe("/chat/**")
    reply = await alice.publish("/chat/room", {"n": 1})
    assert reply == {"channel": "/chat/room", "id": reply["id"], "successful": True}
    await bob.publish("/chat/room", {"n": 2})
    assert alice.events == bob.events == [("/chat/room", None, 1), ("/chat/room", None, 2)]
    assert there.events == []
    assert await kept(world, "/chat/room") == []


async def test_a_durable_channel_is_kept_and_numbered(world: World) -> None:
    alice, bob = world.desk().open(), world.desk("bob").open()
    await bob.subscribe("/walls/a")
    assert (await alice.publish("/walls/a", {"n": 1}))["successful"]
    assert (await bob.publish("/walls/a", {"n": 2}))["successful"]
    assert bob.events == [("/walls/a", 1, 1), ("/walls/a", 2, 2)]
    assert await kept(world, "/walls/a") == [(1, b'{"n": 1}'), (2, b'{"n": 2}')]
    late = world.desk("carol").open()
    await late.subscribe("/walls/a", replay={"/walls/a": 1})
    assert late.events == [("/walls/a", 2, 2)]


async def test_a_positive_answer_means_that_the_event_is_in_the_log(world: World) -> None:
    desk = world.desk().open()
    polls = [desk.post(desk.message("/walls/a", data={"n": n})) for n in range(1, 21)]
    await world.settled()
    assert all(poll.heard[-1]["successful"] for poll in polls)
    assert [json.loads(data)["n"] for _, data in await kept(world, "/walls/a")] == list(range(1, 21))


@pytest.mark.parametrize(
    ("role", "channel", "error"),
    [
        *(("ROLE_AGENT", channel, "403") for channel in ("/v2/me", CALLS, "/v2/me/devices", USERS)),
        (SUPERVISOR, USERS, "403"),
        (SUPERVISOR, "/chat/x", "403"),
        ("ROLE_AGENT", "/news", "403"),
        ("ROLE_AGENT", "/nobody/knows", "403"),
        ("ROLE_AGENT", "/chat/*", "405"),
        ("ROLE_AGENT", "/chat/**", "405"),
        ("ROLE_AGENT", "/meta/subscribe/x", "403"),
        ("ROLE_AGENT", "/chat//x", "405"),
        ("ROLE_AGENT", "chat", "405"),
    ],
)
async def test_where_one_may_not_publish(world: World, role: str, channel: str, error: str) -> None:
    desk, other = world.desk("alice", role).open(), world.desk("alice", "ROLE_AGENT", SUPERVISOR).open()
    await other.subscribe("/**")
    reply = await desk.publish(channel, {"n": 1})
    assert not reply["successful"]
    assert reply["error"].startswith(error)
    assert "advice" not in reply
    assert other.events == []


@pytest.mark.parametrize("data", [None, "text", 7, [1], True])
async def test_a_durable_channel_takes_objects_only(world: World, data: object) -> None:
    desk = world.desk().open()
    reply = await desk.publish("/walls/a", data)
    assert (reply["successful"], reply["error"]) == (False, "400::data_missing")
    assert await kept(world, "/walls/a") == []


async def test_a_database_that_fails_is_told_and_nothing_is_delivered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = world.desk().open()
    await desk.subscribe("/walls/a")

    async def fails(_: object) -> None:
        raise OSError("the disk")

    with monkeypatch.context() as patched:
        patched.setattr(world.db, "write", fails)
        reply = await desk.publish("/walls/a", {"n": 1})
    assert (reply["successful"], reply["error"]) == (False, "500::internal_error")
    assert desk.events == []
    assert (await desk.publish("/walls/a", {"n": 2}))["successful"]
    assert desk.events == [("/walls/a", 1, 2)]
