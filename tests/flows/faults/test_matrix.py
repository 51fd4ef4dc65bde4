"""Every fault of every part, under load, with desktops over both transports at both nodes.

Passes if nothing is lost without a gap mark, nothing comes twice, out of order or to somebody else, and everybody is up
to date again soon. `make chaos` keeps each fault up for longer.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from tests.support.crowd import caught_up, desktops, load
from tests.support.desktop import at_work
from tests.support.estate import PATIENCE, Estate
from tests.support.figures import Figures
from tests.support.history import History
from tests.support.pace import hold
from tests.support.partition import partition

FAULT_SECONDS = 10.0 if "HUB_CHAOS" in os.environ else 2.0
UNNOTICED_SECONDS = 12.0
"""A half-open connection to the database is given up after ten seconds; before that nothing has happened."""
AWAY_SECONDS = 120.0 if "HUB_CHAOS" in os.environ else 6.0
"""Longer than what is published is kept for a Redis that is not there."""
RECOVERY_SECONDS = 30.0
AGENTS = ("alice", "bob")
SLOW = 30_000  # bytes a second
QUIET = 0.02  # seconds between two requests of a back end
EVENTS = 60

LASTS = {"postgresql: half-open": max(FAULT_SECONDS, UNNOTICED_SECONDS), "redis: away": AWAY_SECONDS}

Fault = Callable[[Estate], AbstractAsyncContextManager[None]]
in_thread = asyncio.to_thread


# Web node -----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def node_killed(site: Estate) -> AsyncIterator[None]:
    await in_thread(site.nodes[0].kill9)
    yield
    await in_thread(site.nodes[0].start)


@asynccontextmanager
async def node_frozen(site: Estate) -> AsyncIterator[None]:
    site.nodes[0].freeze()
    yield
    site.nodes[0].thaw()


@asynccontextmanager
async def clients_slow(site: Estate) -> AsyncIterator[None]:
    site.networks[0].slow(SLOW)
    yield
    site.networks[0].heal()


@asynccontextmanager
async def clients_stranded(site: Estate) -> AsyncIterator[None]:
    site.networks[0].strand()
    yield
    site.networks[0].heal()


@asynccontextmanager
async def clients_reset(site: Estate) -> AsyncIterator[None]:
    site.networks[0].cut()
    yield
    site.networks[0].cut()


# Redis --------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def redis_killed(site: Estate) -> AsyncIterator[None]:
    await in_thread(site.redis.kill)
    yield
    await in_thread(site.redis.start)


@asynccontextmanager
async def redis_frozen(site: Estate) -> AsyncIterator[None]:
    site.redis.freeze()
    yield
    site.redis.thaw()


@asynccontextmanager
async def redis_slow(site: Estate) -> AsyncIterator[None]:
    site.to_redis.slow(SLOW)
    yield
    site.to_redis.heal()


@asynccontextmanager
async def redis_stranded(site: Estate) -> AsyncIterator[None]:
    """The probe has to notice: nothing else does."""
    site.to_redis.strand()
    yield


@asynccontextmanager
async def redis_reset(site: Estate) -> AsyncIterator[None]:
    site.to_redis.cut()
    yield
    site.to_redis.cut()


@asynccontextmanager
async def redis_wiped(site: Estate) -> AsyncIterator[None]:
    """Everything that Redis holds is gone, and everybody whom it knew."""
    await in_thread(site.redis.ask, "FLUSHALL")
    await in_thread(site.redis.ask, "CLIENT", "KILL", "TYPE", "pubsub")
    await in_thread(site.redis.ask, "CLIENT", "KILL", "TYPE", "normal")
    yield


# PostgreSQL ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def database_killed(site: Estate) -> AsyncIterator[None]:
    await in_thread(site.database.kill9)
    yield
    await in_thread(site.database.start)


@asynccontextmanager
async def database_frozen(site: Estate) -> AsyncIterator[None]:
    site.database.freeze()
    yield
    site.database.thaw()


@asynccontextmanager
async def database_slow(site: Estate) -> AsyncIterator[None]:
    site.to_database.slow(SLOW)
    yield
    site.to_database.heal()


@asynccontextmanager
async def database_parted(site: Estate) -> AsyncIterator[None]:
    with partition(site.to_database.address):
        yield


@asynccontextmanager
async def database_reset(site: Estate) -> AsyncIterator[None]:
    site.to_database.cut()
    yield
    site.to_database.cut()


FAULTS: dict[str, Fault] = {
    "web node: kill -9": node_killed,
    "web node: stopped": node_frozen,
    "web node: slow network": clients_slow,
    "web node: half-open": clients_stranded,
    "web node: reset": clients_reset,
    "redis: kill -9": redis_killed,
    "redis: away": redis_killed,
    "redis: stopped": redis_frozen,
    "redis: slow network": redis_slow,
    "redis: half-open": redis_stranded,
    "redis: reset": redis_reset,
    "redis: wiped": redis_wiped,
    "postgresql: kill -9": database_killed,
    "postgresql: stopped": database_frozen,
    "postgresql: slow network": database_slow,
    "postgresql: half-open": database_parted,
    "postgresql: reset": database_reset,
}


@pytest.mark.parametrize("name", FAULTS)
async def test_it_loses_and_repeats_nothing(site: Estate, history: History, figures: Figures, name: str) -> None:
    seconds = LASTS.get(name, FAULT_SECONDS)
    everybody = [each for way in site.networks for each in desktops(way.url, AGENTS, patience=PATIENCE)]
    for desktop in everybody:
        history.follow(desktop.client)
    async with at_work(*everybody, timeout=RECOVERY_SECONDS):
        async with load(site.urls, history, AGENTS, pause=QUIET):
            await history.until_published(EVENTS)
            async with FAULTS[name](site):
                await hold(seconds)
            healed = time.monotonic()
            await history.until_published(len(history.published) + EVENTS, timeout=RECOVERY_SECONDS)
        await caught_up(everybody, history, RECOVERY_SECONDS)
        figures(fault_seconds=seconds, recovery_seconds=time.monotonic() - healed, events=len(history.published))
    history.verify()
