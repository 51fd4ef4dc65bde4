"""What `hub.brokers.port` promises, over every broker there is. A new broker joins by an entry in `BROKERS`.

A broker may be another process away, so whatever is to arrive is awaited. Whatever must not arrive is followed by
something that must, on the same way.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from channels.envelope import LoggedEvent, Stream
from hub.brokers.memory import MemoryBroker
from hub.brokers.port import Broker, Topic

ALICE = Topic("acme", "alice", "")
BOB = Topic("acme", "bob", "")
WALL = Topic("acme", "", "/walls/**")
NAMESAKE = Topic("globex", "alice", "")
CALLS = Stream("acme", "alice", "/v2/me/calls")
DEVICES = Stream("acme", "alice", "/v2/me/devices")


@asynccontextmanager
async def memory() -> AsyncIterator[Broker]:
    yield MemoryBroker()


Opening = Callable[[], AbstractAsyncContextManager[Broker]]
BROKERS = {"memory": memory}


class Listener:
    """A receiver that remembers, and can be waited for."""

    def __init__(self) -> None:
        self.events: list[LoggedEvent] = []
        self._changed = asyncio.Event()

    def event(self, event: LoggedEvent) -> None:
        self.events.append(event)
        self._changed.set()

    def interrupted(self) -> None:
        raise AssertionError("nothing interrupts here")

    async def until(self, last: LoggedEvent) -> list[LoggedEvent]:
        """Everything received up to and with that event."""
        async with asyncio.timeout(10):
            while last not in self.events:
                self._changed.clear()
                await self._changed.wait()
        return self.events


def event(seq: int, stream: Stream = CALLS) -> LoggedEvent:
    return LoggedEvent(stream, seq, b'{"n":%d}' % seq)


@pytest.fixture(params=BROKERS)
def opening(request: pytest.FixtureRequest) -> Opening:
    opened: Opening = BROKERS[request.param]
    return opened


@pytest.fixture
async def broker(opening: Opening) -> AsyncIterator[Broker]:
    async with opening() as opened:
        yield opened


@pytest.fixture
def listener(broker: Broker) -> Listener:
    receiver = Listener()
    broker.connect(receiver)
    return receiver


async def test_what_is_listened_to_arrives_as_it_was_published(broker: Broker, listener: Listener) -> None:
    await broker.listen(ALICE)
    sent = LoggedEvent(CALLS, 7, '{"text":"ä\\u0000\\n","deep":[[1.0,1e400]]}'.encode())
    broker.publish(ALICE, sent)
    assert await listener.until(sent) == [sent]


async def test_the_order_of_one_publisher_is_kept(broker: Broker, listener: Listener) -> None:
    await broker.listen(ALICE)
    sent = [event(n, stream) for n in range(1, 301) for stream in (CALLS, DEVICES)]
    for each in sent:
        broker.publish(ALICE, each)
    assert await listener.until(sent[-1]) == sent


async def test_two_topics_arrive_once_each_and_no_third_one(broker: Broker, listener: Listener) -> None:
    await broker.listen(ALICE)
    await broker.listen(WALL)
    wall = Stream("acme", "", "/walls/sales")
    mine, ours = event(1), event(1, wall)
    broker.publish(BOB, event(1, Stream("acme", "bob", "/v2/me/calls")))
    broker.publish(NAMESAKE, event(1, Stream("globex", "alice", "/v2/me/calls")))
    broker.publish(ALICE, mine)
    broker.publish(WALL, ours)
    await listener.until(mine)
    assert sorted(await listener.until(ours)) == sorted([mine, ours])


async def test_what_was_published_before_listening_does_not_arrive(broker: Broker, listener: Listener) -> None:
    broker.publish(ALICE, event(1))
    await broker.listen(ALICE)
    broker.publish(ALICE, event(2))
    assert await listener.until(event(2)) == [event(2)]


async def test_listening_twice_does_not_double(broker: Broker, listener: Listener) -> None:
    await broker.listen(ALICE)
    await broker.listen(ALICE)
    broker.publish(ALICE, event(1))
    broker.publish(ALICE, event(2))
    assert await listener.until(event(2)) == [event(1), event(2)]


async def test_ignoring_ends_one_topic_and_no_other(broker: Broker, listener: Listener) -> None:
    await broker.listen(ALICE)
    await broker.listen(BOB)
    broker.ignore(ALICE)
    await broker.listen(NAMESAKE)  # whoever is told of this has been told to ignore before
    broker.publish(ALICE, event(1))
    after = event(1, Stream("acme", "bob", "/v2/me/calls"))
    broker.publish(BOB, after)
    assert await listener.until(after) == [after]


async def test_a_topic_that_was_ignored_can_be_listened_to_again(broker: Broker, listener: Listener) -> None:
    await broker.listen(ALICE)
    broker.ignore(ALICE)
    await broker.listen(ALICE)
    broker.publish(ALICE, event(1))
    assert await listener.until(event(1)) == [event(1)]


async def test_ignoring_what_was_never_listened_to_is_no_fault(broker: Broker, listener: Listener) -> None:
    broker.ignore(ALICE)
    await broker.listen(ALICE)
    broker.publish(ALICE, event(1))
    assert await listener.until(event(1)) == [event(1)]


async def test_ephemeral_events_are_carried_too(broker: Broker, listener: Listener) -> None:
    await broker.listen(WALL)
    sent = [LoggedEvent(Stream("acme", "", "/walls/x"), 0, b'{"n":%d}' % n) for n in range(3)]
    for each in sent:
        broker.publish(WALL, each)
    assert await listener.until(sent[-1]) == sent


async def test_publishing_without_any_receiver_is_no_fault(broker: Broker) -> None:
    broker.publish(ALICE, event(1))
