"""Sessions between transports: where events go, what ends them, and what is left then."""

import json

import pytest

from hub.bayeux import codec
from hub.kernel import metrics
from hub.realtime.ports import Credentials
from tests.realtime.world import CALLS, Line, World, decoded, mine, ours


async def test_events_wait_for_a_client_whose_poll_broke(world: World) -> None:
    desk = world.desk()
    desk.shake(over=desk.post)
    desk.poll()
    desk.post(desk.ask(CALLS))
    await world.settled()
    poll = desk.poll()
    assert not poll.answered
    desk.session.lost(poll)
    await world.publish(mine(), 1, 2)
    await world.settled()
    assert poll.heard == []
    poll = desk.poll()
    await world.settled()
    assert [each["data"]["n"] for each in poll.heard[:-1]] == [1, 2]


async def test_a_held_poll_is_answered_with_the_event_first(world: World) -> None:
    desk = world.desk()
    desk.shake(over=desk.post)
    desk.poll()
    desk.post(desk.ask(CALLS))
    await world.settled()
    poll = desk.poll()
    await world.publish(mine(), 1)
    await world.settled()
    assert [each["channel"] for each in poll.heard] == [CALLS, "/meta/connect"]


async def test_a_session_moves_from_polling_to_a_socket_and_back(world: World) -> None:
    desk = world.desk()
    desk.shake(over=desk.post)
    desk.poll()
    await desk.subscribe(CALLS)
    await world.publish(mine(), 1)
    await world.settled()
    assert desk.numbers() == [1]
    poll = desk.poll()
    await world.publish(mine(), 2)
    await world.settled()
    assert [each["data"]["n"] for each in poll.heard[:-1]] == [2]
    assert desk.numbers() == [1]
    desk.connect()
    await world.publish(mine(), 3)
    await world.settled()
    assert desk.numbers() == [1, 3]


async def test_events_go_to_the_newest_socket(world: World) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS)
    old = desk.line
    desk.line = Line(desk.credentials)
    desk._lines.append(desk.line)
    desk.say(desk.message("/meta/subscribe", subscription=CALLS))
    await world.publish(mine(), 1)
    await world.settled()
    assert [each for each in old.heard if "data" in each] == []
    assert desk.numbers() == [1]
    old.lose()
    await world.publish(mine(), 2)
    await world.settled()
    assert desk.numbers() == [1, 2]


async def test_a_broken_socket_keeps_the_session_and_what_comes(world: World) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS)
    desk.line.lose()
    await world.publish(mine(), 1, 2)
    world.turn(59)
    desk.reconnect()
    await world.settled()
    assert desk.numbers() == [1, 2]


async def test_a_session_nobody_comes_back_for_ends(world: World) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS, "/walls/**", "/chat/x")
    desk.line.lose()
    world.turn(61)
    await world.settled()
    world.nothing_is_left()


async def test_a_new_handshake_on_a_socket_replaces_the_session_and_keeps_the_socket(world: World) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS)
    former = desk.client_id
    desk.client_id = ""
    desk.shake()
    assert desk.client_id != former
    assert desk.line.closed is None
    assert [session.client_id for session in world.node.sessions()] == [desk.client_id]
    await world.publish(mine(), 1)
    await desk.subscribe(CALLS, replay={CALLS: 0})
    assert desk.numbers() == [1]


def fails(*_: object, **__: object) -> None:
    raise ValueError


async def test_one_session_whose_socket_cannot_be_written_to_does_not_harm_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = world.desk(), world.desk()
    monkeypatch.setattr(broken.line, "write", fails)
    for desk in (broken, sound):
        await desk.open().subscribe(CALLS)
    await world.publish(mine(), 1)
    await world.publish(mine(), 2)
    await world.settled()
    assert sound.numbers() == [1, 2]
    assert broken.heard[-1]["error"] == "402::session_unknown"


async def test_one_session_whose_queue_cannot_be_flushed_does_not_harm_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = world.desk().open(), world.desk().open()
    for desk in (broken, sound):
        await desk.subscribe(CALLS)
        desk.line.block()
    await world.publish(mine(), 1)
    monkeypatch.setattr(broken.line, "write", fails)
    for desk in (broken, sound):
        desk.line.resume()
    await world.settled()
    assert sound.numbers() == [1]
    assert broken.heard[-1]["error"] == "402::session_unknown"


async def test_an_event_that_cannot_be_framed_ends_those_who_wait_for_it_and_nobody_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hit, spared = world.desk().open(), world.desk().open(replay=False)
    for desk in (hit, spared):
        await desk.subscribe(CALLS)
    monkeypatch.setattr(codec, "replayable_event", fails)
    await world.publish(mine(), 1)
    await world.settled()
    assert spared.numbers() == [1]
    assert hit.heard[-1]["error"] == "402::session_unknown"


async def test_a_batch_is_answered_in_order_and_each_message_once(world: World) -> None:
    desk = world.desk()
    desk.shake(over=desk.post)
    messages = [
        desk.ask(CALLS),
        desk.message("/chat/x", data={"n": 1}),
        {**desk.ask("/news"), "clientId": "nobody"},
        desk.ask("/v2/users"),
        desk.message("/meta/unsubscribe", subscription=CALLS),
        desk.message("/meta/connect", connectionType="long-polling"),
        desk.message("/meta/disconnect"),
        desk.ask(CALLS),
    ]
    poll = desk.post(*messages)
    await world.settled()
    assert poll.answered
    stranger = messages[2]["id"]  # is answered at once, as it need not wait for the session
    expected = [message["id"] for message in messages]
    assert sorted(reply["id"] for reply in poll.heard) == sorted(expected)
    assert [r["id"] for r in poll.heard if r["id"] != stranger] == [each for each in expected if each != stranger]


