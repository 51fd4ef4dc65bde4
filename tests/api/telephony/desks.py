"""Agents at their desks: each sees calls as a desktop does, by one snapshot and the notifications after it."""

import re
from typing import Any
from uuid import uuid4

import httpx2
import msgspec

from api.security.rules import Account
from api.telephony.devices import actions as devices
from api.telephony.devices.rules import Phone, Wish
from api.telephony.switch.switches import Switches
from api.users import actions as users
from api.users.rules import Profile, User
from hub.auth.principal import Principal
from hub.store import timers
from hub.store.transaction import Snapshot, Tx
from scheduler.claims import Jobs
from scheduler.firing import Firing
from scheduler.jobs import calls as jobs
from scheduler.jobs import devices as device_jobs
from tests.api.world import START, World
from tests.support.pbx import Pbx

CALLS = "/api/v2/me/calls"
ID = re.compile(r"[0-9a-f]{16}")
UUID = re.compile(r"[0-9A-Z]{32}")
KINDS = ("telephony.party", "telephony.unheard", "devices.wrap_up")
Json = dict[str, Any]


class Desk:
    """One agent with one device. `calls` is what the desktop shows: what it has been told so far, and nothing else."""

    def __init__(self, office: "Office", user: str, phone: Phone, organization: str) -> None:
        self.office, self.user, self.phone, self.organization = office, user, phone, organization
        self.calls: dict[str, Json] = {}
        self.heard: list[Json] = []
        self._taken = 0

    @property
    def number(self) -> str:
        return self.phone.number

    async def ask(self, method: str, path: str, body: object = None, **more: Any) -> httpx2.Response:
        world = self.office.world
        token = world.token(self.user, "ROLE_AGENT", organization=self.organization)
        return await world.ask(method, path, body, token=token, **more)

    async def dial(self, number: str, **more: Any) -> Json:
        """Dial, and see it on the desktop; {} where nothing came of it."""
        body = {"operationName": "Dial", "destination": {"phoneNumber": number}, **more}
        before = set(self.calls)
        reply = await self.ask("POST", f"/api/v2/me/devices/{self.phone.id}/calls", body)
        assert (reply.status_code, reply.json()) == (200, {"statusCode": 0}), reply.text
        await self.office.settle()
        new = [call for name, call in self.calls.items() if name not in before]
        return new[0] if new else {}

    async def do(self, call: Json | str, operation: str, **parameters: Any) -> list[str]:
        """An operation on a call that is permitted; returns the types of the notifications that came of it."""
        reply = await self.ask("POST", f"{CALLS}/{_id(call)}", {"operationName": operation, **parameters})
        assert (reply.status_code, reply.json()) == (200, {"statusCode": 0}), reply.text
        known = len(self.heard)
        await self.office.settle()
        return said(self.heard[known:])

    async def refused(self, call: Json | str, operation: str, **parameters: Any) -> tuple[int, int]:
        """An operation that is not; HTTP status and statusCode of the answer. Nothing has changed, nobody is told."""
        before, published = await self.snapshot(), len(self.office.world.published)
        reply = await self.ask("POST", f"{CALLS}/{_id(call)}", {"operationName": operation, **parameters})
        await self.office.settle()
        assert (await self.snapshot(), len(self.office.world.published)) == (before, published)
        assert set(reply.json()) == {"statusCode", "statusMessage"}
        return reply.status_code, reply.json()["statusCode"]

    def take(self) -> list[str]:
        """The types of what was heard since this was asked last."""
        new, self._taken = self.heard[self._taken :], len(self.heard)
        return said(new)

    def only(self) -> Json:
        """The only call there is."""
        (call,) = self.calls.values()
        return call

    def now(self, call: Json) -> Json:
        """The same call as it is now."""
        return self.calls[call["id"]]

    async def snapshot(self) -> dict[str, Json]:
        """The calls as REST tells them."""
        reply = await self.ask("GET", f"{CALLS}?fields=*")
        assert reply.status_code == 200, reply.text
        return {call["id"]: call for call in reply.json()["calls"]}

    def hear(self, message: Json) -> None:
        """Do with a notification what a desktop does: replace the call as a whole, or take it away."""
        self.heard.append(message)
        if "call" not in message:
            return
        call = message["call"]
        if call["state"] == "Released":
            self.calls.pop(call["id"], None)
        else:
            self.calls[call["id"]] = call


