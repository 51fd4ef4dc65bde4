"""The Procfile, run as a process manager runs it: two `web`, one `scheduler`, one PostgreSQL, one Redis."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.support.bayeux_ws import WebSocketDesktop
from tests.support.checker import Stream
from tests.support.desktop import at_work
from tests.support.history import History
from tests.support.hub_process import ROOT, clean_environment, free_port
from tests.support.postgres import PostgresServer
from tests.support.publisher import Publisher
from tests.support.redis_server import RedisServer
from tests.support.tokens import SECRET, mint
from tests.support.waiting import eventually_blocking

CALLS = "/v2/me/calls"
STOP_SECONDS = 30.0


def lines() -> dict[str, str]:
    text = (ROOT / "Procfile").read_text()
    return dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith("#"))


@contextmanager
def running(line: str, output: Path, **settings: str) -> Iterator[None]:
    """One line in a shell; SIGTERM to the process that was started ends it, with 0."""
    with output.open("wb") as out:
        command = ["sh", "-c", line]
        process = subprocess.Popen(command, cwd=ROOT, env=clean_environment(**settings), stdout=out, stderr=out)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0, output.read_text()[-2000:]


def is_ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


@pytest.fixture
def urls(tmp_path: Path, postgres_server: PostgresServer) -> Iterator[list[str]]:
    """Of the two web processes."""
    name = postgres_server.migrated()
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(tmp_path / "redis"))
        settings = {
            "HUB_DATABASE_URL": postgres_server.url(name),
            "HUB_REDIS_URL": redis.url,
            "HUB_JWT_SECRET": SECRET,
            "HUB_DATA_DIR": str(tmp_path / "var"),
            "HUB_DRAIN_SECONDS": "1",
        }
        ports = [free_port() for _ in range(2)]
        for port in ports:
            stack.enter_context(running(lines()["web"], tmp_path / f"web-{port}", PORT=str(port), **settings))
        stack.enter_context(running(lines()["scheduler"], tmp_path / "scheduler", **settings))
        found = [f"http://127.0.0.1:{port}" for port in ports]
        for url in found:
            eventually_blocking(lambda url=url: is_ready(url), 30)  # type: ignore[misc]
        yield found
    postgres_server.drop(name)


async def test_its_processes_are_one_hub(urls: list[str], history: History) -> None:
    one, two = urls
    alice = WebSocketDesktop(f"{one}/api/v2/notifications", mint("alice"), [CALLS], user="alice")
    history.follow(alice.client)
    token = mint("crm", "ROLE_CLIENT_SERVICE")
    async with at_work(alice), Publisher(two, token, history, name="crm") as publisher:
        for n in range(10):
            await publisher.publish((Stream("acme", "alice", CALLS), {"n": n}))
        await alice.until_received(CALLS, 10)
    history.verify()