async def test_a_handshake_travels_alone(world: World) -> None:
    desk = world.desk()
    shake = desk.message("/meta/handshake", version="1.0", ext={})
    poll = desk.post(desk.ask(CALLS), shake, desk.message("/meta/connect"))
    assert [reply["channel"] for reply in poll.heard] == ["/meta/handshake"]
    assert poll.answered


async def test_somebody_elses_session_is_unknown(world: World) -> None:
    victim, thief = world.desk("alice").open(), world.desk("mallory")
    await victim.subscribe(CALLS)
    namesake = world.desk("alice", organization="globex")
    for other in (thief, namesake):
        for channel in ("/meta/connect", "/meta/disconnect", "/meta/subscribe", "/chat/x"):
            message = {**victim.message(channel, subscription=CALLS, data={"n": 1}), "clientId": victim.client_id}
            [reply] = other.post(message).heard
            assert reply["error"] == "402::session_unknown"
            assert ("advice" in reply) is (channel == "/meta/connect")
    await world.publish(mine(), 1)
    await world.settled()
    assert victim.numbers() == [1]


async def test_a_session_is_served_without_credentials_but_not_with_bad_ones(world: World) -> None:
    desk = world.desk().open()
    message = desk.message("/meta/connect", advice={"timeout": 0})
    assert desk.post(message, credentials=Credentials()).heard[-1]["successful"]
    bad = world.node.admission.credentials("Bearer a.b.c", "", None)
    assert desk.post(message, credentials=bad).heard[-1]["error"] == "402::session_unknown"


async def test_a_socket_speaks_for_one_session_at_a_time(world: World) -> None:
    one, other = world.desk().open(), world.desk().open()
    world.node.receive(decoded([one.message("/meta/connect") | {"clientId": other.client_id}]), one.line, one.line)
    assert one.heard[-1]["error"] == "402::session_unknown"


@pytest.mark.parametrize("client_id", [None, 7, "", "nobody", ["x"], "x" * 5000])
async def test_an_unknown_client_is_told_to_handshake_on_a_connect_only(world: World, client_id: object) -> None:
    desk = world.desk()
    [reply] = desk.post({**desk.message("/meta/connect"), "clientId": client_id}).heard
    assert (reply["successful"], reply["error"]) == (False, "402::session_unknown")
    assert reply["advice"]["reconnect"] == "handshake"
    for channel in ("/meta/subscribe", "/meta/unsubscribe", "/meta/disconnect", "/chat/x"):
        [reply] = desk.post({**desk.message(channel), "clientId": client_id}).heard
        assert reply["error"] == "402::session_unknown"
        assert "advice" not in reply


async def test_a_token_that_runs_out_ends_the_session(world: World) -> None:
    desk = world.desk()
    desk.token = world.token("alice", ttl=600)
    desk.credentials = desk.line.credentials = world.node.admission.credentials(f"Bearer {desk.token}", "", None)
    desk.open()
    world.turn(20)
    desk.connect()
    world.turn(300)
    desk.connect()
    world.turn(270)
    desk.connect()
    world.turn(20)
    await world.settled()
    assert desk.line.closed == (1008, "token_expired")
    connect, goodbye = desk.heard[-2:]
    assert (connect["successful"], connect["error"]) == (False, "401::token_expired")
    assert connect["advice"]["reconnect"] == "none"
    assert goodbye == {"channel": "/meta/disconnect", "successful": True}
    world.nothing_is_left()


async def test_client_ids_are_long_random_and_name_the_node(world: World) -> None:
    desks = [world.desk() for _ in range(50)]
    for desk in desks:
        desk.shake()
    ids = {desk.client_id for desk in desks}
    assert len(ids) == 50
    assert all(len(each) == 34 and each.startswith(world.node.name) and each.isalnum() for each in ids)


async def test_figures_follow_the_sessions(world: World) -> None:
    def sessions(transport: str) -> float:
        return metrics.REGISTRY.get_sample_value("hub_sessions", {"transport": transport}) or 0.0

    socket, polling = world.desk().open(), world.desk()
    polling.shake(over=polling.post)
    assert (sessions("websocket"), sessions("long-polling")) == (1, 1)
    polling.post(polling.message("/meta/disconnect"))
    socket.say(socket.message("/meta/disconnect"))
    await world.settled()
    assert (sessions("websocket"), sessions("long-polling")) == (0, 0)


async def test_events_carry_nothing_of_their_publisher(world: World) -> None:
    desk = world.desk().open(replay=False)
    await desk.subscribe("/chat/**")
    await desk.publish("/chat/x", {"n": 1})
    await world.settled()
    assert [each for each in desk.heard if "data" in each] == [{"channel": "/chat/x", "data": {"n": 1}}]
    assert world.node.streams.get(ours("/chat/x")) is None, "an ephemeral stream under a pattern needs no memory"
    assert json.dumps(desk.heard).count(desk.client_id) == 1
