"""A password changes under running desktops: they hear of it, and whoever should be out is out."""

import asyncio
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from tests.support.bayeux_http import LongPollingDesktop
from tests.support.bayeux_ws import WebSocketDesktop
from tests.support.desktop import Desktop, Refused, at_work
from tests.support.hub_process import HubProcess
from tests.support.tokens import mint

ME, USERS, CALLS = "/v2/me", "/v2/users", "/v2/me/calls"
NEW = "the next password, new"
FINE = {"messageType": "PasswordChangeMessage", "notificationType": "PasswordChangeSuccessful"}
TRANSPORTS = pytest.mark.parametrize("kind", [WebSocketDesktop, LongPollingDesktop])


@pytest.fixture
async def rest(hub: HubProcess) -> AsyncIterator[httpx2.AsyncClient]:
    """Without a memory for cookies: a test says which one it sends."""
    async with httpx2.AsyncClient(base_url=hub.url, trust_env=False, timeout=20) as http:
        yield http


async def added(hub: HubProcess, name: str, role: str) -> str:
    """The first password, which has to be changed."""
    done = await asyncio.to_thread(hub.command, "user", "add", name, "--role", role, "--organization", "acme")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


async def logged_in(rest: httpx2.AsyncClient, name: str, password: str) -> dict[str, str]:
    """The headers that a page sends from now on."""
    reply = await rest.get("/api/v2/me", headers=basic(name, password))
    assert reply.status_code == 200, reply.text
    rest.cookies.clear()
    return {
        "Cookie": reply.headers["Set-Cookie"].partition(";")[0],
        reply.headers["X-CSRF-HEADER"]: reply.headers["X-CSRF-TOKEN"],
        "Origin": str(rest.base_url).rstrip("/"),
    }


async def change(rest: httpx2.AsyncClient, headers: dict[str, str], old: str, new: str) -> dict[str, Any]:
    body = {"operationName": "ChangePassword", "oldPassword": old, "newPassword": new}
    reply = await rest.post("/api/v2/me", json=body, headers=headers)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def told(desktop: Desktop, channel: str = ME) -> list[dict[str, Any]]:
    return [event.data for event in desktop.events(channel)]


@asynccontextmanager
async def until_ended(*desktops: Desktop) -> AsyncIterator[None]:
    """The block, until the hub has sent all of them away for good; they must be there when it begins."""
    tasks = [asyncio.create_task(desktop.run()) for desktop in desktops]
    try:
        for desktop in desktops:
            await desktop.until(lambda each: each.subscribed)
        yield
        async with asyncio.timeout(15):
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [Refused] * len(desktops), outcomes
        assert all("403::session_kicked" in str(outcome) for outcome in outcomes)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@TRANSPORTS
async def test_the_first_password_is_changed_under_way(
    hub: HubProcess, rest: httpx2.AsyncClient, kind: type[Desktop]
) -> None:
    first = await added(hub, "sue", "ROLE_SUPERVISOR")
    here, there = await logged_in(rest, "sue", first), await logged_in(rest, "sue", first)
    refused = await rest.get("/api/v2/users", headers=here)
    assert (refused.status_code, refused.json()["statusCode"]) == (403, 8)
    mine = kind(hub.bayeux_url, None, [ME], user="sue", headers=here)
    other = kind(hub.bayeux_url, None, [ME], user="sue", headers=there)
    async with at_work(mine):
        async with until_ended(other):
            assert await change(rest, here, "not the first one", NEW) == {"statusCode": 0}
            await mine.until_received(ME, 1)
            assert await change(rest, here, first, NEW) == {"statusCode": 0}
            await mine.until_received(ME, 2)
        assert [each["notificationType"] for each in told(mine)] == ["PasswordChangeError", "PasswordChangeSuccessful"]
        assert told(mine)[0]["errorCode"] == 2
        assert told(other) == told(mine)
        assert (await rest.get("/api/v2/users", headers=here)).status_code == 200
        assert (await rest.get("/api/v2/users", headers=there)).status_code == 401
        assert (mine.handshakes, other.handshakes) == (1, 1)
    assert (await rest.get("/api/v2/me", headers=basic("sue", first))).status_code == 401
    assert (await rest.get("/api/v2/me", headers=basic("sue", NEW))).status_code == 200


@TRANSPORTS
async def test_an_administrator_changes_it_and_every_session_of_the_user_ends(
    hub: HubProcess, rest: httpx2.AsyncClient, kind: type[Desktop]
) -> None:
    first = await added(hub, "alice", "ROLE_AGENT")
    await change(rest, await logged_in(rest, "alice", first), first, "the second password")
    cookie = await logged_in(rest, "alice", "the second password")
    desktops = [
        kind(hub.bayeux_url, None, [ME, CALLS], user="alice", headers=cookie),
        kind(hub.bayeux_url, None, [ME], user="alice", headers=basic("alice", "the second password")),
        # To the microsecond: a token of the second in which the password was changed might be older than the change.
        kind(hub.bayeux_url, mint("alice", iat=time.time()), [ME], user="alice"),
    ]
    sue = kind(hub.bayeux_url, mint("sue", "ROLE_SUPERVISOR"), [USERS], user="sue", roles=["ROLE_SUPERVISOR"])
    bob = kind(hub.bayeux_url, mint("bob"), [ME], user="bob")
    admin = {"Authorization": f"Bearer {mint('adam', 'ROLE_ADMIN')}"}
    async with at_work(sue, bob):
        async with until_ended(*desktops):
            body = {"operationName": "ChangePassword", "newPassword": NEW}
            reply = await rest.post("/api/v2/users/alice", json=body, headers=admin)
            assert reply.json() == {"statusCode": 0}
        await sue.until(lambda each: bool(each.events(USERS)))
        assert [told(desktop) for desktop in desktops] == [[FINE]] * 3
        assert told(sue, USERS) == [FINE | {"userId": "alice", "userUri": f"{hub.url}/api/v2/users/alice"}]
        assert bob.log == []
        assert (await rest.get("/api/v2/me", headers=cookie)).status_code == 401
        assert (await rest.get("/api/v2/me", headers=basic("alice", NEW))).status_code == 200


@TRANSPORTS
async def test_logging_out_ends_the_desktop_and_leaves_the_other_one(
    hub: HubProcess, rest: httpx2.AsyncClient, kind: type[Desktop]
) -> None:
    first = await added(hub, "alice", "ROLE_AGENT")
    here, there = await logged_in(rest, "alice", first), await logged_in(rest, "alice", first)
    mine = kind(hub.bayeux_url, None, [ME], user="alice", headers=here)
    other = kind(hub.bayeux_url, None, [ME], user="alice", headers=there)
    async with at_work(other):
        async with until_ended(mine):
            assert (await rest.post("/api/v2/logout", headers=here)).json() == {"statusCode": 0}
        assert (await rest.get("/api/v2/me", headers=here)).status_code == 401
        await change(rest, there, first, NEW)
        await other.until_received(ME, 1)
        assert told(other) == [FINE]