class Office:
    """The desks of a world, whose switches are at work; with a `pbx` behind the connector, where there is one."""

    def __init__(self, world: World, pbx: Pbx | None = None) -> None:
        self.world, self.pbx = world, pbx
        self.desks: list[Desk] = []
        self._heard = 0
        self.switches = Switches(world.services.configuration, world.services.settings.public_url)
        self.floor = self.switches.floor
        transactional = [*jobs.transactional(self.switches), *device_jobs.transactional(self.floor)]
        self.firing = Firing(world.services.db, Jobs(transactional), world.clock, lambda: 1.0)

    async def seat(self, user: str, number: str, organization: str = "acme", *, active: bool = True) -> Desk:
        """A user who is logged in at a device of theirs."""
        world = self.world
        roles = frozenset({"ROLE_AGENT"})
        account = Account(organization=organization, id=user, user_name=None, roles=roles)
        caller = Principal(user=user, organization=organization, roles=roles, issued_at=START, expires_at=START + 3600)
        phone = Phone(organization=organization, id=str(uuid4()), number=number, user=user)

        def sit(tx: Tx) -> None:
            now = world.clock.now()
            users.create(tx, User(account, Profile()), now)
            devices.add(tx, self.floor, phone, now)
            if active:
                devices.start(tx, self.floor, caller, Wish(channels=("voice",)), now)

        await world.services.db.write(sit)
        desk = Desk(self, user, phone, organization)
        self.desks.append(desk)
        return desk

    async def settle(self) -> None:
        """Let what is due happen; then every desktop has heard everything, and shows what a new snapshot would."""
        await self.firing.work()
        if self.pbx is not None:
            await self._connect(self.pbx)
        new, self._heard = self.world.published[self._heard :], len(self.world.published)
        for event in new:
            if event.stream.channel == "/v2/me/calls":
                for desk in self.desks:
                    if (desk.organization, desk.user) == (event.stream.organization, event.stream.user):
                        desk.hear(msgspec.json.decode(event.data))
        for desk in self.desks:
            assert timeless(desk.calls) == timeless(await desk.snapshot()), desk.user

    async def later(self, seconds: float) -> None:
        """Let time go by, from one timer to the next."""
        until = self.world.clock.at + seconds
        while (due := await self._next_due()) is not None and due <= until:
            self.world.clock.at = max(self.world.clock.at, due)
            await self.settle()
        self.world.clock.at = until
        await self.settle()

    async def _connect(self, pbx: Pbx) -> None:
        """Bring the operations to the exchange, as webhooks would, and its reports to the hub, as a connector would."""
        now = self.world.clock.now()
        reports = pbx.advance(now)
        for webhook in await self.world.services.db.write(_delivered):
            assert webhook["type"] == "telephony.operation"
            reports += pbx.take(webhook["payload"], now)
        for report in reports:
            assert (await self.world.publish(report)).status_code == 200

    async def planned(self) -> int:
        """How many timers of telephony are waiting."""

        def look(tx: Snapshot) -> int:
            marks = ", ".join("?" * len(KINDS))
            tx.cursor.execute(f"SELECT COUNT(*) FROM timer WHERE kind IN ({marks})", KINDS)
            return int(tx.cursor.fetchall()[0][0])

        return await self.world.services.db.read(look)

    async def rows(self) -> int:
        """How many rows calls have left."""

        def look(tx: Snapshot) -> int:
            tx.cursor.execute("SELECT (SELECT COUNT(*) FROM conversation) + (SELECT COUNT(*) FROM leg)")
            return int(tx.cursor.fetchall()[0][0])

        return await self.world.services.db.read(look)

    async def _next_due(self) -> float | None:
        found = await self.world.services.db.read(lambda tx: timers.next_due(tx, 0.0, KINDS))
        ours = None if found is None else found / 1_000_000
        theirs = None if self.pbx is None else self.pbx.next_due()
        return min((due for due in (ours, theirs) if due is not None), default=None)


def said(messages: list[Json]) -> list[str]:
    """The types, with the state for a StatusChange."""
    return [
        each["call"]["state"] if each["notificationType"] == "StatusChange" else each["notificationType"]
        for each in messages
    ]


def timeless(calls: dict[str, Json]) -> dict[str, Json]:
    """Calls without what changes by itself."""
    return {
        name: {**call, "duration": None, "capabilities": sorted(call.get("capabilities", ()))}
        for name, call in calls.items()
    }


def _delivered(tx: Tx) -> list[Json]:
    """The webhooks that wait, which have left with this."""
    tx.cursor.execute("SELECT id, payload FROM timer WHERE kind = 'deliver.webhook' ORDER BY id")
    found = tx.cursor.fetchall()
    for timer, _ in found:
        timers.complete(tx, timer)
    return [msgspec.json.decode(payload) for _, payload in found]


def _id(call: Json | str) -> str:
    return call if isinstance(call, str) else str(call["id"])
