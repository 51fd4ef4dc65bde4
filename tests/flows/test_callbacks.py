"""Callbacks over whole hubs: asked for by REST, rung at their time on an agent's desktop, followed by a supervisor, and
over processes that are killed at the very moment in which many of them are due.
"""

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from api.callbacks.rules.times import shown
from hub.kernel.clock import SystemClock
from hub.store.database import Database
from tests.support.bayeux_ws import WebSocketDesktop
from tests.support.checker import Published
from tests.support.desktop import Desktop, Refused, at_work
from tests.support.history import OWN, History
from tests.support.hub_process import HubProcess
from tests.support.scheduler_process import SchedulerProcess
from tests.support.tokens import SECRET, mint

CHAOS = bool(os.environ.get("HUB_CHAOS"))
AGENTS = 8 if CHAOS else 4
MANY = 400 if CHAOS else 40
PATIENCE = 240.0 if CHAOS else 60.0
KILLS = (0, MANY // 8, MANY // 4, MANY // 2) if CHAOS else (0, MANY // 4)
"""How many callbacks are over when the process is killed."""
CONFIGURATION = """
[callback_services.now]
organization = "acme"
queue = "sales"
_throttle_callbacks_per_service_1 = 100000
_throttle_callbacks_per_service_2 = 100000
_max_request_by_time_bucket = 100000
max_queued_callbacks_per_service = 100000

[callback_services.page]
organization = "acme"
queue = "sales"
comet = true

[organizations.acme]
wrap_up_seconds = 0

[[telephony.outside]]
number = "*"
answers_after = 0.05
hangs_up_after = 0.05
"""


def hub_with(home: Path, **settings: str) -> HubProcess:
    home.mkdir(parents=True, exist_ok=True)
    (home / "hub.toml").write_text(CONFIGURATION)
    return HubProcess(home / "hub", secret=SECRET, settings={"HUB_CONFIG": str(home / "hub.toml"), **settings})


class Floor:
    """A running hub with its agents at work."""

    def __init__(self, hub: HubProcess) -> None:
        self.hub = hub
        self.users = [f"agent{number}" for number in range(AGENTS)]

    async def ask(self, path: str, body: object, *, user: str = "adam", role: str = "ROLE_ADMIN") -> None:
        headers = {"Authorization": f"Bearer {mint(user, role)}"}
        async with httpx2.AsyncClient(base_url=self.hub.url, trust_env=False, timeout=20) as client:
            reply = await client.post(path, json=body, headers=headers)
        assert reply.is_success, f"{path}: {reply.text}"

    async def hire(self) -> None:
        for number, user in enumerate(self.users):
            await self.ask("/api/v2/users", {"userName": user, "roles": ["ROLE_AGENT"], "queues": ["sales"]})
            await self.ask("/api/v2/devices", {"phoneNumber": str(1000 + number), "userId": user})

    async def begin(self) -> None:
        for number, user in enumerate(self.users):
            session = {"operationName": "StartContactCenterSession", "channels": ["voice"], "place": str(1000 + number)}
            await self.ask("/api/v2/me", session, user=user, role="ROLE_AGENT")
            await self.ask("/api/v2/me", {"operationName": "Ready"}, user=user, role="ROLE_AGENT")

    async def book(self, at: float) -> None:
        """Many callbacks for one moment."""

        async def one(number: int) -> None:
            body = {"_customer_number": f"+15550{number:06}", "_desired_time": shown(at), "number": str(number)}
            await self.ask("/genesys/1/service/callback/now", body, role="ROLE_CLIENT_SERVICE", user="crm")

        for first in range(0, MANY, 20):
            await asyncio.gather(*(one(number) for number in range(first, min(first + 20, MANY))))

    def desktops(self) -> list[WebSocketDesktop]:
        url = self.hub.bayeux_url
        return [WebSocketDesktop(url, mint(user), ["/v2/me", "/v2/me/calls"], user=user) for user in self.users]

    def supervisor(self) -> WebSocketDesktop:
        role = "ROLE_SUPERVISOR"
        return WebSocketDesktop(self.hub.bayeux_url, mint("sue", role), ["/v2/users"], user="sue", roles=[role])


def steps(desktop: Desktop) -> list[tuple[str, str]]:
    """Kind and id of what a desktop heard about callbacks."""
    found = [event.data for name in ("/v2/users", "/v2/me") for event in desktop.events(name)]
    return [
        (each["notificationType"], each["callback"]["id"])
        for each in found
        if each["messageType"] == "CallbackStateChangeMessage"
    ]


def over(desktop: Desktop) -> int:
    return sum(kind == "Completed" for kind, _ in steps(desktop))


async def logged(hub: HubProcess) -> list[Published]:
    """What the log has, as if somebody had published it; states of users, which come by themselves, left out."""

    def read(tx: Any) -> list[Published]:
        tx.cursor.execute(
            'SELECT h.organization, h."user", h.channel, e.seq, e.data '
            "FROM event e JOIN stream_head h ON h.id = e.stream_id"
        )
        return [
            Published(organization=row[0], user=row[1], channel=row[2], seq=row[3], data=msgspec.json.decode(row[4]))
            for row in tx.cursor.fetchall()
            if OWN not in str(row[4])
        ]

    file = f"sqlite:///{hub.environment['HUB_DATA_DIR']}/hub.db"
    async with Database(hub.environment.get("HUB_DATABASE_URL", file), clock=SystemClock()) as db:
        return await db.read(read)


async def killed_at_the_due_moment(hub: HubProcess, history: History, victim: SchedulerProcess | None) -> None:
    """Many callbacks are due, and the process that does timers is killed while it is at them, again and again."""
    floor = Floor(hub)
    await floor.hire()
    desktops, sue = floor.desktops(), floor.supervisor()
    for desktop in (*desktops, sue):
        history.follow(desktop.client)
    async with at_work(*desktops, sue):
        await floor.begin()
        await floor.book(SystemClock().now() + 4 + MANY / 20)
        await sue.until(lambda each: "Dialing" in {kind for kind, _ in steps(each)}, PATIENCE)
        for part in KILLS:
            await sue.until(lambda each, part=part: over(each) >= part, PATIENCE)  # type: ignore[misc]
            await asyncio.to_thread(hub.kill9 if victim is None else victim.kill9)
            await asyncio.to_thread(hub.start if victim is None else victim.start)
        await sue.until(lambda each: over(each) == MANY, PATIENCE)
        published = await logged(hub)
        heads = {event.stream: event.seq for event in sorted(published, key=lambda event: event.seq)}
        for desktop in (*desktops, sue):
            for stream, seq in heads.items():
                if stream.user in {desktop.user, ""} and stream.channel in desktop.channels:
                    await desktop.until_received(stream.channel, seq, PATIENCE)
    history.publish(*published)
    history.verify()
    told = Counter(steps(sue))
    # On a machine that is too slow the last ones are asked for after their time, and are in line at once.
    ids = {id_ for kind, id_ in told if kind == "Queued"}
    assert len(ids) == MANY
    for kind in ("Queued", "Dialing", "Connected", "Completed"):
        assert {id_ for each, id_ in told if each == kind} == ids, kind
    assert set(told.values()) == {1}
    rung = Counter(
        event.data["call"]["userData"]["number"]
        for desktop in desktops
        for event in desktop.events("/v2/me/calls")
        if event.data["notificationType"] == "StatusChange" and event.data["call"]["state"] == "Dialing"
    )
    assert rung == Counter(str(number) for number in range(MANY))


async def test_every_customer_is_rung_once_though_the_hub_is_killed_when_they_are_due(
    tmp_path: Path, history: History
) -> None:
    hub = hub_with(tmp_path)
    await asyncio.to_thread(hub.start)
    try:
        await killed_at_the_due_moment(hub, history, None)
    finally:
        await asyncio.to_thread(hub.terminate)


async def test_every_customer_is_rung_once_though_the_scheduler_is_killed_when_they_are_due(
    tmp_path: Path, history: History
) -> None:
    hub = hub_with(tmp_path, HUB_SCHEDULER="external")
    await asyncio.to_thread(hub.start)
    scheduler = SchedulerProcess(hub.home, hub.environment)
    await asyncio.to_thread(scheduler.start)
    try:
        await killed_at_the_due_moment(hub, history, scheduler)
    finally:
        codes = [await asyncio.to_thread(stop) for stop in (scheduler.terminate, hub.terminate)]
    assert codes == [0, 0]


async def test_a_customers_page_hears_of_their_callback_and_of_nobody_elses(tmp_path: Path) -> None:
    hub = hub_with(tmp_path)
    await asyncio.to_thread(hub.start)
    url = f"{hub.url}/genesys/cometd"
    bob, eve = (WebSocketDesktop(url, None, ["/_genesys"], user=name, organization="") for name in ("bob", "eve"))
    service = "/genesys/1/service/callback/page"
    try:
        async with at_work(bob, eve), httpx2.AsyncClient(base_url=hub.url, trust_env=False) as client:
            body = {"_customer_number": "5115", "_device_os": "comet", "_device_notification_id": bob.client_id}
            started = await client.post(service, json=body)
            assert started.status_code == 200, started.text
            id_ = started.json()["_id"]
            assert (await client.delete(f"{service}/{id_}")).status_code == 200
            await bob.until_received("/_genesys", 2)
            stranger = WebSocketDesktop(hub.bayeux_url, None, ["/_genesys"], user="stranger")
            with pytest.raises(Refused, match="401::credentials_missing"):
                await stranger.run()
            nosy = WebSocketDesktop(url, None, ["/v2/users"], user="nosy")
            with pytest.raises(Refused, match="denied_by_security_policy"):
                await nosy.run()
        heard = [(event.data["notificationType"], event.data["callback"]["id"]) for event in bob.events("/_genesys")]
        assert heard == [("Queued", id_), ("Cancelled", id_)]
        assert eve.events("/_genesys") == []
    finally:
        await asyncio.to_thread(hub.terminate)
