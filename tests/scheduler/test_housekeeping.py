"""The hub tidies up after itself, whatever number of processes there are."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from api.appointments.actions import scheduling
from api.appointments.rules.appointment import Customer
from api.appointments.rules.proposal import Proposal, Times
from api.appointments.rules.site import Sites
from api.codes import actions as codes
from api.codes.actions import Wanted
from api.codes.rules import Given
from api.tickets import actions as tickets
from api.tickets.rules import Ticket
from channels.envelope import Stream
from hub.auth.principal import Principal
from hub.kernel.applications import Application
from hub.kernel.clock import micros
from hub.kernel.periods import Period
from hub.kernel.secret import Secret
from hub.kernel.settings import Settings
from hub.store import idempotency, outbox, revocations, streams, timers
from hub.store.database import Database
from hub.store.idempotency import Answer, Scope
from hub.store.transaction import Tx
from scheduler.claims import Jobs
from scheduler.firing import Firing
from scheduler.jobs import housekeeping
from tests.scheduler.world import plan, table
from tests.store.harness import rows
from tests.support.clock import START, FakeClock

ALICE = Stream("acme", "alice", "/v2/me/calls")
SETTINGS = Settings(history_events=3, timers_buried_seconds=100, appointment_days=30)


def keeper(db: Database, clock: FakeClock) -> Firing:
    return Firing(db, Jobs(housekeeping.transactional(SETTINGS)), clock, lambda: 1.0)


async def begun(db: Database, clock: FakeClock) -> Firing:
    await db.write(lambda tx: housekeeping.begin(tx, clock.now()))
    return keeper(db, clock)


async def test_history_is_trimmed_again_and_again(db: Database, clock: FakeClock) -> None:
    job = await begun(db, clock)
    await job.work()
    for _ in range(2):
        await db.write(lambda tx: [outbox.emit(tx, ALICE, b"{}", clock.now()) for _ in range(5)])
        clock.advance(10)
        await job.work()
        heads = await db.read(lambda tx: streams.heads(tx, [ALICE]))
        assert heads[ALICE].seq - heads[ALICE].first == 2


async def test_streams_of_customers_go_when_nobody_can_listen_any_more(db: Database, clock: FakeClock) -> None:
    customers = [Stream("", f"{number:034}", "/_genesys") for number in range(3)]
    job = await begun(db, clock)
    await db.write(lambda tx: [outbox.emit(tx, stream, b"{}", clock.now()) for stream in (*customers, ALICE)])

    async def left(days: float) -> list[str]:
        clock.advance(days * 86_400)
        for _ in range(2):  # what is trimmed in the first round is forgotten in the second
            await job.work()
            clock.advance(600)
        return [str(row[0]) for row in await db.read(lambda tx: rows(tx, 'SELECT "user" FROM stream_head ORDER BY id'))]

    assert await left(1) == [*(stream.user for stream in customers), "alice"]
    await db.write(lambda tx: outbox.emit(tx, customers[0], b"{}", clock.now()))
    assert await left(days=SETTINGS.history_seconds / 86_400) == [customers[0].user, "alice"]


async def test_more_than_a_batch_is_trimmed_batch_by_batch_at_once(
    db: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 10)
    await db.write(lambda tx: [outbox.emit(tx, ALICE, b"{}", clock.now()) for _ in range(103)])
    job = await begun(db, clock)
    for _ in range(11):  # a round does what was due when it began
        await job.work()
    assert (await db.read(lambda tx: streams.heads(tx, [ALICE])))[ALICE].first == 101
    [history] = [timer for timer in await table(db) if timer.kind == housekeeping.HISTORY]
    assert history.due_at == micros(START + 10)


async def test_idempotency_keys_and_dead_letters_go_when_their_time_has_come(db: Database, clock: FakeClock) -> None:
    scope = Scope("acme", "crm", "/api/v2/events")

    def remember(tx: Tx) -> None:
        idempotency.begin(tx, scope, "k", b"hash", clock.now())
        idempotency.store(tx, scope, "k", Answer(200, (), b"{}"))

    await db.write(remember)
    await db.write(lambda tx: revocations.revoke(tx, "acme", "alice", clock.now(), tokens=False))
    await plan(db, "deliver.sms", "old", "pending")
    await db.write(lambda tx: timers.bury(tx, 1, "refused: x", clock.now()))
    job = await begun(db, clock)
    await job.work()
    assert len(await db.read(lambda tx: rows(tx, "SELECT * FROM idempotency"))) == 1
    assert [timer.key for timer in await table(db) if timer.kind == "deliver.sms"] == ["old", "pending"]
    clock.advance(86_401)
    await job.work()
    assert await db.read(lambda tx: rows(tx, "SELECT * FROM idempotency")) == []
    assert await db.read(lambda tx: revocations.since(tx, 0)) == []
    assert [timer.key for timer in await table(db) if timer.kind == "deliver.sms"] == ["pending"]


async def test_codes_and_tickets_go_when_their_time_has_come(db: Database, clock: FakeClock) -> None:
    wanted = Wanted(
        organization="acme",
        recipient="+306931234567",
        secret=Given("an id", Secret("063780")),
        delivery="one",
        locale="en",
        sender="Acme",
    )
    ticket = Ticket(
        id="hash",
        organization="acme",
        type="SINGLE_USE_TICKET",
        created_by="crm",
        customer="customer-1",
        conference="room-7",
        application=None,
        properties=b"{}",
        created_at=clock.now(),
        opens_at=clock.now(),
        expires_at=clock.now() + 60,
    )
    await db.write(lambda tx: codes.send(tx, wanted, clock.now()))
    await db.write(lambda tx: tickets.create(tx, ticket))
    job = await begun(db, clock)

    async def left() -> list[int]:
        await job.work()
        counts = "SELECT (SELECT COUNT(*) FROM one_time_code), (SELECT COUNT(*) FROM ticket)"
        return list(*await db.read(lambda tx: rows(tx, counts)))

    assert await left() == [1, 1]
    clock.advance(600)
    assert await left() == [0, 1]
    clock.advance(86_400)
    assert await left() == [0, 0]


async def test_appointments_go_so_many_days_after_their_end_with_their_people(db: Database, clock: FakeClock) -> None:
    times = Times(start=START + 3600, duration=Period(seconds=3600), timezone="UTC")
    proposal = Proposal(times=times, locale="en-US", customer=Customer(username="maria"))
    sites = Sites({"shop": Application(organization="acme", auto_activate=False)}, "http://hub.test")
    alice = Principal(
        user="alice", organization="acme", roles=frozenset({"ROLE_AGENT"}), issued_at=START, expires_at=START
    )
    site = sites.named("acme", "shop")
    await db.write(lambda tx: scheduling.schedule(tx, alice, proposal, site, START, sites))
    job = await begun(db, clock)

    async def left() -> list[int]:
        await job.work()
        counts = "SELECT (SELECT COUNT(*) FROM appointment), (SELECT COUNT(*) FROM appointment_participant)"
        return list(*await db.read(lambda tx: rows(tx, counts)))

    clock.advance(7200 + 30 * 86_400 - 1)
    assert await left() == [1, 2]
    clock.advance(3600)
    assert await left() == [0, 0]


async def test_beginning_again_moves_nothing(db: Database, clock: FakeClock) -> None:
    job = await begun(db, clock)
    await job.work()
    before = await table(db)
    clock.advance(1)
    await begun(db, clock)
    assert await table(db) == before
    assert {(timer.kind, timer.due_at) for timer in before} == {
        (housekeeping.HISTORY, micros(START + 10)),
        (housekeeping.CUSTOMERS, micros(START + 600)),
        (housekeeping.IDEMPOTENCY, micros(START + 60)),
        (housekeeping.BURIED, micros(START + 600)),
        (housekeeping.REVOCATIONS, micros(START + 600)),
        (housekeeping.CODES, micros(START + 60)),
        (housekeeping.TICKETS, micros(START + 600)),
        (housekeeping.FILES, micros(START + 60)),
        (housekeeping.CALLBACKS, micros(START + 600)),
        (housekeeping.CALLBACK_COUNTS, micros(START + 600)),
        (housekeeping.CALLS, micros(START)),  # its job is among those of calls
        (housekeeping.NOTICES, micros(START)),  # among those of appointments
        (housekeeping.APPOINTMENTS, micros(START + 3600)),
    }


async def test_of_several_processes_one_tidies_up(url: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    trims: list[float] = []

    def trim(tx: Tx, *, now: float, **_: object) -> int:
        trims.append(now)
        return 0

    monkeypatch.setattr(streams, "trim", trim)
    async with AsyncExitStack() as stack:
        databases = [await stack.enter_async_context(Database(url, clock=clock)) for _ in range(3)]
        jobs = [await begun(db, clock) for db in databases]
        for _ in range(4):
            await asyncio.gather(*(job.work() for job in jobs))
            clock.advance(10)
    assert trims == [START, START + 10, START + 20, START + 30]


async def test_housekeeping_that_fails_goes_on_for_ever(
    db: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(tx: Tx, **_: object) -> int:
        raise OSError("disk full")

    monkeypatch.setattr(streams, "trim", fail)
    job = await begun(db, clock)
    for _ in range(30):
        await job.work()
        clock.advance(600)
    [history] = [timer for timer in await table(db) if timer.kind == housekeeping.HISTORY]
    assert (history.attempt, history.error) == (30, "OSError: disk full")
    assert history.due_at is not None
