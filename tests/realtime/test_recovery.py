"""What a session hears after a position, and that nothing gets lost or doubled on the way to live."""

from collections.abc import Awaitable, Callable
from itertools import product
from pathlib import Path

import pytest

from hub.bayeux import events as on
from hub.brokers.port import Topic
from hub.kernel import metrics
from hub.realtime.pressure import Bounds
from hub.realtime.recovery import PAGE, is_gap
from hub.store.streams import Head
from tests.realtime.world import CALLS, DEVICES, Desk, Line, Received, World, mine, opened, ours, received, silent


@pytest.mark.parametrize(
    ("position", "head", "gap"),
    [
        (0, Head(0, 1), False),
        (1, Head(0, 1), True),
        (0, Head(9, 1), False),
        (9, Head(9, 1), False),
        (10, Head(9, 1), True),
        (3, Head(9, 4), False),
        (2, Head(9, 4), True),
        (9, Head(9, 10), False),
        (8, Head(9, 10), True),
    ],
)
def test_a_gap_is_what_can_no_longer_be_had(position: int, head: Head, gap: bool) -> None:
    assert is_gap(position, head) is gap


# What a position means ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "heard"),
    [(None, []), ({}, []), ({CALLS: -1}, []), ({CALLS: 3}, [4, 5]), ({CALLS: 5}, []), ({CALLS: -2}, [1, 2, 3, 4, 5])],
)
async def test_positions(world: World, asked: dict[str, int] | None, heard: list[int]) -> None:
    await world.publish(mine(), 1, 2, 3, 4, 5)
    desk = world.desk().open()
    reply = await desk.subscribe(CALLS, replay=asked)
    assert reply["ext"] == {"replay": {CALLS: 5}}
    await world.publish(mine(), 6)
    await world.settled()
    assert desk.events == [(CALLS, n, n) for n in [*heard, 6]]
    kinds = [each["channel"] for each in desk.heard]
    assert kinds.index("/meta/subscribe") < kinds.index(CALLS)


async def test_keys_of_other_channels_are_ignored(world: World) -> None:
    await world.publish(mine(), 1)
    desk = world.desk().open()
    reply = await desk.subscribe(CALLS, replay={CALLS: 0, DEVICES: 99, "/nobody/knows": 7})
    assert reply["ext"] == {"replay": {CALLS: 1}}
    assert desk.numbers() == [1]


async def test_a_stream_that_never_had_an_event_begins_at_zero(world: World) -> None:
    desk = world.desk().open()
    reply = await desk.subscribe(CALLS, replay={CALLS: 0})
    assert reply["ext"] == {"replay": {CALLS: 0}}
    await world.publish(mine(), 1)
    await world.settled()
    assert desk.numbers() == [1]


async def test_several_channels_at_once_each_from_its_position(world: World) -> None:
    await world.publish(mine(), 1, 2, 3)
    await world.publish(mine(DEVICES), 11, 12)
    desk = world.desk().open()
    reply = await desk.subscribe("/v2/me/**", replay={CALLS: 1, DEVICES: 1})
    assert reply["ext"] == {"replay": {CALLS: 3, DEVICES: 2}}
    assert (desk.numbers(), desk.numbers(DEVICES)) == ([2, 3], [12])


async def test_a_session_without_replay_hears_from_now_and_no_positions(world: World) -> None:
    await world.publish(mine(), 1, 2)
    desk = world.desk().open(replay=False)
    reply = await desk.subscribe(CALLS, replay={CALLS: -2})
    assert "ext" not in reply
    await world.publish(mine(), 3)
    await world.settled()
    assert desk.events == [(CALLS, None, 3)]


