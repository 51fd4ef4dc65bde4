"""A password changes under running desktops: they hear of it, and whoever should be out is out."""

import asyncio
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from hub.kernel.ids import random_base36
from tests.support.bayeux_http import LongPollingDesktop
from tests.support.bayeux_ws import WebSocketDesktop
from tests.support.desktop import Desktop, Refused, at_work
from tests.support.hub_process import HubProcess
from tests.support.tokens import mint

ME, USERS, CALLS = "/v2/me", "/v2/users", "/v2/me/calls"
NEW = "the next password, new"
PATIENCE = 30.0  # seconds until a test gives up; never waited for when all is well
FINE = {"messageType": "PasswordChangeMessage", "notificationType": "PasswordChangeSuccessful"}
TRANSPORTS = pytest.mark.parametrize("kind", [WebSocketDesktop, LongPollingDesktop])


class Place:
    """An organization of its own, on a hub that is shared; its people are called NAME.ORGANIZATION."""

    def __init__(self, hub: HubProcess, rest: httpx2.AsyncClient) -> None:
        self.hub, self.rest = hub, rest
        self.organization = random_base36(8)

    def name(self, person: str) -> str:
        return f"{person}.{self.organization}"

    def token(self, person: str, *roles: str) -> str:
        # To the microsecond: a token of the second in which the password was changed might be older than the change.
        return mint(self.name(person), *roles, organization=self.organization, iat=time.time())

    async def add(self, person: str, role: str) -> str:
        """The first password, which has to be changed."""
        arguments = ["user", "add", self.name(person), "--role", role, "--organization", self.organization]
        done = await asyncio.to_thread(self.hub.command, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def basic(self, person: str, password: str) -> dict[str, str]:
        return {"Authorization": "Basic " + b64encode(f"{self.name(person)}:{password}".encode()).decode()}

    async def log_in(self, person: str, password: str) -> dict[str, str]:
        """The headers that a page sends from now on."""
        reply = await self.rest.get("/api/v2/me", headers=self.basic(person, password))
        assert reply.status_code == 200, reply.text
        self.rest.cookies.clear()
        return {
            "Cookie": reply.headers["Set-Cookie"].partition(";")[0],
            reply.headers["X-CSRF-HEADER"]: reply.headers["X-CSRF-TOKEN"],
            "Origin": self.hub.url,
        }

    async def change(self, headers: dict[str, str], old: str, new: str) -> None:
        body = {"operationName": "ChangePassword", "oldPassword": old, "newPassword": new}
        reply = await self.rest.post("/api/v2/me", json=body, headers=headers)
        assert (reply.status_code, reply.json()) == (200, {"statusCode": 0}), reply.text

    async def status(self, headers: dict[str, str], path: str = "/api/v2/me") -> int:
        return (await self.rest.get(path, headers=headers)).status_code

    def desktop(
        self, kind: type[Desktop], person: str, *channels: str, token: str | None = None, **more: Any
    ) -> Desktop:
        user, organization = self.name(person), self.organization
        return kind(self.hub.bayeux_url, token, channels, user=user, organization=organization, **more)


@pytest.fixture
async def place(shared_hub: HubProcess) -> AsyncIterator[Place]:
    async with httpx2.AsyncClient(base_url=shared_hub.url, trust_env=False, timeout=PATIENCE) as rest:
        yield Place(shared_hub, rest)


def told(desktop: Desktop, channel: str = ME) -> list[dict[str, Any]]:
    """Of passwords; on `/v2/users` there is also who comes and goes."""
    heard = [event.data for event in desktop.events(channel)]
    return [data for data in heard if data["messageType"] != "UserStateChangeMessage"]


@asynccontextmanager
async def until_ended(*desktops: Desktop) -> AsyncIterator[None]:
    """The block, until the hub has sent all of them away for good; they must be there when it begins."""
    tasks = [asyncio.create_task(desktop.run()) for desktop in desktops]
    try:
        for desktop in desktops:
            await desktop.until(lambda each: each.subscribed, PATIENCE)
        yield
        async with asyncio.timeout(PATIENCE):
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [Refused] * len(desktops), outcomes
        assert all("403::session_kicked" in str(outcome) for outcome in outcomes)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@TRANSPORTS
async def test_the_first_password_is_changed_under_way(place: Place, kind: type[Desktop]) -> None:
    first = await place.add("sue", "ROLE_SUPERVISOR")
    here, there = await place.log_in("sue", first), await place.log_in("sue", first)
    refused = await place.rest.get("/api/v2/users", headers=here)
    assert (refused.status_code, refused.json()["statusCode"]) == (403, 8)
    mine, other = (place.desktop(kind, "sue", ME, headers=headers) for headers in (here, there))
    async with at_work(mine, timeout=PATIENCE):
        async with until_ended(other):
            await place.change(here, "not the first one", NEW)
            await mine.until_received(ME, 1, PATIENCE)
            await place.change(here, first, NEW)
            await mine.until_received(ME, 2, PATIENCE)
        assert [each["notificationType"] for each in told(mine)] == ["PasswordChangeError", "PasswordChangeSuccessful"]
        assert told(mine)[0]["errorCode"] == 2
        assert told(other) == told(mine)
        assert await place.status(here, "/api/v2/users") == 200
        assert await place.status(there, "/api/v2/users") == 401
        assert (mine.handshakes, other.handshakes) == (1, 1)
    assert await place.status(place.basic("sue", first)) == 401
    assert await place.status(place.basic("sue", NEW)) == 200


@TRANSPORTS
async def test_an_administrator_changes_it_and_every_session_of_the_user_ends(
    place: Place, kind: type[Desktop]
) -> None:
    first, second = await place.add("alice", "ROLE_AGENT"), "the second password"
    await place.change(await place.log_in("alice", first), first, second)
    cookie = await place.log_in("alice", second)
    desktops = [
        place.desktop(kind, "alice", ME, CALLS, headers=cookie),
        place.desktop(kind, "alice", ME, headers=place.basic("alice", second)),
        place.desktop(kind, "alice", ME, token=place.token("alice")),
    ]
    sue = place.desktop(kind, "sue", USERS, token=place.token("sue", "ROLE_SUPERVISOR"), roles=["ROLE_SUPERVISOR"])
    bob = place.desktop(kind, "bob", ME, token=place.token("bob"))
    admin = {"Authorization": f"Bearer {place.token('adam', 'ROLE_ADMIN')}"}
    path, alice = f"/api/v2/users/{place.name('alice')}", place.name("alice")
    async with at_work(sue, bob, timeout=PATIENCE):
        async with until_ended(*desktops):
            body = {"operationName": "ChangePassword", "newPassword": NEW}
            reply = await place.rest.post(path, json=body, headers=admin)
            assert reply.json() == {"statusCode": 0}
        await sue.until(lambda each: bool(told(each, USERS)), PATIENCE)
        assert [told(desktop) for desktop in desktops] == [[FINE]] * 3
        assert told(sue, USERS) == [FINE | {"userId": alice, "userUri": f"{place.hub.url}{path}"}]
        assert bob.log == []
        assert await place.status(cookie) == 401
        assert await place.status(place.basic("alice", NEW)) == 200


@TRANSPORTS
async def test_logging_out_ends_the_desktop_and_leaves_the_other_one(place: Place, kind: type[Desktop]) -> None:
    first = await place.add("alice", "ROLE_AGENT")
    here, there = await place.log_in("alice", first), await place.log_in("alice", first)
    mine, other = (place.desktop(kind, "alice", ME, headers=headers) for headers in (here, there))
    async with at_work(other, timeout=PATIENCE):
        async with until_ended(mine):
            assert (await place.rest.post("/api/v2/logout", headers=here)).json() == {"statusCode": 0}
        assert await place.status(here) == 401
        await place.change(there, first, NEW)
        await other.until_received(ME, 1, PATIENCE)
        assert told(other) == [FINE]
