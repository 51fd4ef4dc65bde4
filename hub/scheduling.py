"""The composition root of `hub scheduler`: a process that does timers and nothing else."""

import asyncio
import signal
from contextlib import AsyncExitStack, ExitStack, suppress

from hub.brokers import redis
from hub.kernel import logs, metrics, redis_url, zones
from hub.kernel.clock import SystemClock
from hub.kernel.config import Configuration
from hub.kernel.errors import Overloaded
from hub.kernel.lifecycle import Background
from hub.kernel.settings import Settings
from hub.relay.publisher import Publisher
from hub.store import clocks, migrations
from hub.store.changes import Changes
from hub.store.database import Database
from scheduler import process

CLOCK_SECONDS = 1.0

_log = logs.get("scheduler")


def serve(settings: Settings, configuration: Configuration, metrics_at: tuple[str, int] | None) -> None:
    """Do timers until SIGTERM or SIGINT, and serve the metrics at that host and port meanwhile.

    Prepares the database as a web process does. Raises `OSError` for a port in use, `NotMigrated`, `ConnectionError`.
    """
    logs.configure(settings.log_format, settings.log_level)
    zones.use_packaged()
    with ExitStack() as stack:
        if metrics_at is not None:
            port = stack.enter_context(metrics.served(*metrics_at))
            _log.info("metrics served", host=metrics_at[0], port=port)
        asyncio.run(_serve(settings, configuration))


async def _serve(settings: Settings, configuration: Configuration) -> None:
    clock, stop, loop = SystemClock(), asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    url = settings.database.reveal()
    await asyncio.to_thread(migrations.prepare, url)
    async with AsyncExitStack() as stack:
        publisher: Publisher | None = None
        if settings.redis_url is not None:
            # It outlives the database: what the last commits have to say is still sent.
            address = redis_url.parse(settings.redis_url)
            broker = await stack.enter_async_context(redis.opened(address, settings.redis_prefix, clock))
            publisher = Publisher(broker, configuration.catalog())
        database = await stack.enter_async_context(Database(url, clock=clock))
        if publisher is not None:  # without it, the web process on the same file finds the events in the log
            database.after_commit(publisher.committed)
        await _keep_time(database, clock)
        background = await stack.enter_async_context(Background(clock))
        background.keep("clock", lambda: _keep_keeping_time(database, clock))
        runner = await stack.enter_async_context(process.running(settings, configuration, database, clock))
        # Timers that others plan; those planned in this process are told anyway.
        await stack.enter_async_context(Changes(url, runner.wake))
        _log.info("scheduler started")
        await stop.wait()
        _log.info("scheduler stopping")
    _log.info("scheduler stopped")


async def _keep_keeping_time(database: Database, clock: SystemClock) -> None:
    while True:
        await asyncio.sleep(CLOCK_SECONDS)
        with suppress(Overloaded):
            await _keep_time(database, clock)


async def _keep_time(database: Database, clock: SystemClock) -> None:
    """Several machines share the clock of their database."""
    if (ahead := await database.read(clocks.difference)) is not None:
        clock.correct(ahead)