@pytest.mark.parametrize(
    ("asked", "epoch"),
    [
        pytest.param(3, None, id="trimmed"),
        pytest.param(21, None, id="beyond the head"),
        pytest.param(2**53 - 1, None, id="far beyond"),
        pytest.param(19, "another", id="another epoch"),
        pytest.param(20, "another", id="another epoch, at the head"),
    ],
)
async def test_a_gap_is_marked_and_nothing_old_is_sent(world: World, asked: int, epoch: str | None) -> None:
    await world.publish(mine(), *range(1, 21))
    await world.trim(10)
    desk = world.desk().open()
    reply = await desk.subscribe(CALLS, replay={CALLS: asked}, epoch=epoch)
    assert reply["ext"] == {"replay": {CALLS: 20, "gap": [CALLS]}}
    assert desk.numbers() == []
    await world.publish(mine(), 21)
    await world.settled()
    assert desk.numbers() == [21]


@pytest.mark.parametrize("epoch", [None, "another"])
async def test_everything_that_is_kept_is_never_a_gap(world: World, epoch: str | None) -> None:
    await world.publish(mine(), *range(1, 21))
    await world.trim(10)
    desk = world.desk().open()
    reply = await desk.subscribe(CALLS, replay={CALLS: -2}, epoch=epoch)
    assert reply["ext"] == {"replay": {CALLS: 20}}
    assert desk.numbers() == list(range(11, 21))


async def test_the_oldest_kept_position_is_no_gap(world: World) -> None:
    await world.publish(mine(), *range(1, 21))
    await world.trim(10)
    desk = world.desk().open()
    reply = await desk.subscribe(CALLS, replay={CALLS: 10}, epoch=world.epoch)
    assert "gap" not in reply["ext"]["replay"]
    assert desk.numbers() == list(range(11, 21))


# Patterns -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [True, False])
async def test_a_custom_channel_that_a_map_lacks_counts_as_zero_under_a_pattern(world: World, named: bool) -> None:
    await world.publish(ours("/walls/a"), 1, 2)
    await world.publish(ours("/walls/b"), 11, 12)
    desk = world.desk().open()
    reply = await desk.subscribe("/walls/**", replay={"/walls/a": 1}, epoch=world.epoch if named else None)
    assert reply["ext"] == {"replay": {"/walls/a": 2, "/walls/b": 2}}
    assert (desk.numbers("/walls/a"), desk.numbers("/walls/b")) == ([2], [11, 12])


@pytest.mark.parametrize(
    ("asked", "epoch"),
    [
        (None, None),
        ({}, None),
        ({"/walls/a": 1}, "another"),
        ({"/walls/b": -1, "/walls/a": 2}, None),
    ],
)
async def test_otherwise_it_is_heard_from_now(world: World, asked: dict[str, int] | None, epoch: str | None) -> None:
    await world.publish(ours("/walls/a"), 1, 2)
    await world.publish(ours("/walls/b"), 11, 12)
    desk = world.desk().open()
    await desk.subscribe("/walls/**", replay=asked, epoch=epoch)
    await world.publish(ours("/walls/b"), 13)
    await world.settled()
    assert (desk.numbers("/walls/a"), desk.numbers("/walls/b")) == ([], [13])


async def test_a_channel_named_on_its_own_does_not_count_as_zero(world: World) -> None:
    await world.publish(ours("/walls/a"), 1)
    await world.publish(ours("/news"), 2)
    desk = world.desk().open()
    await desk.subscribe("/walls/a", "/news", replay={CALLS: 1})
    assert desk.events == []


async def test_a_missing_channel_of_which_the_beginning_is_gone_is_a_gap(world: World) -> None:
    await world.publish(ours("/walls/a"), *range(1, 21))
    await world.trim(10)
    desk = world.desk().open()
    reply = await desk.subscribe("/walls/*", replay={"/walls/z": 1})
    assert reply["ext"]["replay"] == {"/walls/a": 20, "gap": ["/walls/a"]}


async def test_a_stream_that_comes_into_being_under_a_pattern_is_heard_from_its_first_event(world: World) -> None:
    one, other = world.desk().open(), world.desk("bob").open()
    await one.subscribe("/walls/**")
    await world.publish(ours("/walls/new"), 1)
    await other.subscribe("/walls/*")
    await world.publish(ours("/walls/new"), 2)
    await world.publish(ours("/walls/new/deeper"), 3)
    await world.settled()
    assert (one.numbers("/walls/new"), other.numbers("/walls/new")) == ([1, 2], [2])
    assert (one.numbers("/walls/new/deeper"), other.numbers("/walls/new/deeper")) == ([3], [])


