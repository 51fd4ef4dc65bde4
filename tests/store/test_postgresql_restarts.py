"""A PostgreSQL server that goes away under a running process, and comes back. It is durable as in production."""

import asyncio
import signal
from collections import Counter, defaultdict
from collections.abc import Awaitable, Iterator

import pytest

from channels.envelope import LoggedEvent, Stream
from hub.kernel.errors import Overloaded
from hub.store import database, link, outbox, streams, timers, worker
from hub.store.changes import Changes
from hub.store.database import Database
from hub.store.postgresql import PostgreSQL
from hub.store.transaction import Emitted, OutcomeUnknown, Snapshot, Tx
from tests.store.harness import ALICE, NOW, NOW_MICROS, StandingClock
from tests.store.test_durability import USERS
from tests.support import postgres
from tests.support.postgres import PostgresServer
from tests.support.waiting import eventually

RESTARTS = 3
WRITES_BETWEEN = 200


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres.running({}) as started:
        yield started


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    name = server.migrated()
    yield server.url(name, password="hunter2")
    server.drop(name)


def emit(tx: Tx) -> Emitted:
    return outbox.emit(tx, ALICE, b"{}", NOW)


async def test_while_the_server_is_away_everybody_is_told_at_once_and_the_log_twice(
    server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(link, "PAUSES", (0.01, 0.01))
    caplog.set_level("INFO")
    async with Database(url, clock=StandingClock(), readers=1) as db:
        assert (await db.write(emit)).seq == 1
        await asyncio.to_thread(server.stop)
        with pytest.raises(Overloaded, match="cannot be reached") as refused:
            await db.write(emit)
        assert (refused.value.code, refused.value.retry_after) == ("database_away", 1)
        for _ in range(20):
            with pytest.raises(Overloaded, match="cannot be reached"):
                await db.write(emit)
            with pytest.raises(Overloaded, match="cannot be reached"):
                await db.read(streams.epoch)
        assert db.trouble() == "the database cannot be reached; the log has the reason"
        await asyncio.to_thread(server.start)
        await eventually(lambda: db.trouble() is None)  # though nobody asks for anything
        assert (await db.write(emit)).seq == 2
    said = Counter(record.msg["event"] for record in caplog.records if isinstance(record.msg, dict))
    assert said["the database is away; it is tried again every second"] == 2  # the writer and the reader
    assert said["the database is back"] == 2
    assert "hunter2" not in caplog.text


async def test_a_server_that_neither_answers_nor_breaks_off_counts_as_away(
    server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(database, "WATCH_SECONDS", 0.05)
    monkeypatch.setattr(link, "PAUSES", ())
    async with Database(url, clock=StandingClock(), readers=1) as db:
        assert (await db.write(emit)).seq == 1
        with monkeypatch.context() as hasty:  # only while nobody answers: a busy machine may be slow as well
            hasty.setattr(PostgreSQL, "longest", 0.2)
            hasty.setattr(worker, "SILENT_SECONDS", 0.1)
            await asyncio.to_thread(server.freeze)
            stuck = [asyncio.create_task(work) for work in (db.write(emit), db.read(streams.epoch))]
            await eventually(lambda: db.trouble() is not None)
            for each in await asyncio.gather(*stuck, return_exceptions=True):
                assert isinstance(each, Overloaded)
                assert each.code == "database_away"
        await asyncio.to_thread(server.thaw)
        await eventually(lambda: db.trouble() is None, 30)
        assert (await db.write(emit)).seq == 2
    assert caplog.text.count("the database does not answer; the connection is cut") == 2


async def test_asking_all_the_time_does_not_keep_it_away(
    server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "PAUSES", ())
    async with Database(url, clock=StandingClock(), readers=1) as db:
        await asyncio.to_thread(server.stop)

        async def is_served() -> bool:
            try:
                await db.read(streams.epoch)
                await db.write(emit)
            except Overloaded:
                return False
            return True

        assert not await is_served()
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(30):
            while not await is_served():
                pass
        assert db.trouble() is None


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGINT], ids=["crash", "orderly"])
async def test_a_restart_is_a_pause_and_nothing_more(
    server: PostgresServer, url: str, how: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "PAUSES", (0.05,) * 300)  # the machine may be slow to start one
    async with Database(url, clock=StandingClock()) as db:
        before = await db.read(streams.epoch)
        await db.write(emit)
        await asyncio.to_thread(server.stop, how)
        waiting = [asyncio.create_task(work) for work in (db.write(emit), db.read(streams.epoch))]
        await asyncio.to_thread(server.start)
        assert (await asyncio.gather(*waiting))[1] == before
        assert [event.seq for event in await db.read(lambda tx: streams.history(tx, ALICE, 0, 9))] == [1, 2]
        assert db.trouble() is None


