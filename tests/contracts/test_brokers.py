"""What `hub.brokers.port` promises, over every broker there is, between two nodes of one hub.

A new broker joins by an entry in `BROKERS`. The memory broker has one node only, which is both.

A broker may be another process away, so whatever is to arrive is awaited. Whatever must not arrive is followed by
something that must, on the same way.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple

import pytest

from channels.envelope import LoggedEvent, Stream
from hub.brokers.memory import MemoryBroker
from hub.brokers.port import Broker, Topic
from tests.support.brokers import Listener, connected, unique_prefix
from tests.support.redis_groups import ClusterGroup, Watched
from tests.support.redis_server import RedisServer

ALICE = Topic("acme", "alice", "")
BOB = Topic("acme", "bob", "")
WALL = Topic("acme", "", "/walls/**")
NAMESAKE = Topic("globex", "alice", "")
CALLS = Stream("acme", "alice", "/v2/me/calls")
DEVICES = Stream("acme", "alice", "/v2/me/devices")


class Nodes(NamedTuple):
    """The brokers of two processes of one hub."""

    here: Broker
    there: Broker


Opening = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Nodes]]


@asynccontextmanager
async def memory(_: pytest.FixtureRequest) -> AsyncIterator[Nodes]:
    broker = MemoryBroker()
    yield Nodes(broker, broker)


def redis(fixture: str) -> Opening:
    """Two processes at the Redis, or the several, that the fixture has started."""

    @asynccontextmanager
    async def opening(request: pytest.FixtureRequest) -> AsyncIterator[Nodes]:
        servers: RedisServer | Watched | ClusterGroup = request.getfixturevalue(fixture)
        prefix = unique_prefix()
        async with connected(servers.url, prefix) as here, connected(servers.url, prefix) as there:
            yield Nodes(here, there)

    return opening


BROKERS: dict[str, Opening] = {
    "memory": memory,
    "redis": redis("redis_server"),
    "sentinel": redis("redis_sentinels"),
    "cluster": redis("redis_cluster"),
}


def event(seq: int, stream: Stream = CALLS) -> LoggedEvent:
    return LoggedEvent(stream, seq, b'{"n":%d}' % seq)


@pytest.fixture(params=BROKERS)
def opening(request: pytest.FixtureRequest) -> AbstractAsyncContextManager[Nodes]:
    return BROKERS[request.param](request)


@pytest.fixture
async def nodes(opening: AbstractAsyncContextManager[Nodes]) -> AsyncIterator[Nodes]:
    async with opening as opened:
        yield opened


@pytest.fixture
def here(nodes: Nodes) -> Broker:
    return nodes.here


@pytest.fixture
def there(nodes: Nodes) -> Broker:
    return nodes.there


@pytest.fixture
async def listener(here: Broker) -> AsyncIterator[Listener]:
    """Who receives here; nothing may interrupt it."""
    receiver = Listener()
    here.connect(receiver)
    yield receiver
    assert receiver.interruptions == 0


async def test_what_is_listened_to_arrives_as_it_was_published(here: Broker, there: Broker, listener: Listener) -> None:
    await here.listen(ALICE)
    sent = LoggedEvent(CALLS, 7, '{"text":"ä\\u0000\\n","deep":[[1.0,1e400]]}'.encode())
    there.publish(ALICE, sent)
    assert await listener.until(sent) == [sent]


async def test_the_order_of_one_publisher_is_kept(here: Broker, there: Broker, listener: Listener) -> None:
    await here.listen(ALICE)
    sent = [event(n, stream) for n in range(1, 301) for stream in (CALLS, DEVICES)]
    for each in sent:
        there.publish(ALICE, each)
    assert await listener.until(sent[-1]) == sent


async def test_two_topics_arrive_once_each_and_no_third_one(here: Broker, there: Broker, listener: Listener) -> None:
    await here.listen(ALICE)
    await here.listen(WALL)
    wall = Stream("acme", "", "/walls/sales")
    mine, ours = event(1), event(1, wall)
    there.publish(BOB, event(1, Stream("acme", "bob", "/v2/me/calls")))
    there.publish(NAMESAKE, event(1, Stream("globex", "alice", "/v2/me/calls")))
    there.publish(ALICE, mine)
    there.publish(WALL, ours)
    await listener.until(mine)
    assert sorted(await listener.until(ours)) == sorted([mine, ours])


async def test_what_this_process_published_before_listening_does_not_arrive(here: Broker, listener: Listener) -> None:
    here.publish(ALICE, event(1))
    await here.listen(ALICE)
    here.publish(ALICE, event(2))
    assert await listener.until(event(2)) == [event(2)]


async def test_listening_twice_does_not_double(here: Broker, there: Broker, listener: Listener) -> None:
    await here.listen(ALICE)
    await here.listen(ALICE)
    there.publish(ALICE, event(1))
    there.publish(ALICE, event(2))
    assert await listener.until(event(2)) == [event(1), event(2)]


async def test_ignoring_ends_one_topic_and_no_other(here: Broker, there: Broker, listener: Listener) -> None:
    await here.listen(ALICE)
    await here.listen(BOB)
    here.ignore(ALICE)
    await here.listen(NAMESAKE)  # whoever is told of this has been told to ignore before
    there.publish(ALICE, event(1))
    after = event(1, Stream("acme", "bob", "/v2/me/calls"))
    there.publish(BOB, after)
    assert await listener.until(after) == [after]


async def test_a_topic_that_was_ignored_can_be_listened_to_again(
    here: Broker, there: Broker, listener: Listener
) -> None:
    await here.listen(ALICE)
    here.ignore(ALICE)
    await here.listen(ALICE)
    there.publish(ALICE, event(1))
    assert await listener.until(event(1)) == [event(1)]


async def test_ignoring_what_was_never_listened_to_is_no_fault(here: Broker, there: Broker, listener: Listener) -> None:
    here.ignore(ALICE)
    await here.listen(ALICE)
    there.publish(ALICE, event(1))
    assert await listener.until(event(1)) == [event(1)]


async def test_ephemeral_events_are_carried_too(here: Broker, there: Broker, listener: Listener) -> None:
    await here.listen(WALL)
    sent = [LoggedEvent(Stream("acme", "", "/walls/x"), 0, b'{"n":%d}' % n) for n in range(3)]
    for each in sent:
        there.publish(WALL, each)
    assert await listener.until(sent[-1]) == sent


async def test_publishing_without_any_receiver_is_no_fault(there: Broker) -> None:
    there.publish(ALICE, event(1))


async def test_a_process_hears_itself_like_any_other(here: Broker, there: Broker, listener: Listener) -> None:
    await here.listen(ALICE)
    here.publish(ALICE, event(1))
    await listener.until(event(1))
    there.publish(ALICE, event(2))
    assert await listener.until(event(2)) == [event(1), event(2)]


async def test_the_order_of_each_publisher_is_kept_when_several_speak(
    here: Broker, there: Broker, listener: Listener
) -> None:
    await here.listen(ALICE)
    for n in range(1, 301):
        here.publish(ALICE, event(n, CALLS))
        there.publish(ALICE, event(n, DEVICES))
        await asyncio.sleep(0)
    await listener.until(event(300, CALLS))
    received = await listener.until(event(300, DEVICES))
    for stream in (CALLS, DEVICES):
        assert [each.seq for each in received if each.stream == stream] == list(range(1, 301))


async def test_a_binary_event_keeps_its_mark(here: Broker, there: Broker, listener: Listener) -> None:
    await here.listen(WALL)
    sent = LoggedEvent(Stream("acme", "", "/walls/x"), 0, b'{"data":"AAA=","last":true}', binary=True)
    there.publish(WALL, sent)
    (received,) = await listener.until(sent)
    assert received.binary is True


async def test_a_large_event_arrives_whole(here: Broker, there: Broker, listener: Listener) -> None:
    await here.listen(ALICE)
    sent = LoggedEvent(CALLS, 1, b'{"x":"' + b"y" * 4_000_000 + b'"}')
    there.publish(ALICE, sent)
    assert await listener.until(sent) == [sent]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (Topic("a:b", "c", ""), Topic("a", "b:c", "")),
        (Topic("a", "", "b"), Topic("a", "b", "")),
        (Topic("a", "%3A", ""), Topic("a", ":", "")),
        (Topic("a", "\r\n", ""), Topic("a", "\n", "")),
        (Topic("a", "", "/x/*"), Topic("a", "", "/x/y")),
        (Topic("a", "", "/x/**"), Topic("a", "", "/x/*")),
        (Topic("ä", "{ü}", ""), Topic("ä", "ü", "")),
        (Topic("a", "\ud800", ""), Topic("a", "\ud801", "")),
    ],
    ids=str,
)
async def test_topics_are_told_apart_whatever_they_are_called(
    here: Broker, there: Broker, listener: Listener, left: Topic, right: Topic
) -> None:
    await here.listen(left)
    there.publish(right, event(1))
    there.publish(left, event(2))
    assert await listener.until(event(2)) == [event(2)]


async def test_what_is_published_after_listen_has_returned_arrives(
    here: Broker, there: Broker, listener: Listener
) -> None:
    topics = [Topic("acme", f"user-{n}", "") for n in range(1500)]

    async def listen(n: int, topic: Topic) -> LoggedEvent:
        await here.listen(topic)
        sent = LoggedEvent(Stream("acme", topic.user, "/v2/me"), n + 1, b"{}")
        there.publish(topic, sent)
        return sent

    sent = await asyncio.gather(*(listen(n, topic) for n, topic in enumerate(topics)))
    for each in sent:
        await listener.until(each)
    assert len(listener.events) == len(topics)


async def test_listening_and_ignoring_in_a_hurry_ends_as_it_was_last_asked(
    here: Broker, there: Broker, listener: Listener
) -> None:
    first = asyncio.create_task(here.listen(ALICE))
    await asyncio.sleep(0)
    here.ignore(ALICE)
    second = asyncio.create_task(here.listen(ALICE))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    here.ignore(ALICE)
    await asyncio.sleep(0)
    await here.listen(ALICE)
    there.publish(ALICE, event(1))
    assert await listener.until(event(1)) == [event(1)]
    await asyncio.gather(first, second)


async def test_whoever_listens_to_what_is_ignored_meanwhile_does_not_wait_for_ever(
    here: Broker, there: Broker, listener: Listener
) -> None:
    waiting = asyncio.create_task(here.listen(ALICE))
    await asyncio.sleep(0)
    here.ignore(ALICE)
    await waiting
    await here.listen(BOB)
    there.publish(ALICE, event(1))
    there.publish(BOB, event(2))
    assert await listener.until(event(2)) == [event(2)]


async def test_a_listener_that_gives_up_leaves_the_others_waiting_well(
    here: Broker, there: Broker, listener: Listener
) -> None:
    one, two = asyncio.create_task(here.listen(ALICE)), asyncio.create_task(here.listen(ALICE))
    await asyncio.sleep(0)
    one.cancel()
    await two
    there.publish(ALICE, event(1))
    assert await listener.until(event(1)) == [event(1)]


async def test_a_broker_that_works_has_no_trouble(nodes: Nodes) -> None:
    assert [node.trouble() for node in nodes] == [None, None]