async def test_names_that_only_share_their_beginning_stay_apart(world: World) -> None:
    await world.publish(ours("/walls/a/b"), 1)
    desk = world.desk().open()
    await desk.subscribe("/walls/*", replay={"/walls/x": 0})
    await world.publish(ours("/walls/a/b"), 2)
    await world.settled()
    assert desk.events == []


# Overlaps -----------------------------------------------------------------------------------------------------------


async def test_overlapping_subscriptions_deliver_once(world: World) -> None:
    desk = world.desk().open()
    await desk.subscribe("/v2/me/**")
    await desk.subscribe(CALLS, "/v2/**")
    await desk.subscribe(CALLS, replay={CALLS: -2})
    await desk.subscribe("/walls/a")
    await desk.subscribe("/walls/*", "/walls/**")
    await desk.subscribe("/chat/x", "/chat/**")
    await world.publish(mine(), 1)
    await world.publish(ours("/walls/a"), 2)
    await world.publish(ours("/walls/new"), 3)
    world.announce(ours("/chat/x"), 4)
    world.announce(ours("/chat/y"), 5)
    await world.settled()
    assert sorted(number for _, _, number in desk.events) == [1, 2, 3, 4, 5]


async def test_what_another_subscription_covers_goes_on_after_an_unsubscribe(world: World) -> None:
    desk = world.desk().open()
    await desk.subscribe("/walls/a", "/walls/*", "/walls/**")
    await world.publish(ours("/walls/a"), 1)
    await desk.unsubscribe("/walls/a")
    await world.publish(ours("/walls/a"), 2)
    await desk.unsubscribe("/walls/**")
    await world.publish(ours("/walls/a"), 3)
    await world.publish(ours("/walls/new/deep"), 4)
    await desk.unsubscribe("/walls/*")
    await world.publish(ours("/walls/a"), 5)
    await world.settled()
    assert [number for _, _, number in desk.events] == [1, 2, 3]
    assert list(world.node.streams) == []
    assert world.broker._topics == set()


async def test_subscribing_again_after_an_unsubscribe_resumes_at_the_position(world: World) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS)
    await world.publish(mine(), 1)
    await desk.unsubscribe(CALLS)
    await world.publish(mine(), 2, 3)
    await desk.subscribe(CALLS, replay={CALLS: 1})
    await world.publish(mine(), 4)
    await world.settled()
    assert desk.numbers() == [1, 2, 3, 4]


# Connections that died ---------------------------------------------------------------------------------------------


def abandoned(desk: Desk) -> Line:
    """The socket is dead, and only the client knows; it goes on with another one."""
    dead, desk.line = desk.line, Line(desk.credentials)
    desk._lines.append(desk.line)
    dead.heard.clear()
    return dead


async def test_what_a_dead_socket_took_comes_again_also_from_a_channel_that_the_map_lacks(world: World) -> None:
    """It came into being under a pattern, and the client never heard of it."""
    desk = world.desk().open()
    await desk.subscribe(CALLS, "/walls/**", replay={CALLS: 0})
    await world.publish(ours("/walls/new"), 1, 2)
    await world.settled()
    abandoned(desk)
    await desk.subscribe(CALLS, "/walls/**", replay={CALLS: 0})
    assert desk.events == [("/walls/new", 1, 1), ("/walls/new", 2, 2)]


