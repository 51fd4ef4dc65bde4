"""A hub on PostgreSQL, as its operator sees it: before the migration, while the server is away, after a failover."""

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support import postgres
from tests.support.commands import watching
from tests.support.hub_process import HubDied, HubProcess
from tests.support.postgres import PostgresServer
from tests.support.tokens import SECRET, mint
from tests.support.waiting import eventually_blocking

CALLS = "/v2/me/calls"
PASSWORD = "hunter2"
WAIT_SECONDS = 20.0


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres.running({}) as started:
        yield started


@pytest.fixture
def hub(server: PostgresServer, tmp_path: Path) -> Iterator[HubProcess]:
    """A hub that is not running, on an empty database."""
    name = server.database()
    url = server.url(name, password=PASSWORD)
    process = HubProcess(tmp_path / "hub", secret=SECRET, settings={"HUB_DATABASE_URL": url})
    yield process
    if process._process is not None:
        process.terminate()
    server.drop(name)
    assert PASSWORD not in process.tail(1_000_000)


def said(hub: HubProcess, *arguments: str, code: int = 0) -> str:
    done = hub.command(*arguments)
    assert done.returncode == code, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    return done.stdout + done.stderr


def reasons(hub: HubProcess) -> dict[str, str]:
    answer = httpx2.get(f"{hub.url}/readyz", trust_env=False)
    found: dict[str, str] = answer.json().get("reasons", {}) if answer.status_code == 503 else {}
    return found


def until_ready(hub: HubProcess, *, ready: bool) -> None:
    eventually_blocking(lambda: (reasons(hub) == {}) is ready, WAIT_SECONDS)


def send(hub: HubProcess, n: int) -> httpx2.Response:
    event = {"channel": CALLS, "userId": "alice", "organizationId": "acme", "data": {"n": n}}
    headers = {"Authorization": f"Bearer {mint('crm', 'ROLE_CLIENT_SERVICE')}"}
    return httpx2.post(f"{hub.url}/api/v2/events", json=event, headers=headers, trust_env=False, timeout=30)


def test_a_hub_waits_for_the_migration(hub: HubProcess) -> None:
    with pytest.raises(HubDied, match="ended with 1") as died:
        hub.start()
    assert "run `hub migrate`" in str(died.value)
    assert "Traceback" not in str(died.value)
    assert "run `hub migrate`" in said(hub, "doctor", code=1)
    said(hub, "migrate")
    said(hub, "migrate")
    report = said(hub, "doctor")
    assert "newest schema, writable" in report
    assert "PostgreSQL 1" in report
    assert "synchronous_commit on, fsync on" in report
    hub.start()
    assert send(hub, 1).status_code == 200
    assert "The sessions of alice in acme end" in said(hub, "kick", "--user", "alice", "--organization", "acme")


def test_a_server_that_is_not_there_is_said_in_one_line(hub: HubProcess, tmp_path: Path) -> None:
    hub.environment["HUB_DATABASE_URL"] = f"postgresql://ann:{PASSWORD}@127.0.0.1:1/hub"
    for command in (["migrate"], ["serve", "--port", "0"], ["kick", "--user", "a", "--organization", "o"]):
        answer = said(hub, *command, code=1)
        assert "no connection to postgresql://ann@127.0.0.1:1/hub" in answer
        assert "Traceback" not in answer


async def test_while_the_database_is_away_the_hub_waits_and_then_goes_on(
    hub: HubProcess, server: PostgresServer
) -> None:
    await asyncio.to_thread(said, hub, "migrate")
    await asyncio.to_thread(hub.start)
    async with watching(hub, CALLS, mint("alice")) as alice:
        assert (await asyncio.to_thread(send, hub, 1)).status_code == 200
        await asyncio.to_thread(server.stop)
        try:
            refused = await asyncio.to_thread(send, hub, 2)
            assert refused.status_code == 503
            assert json.loads(refused.text)["statusCode"] == 4
            assert refused.headers["Retry-After"] == "1"
            await asyncio.to_thread(until_ready, hub, ready=False)
            assert await asyncio.to_thread(reasons, hub) == {
                "database": "the database cannot be reached; the log has the reason"
            }
        finally:
            await asyncio.to_thread(server.start)
        await asyncio.to_thread(until_ready, hub, ready=True)
        assert (await asyncio.to_thread(send, hub, 3)).json()["events"][0]["seq"] == 2
        assert [(await alice.event())["data"] for _ in range(2)] == [{"n": 1}, {"n": 3}]
    assert "background task crashed" not in hub.tail()


def test_a_hub_whose_log_is_replaced_ends_so_that_everybody_begins_anew(hub: HubProcess) -> None:
    said(hub, "migrate")
    hub.start()
    process = hub._process
    assert process is not None
    # As on another machine: the lock of the data directory is not there.
    hub.environment["HUB_DATA_DIR"] = str(hub.home / "elsewhere")
    assert "has the new epoch" in said(hub, "doctor", "--new-epoch")
    assert process.wait(WAIT_SECONDS) == 1
    hub._process = None
    assert "the log was replaced under this process" in hub.tail()
    assert "Error: the log was replaced under the hub" in hub.tail()
    assert "Traceback" not in hub.tail()


def test_an_orderly_stop_of_the_database_first_does_not_keep_the_hub_from_stopping(
    hub: HubProcess, server: PostgresServer
) -> None:
    said(hub, "migrate")
    hub.start()
    server.stop(signal.SIGINT)
    try:
        assert hub.terminate() == 0
    finally:
        server.start()
