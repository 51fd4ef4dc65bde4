"""Applications to book in, and short words for what clients of the appointments API do."""

from datetime import UTC, datetime
from typing import Any

import httpx2
import msgspec

from channels.access import Role
from hub.kernel.applications import Application, Routing, WorkingHours
from hub.kernel.config import Configuration
from hub.kernel.periods import Period
from tests.api.world import CONFIGURATION, START, World

BASE = "/api/appointments/"
HOUR = 3600
DEPLOYMENT = "c461a74-af3a-4b55-a461-bafbf077a34e"

APPLICATIONS = {
    "shop": Application(
        organization="acme",
        notifications_active=True,
        url_base="https://meet.acme.example",
        routing=Routing(deployment_id=DEPLOYMENT, pc_environment="mypurecloud.de"),
        theme={"video": "https://acme.example/waiting.mp4"},
    ),
    "manual": Application(organization="acme", auto_activate=False),
    "single": Application(organization="acme", auto_activate=False, max_parallel=1),
    "double": Application(organization="acme", auto_activate=False, max_parallel=2),
    "office": Application(
        organization="acme",
        auto_activate=False,
        minimum_lead_time=Period(seconds=2 * HOUR),
        maximum_horizon=Period(days=100),
        working_hours=WorkingHours(
            timezone="Europe/Berlin",
            regular=("Mon-Fri 09:00-17:00",),
            add=("2027-01-16 10:00-12:00",),
            closed=("2027-01-18",),
        ),
    ),
    "open": Application(organization="acme", otp_required=False),
    "phones": Application(organization="acme", scheduling="callback"),
    "desk": Application(organization="acme", kind="talkdesk", routing=Routing(touchpoint_id="touch-1")),
    "foreign": Application(organization="globex"),
}
SETTINGS: Configuration = msgspec.structs.replace(CONFIGURATION, applications=APPLICATIONS)

MARIA = {
    "contact": {"primaryEmail": "maria@example.com", "primaryPhone": "+306931234567"},
    "name": {"firstName": "Maria", "lastName": "Jones"},
    "username": "maria@myorg.com",
}


def at(seconds: float) -> str:
    """So long after the beginning of the test, as answers write it."""
    shown = datetime.fromtimestamp(START + seconds, UTC)
    return f"{shown:%Y-%m-%dT%H:%M:%S}.0Z"


def body(seconds: float = HOUR, **more: Any) -> dict[str, Any]:
    """An appointment to be."""
    wanted = {
        "applicationId": "shop",
        "customer": MARIA,
        "duration": "PT30M",
        "start": at(seconds),
        "timezone": "Europe/Berlin",
        "title": "Installation review",
    } | more
    return {name: value for name, value in wanted.items() if value is not ...}


class Desk:
    """What one world's clients do. Without another token: alice, an agent of acme."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.alice = self.token("alice", Role.AGENT)
        self.bob = self.token("bob", Role.AGENT)
        self.sue = self.token("sue", Role.SUPERVISOR)
        self.crm = self.token("crm", Role.CLIENT_SERVICE)

    def token(self, user: str, *roles: str, organization: str = "acme", **claims: Any) -> str:
        return self.world.tokens.mint(
            user=user, organization=organization, roles=roles, ttl=86_400 * 90, now=self.world.clock.now(), **claims
        )

    async def ask(
        self, method: str, path: str, body: Any = None, token: str | None = "alice", **more: Any
    ) -> httpx2.Response:
        return await self.world.ask(method, BASE + path, body, token=self.alice if token == "alice" else token, **more)

    async def good(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The answer to what goes well."""
        reply = await self.ask(method, path, body, **more)
        assert reply.status_code in {200, 204}, reply.text
        return reply.json() if reply.content else None

    async def schedule(self, seconds: float = HOUR, *, token: str | None = "alice", **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = await self.good("POST", "", body(seconds, **more), token=token)
        return made

    async def read(self, id: str, **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = await self.good("GET", id, **more)
        return found

    async def customer(self, appointment: dict[str, Any]) -> str:
        """The token that the ticket behind the room's address is exchanged for."""
        secret = appointment["roomAccess"]["url"].rpartition("/")[2]
        reply = await self.world.ask("POST", "/security/ticket/exchange", {"id": secret})
        token: str = reply.json()["accessToken"]
        return token

    async def told(self, user: str = "", organization: str = "acme") -> list[dict[str, Any]]:
        """What a user heard on /v2/me, or the supervisors on /v2/users."""
        found = await self.world.log(user, "/v2/me" if user else "/v2/users", organization)
        return [msgspec.json.decode(data) for _, data in found]

    async def kinds(self, user: str = "") -> list[str]:
        return [each["notificationType"] for each in await self.told(user)]


def refusal(reply: httpx2.Response) -> tuple[int, str, str]:
    """Status, code and message of an error; its form is checked."""
    content = reply.json()
    assert content.keys() == {"code", "message", "requestId"}, content
    assert content["requestId"] == reply.headers["X-Request-Id"]
    return reply.status_code, content["code"], content["message"]
