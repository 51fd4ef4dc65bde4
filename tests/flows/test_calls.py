"""A call goes on where it was when the hub is killed: what the other side was about to do, it does."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.bayeux_ws import WebSocketDesktop
from tests.support.desktop import at_work
from tests.support.hub_process import HubProcess
from tests.support.tokens import SECRET, mint

CALLS = "/v2/me/calls"
CONFIGURATION = """
[[telephony.outside]]
number = "*"
answers_after = 2.0
hangs_up_after = 2.0
"""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[HubProcess]:
    (tmp_path / "hub.toml").write_text(CONFIGURATION)
    with HubProcess(tmp_path / "hub", secret=SECRET, settings={"HUB_CONFIG": str(tmp_path / "hub.toml")}) as process:
        yield process


async def ask(hub: HubProcess, method: str, path: str, body: object = None, *, user: str, role: str) -> Any:
    headers = {"Authorization": f"Bearer {mint(user, role)}"}
    async with httpx2.AsyncClient(base_url=f"{hub.url}/api/v2", headers=headers, trust_env=False) as client:
        reply = await client.request(method, path, json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_a_call_survives_the_hub(office: HubProcess) -> None:
    def agent(method: str, path: str, body: object = None) -> Any:
        return ask(office, method, path, body, user="alice", role="ROLE_AGENT")

    await agent("GET", "/me")
    device = {"phoneNumber": "1001", "userId": "alice"}
    await ask(office, "POST", "/devices", device, user="adam", role="ROLE_ADMIN")
    await agent("POST", "/me", {"operationName": "StartContactCenterSession", "channels": ["voice"]})
    desktop = WebSocketDesktop(office.bayeux_url, mint("alice"), [CALLS], user="alice")
    async with at_work(desktop):
        await agent("POST", "/me/calls", {"operationName": "Dial", "destination": {"phoneNumber": "+15550001111"}})
        for count in (1, 2):
            await desktop.until(lambda each, count=count: len(each.events(CALLS)) >= count, 20)  # type: ignore[misc]
            await asyncio.to_thread(office.kill9)
            await asyncio.to_thread(office.start)
        await desktop.until(lambda each: len(each.events(CALLS)) >= 3, 20)
    told = [event.data["call"] for event in desktop.events(CALLS)]
    assert [call["state"] for call in told] == ["Dialing", "Established", "Released"]
    assert len({(call["id"], call["callUuid"]) for call in told}) == 1
    assert [event.seq for event in desktop.events(CALLS)] == [1, 2, 3]
    assert (await agent("GET", "/me/calls?fields=*"))["calls"] == []


async def storm(office: HubProcess, over: asyncio.Event) -> None:
    """Calls that come, change and go without a pause."""

    def agent(method: str, path: str, body: object = None) -> Any:
        return ask(office, method, path, body, user="alice", role="ROLE_AGENT")

    while not over.is_set():
        await agent("POST", "/me/calls", {"operationName": "Dial", "destination": {"phoneNumber": "+15550001111"}})
        (uri,) = (await agent("GET", "/me/calls"))["uris"]
        path = uri.partition("/api/v2")[2]
        for number in range(3):
            await agent("POST", path, {"operationName": "UpdateUserData", "userData": {"n": str(number)}})
        await agent("POST", path, {"operationName": "Hangup"})


async def joined(office: HubProcess) -> tuple[dict[str, Any], WebSocketDesktop]:
    """A desktop that comes into the middle of it: a snapshot, and a subscription from its position on."""
    headers = {"Authorization": f"Bearer {mint('alice')}"}
    async with httpx2.AsyncClient(base_url=f"{office.url}/api/v2", headers=headers, trust_env=False) as client:
        reply = await client.get("/me/calls?fields=*")
    calls = {call["id"]: call for call in reply.json()["calls"]}
    at = json.loads(reply.headers["X-Event-Positions"])["positions"][CALLS]
    return calls, WebSocketDesktop(office.bayeux_url, mint("alice"), [CALLS], user="alice", positions={CALLS: at})


async def test_desktops_that_join_in_a_storm_of_changes_miss_nothing(office: HubProcess) -> None:
    await ask(office, "GET", "/me", user="alice", role="ROLE_AGENT")
    device = {"phoneNumber": "1001", "userId": "alice"}
    await ask(office, "POST", "/devices", device, user="adam", role="ROLE_ADMIN")
    session = {"operationName": "StartContactCenterSession", "channels": ["voice"]}
    await ask(office, "POST", "/me", session, user="alice", role="ROLE_AGENT")
    over = asyncio.Event()
    raging = asyncio.create_task(storm(office, over))
    found = []
    for _ in range(4):
        calls, desktop = await joined(office)
        first = desktop.positions[CALLS] + 1
        async with at_work(desktop):
            await desktop.until_received(CALLS, first + 8)
        found.append((calls, desktop, first))
    over.set()
    await raging
    for calls, desktop, first in found:
        events = desktop.events(CALLS)
        assert [event.seq for event in events] == list(range(first, first + len(events)))
        for event in events:
            call = event.data["call"]
            before = calls.pop(call["id"], None)
            assert (before is None) == (event.data["notificationType"] == "StatusChange" and call["state"] == "Dialing")
            if call["state"] != "Released":
                calls[call["id"]] = call
        assert len(calls) <= 1
