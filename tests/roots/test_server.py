"""`hub serve` as an operator sees it: one process a data directory, and an end in good order."""

import asyncio
import json
import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from hub.realtime.node import LATEST_RETURN
from tests.support.hub_process import HubDied, HubProcess, free_port
from tests.support.tokens import SECRET, mint

CALLS = "/v2/me/calls"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    process = HubProcess(tmp_path, secret=SECRET)
    process.start()
    yield process
    if process._process is not None:
        process.kill9()


async def polled(http: httpx2.AsyncClient, *messages: dict[str, Any]) -> list[Any]:
    answer = await http.post("", json=list(messages))
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()
    return found


async def held_poll(http: httpx2.AsyncClient) -> "asyncio.Task[list[Any]]":
    """A long-polling client's connect, which the hub holds."""
    [reply] = await polled(http, {"channel": "/meta/handshake", "version": "1.0"})
    connect_message = {"channel": "/meta/connect", "clientId": reply["clientId"], "connectionType": "long-polling"}
    await polled(http, connect_message)
    task = asyncio.create_task(polled(http, connect_message))
    await polled(http, {"channel": "/meta/subscribe", "clientId": reply["clientId"], "subscription": CALLS})
    return task


async def talking(socket: ClientConnection) -> None:
    """A session on this socket, with a connect that is held."""
    await socket.send(json.dumps([{"channel": "/meta/handshake", "version": "1.0"}]))
    [reply] = json.loads(await socket.recv())
    for id_ in "12":
        await socket.send(json.dumps([{"channel": "/meta/connect", "clientId": reply["clientId"], "id": id_}]))
    assert json.loads(await socket.recv())[0]["id"] == "1"


def is_clean(file: Path) -> bool:
    """Whether the database was closed: nothing waits in its write-ahead log, and it is whole."""
    wal = file.with_name(file.name + "-wal")
    if wal.exists() and wal.stat().st_size:
        return False
    connection = sqlite3.connect(file)
    try:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
    finally:
        connection.close()


async def test_on_sigterm_everybody_is_told_when_to_come_back(hub: HubProcess) -> None:
    headers = {"Authorization": f"Bearer {mint('alice')}"}
    service = {"Authorization": f"Bearer {mint('crm', 'ROLE_CLIENT_SERVICE')}"}
    async with (
        httpx2.AsyncClient(base_url=hub.bayeux_url, headers=headers, trust_env=False, timeout=30) as http,
        connect(hub.bayeux_url.replace("http", "ws"), proxy=None, additional_headers=headers) as one,
        connect(hub.bayeux_url.replace("http", "ws"), proxy=None, additional_headers=headers) as idle,
    ):
        event = {"channel": CALLS, "userId": "alice", "data": {"n": 1}}
        answer = await http.post(f"{hub.url}/api/v2/events", json=event, headers=service)
        assert answer.status_code == 200
        polls = [await held_poll(http) for _ in range(5)]
        await talking(one)
        code = await asyncio.to_thread(hub.terminate)
        intervals = []
        for poll in polls:
            reply = (await poll)[-1]
            assert (reply["successful"], reply["advice"]["reconnect"]) == (True, "retry")
            intervals.append(reply["advice"]["interval"])
        [reply] = json.loads(await one.recv())
        assert (reply["id"], reply["successful"]) == ("2", True)
        intervals.append(reply["advice"]["interval"])
        assert all(1 <= interval <= LATEST_RETURN for interval in intervals)
        assert len(set(intervals)) > 1
        for each in (one, idle):
            with pytest.raises(ConnectionClosed):
                await each.recv()
            assert each.close_code == 1012
    assert code == 0
    assert is_clean(hub.home / "var" / "hub.db")
    assert "Traceback" not in hub.tail()


def test_a_hub_without_clients_ends_at_once(hub: HubProcess) -> None:
    process = hub._process
    assert process is not None
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    hub._process = None
    assert is_clean(hub.home / "var" / "hub.db")


def test_a_second_hub_on_the_same_data_refuses_and_says_why(hub: HubProcess) -> None:
    done = hub.command("serve", "--port", str(free_port()))
    assert done.returncode == 2
    assert "HUB_DATA_DIR: another hub serves from" in done.stderr
    assert "hub.lock" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert httpx2.get(f"{hub.url}/readyz", trust_env=False).status_code == 200


def test_a_port_in_use_is_named_and_so_is_the_way_to_another(hub: HubProcess, tmp_path: Path) -> None:
    done = HubProcess(tmp_path / "other").command("serve", "--port", str(hub.port))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"Error: cannot listen on 127.0.0.1:{hub.port}: Address already in use; --port, or PORT, names another port"
    )
    assert done.stdout == ""


def test_the_lock_of_a_killed_hub_is_free(hub: HubProcess) -> None:
    hub.kill9()
    hub.start()
    assert hub.terminate() == 0


def test_other_commands_run_beside_it(hub: HubProcess) -> None:
    assert hub.command("doctor").returncode == 0
    assert hub.command("kick", "--user", "alice", "--organization", "acme").returncode == 0


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    hub = HubProcess(tmp_path, secret=SECRET)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", hub.port))
        taken.listen()
        done = hub.command("serve", "--port", str(hub.port))
    assert done.returncode == 1
    assert "ddress already in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"HUB_JWT_SECRET": "short"}, "HUB_JWT_SECRET: must be at least 32 bytes long"),
        ({"HUB_CONFIG": "nowhere.toml"}, "HUB_CONFIG: no such file"),
    ],
)
def test_wrong_settings_keep_it_from_starting(tmp_path: Path, settings: dict[str, str], complaint: str) -> None:
    hub = HubProcess(tmp_path, settings=settings)
    with pytest.raises(HubDied, match="ended with 2") as died:
        hub.start()
    assert complaint in str(died.value)


async def test_a_kick_from_the_command_line_reaches_open_sessions(hub: HubProcess) -> None:
    headers = {"Authorization": f"Bearer {mint('alice')}"}
    async with connect(hub.bayeux_url.replace("http", "ws"), proxy=None, additional_headers=headers) as alice:
        await talking(alice)
        done = await asyncio.to_thread(hub.command, "kick", "--user", "alice", "--organization", "acme")
        assert done.returncode == 0
        heard: list[Any] = []
        with suppress(ConnectionClosed):
            async for frame in alice:
                heard += json.loads(frame)
        assert heard[0]["error"] == "403::session_kicked"
        assert alice.close_code == 1008
