"""Timers and what leaves the house, with real processes, real receivers, and processes that die."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from hub.kernel.clock import Clock, SystemClock
from hub.kernel.settings import load
from hub.store import deliveries, timers
from hub.store.database import Database
from hub.store.deliveries import Mail, Message, Sms, Webhook
from hub.store.transaction import Snapshot
from scheduler import senders
from scheduler.calling import Calling
from scheduler.claims import Jobs
from scheduler.jobs import deliveries as jobs
from tests.scheduler.test_kill9 import run_until
from tests.scheduler.world import REMIND, STREAM, plan
from tests.support.bayeux_ws import WebSocketDesktop
from tests.support.clock import FakeClock
from tests.support.desktop import at_work
from tests.support.http_receiver import Receiver, answer, http_receiver
from tests.support.hub_process import HubProcess
from tests.support.mail_server import mail_server
from tests.support.postgres import PostgresServer
from tests.support.redis_server import RedisServer
from tests.support.scheduler_process import SchedulerProcess
from tests.support.tokens import SECRET, mint

EXTERNAL = {"HUB_SCHEDULER": "external", "HUB_WEBHOOK_PRIVATE": "on"}
NUMBER = "+306931221199"


def hook(receiver: Receiver, number: int = 0) -> Webhook:
    return Webhook(url=f"{receiver.url}/hook", type="T", payload=msgspec.Raw(b"%d" % number), at=0, secret="k")


def hub_with(tmp_path: Path, **settings: str) -> HubProcess:
    return HubProcess(tmp_path / "hub", secret=SECRET, settings=settings)


@asynccontextmanager
async def database(hub: HubProcess, clock: Clock | None = None) -> AsyncIterator[Database]:
    """The database of a hub that has been started once, opened beside it."""
    file = f"sqlite:///{hub.environment['HUB_DATA_DIR']}/hub.db"
    async with Database(hub.environment.get("HUB_DATABASE_URL", file), clock=clock or SystemClock()) as db:
        yield db


async def send(db: Database, message: Message, key: str) -> None:
    await db.write(lambda tx: deliveries.plan(tx, message, 0.0, key=key))


async def left(db: Database) -> list[tuple[str, str | None]]:
    """Key and error of the messages that are still there."""

    def look(tx: Snapshot) -> list[tuple[str, str | None]]:
        tx.cursor.execute("SELECT key, error FROM timer WHERE kind LIKE 'deliver.%' ORDER BY key")
        return [(row[0], row[1]) for row in tx.cursor.fetchall()]

    return await db.read(look)


async def until_gone(db: Database) -> None:
    async with asyncio.timeout(20):
        while await left(db):
            pass  # another process does it; looking is all that can be done


@pytest.fixture(params=["a file", "servers"])
def place(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Where several processes meet: on one file, or on a PostgreSQL server and a Redis."""
    if request.param == "a file":
        yield {}
        return
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    redis: RedisServer = request.getfixturevalue("redis_server")
    name = postgres.migrated()
    yield {"HUB_DATABASE_URL": postgres.url(name), "HUB_REDIS_URL": redis.url, "HUB_REDIS_PREFIX": f"timers-{name}"}
    postgres.drop(name)


async def test_two_schedulers_beside_a_web_process_send_each_message_once(
    tmp_path: Path, place: dict[str, str]
) -> None:
    hub = hub_with(tmp_path, **EXTERNAL, **place)
    pair = [SchedulerProcess(hub.home, hub.environment, name) for name in ("one", "two")]
    await asyncio.to_thread(hub.start)
    try:
        async with http_receiver() as receiver, database(hub) as db:
            await asyncio.gather(*(asyncio.to_thread(each.start) for each in pair))
            await asyncio.gather(*(send(db, hook(receiver, n), f"id{n}") for n in range(60)))
            await until_gone(db)
            sent = Counter((each.headers["x-hub-delivery"], each.body) for each in receiver.requests)
            assert len(sent) == 60
            assert set(sent.values()) == {1}
    finally:
        codes = [await asyncio.to_thread(stop) for stop in (pair[0].terminate, pair[1].terminate, hub.terminate)]
    assert codes == [0, 0, 0]


async def test_an_event_of_a_scheduler_that_died_before_publishing_reaches_the_desktop(tmp_path: Path) -> None:
    hub = hub_with(tmp_path, **EXTERNAL)
    await asyncio.to_thread(hub.start)
    try:
        alice = WebSocketDesktop(hub.bayeux_url, mint("alice"), [STREAM.channel], user="alice")
        async with database(hub) as db, at_work(alice):
            await plan(db, REMIND, "a", at=0.0)
            url = f"sqlite:///{hub.environment['HUB_DATA_DIR']}/hub.db"
            await asyncio.to_thread(run_until, url, "committed", "committed")
            await alice.until_received(STREAM.channel, 1)
        assert [event.data for event in alice.events(STREAM.channel)] == [{"key": "a"}]
    finally:
        await asyncio.to_thread(hub.terminate)


