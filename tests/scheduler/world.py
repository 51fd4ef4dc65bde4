"""What the scheduler's tests share: jobs that leave traces in the log, and calls that end as told."""

import asyncio
from collections.abc import Sequence

from channels.envelope import Stream
from hub.kernel.clock import micros
from hub.store import outbox, streams, timers
from hub.store.database import Database
from hub.store.timers import Timer
from hub.store.transaction import Snapshot, Tx
from scheduler.calling import Calling
from scheduler.claims import Jobs, Outward, Transactional
from scheduler.firing import Firing
from scheduler.retries import Audience, Retries
from scheduler.senders.port import Accepted, Outcome
from tests.support.clock import START, FakeClock

STREAM = Stream("acme", "alice", "/v2/me")
REMIND = "remind"
PEOPLE = "deliver.people"
MACHINES = "deliver.machines"
RETRIES = Retries(attempts=3, first=10.0, longest=60.0)


class Broken(Exception):
    """What an action raises."""


def remind(tx: Tx, timer: Timer, now: float) -> None:
    """Emit one event, the effect that is counted; fail first if the payload says so."""
    outbox.emit(tx, STREAM, b'{"key":"%s"}' % timer.key.encode(), now)
    if timer.payload == b"broken":
        raise Broken("this timer\nis broken, token=abc123")


REMINDER = Transactional(REMIND, remind, RETRIES)


def firing(db: Database, clock: FakeClock, *jobs: Transactional) -> Firing:
    return Firing(db, Jobs(jobs or (REMINDER,)), clock, lambda: 1.0)


class Calls:
    """A receiver: remembers what it was called for and ends each call with the outcome that a test supplies."""

    def __init__(self, *outcomes: Outcome | Exception) -> None:
        self.begun: list[Timer] = []
        self._outcomes = list(outcomes)
        self._begun = asyncio.Event()
        self.held: asyncio.Event | None = None
        self.cancelled = 0

    async def __call__(self, timer: Timer) -> Outcome:
        self.begun.append(timer)
        self._begun.set()
        if self.held is not None:
            try:
                await self.held.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        outcome = self._outcomes.pop(0) if self._outcomes else Accepted()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def until_begun(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.begun) < count:
                self._begun.clear()
                await self._begun.wait()


def outward(
    deliver: Calls,
    to: Audience = Audience.PEOPLE,
    *,
    at_once: int = 2,
    seconds: float = 30.0,
    share: int | None = None,
) -> Outward:
    return Outward(PEOPLE if to is Audience.PEOPLE else MACHINES, deliver, to, at_once, seconds, RETRIES, share)


def calling(db: Database, clock: FakeClock, job: Outward) -> Calling:
    return Calling(db, Jobs(outward=(job,)), job, clock, lambda: 1.0, lambda: None)


async def plan(
    db: Database,
    kind: str,
    *keys: str,
    at: float = START,
    payload: bytes = b"",
    until: float | None = None,
    receiver: str = "",
) -> None:
    not_after = None if until is None else micros(until)

    def write(tx: Tx) -> None:
        for key in keys:
            timers.plan(tx, kind, key, micros(at), payload, not_after=not_after, receiver=receiver)

    await db.write(write)


async def effects(db: Database, stream: Stream = STREAM) -> list[str]:
    """The keys of timers that took effect, in the order of their events."""
    events = await db.read(lambda tx: streams.history(tx, stream, 0, 100_000))
    return [event.data.decode().split('"')[3] for event in events]


async def table(db: Database) -> list[Timer]:
    """All timers, in the order of their ids."""

    def look(tx: Snapshot) -> Sequence[tuple[object, ...]]:
        tx.cursor.execute(f"SELECT {timers.COLUMNS} FROM timer ORDER BY id")
        return tx.cursor.fetchall()

    return [Timer(*row) for row in await db.read(look)]  # type: ignore[arg-type]  # columns have their types
