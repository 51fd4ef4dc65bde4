"""Agents at their desktops, a whole hub: what they hear is what they would read, whenever they join."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.telephony.picture import Picture
from tests.support.bayeux_http import LongPollingDesktop
from tests.support.bayeux_ws import WebSocketDesktop
from tests.support.desktop import Desktop, at_work
from tests.support.hub_process import HubProcess
from tests.support.tokens import SECRET, mint

ME, DEVICES, USERS = "/v2/me", "/v2/me/devices", "/v2/users"
START = {"operationName": "StartContactCenterSession", "channels": ["voice"]}
PATIENCE = 30.0  # seconds until a test gives up; never waited for when all is well
STORM = 60


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub that notices within seconds that a desktop has gone for good."""
    home: Path = tmp_path_factory.mktemp("centre")
    settings = {"HUB_PRESENCE_GRACE_SECONDS": "1", "HUB_BAYEUX_MAX_INTERVAL_MS": "1000"}
    with HubProcess(home / "hub", secret=SECRET, settings=settings) as process:
        yield process


class Rest:
    """Requests of one user."""

    def __init__(self, hub: HubProcess, http: httpx2.AsyncClient, user: str, role: str = "ROLE_AGENT") -> None:
        self.hub, self.http, self.user, self.role = hub, http, user, role
        self.headers = {"Authorization": f"Bearer {mint(user, role)}"}

    async def post(self, path: str, body: Any) -> Any:
        reply = await self.http.post(f"/api/v2{path}", json=body, headers=self.headers)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def snapshot(self) -> tuple[Any, dict[str, int]]:
        """What a desktop reads when it starts, and the positions that go with it."""
        reply = await self.http.get("/api/v2/me?subresources=*", headers=self.headers)
        return reply.json()["user"], json.loads(reply.headers["X-Event-Positions"])["positions"]

    def desktop(self, kind: type[Desktop] = WebSocketDesktop, *channels: str, **more: Any) -> Desktop:
        roles = [self.role]
        token = mint(self.user, self.role)
        return kind(self.hub.bayeux_url, token, channels or [ME, DEVICES], user=self.user, roles=roles, **more)


@pytest.fixture
async def http(centre: HubProcess) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=centre.url, trust_env=False, timeout=PATIENCE) as client:
        yield client


async def agent(centre: HubProcess, http: httpx2.AsyncClient, user: str, number: str) -> Rest:
    """Somebody with a device of their own."""
    admin = Rest(centre, http, "adam", "ROLE_ADMIN")
    await admin.post("/users", {"userName": user, "roles": ["ROLE_AGENT"], "queues": ["sales"]})
    await admin.post("/devices", {"phoneNumber": number, "userId": user})
    return Rest(centre, http, user)


async def storm(alice: Rest, device: str, rounds: int) -> None:
    """Changes one upon the other, as fast as they are answered."""
    for n in range(rounds):
        await alice.post("/me", {"operationName": ("Ready", "NotReady", "AuxWork")[n % 3]})
        await alice.post(f"/me/devices/{device}", {"operationName": ("DoNotDisturbOn", "DoNotDisturbOff")[n % 2]})


@pytest.mark.parametrize("kind", [WebSocketDesktop, LongPollingDesktop])
async def test_who_joins_in_a_storm_of_changes_misses_nothing(
    centre: HubProcess, http: httpx2.AsyncClient, kind: type[Desktop]
) -> None:
    number = "10" if kind is WebSocketDesktop else "20"
    alice = await agent(centre, http, f"alice{number}", number)
    await alice.post("/me", START)
    device = (await alice.snapshot())[0]["devices"][0]["id"]
    raging = asyncio.create_task(storm(alice, device, STORM))
    seen: list[tuple[Picture, Desktop, int]] = []
    async with asyncio.timeout(PATIENCE):
        while not raging.done():
            user, positions = await alice.snapshot()
            joining = alice.desktop(kind, positions={name: positions[name] for name in (ME, DEVICES)})
            async with at_work(joining):
                await joining.until(lambda each: len(each.events(DEVICES)) >= 3 or raging.done(), PATIENCE)
                if raging.done():
                    break
            seen.append((Picture(user), joining, positions[DEVICES]))
        await raging
    final, positions = await alice.snapshot()
    late = alice.desktop(kind, positions={ME: positions[ME], DEVICES: seen[0][2]})
    async with at_work(late):
        await late.until_received(DEVICES, positions[DEVICES], PATIENCE)
    history = {event.seq: event.data for event in late.events(DEVICES)}
    assert len(seen) >= 3
    for picture, desktop, joined in seen:
        heard = [event.seq for event in desktop.events(DEVICES)]
        assert heard == list(range(joined + 1, joined + 1 + len(heard))), "from the snapshot on, without a gap"
        for seq in range(joined + 1, positions[DEVICES] + 1):
            picture.hear(history[seq])
        assert picture.user == {**final, "connected": picture.user["connected"]}


async def test_a_supervisor_sees_an_agent_work_and_leave(centre: HubProcess, http: httpx2.AsyncClient) -> None:
    bob = await agent(centre, http, "bob", "30")
    sue = Rest(centre, http, "sue", "ROLE_SUPERVISOR").desktop(WebSocketDesktop, USERS)

    def seen(desktop: Desktop) -> list[tuple[str, str]]:
        events = [event.data for event in desktop.events(USERS) if event.data["userId"] == "bob"]
        return [(event["notificationType"], event["userState"]["state"]) for event in events]

    async with at_work(sue):
        desk = bob.desktop()
        async with at_work(desk):
            await sue.until(lambda each: len(seen(each)) == 1, PATIENCE)
            await bob.post("/me", START)
            await bob.post("/me/channels/voice", {"operationName": "Ready"})
            await desk.until(lambda each: len(each.events(DEVICES)) == 2, PATIENCE)
            assert desk.events(DEVICES)[-1].data["devices"] == (await bob.snapshot())[0]["devices"]
        await sue.until(lambda each: ("Disconnected", "LoggedOut") in seen(each), PATIENCE)
    assert seen(sue) == [
        ("Connected", "LoggedOut"),
        ("StateChange", "NotReady"),
        ("StateChange", "Ready"),
        ("StateChange", "LoggedOut"),
        ("Disconnected", "LoggedOut"),
    ]
    assert (await bob.snapshot())[0]["devices"][0]["deviceState"] == "Inactive"
