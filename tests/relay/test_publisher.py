"""From a committed transaction to a listening receiver, over a real database and broker."""

from pathlib import Path

from channels.catalog import Catalog, Channel
from channels.envelope import LoggedEvent, Stream
from hub.brokers.memory import MemoryBroker
from hub.brokers.port import Topic
from hub.relay.publisher import Publisher
from hub.store import outbox
from hub.store.database import Database
from hub.store.transaction import Tx
from tests.support.clock import FakeClock
from tests.support.empty_database import migrated

CATALOG = Catalog([Channel(pattern="/walls/**")])
ALICE = Stream("acme", "alice", "/v2/me/calls")
WALL = Stream("acme", "", "/walls/sales")


class Listener:
    def __init__(self) -> None:
        self.events: list[LoggedEvent] = []

    def event(self, event: LoggedEvent) -> None:
        self.events.append(event)

    def interrupted(self) -> None:
        raise AssertionError


def relay() -> tuple[MemoryBroker, Publisher, Listener]:
    broker, listener = MemoryBroker(), Listener()
    broker.connect(listener)
    return broker, Publisher(broker, CATALOG), listener


async def test_events_of_one_transaction_are_published_in_order_before_the_write_returns(tmp_path: Path) -> None:
    clock = FakeClock()
    broker, publisher, listener = relay()
    await broker.listen(Topic("acme", "alice", ""))
    await broker.listen(Topic("acme", "", "/walls/**"))

    def action(tx: Tx) -> None:
        outbox.emit(tx, ALICE, b'{"n":1}', clock.now())
        outbox.announce(tx, WALL, b'{"n":2}')
        outbox.emit(tx, ALICE, b'{"n":3}', clock.now())

    async with Database(migrated(tmp_path), clock=clock) as db:
        db.after_commit(publisher.committed)
        await db.write(action)
    assert listener.events == [
        LoggedEvent(ALICE, 1, b'{"n":1}'),
        LoggedEvent(WALL, 0, b'{"n":2}'),
        LoggedEvent(ALICE, 2, b'{"n":3}'),
    ]


async def test_a_transaction_that_fails_publishes_nothing(tmp_path: Path) -> None:
    clock = FakeClock()
    broker, publisher, listener = relay()
    await broker.listen(Topic("acme", "alice", ""))

    def action(tx: Tx) -> None:
        outbox.emit(tx, ALICE, b'{"n":1}', clock.now())
        raise LookupError

    async with Database(migrated(tmp_path), clock=clock) as db:
        db.after_commit(publisher.committed)
        try:
            await db.write(action)
        except LookupError:
            await db.write(lambda tx: outbox.emit(tx, ALICE, b'{"n":2}', clock.now()))
    assert listener.events == [LoggedEvent(ALICE, 1, b'{"n":2}')]


async def test_nobody_listening_is_no_fault() -> None:
    _, publisher, listener = relay()
    publisher.publish(LoggedEvent(ALICE, 1, b"{}"))
    assert listener.events == []
