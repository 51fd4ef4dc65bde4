"""Timers: how late they are at a steady rate, and what a hundred thousand pending ones cost in memory.

    python -m tests.benchmarks.timers [--database sqlite|postgresql] [--rate 200] [--seconds 20] [--pending 100000]

Lateness is from the due time to the moment in which the event of the timer is handed over after its commit.
"""

import argparse
import asyncio
import resource
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from channels.envelope import LoggedEvent, Stream
from hub.kernel.clock import SystemClock, micros
from hub.store import outbox, timers
from hub.store.database import Database
from hub.store.migrations import migrate
from hub.store.timers import Timer
from hub.store.transaction import Tx
from scheduler.claims import Jobs, Transactional
from scheduler.runner import Runner
from tests.support import postgres

STREAM = Stream("acme", "", "/v2/users")
KIND = "bench"


def act(tx: Tx, timer: Timer, now: float) -> None:
    outbox.emit(tx, STREAM, b'{"due":%d}' % (timer.due_at or 0), now)


def plan(tx: Tx, first: int, step: int, count: int, name: str) -> None:
    rows = ((KIND, f"{name}{n}", first + n * step, None, b"x" * 200, "") for n in range(count))
    tx.cursor.executemany(timers.PLAN, rows)
    tx.planned = True


def resident() -> float:
    """MiB of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


@contextmanager
def database(name: str) -> Iterator[str]:
    """The URL of an empty database, durable as in production."""
    if name == "sqlite":
        with TemporaryDirectory() as directory:
            yield f"sqlite:///{directory}/hub.db"
    else:
        with postgres.running({}) as server:
            yield server.url(server.database())


async def run(url: str, rate: int, seconds: int, pending: int) -> None:
    await asyncio.to_thread(migrate, url)
    clock = SystemClock()
    late: list[float] = []
    more = asyncio.Event()

    def committed(events: Sequence[LoggedEvent]) -> None:
        now = clock.now()
        late.extend(now - int(event.data[7:-1]) / 1_000_000 for event in events)
        more.set()

    async def fired(count: int) -> None:
        """Return when so many have happened since the last time, and forget how late the ones before were."""
        late.clear()
        while len(late) < count:
            more.clear()
            await more.wait()

    async with Database(url, clock=clock) as db:
        db.after_commit(committed)
        async with Runner(db, Jobs([Transactional(KIND, act)]), clock):
            before = resident()
            now = micros(clock.now())
            await db.write(lambda tx: plan(tx, now + 86_400_000_000, 1000, pending, "pending"))
            await db.write(lambda tx: plan(tx, now + 5_000_000, 0, 1, "a few seconds among them"))
            await fired(1)
            print(f"{pending} pending: {before:.1f} MiB before, {resident():.1f} MiB with them in the database")
            first = micros(clock.now() + 1)
            await db.write(lambda tx: plan(tx, first, 1_000_000 // rate, rate * seconds, "due"))
            await fired(rate * seconds)
    quantiles = statistics.quantiles(late, n=1000)
    ms = {"p50": quantiles[499], "p99": quantiles[989], "p99.9": quantiles[998], "max": max(late)}
    shown = ", ".join(f"{name} {value * 1000:.1f} ms" for name, value in ms.items())
    print(f"{rate} due a second for {seconds} s beside them: late by {shown}; {resident():.1f} MiB after")


def main() -> None:
    parser = argparse.ArgumentParser(description="Timers: lateness and memory.")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--pending", type=int, default=100_000)
    options = parser.parse_args()
    with database(options.database) as url:
        print(options.database)
        asyncio.run(run(url, options.rate, options.seconds, options.pending))


if __name__ == "__main__":
    main()
