"""Who is written to when, and in which order, where several things happen in one tick of the loop."""

from collections.abc import Sequence

import pytest

from channels.envelope import LoggedEvent
from hub.bayeux.commands import Attach
from hub.realtime.listeners import Listeners
from hub.realtime.prepared import DEFLATED, PLAIN, REPLAYABLE, Form
from hub.realtime.session import Session
from tests.realtime.world import CALLS, DEVICES, Desk, Line, World, data, mine, ours, received, unframed

ROOM, OTHER = "/chat/room", "/chat/other"


def writes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The numbers of the events in each write to the client's socket. Call it before the client opens."""
    written: list[list[int]] = []
    line = desk.line

    def write(frames: bytes) -> None:
        written.append([number for _, _, number in received(unframed(frames))])
        Line.write(line, frames)

    monkeypatch.setattr(line, "write", write)
    return written


async def subscribed(world: World, *channels: str, replay: bool = True) -> Desk:
    desk = world.desk().open(replay=replay)
    for channel in channels:
        await desk.subscribe(channel)
    return desk


async def test_what_comes_in_one_tick_leaves_in_one_write(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = world.desk()
    written = writes(desk, monkeypatch)
    await desk.open().subscribe(ROOM)
    world.announce(ours(ROOM), 1, 2, 3)
    assert written == []
    await world.settled()
    world.announce(ours(ROOM), 4)
    await world.settled()
    assert written == [[1, 2, 3], [4]]


async def test_what_several_streams_bring_in_one_tick_leaves_in_one_write_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, broken = world.desk(), world.desk()
    written = writes(desk, monkeypatch)

    def fails(_: bytes) -> None:
        raise ValueError

    monkeypatch.setattr(broken.line, "write", fails)
    for each in (broken, desk):
        await each.open().subscribe(ROOM)
        await each.subscribe(OTHER)
    for number, channel in enumerate([ROOM, OTHER, ROOM], 1):
        world.announce(ours(channel), number)
    await world.settled()
    assert written == [[1, 2, 3]]
    assert broken.heard[-1]["error"] == "402::session_unknown"


async def test_answers_leave_before_events_and_one_that_cannot_harms_nobody(world: World) -> None:
    desk = await subscribed(world, ROOM)
    order: list[object] = []

    def fails() -> None:
        order.append("tried")
        raise ValueError

    world.announce(ours(ROOM), 1)
    world.node.fanout.first(fails)
    world.node.fanout.first(lambda: order.append(desk.numbers(ROOM)))
    await world.settled()
    world.announce(ours(ROOM), 2)
    await world.settled()
    assert order == ["tried", []]
    assert desk.numbers(ROOM) == [1, 2]


async def test_events_of_several_streams_keep_the_order_in_which_they_came(world: World) -> None:
    desk = await subscribed(world, ROOM, OTHER)
    for number, channel in enumerate([ROOM, OTHER, OTHER, ROOM, OTHER, ROOM], 1):
        world.announce(ours(channel), number)
    await world.settled()
    assert [number for _, _, number in desk.events] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("channel", [ROOM, "/chat/*"])
async def test_clients_that_want_another_form_hear_the_same(world: World, channel: str) -> None:
    desks = [await subscribed(world, channel, replay=replay) for replay in (True, False, True)]
    desks[2].line.block()
    world.announce(ours(ROOM), 1, 2)
    await world.settled()
    desks[2].line.resume()
    await world.settled()
    world.announce(ours(ROOM), 3)
    await world.settled()
    assert [desk.numbers(ROOM) for desk in desks] == [[1, 2, 3]] * 3


async def test_a_socket_that_blocks_while_it_is_written_to_takes_what_was_under_way_and_the_rest_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, other = world.desk(), world.desk()
    line = desk.line
    stuck: list[bool] = []

    def write(frames: bytes) -> None:
        line.heard += unframed(frames)
        if not stuck:
            stuck.append(True)
            line.block()

    monkeypatch.setattr(line, "write", write)
    for each in (desk, other):
        await each.open().subscribe(ROOM)
        await each.subscribe(OTHER)
    for number, channel in enumerate([ROOM, OTHER, ROOM], 1):
        world.announce(ours(channel), number)
    await world.settled()
    assert [number for _, _, number in desk.events] == [1, 2, 3]
    world.announce(ours(ROOM), 4)
    world.announce(ours(OTHER), 5)
    await world.settled()
    assert [number for _, _, number in desk.events] == [1, 2, 3]
    line.resume()
    world.announce(ours(ROOM), 6)
    await world.settled()
    world.announce(ours(OTHER), 7)
    await world.settled()
    assert (
        [number for _, _, number in desk.events] == [number for _, _, number in other.events] == [1, 2, 3, 4, 5, 6, 7]
    )


async def test_who_comes_in_the_tick_of_an_event_does_not_hear_it_twice(world: World) -> None:
    """The event counts for the position that the newcomer is told, so it is not for the newcomer."""
    first = await subscribed(world, CALLS)
    await world.publish(mine(), 1, 2)
    late = world.desk().open()
    late.say(late.ask(CALLS, replay={CALLS: 0}))
    await world.settled()
    session, fresh = late.session, world.desk().open()
    local = world.node.streams.get(mine())
    assert local is not None
    world.node.intake.event(LoggedEvent(mine(), 3, data(3)))
    world.node.recovery._join(fresh.session, local, Attach((CALLS,), since={}, epoch=None, replaying=False), {})
    await world.settled()
    assert first.numbers() == late.numbers() == [1, 2, 3]
    assert fresh.numbers() == []
    assert session in local.listeners
    assert fresh.session in local.listeners


async def test_positions_are_told_after_the_events_that_they_count(world: World) -> None:
    desk = await subscribed(world, CALLS)
    held = desk.line.heard
    world.node.intake.event(LoggedEvent(mine(), 1, data(1)))
    desk.say(desk.message("/meta/connect", connectionType="websocket", advice={"timeout": 0}))
    told = [index for index, message in enumerate(held) if (message.get("ext") or {}).get("replay") == {CALLS: 1}]
    [event] = [index for index, message in enumerate(held) if "data" in message]
    assert told
    assert event < told[0]


async def test_who_leaves_in_the_tick_of_an_event_harms_nobody(world: World) -> None:
    stays, leaves = await subscribed(world, CALLS, DEVICES), await subscribed(world, CALLS, DEVICES)
    world.node.intake.event(LoggedEvent(mine(), 1, data(1)))
    leaves.say(leaves.message("/meta/disconnect"))
    await world.settled()
    assert stays.numbers() == [1]
    assert leaves.numbers() in ([], [1])
    stays.say(stays.message("/meta/disconnect"))
    await world.settled()
    world.nothing_is_left()


async def test_nothing_follows_the_farewell_of_a_session_that_ends_in_the_tick_of_an_event(world: World) -> None:
    """Nobody has heard of the stream before: who listens to it is known from the pattern only."""
    desk = await subscribed(world, "/chat/*")
    world.announce(ours(ROOM), 1)
    world.node.end_user("acme", "alice", "403::session_kicked")
    said = list(desk.line.heard)
    assert desk.numbers(ROOM) == [1]
    assert "data" not in said[-1]
    world.announce(ours(ROOM), 2)
    await world.settled()
    assert desk.line.heard == said


@pytest.mark.parametrize("keeps_up", [True, False])
async def test_a_socket_that_takes_neither_events_nor_a_farewell_harms_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch, *, keeps_up: bool
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of the test's making")

    broken, other = world.desk(), world.desk()
    monkeypatch.setattr(broken.line, "write", fails)
    for desk in (broken, other):
        await desk.open().subscribe(ROOM)
        if not keeps_up:
            desk.line.block()
    for name in ("answer", "close"):
        monkeypatch.setattr(broken.line, name, fails)
    world.announce(ours(ROOM), 1)
    for desk in (broken, other):
        desk.line.resume()
    await world.settled()
    world.announce(ours(ROOM), 2)
    await world.settled()
    assert other.numbers(ROOM) == [1, 2]
    assert world.node.sessions() == [other.session]


async def test_what_came_before_an_unsubscribe_is_heard_before_its_answer(world: World) -> None:
    desk = await subscribed(world, CALLS)
    world.node.intake.event(LoggedEvent(mine(), 1, data(1)))
    gone = desk.message("/meta/unsubscribe", subscription=CALLS)
    desk.say(gone)
    assert [message.get("id") or message["data"]["n"] for message in desk.heard[-2:]] == [1, gone["id"]]


async def test_a_subscribe_tells_positions_after_the_events_that_they_count(world: World) -> None:
    desk = await subscribed(world, "/walls/*")
    named = desk.ask("/walls/a")
    desk.say(named)
    world.node.intake.event(LoggedEvent(ours("/walls/a"), 1, data(1)))
    await world.settled()
    assert desk.reply(named)["ext"]["replay"] == {"/walls/a": 1}
    assert [message.get("id") or message["data"]["n"] for message in desk.heard[-2:]] == [1, named["id"]]


async def test_what_has_waited_since_before_an_unsubscribe_does_not_come_twice(world: World) -> None:
    desk = await subscribed(world, CALLS)
    desk.line.block()
    await world.publish(mine(), 1, 2)
    await desk.unsubscribe(CALLS)
    desk.line.resume()
    desk.say(desk.ask(CALLS, replay={CALLS: 0}))
    await world.settled()
    assert desk.numbers() == [1, 2]


async def test_what_comes_in_the_tick_in_which_a_session_has_caught_up_follows_its_page(world: World) -> None:
    """Whoever is behind on one stream may keep up on the others, and be written to directly until its page waits."""
    await subscribed(world, CALLS)
    await world.publish(mine(), 1, 2)
    late = await subscribed(world, CALLS)
    local = world.node.streams.get(mine())
    assert local is not None
    world.node.recovery.leave_behind(late.session, local, 0)
    world.node.recovery._advance(late.session, local, 0, list(local.recent))
    world.node.intake.event(LoggedEvent(mine(), 3, data(3)))
    await world.settled()
    assert late.numbers() == [1, 2, 3]


async def test_events_go_to_the_newest_socket_while_a_question_is_out(world: World) -> None:
    desk = await subscribed(world, ROOM)
    desk.say(desk.ask(CALLS, replay={CALLS: 0}))
    desk.line = Line(desk.credentials)
    desk.connect()
    world.announce(ours(ROOM), 1)
    assert desk.session.engine.waiting
    world.node.fanout.settle()
    assert received(desk.line.heard) == [(ROOM, None, 1)]
    await world.settled()


class Member:
    """As much of a session as listeners look at."""

    def __init__(self, form: Form, *, keeps_up: bool) -> None:
        self.form = form
        self.write = self.take if keeps_up else None

    def take(self, frames: bytes) -> None:
        pass


def members(*kinds: tuple[Form, bool]) -> Sequence[Session]:
    return [Member(form, keeps_up=keeps_up) for form, keeps_up in kinds]  # type: ignore[misc]


def test_listeners_stand_in_the_lane_of_their_form_or_wait() -> None:
    some = members((PLAIN, True), (REPLAYABLE, True), (PLAIN, False), (PLAIN, True), (DEFLATED, True))
    listeners = Listeners(some)
    assert [(lane.form, list(lane.writes)) for lane in listeners.lanes] == [
        (PLAIN, [some[0], some[3]]),
        (REPLAYABLE, [some[1]]),
        (DEFLATED, [some[4]]),
    ]
    assert list(listeners.waiting) == [some[2]]
    assert list(listeners) == [some[0], some[3], some[1], some[4], some[2]]
    assert all(member in listeners for member in some)


def test_a_listener_moves_and_leaves_and_nothing_is_left_of_it() -> None:
    one, other = members((PLAIN, True), (PLAIN, False))
    listeners = Listeners([one])
    one.write = None
    listeners.move(one)
    listeners.move(other)  # is not among them, and does not come to be
    assert (listeners.lanes, list(listeners.waiting)) == ((), [one])
    assert other not in listeners
    assert listeners.drop(other) is False
    assert listeners.drop(one) is True
    assert not listeners