async def test_what_a_dead_socket_took_comes_again_where_names_are_subscribed_one_by_one(world: World) -> None:
    """With the whole map each time, as the official client does; and live events do not overtake what was lost."""
    desk = world.desk().open()
    known = {CALLS: 0, DEVICES: 0}
    for name in known:
        await desk.subscribe(name, replay=known)
    await world.publish(mine(CALLS), 1)
    await world.publish(mine(DEVICES), 1, 2)
    await world.settled()
    abandoned(desk)
    await desk.subscribe(CALLS, replay=known)
    await world.publish(mine(DEVICES), 3)
    await world.settled()
    await desk.subscribe(DEVICES, replay=known)
    assert sorted(desk.events) == [(CALLS, 1, 1), *((DEVICES, n, n) for n in (1, 2, 3))]


async def test_what_a_dead_socket_took_comes_again_over_polling(world: World) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS)
    await world.publish(mine(), 1, 2)
    await world.settled()
    dead = abandoned(desk)
    desk.post(desk.ask(CALLS, replay={CALLS: 0}))
    await world.settled()
    await world.publish(mine(), 3)
    await world.settled()
    assert received(dead.heard) == []
    poll = desk.poll()
    await world.settled()
    assert received(poll.heard) == [(CALLS, n, n) for n in (1, 2, 3)]


async def test_nothing_goes_into_a_poll_that_the_client_has_given_up(world: World) -> None:
    desk = world.desk()
    desk.shake(over=desk.post)
    desk.poll()
    desk.post(desk.ask(CALLS))
    dead = desk.poll()
    await world.settled()
    assert not dead.answered
    desk.post(desk.ask(CALLS, replay={CALLS: 0}))
    await world.publish(mine(), 1)
    await world.settled()
    assert (dead.answered, dead.displaced, received(dead.heard)) == (True, False, [])
    poll = desk.poll()
    await world.settled()
    assert received(poll.heard) == [(CALLS, 1, 1)]


async def test_a_session_whose_queue_is_taken_back_goes_on_reading(tmp_path: Path) -> None:
    async with opened(tmp_path, Bounds(events=4)) as world:
        desk = world.desk()
        desk.shake(over=desk.post)
        desk.poll()
        desk.post(desk.ask(CALLS, DEVICES))
        await world.settled()
        await world.publish_each(mine(), range(1, 8))
        await world.publish_each(mine(DEVICES), range(11, 18))
        await world.settled()
        desk.post(desk.ask(CALLS, DEVICES, replay={CALLS: 0, DEVICES: 0}))
        await world.settled()
        heard: list[Received] = []
        while len(heard) < 14:
            poll = desk.poll()
            await world.settled()
            assert poll.answered, heard
            heard += received(poll.heard)
        assert [number for channel, _, number in heard if channel == CALLS] == list(range(1, 8))
        assert [number for channel, _, number in heard if channel == DEVICES] == list(range(11, 18))


# Races with live events ---------------------------------------------------------------------------------------------


Interference = Callable[[], Awaitable[None]]


def at_point(world: World, point: int, act: Interference) -> None:
    """Do something at the n-th point before or after a read of the database, and at no other."""
    passed = 0

    async def hook() -> None:
        nonlocal passed
        passed += 1
        if passed == point:
            await act()

    world.db.hook = hook


@pytest.mark.parametrize("point", range(1, 9))
@pytest.mark.parametrize("channel", [CALLS, "/walls/**"])
@pytest.mark.parametrize("loudly", [True, False])
async def test_live_events_that_race_a_subscribe(
    world: World, tmp_path: Path, point: int, channel: str, loudly: bool
) -> None:
    """Whenever an event comes, published or only committed: the client has it once, and in order."""
    stream = mine() if channel == CALLS else ours("/walls/a")
    await world.publish(stream, *range(1, PAGE + 6))
    desk = world.desk().open()
    async with silent(world, tmp_path) as dead:
        last = PAGE + 8

        async def act() -> None:
            await (world.publish if loudly else dead)(stream, *range(PAGE + 6, last + 1))

        at_point(world, point, act)
        await desk.subscribe(channel, replay={stream.channel: 2})
        if world.db.hook is not None:
            world.db.hook = None
        await world.heartbeat.beat()
        await world.settled()
    numbers = desk.numbers(stream.channel)
    assert numbers == list(range(3, numbers[-1] + 1))
    assert numbers[-1] in {PAGE + 5, last}
    await world.publish(stream, last + 1 if numbers[-1] == last else PAGE + 6)
    await world.settled()
    assert desk.numbers(stream.channel) == list(range(3, len(numbers) + 4))