async def test_timers_are_watched_again_after_a_restart(server: PostgresServer, url: str) -> None:
    told = asyncio.Event()
    async with Changes(url, told.set):
        await told.wait()
        told.clear()
        await asyncio.to_thread(server.stop, signal.SIGINT)
        await asyncio.to_thread(server.start)
        await told.wait()
        told.clear()
        async with Database(url, clock=StandingClock()) as db:
            await db.write(lambda tx: timers.plan(tx, "remind", "a", NOW_MICROS))
        await told.wait()


async def test_leaving_ends_while_the_server_is_away(
    server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "PAUSES", (0.01, 0.01))
    async with Database(url, clock=StandingClock()) as db:
        await db.write(emit)
        await asyncio.to_thread(server.stop)
        lost = asyncio.create_task(db.write(emit))
        await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await lost
    await asyncio.to_thread(server.start)


class Storm:
    """Eight users' writers, each writing one numbered event after the other, and what they were told of each."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.acknowledged: dict[bytes, tuple[Stream, int]] = {}
        self.refused: set[bytes] = set()
        self.unknown: set[bytes] = set()
        self.over = False

    async def write(self, stream: Stream) -> None:
        n = 0
        while not self.over:
            n += 1
            data = b'{"user":"%s","n":%d}' % (stream.user.encode(), n)
            try:
                emitted = await self._db.write(lambda tx, data=data: outbox.emit(tx, stream, data, NOW))  # type: ignore[misc]
            except OutcomeUnknown:
                self.unknown.add(data)
            except Overloaded:
                self.refused.add(data)
            else:
                self.acknowledged[data] = (stream, emitted.seq)

    async def until_acknowledged(self, count: int) -> None:
        await eventually(lambda: len(self.acknowledged) >= count, 60)


async def test_a_server_that_crashes_in_a_storm_of_writes_loses_and_repeats_nothing(
    server: PostgresServer, url: str
) -> None:
    published: list[LoggedEvent] = []
    async with Database(url, clock=StandingClock()) as db:
        db.after_commit(published.extend)
        storm = Storm(db)
        writers: list[Awaitable[None]] = [asyncio.ensure_future(storm.write(stream)) for stream in USERS]
        for _ in range(RESTARTS):
            await storm.until_acknowledged(len(storm.acknowledged) + WRITES_BETWEEN)
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
        await storm.until_acknowledged(len(storm.acknowledged) + WRITES_BETWEEN)
        storm.over = True
        await asyncio.gather(*writers)

        def look(tx: Snapshot) -> dict[Stream, list[LoggedEvent]]:
            return {stream: streams.history(tx, stream, 0, 1_000_000) for stream in USERS}

        kept = await db.read(look)
        touched = dict(await db.read(lambda tx: streams.heads_touched(tx, 0)))
    check(storm, kept, published)
    assert touched == {stream: len(events) for stream, events in kept.items()}


def check(storm: Storm, kept: dict[Stream, list[LoggedEvent]], published: list[LoggedEvent]) -> None:
    """What was acknowledged is there, what was refused is not, what is unknown at most once; publication follows."""
    everything = [event for events in kept.values() for event in events]
    for events in kept.values():
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
    at = {event.data: (event.stream, event.seq) for event in everything}
    assert len(at) == len(everything), "something was committed twice"
    assert {data: at.get(data) for data in storm.acknowledged} == storm.acknowledged
    assert not storm.refused & at.keys()
    assert at.keys() - storm.acknowledged.keys() <= storm.unknown
    order: dict[Stream, list[int]] = defaultdict(list)
    for event in published:
        assert at[event.data] == (event.stream, event.seq)
        order[event.stream].append(event.seq)
    assert all(seqs == sorted(set(seqs)) for seqs in order.values())
    # What the log has and nobody was told of is what a look into the log brings: the outcomes that are unknown.
    assert at.keys() - {event.data for event in published} == storm.unknown & at.keys()
