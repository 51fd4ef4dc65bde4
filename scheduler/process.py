"""Composition root of the timers: inside a web process, or as a process of its own, `hub scheduler`."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

from hub.kernel import logs, metrics, zones
from hub.kernel.clock import Clock, SystemClock
from hub.kernel.settings import Settings
from hub.store import migrations
from hub.store.changes import Changes
from hub.store.database import Database
from scheduler import senders
from scheduler.claims import Jobs
from scheduler.jobs import deliveries, housekeeping
from scheduler.runner import Runner

_log = logs.get("scheduler")


@asynccontextmanager
async def running(settings: Settings, database: Database, clock: Clock) -> AsyncIterator[Runner]:
    """The timers of `database` are done while the block lasts; what is under way at its end is finished."""
    async with senders.opened(settings, clock) as ways:
        jobs = Jobs(housekeeping.transactional(settings), deliveries.outward(ways))
        await database.write(lambda tx: housekeeping.begin(tx, clock.now()))
        async with Runner(database, jobs, clock) as runner:
            yield runner


def serve(settings: Settings, metrics_at: tuple[str, int] | None) -> None:
    """Do timers until SIGTERM or SIGINT, and serve the metrics at that host and port meanwhile.

    Migrates an SQLite database. Raises `OSError` for a port in use.
    """
    logs.configure(settings.log_format, settings.log_level)
    zones.use_packaged()
    with ExitStack() as stack:
        if metrics_at is not None:
            port = stack.enter_context(metrics.served(*metrics_at))
            _log.info("metrics served", host=metrics_at[0], port=port)
        asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    clock, stop, loop = SystemClock(), asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    url = settings.database.reveal()
    await asyncio.to_thread(migrations.migrate, url)
    async with (
        Database(url, clock=clock) as database,
        running(settings, database, clock) as runner,
        Changes(url, runner.wake),  # timers that others plan; those planned in this process are told anyway
    ):
        _log.info("scheduler started")
        await stop.wait()
        _log.info("scheduler stopping")
    _log.info("scheduler stopped")