@pytest.mark.parametrize(("first", "second"), list(product(range(1, 7), repeat=2)))
async def test_two_sessions_that_join_while_events_come(world: World, first: int, second: int) -> None:
    await world.publish(mine(), *range(1, 11))
    one, other = world.desk().open(), world.desk().open()
    coming = iter(range(11, 1000))
    passed = 0

    async def hook() -> None:
        nonlocal passed
        passed += 1
        if passed in {first, second + first}:
            await world.publish(mine(), next(coming), next(coming))

    world.db.hook = hook
    asked_one, asked_other = one.ask(CALLS, replay={CALLS: 0}), other.ask(CALLS, replay={CALLS: 5})
    one.say(asked_one)
    other.say(asked_other)
    await world.settled()
    world.db.hook = None
    await world.publish(mine(), next(coming))
    await world.settled()
    last = next(coming) - 1
    assert one.numbers() == list(range(1, last + 1))
    assert other.numbers() == list(range(6, last + 1))


@pytest.mark.parametrize("point", range(1, 5))
async def test_a_new_stream_that_appears_while_its_pattern_is_subscribed(world: World, point: int) -> None:
    desk = world.desk().open()
    at_point(world, point, lambda: world.publish(ours("/walls/new"), 1, 2))
    await desk.subscribe("/walls/**", replay={CALLS: 1})
    world.db.hook = None
    await world.heartbeat.beat()
    await world.settled()
    if not desk.events:  # the point was never passed
        await world.publish(ours("/walls/new"), 1, 2)
    await world.publish(ours("/walls/new"), 3)
    await world.settled()
    assert desk.numbers("/walls/new") == [1, 2, 3]


@pytest.mark.parametrize("point", range(1, 7))
@pytest.mark.parametrize("ending", ["unsubscribe", "disconnect", "kick", "socket"])
async def test_whatever_ends_during_a_catch_up_leaves_nothing_behind(world: World, point: int, ending: str) -> None:
    await world.publish(mine(), *range(1, 3 * PAGE))
    await world.publish(ours("/walls/a"), *range(1, 3 * PAGE))
    desk = world.desk().open()
    subscribe = desk.ask(CALLS, "/walls/**", "/v2/me", replay={CALLS: 0, "/walls/a": 0})

    async def act() -> None:
        match ending:
            case "unsubscribe":
                desk.say(desk.message("/meta/unsubscribe", subscription=[CALLS, "/walls/**", "/v2/me"]))
            case "disconnect":
                desk.say(desk.message("/meta/disconnect"))
            case "kick":
                world.node.end_user("acme", "alice", "403::session_kicked")
            case _:
                desk.line.lose()

    at_point(world, point, act)
    desk.say(subscribe)
    await world.settled()
    world.db.hook = None
    heard = len(desk.events)
    if ending == "socket":
        desk.reconnect()
        await world.settled()
        assert desk.numbers() == list(range(1, 3 * PAGE))
        assert desk.numbers("/walls/a") == list(range(1, 3 * PAGE))
        world.node.end_user("acme", "alice", "403::session_kicked")
    else:
        await world.publish(mine(), 9999)
        await world.settled()
        assert len(desk.events) == heard
        if ending == "unsubscribe":
            assert desk.session.streams == set()
            world.node.end_user("acme", "alice", "403::session_kicked")
    await world.settled()
    world.nothing_is_left()


