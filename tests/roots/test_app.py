"""The composition of one process: what is open inside, and closed after it."""

import asyncio
import threading
from pathlib import Path

import httpx2
import pytest

from hub import app
from hub.kernel.config import Configuration
from hub.kernel.secret import Secret
from hub.kernel.settings import Settings
from tests.support.clock import FakeClock

SECRET = Secret("a secret that is long enough for every purpose")


def settings(directory: Path) -> Settings:
    return Settings(data_dir=directory, jwt_secret=SECRET)


async def test_it_migrates_serves_and_leaves_nothing_running(tmp_path: Path) -> None:
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    async with app.running(settings(tmp_path), Configuration(), FakeClock()) as hub:
        transport = httpx2.ASGITransport(hub.asgi)
        async with httpx2.AsyncClient(transport=transport, base_url="http://hub") as http:
            assert (await http.get("/readyz")).status_code == 200
            hub.node.draining = True
            answer = await http.get("/readyz")
            assert answer.status_code == 503
            assert "draining" in answer.text
    left = {thread.name for thread in set(threading.enumerate()) - threads if thread.name.startswith("store-")}
    assert left == set()
    assert {task.get_name() for task in asyncio.all_tasks() - tasks} == set()


async def test_it_ends_whole_when_its_block_fails(tmp_path: Path) -> None:
    tasks = asyncio.all_tasks()

    async def forever() -> None:
        await asyncio.Event().wait()

    async def fail() -> None:
        async with app.running(settings(tmp_path), Configuration(), FakeClock()) as hub:
            _ = hub.node.spawn(forever(), name="something under way")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert {task.get_name() for task in asyncio.all_tasks() - tasks} == set()


async def test_the_epoch_stays_over_restarts(tmp_path: Path) -> None:
    async with app.running(settings(tmp_path), Configuration()) as hub:
        epoch, name = hub.node.terms.epoch, hub.node.name
    async with app.running(settings(tmp_path), Configuration()) as hub:
        assert hub.node.terms.epoch == epoch
        assert hub.node.name != name


async def test_settings_reach_the_parts(tmp_path: Path) -> None:
    changed = Settings(
        data_dir=tmp_path,
        jwt_secret=SECRET,
        bayeux_timeout_ms=12_000,
        bayeux_max_interval_ms=34_000,
        session_queue_events=7,
        session_queue_bytes=800,
        max_message_bytes=5000,
        max_depth=9,
        max_connections=3,
        bayeux_browser_connects=2,
        handshakes_per_second=6,
        max_sessions=40,
        sessions_per_organization=30,
        sessions_per_user=20,
        publishes_per_second=10,
        ws_deflate=True,
        ws_ping_seconds=4,
    )
    async with app.running(changed, Configuration()) as hub:
        terms, bounds, limits = hub.node.terms, hub.node.bounds, hub.websockets.limits
        assert (terms.timeout, terms.max_interval) == (12_000, 34_000)
        assert (bounds.events, bounds.size) == (7, 800)
        assert (bounds.browser_connects, bounds.handshakes, bounds.publishes) == (2, 6, 10)
        assert (bounds.sessions, bounds.organization_sessions, bounds.user_sessions) == (40, 30, 20)
        assert limits.deflate
        assert (limits.message_bytes, limits.depth, limits.connections, limits.ping) == (5000, 9, 3, 4)


async def test_a_database_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    broken = Settings(data_dir=tmp_path, jwt_secret=SECRET, database_url=Secret(f"sqlite:///{tmp_path}"))
    tasks = asyncio.all_tasks()
    with pytest.raises(Exception, match=r"unable to open database file|Is a directory"):
        await app.running(broken, Configuration()).__aenter__()
    assert asyncio.all_tasks() == tasks
