"""A call goes on where it was when the hub is killed: what the other side was about to do, it does."""

import asyncio
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