@pytest.mark.parametrize("point", range(1, 5))
async def test_a_subscribe_that_failed_can_be_repeated(world: World, point: int) -> None:
    """A fault of the database leaves no half of a subscription, not even one that looks whole."""
    await world.publish(mine(), 1)
    await world.publish(ours("/walls/a"), 2)
    desk = world.desk().open()

    async def fails() -> None:
        raise OSError("the disk")

    at_point(world, point, fails)
    reply = await desk.subscribe(CALLS, "/walls/**", replay={CALLS: 0, "/walls/a": 0})
    world.db.hook = None
    if not reply["successful"]:
        assert reply["error"].startswith("500")
        assert desk.session.streams == set()
        assert list(world.node.streams) == []
        assert world.broker._topics == set()
        reply = await desk.subscribe(CALLS, "/walls/**", replay={CALLS: 0, "/walls/a": 0})
    assert reply["successful"]
    await world.publish(mine(), 3)
    await world.publish(ours("/walls/b"), 4)
    await world.settled()
    assert sorted(number for _, _, number in desk.events) == [1, 2, 3, 4]


async def test_a_subscribe_that_failed_leaves_older_ones_alone(world: World) -> None:
    desk = world.desk().open()
    await desk.subscribe("/walls/*")

    async def fails() -> None:
        raise OSError("the disk")

    world.db.hook = fails
    reply = await desk.subscribe("/walls/**")
    world.db.hook = None
    assert not reply["successful"]
    await world.publish(ours("/walls/a"), 1)
    await world.publish(ours("/walls/a/b"), 2)
    await world.settled()
    assert desk.events == [("/walls/a", 1, 1)]


# When the log gives out ---------------------------------------------------------------------------------------------


def count(reason: str) -> float:
    return metrics.REGISTRY.get_sample_value("hub_undelivered_total", {"reason": reason}) or 0.0


@pytest.mark.parametrize("keep", [0, 5])
async def test_a_session_whose_events_are_trimmed_before_it_reads_them_has_to_begin_anew(
    world: World, keep: int
) -> None:
    """Also when nothing at all is left to read: it must not look again and again."""
    await world.publish(mine(), *range(1, 201))
    desk = world.desk().open()
    lost = count("trimmed")

    async def act() -> None:
        if desk.session.behind:
            world.db.hook = None
            await world.trim(keep)

    world.db.hook = act
    await desk.subscribe(CALLS, replay={CALLS: 3})
    assert desk.heard[-1]["error"] == "402::session_unknown"
    assert count("trimmed") - lost == 200 - keep - 3
    world.nothing_is_left()


async def test_a_catch_up_that_fails_ends_the_session_so_that_the_client_comes_back(world: World) -> None:
    await world.publish(mine(), *range(1, 201))
    desk = world.desk().open()

    async def fails() -> None:
        if desk.session.behind:
            world.db.hook = None
            raise OSError("the disk")

    world.db.hook = fails
    await desk.subscribe(CALLS, replay={CALLS: 3})
    assert desk.heard[-1]["advice"]["reconnect"] == "handshake"
    world.nothing_is_left()
    again = world.desk().open()
    await again.subscribe(CALLS, replay={CALLS: 3})
    assert again.numbers() == list(range(4, 201))


async def test_the_attach_of_an_ended_session_is_dropped(world: World) -> None:
    desk = world.desk().open()
    session = desk.session

    async def act() -> None:
        world.db.hook = None
        session.feed(on.Outrun())

    world.db.hook = act
    desk.say(desk.ask("/walls/**", "/v2/me/calls", "/chat/**", "/news"))
    await world.settled()
    world.nothing_is_left()


@pytest.mark.parametrize("channel", [CALLS, "/walls/**", "/chat/**"])
async def test_a_session_that_ends_while_the_broker_is_told_leaves_no_topic(
    world: World, monkeypatch: pytest.MonkeyPatch, channel: str
) -> None:
    """A broker that is another process away takes its time."""
    desk = world.desk().open()
    listen = world.broker.listen

    async def slowly(topic: Topic) -> None:
        desk.session.feed(on.Outrun())
        await listen(topic)

    monkeypatch.setattr(world.broker, "listen", slowly)
    desk.say(desk.ask(channel))
    await world.settled()
    world.nothing_is_left()
