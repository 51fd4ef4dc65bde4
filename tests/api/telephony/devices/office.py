"""A contact centre over a world: people with devices, sessions, and what they hear."""

from collections.abc import Awaitable, Mapping
from typing import Any

import httpx2
import msgspec

from api.telephony.devices import actions
from api.telephony.devices.rules import Agent, Floor, Phone, Wish
from api.users import actions as users
from api.users.rules import Change
from channels.catalog import DEVICES, USERS
from hub.auth.principal import Principal
from hub.kernel.config import AgentState, Configuration, Organization
from hub.store import presence
from hub.store.transaction import Tx
from tests.api.world import World

BASE = "http://127.0.0.1:8080"
READY = {"id": "9430250E-0A1B-421F-B372-F29E69366DED", "displayName": "Ready", "state": "Ready"}
NOT_READY = {"id": "900D55CC-2BB0-431F-8BF9-D3525B383BE6", "displayName": "Not Ready", "state": "NotReady"}
AFTER_CALL_WORK = {
    "id": "D3663509-3D82-4DD3-A82E-2EA8EFA02AEF",
    "displayName": "AfterCallWork",
    "state": "NotReady",
    "workMode": "AfterCallWork",
}
LUNCH = {"id": "LUNCH-1", "displayName": "Out to Lunch", "state": "NotReady", "reason": "Lunch"}
LOGGED_OUT = {"state": "LoggedOut"}
CONFIGURATION = Configuration(
    organizations={
        "acme": Organization(
            name="Acme",
            wrap_up_seconds=20,
            agent_states={"Lunch": AgentState(display_name="Out to Lunch", id="LUNCH-1")},
        ),
        "globex": Organization(),
    }
)
VOICE = Wish(channels=("voice",))


class Office:
    """Organization acme, where calls are followed by 20 s of wrap-up."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.floor = Floor(BASE, CONFIGURATION.organizations)

    @property
    def now(self) -> float:
        return self.world.clock.at

    def principal(self, user: str, role: str = "ROLE_AGENT", *, organization: str = "acme") -> Principal:
        return Principal(
            user=user,
            organization=organization,
            roles=frozenset({role}),
            issued_at=self.now,
            expires_at=self.now + 3600,
        )

    async def hire(self, user: str, number: str | None = None, *, organization: str = "acme", **profile: Any) -> None:
        """A user, and a device of theirs whose id is `phone-NUMBER`."""
        await self.world.user(user, organization=organization)
        if profile:
            await self.qualify(user, organization=organization, **profile)
        if number is not None:
            await self.place(number, user, organization=organization)

    async def qualify(self, user: str, *, organization: str = "acme", **profile: Any) -> None:
        caller = self.principal("adam", "ROLE_ADMIN", organization=organization)
        await self.write(lambda tx: users.change(tx, caller, user, Change(profile), self.now))

    async def place(self, number: str, user: str | None = None, *, organization: str = "acme") -> None:
        phone = Phone(organization=organization, id=f"phone-{number}", number=number, user=user)
        await self.write(lambda tx: actions.add(tx, self.floor, phone, self.now))

    async def start(self, user: str, wish: Wish = VOICE, state: str | None = None) -> None:
        caller = self.principal(user)
        await self.write(lambda tx: actions.start(tx, self.floor, caller, wish, self.now))
        if state is not None:
            await self.be(user, state)

    async def be(self, user: str, state: str) -> None:
        await self.write(lambda tx: actions.set_state(tx, self.floor, "acme", user, None, state, self.now))

    async def connect(self, *people: str, organization: str = "acme") -> None:
        """They have a desktop open."""

        def come(tx: Tx) -> None:
            presence.enter(tx, "node", self.now)
            presence.change(tx, "node", [(organization, user) for user in people], {})

        await self.write(come)

    async def write(self, act: Any) -> Any:
        return await self.world.services.db.write(act)

    async def agent(self, user: str) -> Agent:
        return await self.world.services.db.read(lambda tx: actions.agent(tx, "acme", user))

    async def told(self, user: str, after: int = 0) -> list[dict[str, Any]]:
        """What the user heard on /v2/me/devices beyond a position."""
        return [msgspec.json.decode(data) for seq, data in await self.world.log(user, DEVICES.pattern) if seq > after]

    async def supervisors_told(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(data) for _, data in await self.world.log("", USERS.pattern)]

    async def ask(self, user: str, method: str, path: str, body: object = None, **more: Any) -> httpx2.Response:
        """As an agent, unless a token says otherwise."""
        token = more.pop("token", None) or self.world.token(user, "ROLE_AGENT")
        return await self.world.ask(method, f"/api/v2{path}", body, token=token, **more)

    async def post(self, user: str, path: str, operation: str, **more: Any) -> Mapping[str, Any]:
        """The body of the answer to an operation."""
        reply: Mapping[str, Any] = (await self.ask(user, "POST", path, {"operationName": operation, **more})).json()
        return reply


async def status_codes(replies: list[Awaitable[httpx2.Response]]) -> list[int]:
    return [(await reply).json()["statusCode"] for reply in replies]