async def test_a_scheduler_killed_while_it_sends(tmp_path: Path) -> None:
    """Afterwards the SMS, which may have been taken, is uncertain; the webhook comes again, the same to the byte."""
    async with http_receiver() as gateway, http_receiver() as receiver:
        gateway.answers, receiver.answers = [[None]], [[None]]
        environment = {"HUB_SMS_URL": f"{gateway.url}/Messages.json", "HUB_SMS_FROM": "Hub", **EXTERNAL}
        hub = hub_with(tmp_path, **environment)
        scheduler = SchedulerProcess(hub.home, hub.environment)
        await asyncio.to_thread(scheduler.start)
        later = FakeClock()
        later.advance(10 * 365 * 86_400)
        async with database(hub, later) as db:
            await send(db, Sms(to=NUMBER, text="hello"), "s")
            await send(db, hook(receiver), "w")
            await gateway.asked()
            await receiver.asked()
            await asyncio.to_thread(scheduler.kill9)
            gateway.answers, receiver.answers = [answer(201)], [answer(200)]
            settings = await asyncio.to_thread(load, hub.environment)
            async with senders.opened(settings, later) as ways:
                all_jobs = Jobs(outward=jobs.outward(ways))
                for job in all_jobs.outward.values():
                    calling = Calling(db, all_jobs, job, later, lambda: 1.0, lambda: None)
                    await calling.settle_lapsed()
                    later.advance(60)
                    await calling.work()
                    await calling.ended()
            assert await left(db) == [("s", "uncertain: the attempt was cut off, nothing is known of its outcome")]
            assert len(gateway.requests) == 1
            first, second = receiver.requests
            assert first.body == second.body
            assert first.headers["x-hub-delivery"] == second.headers["x-hub-delivery"] == "w"
    listed = await asyncio.to_thread(hub.command, "timers", "buried")
    assert "deliver.sms\ts\t1\tuncertain: the attempt was cut off" in listed.stdout
    assert NUMBER not in listed.stdout


async def test_a_scheduler_that_is_stopped_lets_a_mail_finish(tmp_path: Path) -> None:
    async with mail_server() as server:
        server.answers = {"DATA": "hang"}
        settings = {"HUB_SMTP_URL": f"smtp://127.0.0.1:{server.port}", "HUB_SMTP_FROM": "hub@hub.test", **EXTERNAL}
        hub = hub_with(tmp_path, **settings)
        scheduler = SchedulerProcess(hub.home, hub.environment)
        await asyncio.to_thread(scheduler.start)
        async with database(hub) as db:
            await send(db, Mail(to="maria@example.com", subject="Hi", text="hello"), "m")
            await server.asked()
            stopping = asyncio.create_task(asyncio.to_thread(scheduler.terminate))
            await asyncio.to_thread(scheduler.until, "scheduler stopping")
            server.release()
            assert await stopping == 0
            assert await left(db) == []
        assert len(server.mails) == 1


async def test_without_settings_a_hub_prints_what_it_would_send(tmp_path: Path) -> None:
    hub = hub_with(tmp_path)
    await asyncio.to_thread(hub.start)
    try:
        async with database(hub) as db:
            await send(db, Sms(to=NUMBER, text="the code is 063780"), "s")
            await until_gone(db)
    finally:
        await asyncio.to_thread(hub.terminate)
    assert f"SMS to {NUMBER}, not sent: HUB_SMS_URL is not set\n    the code is 063780\n" in hub.tail()


async def test_a_web_process_without_a_scheduler_does_no_timers(tmp_path: Path) -> None:
    hub = hub_with(tmp_path, HUB_SCHEDULER="external")
    await asyncio.to_thread(hub.start)
    try:
        async with database(hub) as db:
            assert await db.read(lambda tx: timers.next_due(tx, 0.0, ["housekeeping.history"])) is None
    finally:
        await asyncio.to_thread(hub.terminate)
    hub = hub_with(tmp_path)
    await asyncio.to_thread(hub.start)
    try:
        async with database(hub) as db:
            assert await db.read(lambda tx: timers.next_due(tx, 0.0, ["housekeeping.history"])) is not None
    finally:
        await asyncio.to_thread(hub.terminate)
