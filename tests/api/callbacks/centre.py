"""A contact centre at work: customers who ask, agents at their desks, a switch that rings, timers that fire."""

from typing import Any

import httpx2
import msgspec

from api.callbacks.actions import reading
from api.callbacks.actions.house import House
from api.callbacks.rules import services
from api.telephony.devices.rules import Wish
from api.telephony.switch.switches import Switches
from hub.kernel.config import Configuration
from hub.store import timers
from scheduler.claims import Jobs
from scheduler.firing import Firing
from scheduler.jobs import callbacks as callback_jobs
from scheduler.jobs import calls as call_jobs
from scheduler.jobs import devices as device_jobs
from tests.api.callbacks.house import BERLIN, TUESDAY, configured
from tests.api.telephony.devices.office import Office
from tests.api.world import World

CUSTOMER = "+15550020001"
"""Answers after three seconds, and goes on until the agent hangs up."""
BUSY = "+15550000001"
SILENT = "+15550010001"
"""Rings for twenty seconds and does not answer."""
OUTSIDE = """
[telephony]
ring_seconds = 30.0
[[telephony.outside]]
number = "+1555000*"
busy_after = 1.0
[[telephony.outside]]
number = "+1555001*"
unanswered_after = 20.0
[[telephony.outside]]
number = "+1555002*"
answers_after = 3.0
"""
Json = dict[str, Any]


def centre_of(**options: str) -> Configuration:
    """Services of acme by their names, with these options in lines of TOML."""
    tables = [
        f"[callback_services.{name}]\norganization = 'acme'\nqueue = 'sales'\n"
        f"_throttle_request_parameters_limit = 1000\n_enable_in_queue_checking = false\n{lines}\n"
        for name, lines in options.items()
    ]
    return configured(BERLIN + OUTSIDE + "\n".join(tables))


class Centre:
    """The world with its timers. `heard` is what was told about callbacks, in order: kind, state, reason, agent."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.clock.at = TUESDAY
        settings = world.services.settings
        configuration = world.services.configuration
        self.switches = Switches(configuration, settings.public_url)
        self.house = House(configuration, self.switches, settings.public_url)
        transactional = (
            *callback_jobs.transactional(self.house),
            *call_jobs.transactional(self.switches),
            *device_jobs.transactional(self.switches.floor),
        )
        self.jobs = Jobs(transactional)
        self.firing = Firing(world.services.db, self.jobs, world.clock, lambda: 1.0)
        self.office = Office(world)
        self._kinds = tuple(self.jobs.transactional)

    # Agents

    async def agent(self, user: str, number: str, **profile: Any) -> None:
        """Somebody of the queue sales who is ready."""
        await self.office.hire(user, number, **({"queues": ("sales",)} | profile))
        await self.office.connect(user)
        await self.office.start(user, Wish(channels=("voice",), place=number), "Ready")
        await self.settle()

    async def be(self, user: str, state: str) -> None:
        await self.office.be(user, state)
        await self.settle()

    async def ask(self, user: str, method: str, path: str, body: object = None) -> httpx2.Response:
        return await self.world.ask(method, f"/api/v2{path}", body, token=self.world.token(user, "ROLE_AGENT"))

    async def answer(self, user: str, id: str, operation: str) -> httpx2.Response:
        reply = await self.ask(user, "POST", f"/me/callbacks/{id}", {"operationName": operation})
        await self.settle()
        return reply

    async def calls(self, user: str) -> list[Json]:
        found: list[Json] = (await self.ask(user, "GET", "/me/calls?fields=*")).json()["calls"]
        return found

    async def hang_up(self, user: str) -> None:
        (call,) = await self.calls(user)
        reply = await self.ask(user, "POST", f"/me/calls/{call['id']}", {"operationName": "Hangup"})
        assert reply.status_code == 200, reply.text
        await self.settle()

    # Customers

    async def start(self, number: str = CUSTOMER, service: str = "now", **fields: Any) -> str:
        path = f"/genesys/1/service/callback/{service}"
        reply = await self.world.ask("POST", path, {"_customer_number": number, **fields}, token=self.world.token())
        assert reply.status_code == 200, reply.text
        await self.settle()
        id_: str = reply.json()["_id"]
        return id_

    async def state(self, id: str, service: str = "now") -> tuple[str, str | None, str | None, int]:
        """State, reason, agent, attempts."""
        found = services.find(self.world.services.configuration, service)
        assert found is not None
        callback = await self.world.services.db.read(lambda tx: reading.find(tx, found, id))
        return callback.state, callback.reason, callback.agent, callback.attempt

    # Time

    async def settle(self) -> None:
        """Let what is due happen, and what is due at once because of that."""
        await self.firing.work()
        while await self.world.services.db.read(lambda tx: timers.due(tx, self.world.clock.at, self._kinds, 1)):
            await self.firing.work()

    async def later(self, seconds: float) -> None:
        """Let time go by, from one timer to the next."""
        until = self.world.clock.at + seconds
        while True:
            at = self.world.clock.at
            due = await self.world.services.db.read(lambda tx: timers.next_due(tx, at, self._kinds))  # noqa: B023
            if due is None or due / 1_000_000 > until:
                break
            self.world.clock.at = due / 1_000_000
            await self.settle()
        self.world.clock.at = until
        await self.settle()

    # What is told

    async def told(self, user: str = "", channel: str = "") -> list[Json]:
        """Messages about callbacks: to the supervisors, or to an agent."""
        name = channel or ("/v2/me" if user else "/v2/users")
        found = [msgspec.json.decode(data) for _, data in await self.world.log(user, name)]
        return [each for each in found if each["messageType"].startswith("Callback")]

    async def steps(self, id: str = "", user: str = "") -> list[str]:
        """Their kinds; with a reason where there is one."""
        return [
            ":".join(part for part in (each["notificationType"], each["callback"].get("reason", "")) if part)
            for each in await self.told(user)
            if "callback" in each and id in {"", each["callback"]["id"]}
        ]
