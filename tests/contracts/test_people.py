"""Accounts, profiles, logins and clients on both databases, which may differ in nothing that a client sees."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.security import actions as security
from api.security.rules import Account
from api.users import actions as users
from api.users.rules import Profile, User
from hub.kernel.errors import AlreadyExists
from hub.kernel.secret import Secret
from hub.store.database import Database
from tests.api.world import World, opened

ADMIN = "ROLE_ADMIN"
PASSWORD, NEW = "a password of the tests", "the next password, new"
ORIGIN = {"Origin": "http://127.0.0.1:8080"}


@pytest.fixture(params=["sqlite", "postgresql"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    if request.param == "sqlite":
        async with opened(tmp_path) as world:
            yield world
        return
    server = request.getfixturevalue("postgres_server")
    name = await asyncio.to_thread(server.migrated)
    async with opened(tmp_path, url=server.url(name)) as world:
        yield world
    await asyncio.to_thread(server.drop, name)


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


async def do(world: World, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    reply = await world.ask(method, f"/api/v2{path}", body, token=world.token("adam", ADMIN))
    assert reply.status_code == status, reply.text
    return reply.json()


async def test_the_life_of_a_user(world: World) -> None:
    body = {"userName": "carol", "roles": ["ROLE_AGENT"], "queues": ["sales"], "skills": {"english": 3}}
    made = (await do(world, "POST", "/users", body))["user"]
    assert (made["queues"], made["skills"], made["languages"]) == (["sales"], {"english": 3}, [])
    await do(world, "POST", "/users", body, 409)
    await do(world, "POST", "/users", {"userName": "Bob"})
    await do(world, "POST", "/users", {"userName": "alice"})
    listed = await do(world, "GET", "/users?fields=id")
    assert listed == {"statusCode": 0, "users": [{"id": "Bob"}, {"id": "alice"}, {"id": "carol"}], "totalCount": 3}
    part = await do(world, "GET", "/users?fields=id&offset=1&limit=1")
    assert part["users"] == [{"id": "alice"}]
    changed = await do(world, "PUT", "/users/carol", {"userName": "carol.s", "enabled": False, "firstName": "Carol"})
    assert (changed["user"]["userName"], changed["user"]["enabled"]) == ("carol.s", False)
    await do(world, "PUT", "/users/carol", {"userName": "alice"}, 409)
    assert (await do(world, "PUT", "/users/carol/roles", {"roles": []}))["user"]["roles"] == []
    assert await world.revocations() == [("acme", "carol", True)] * 2
    await do(world, "DELETE", "/users/carol")
    await do(world, "GET", "/users/carol", status=404)


async def test_a_login_with_everything_that_ends_it(world: World) -> None:
    await world.user("alice", password=PASSWORD)

    async def logged_in(password: str) -> dict[str, str]:
        reply = await world.ask("GET", "/api/v2/me", headers=basic("alice", password))
        assert reply.status_code == 200, reply.text
        return {"Cookie": reply.headers["Set-Cookie"].partition(";")[0]} | ORIGIN

    async def status(headers: dict[str, str]) -> int:
        return (await world.ask("GET", "/api/v2/me", headers=headers)).status_code

    here, there, third = [await logged_in(PASSWORD) for _ in range(3)]
    assert (await world.ask("POST", "/api/v2/logout", headers=third)).status_code == 200
    world.clock.at += 1
    body = {"operationName": "ChangePassword", "oldPassword": PASSWORD, "newPassword": NEW}
    assert (await world.ask("POST", "/api/v2/me", body, headers=here)).json() == {"statusCode": 0}
    await world.heal()
    assert [await status(each) for each in (here, there, third)] == [200, 401, 401]
    world.clock.at += world.services.settings.login_seconds
    assert await status(here) == 401
    assert await status(await logged_in(NEW)) == 200
    stored = await world.services.db.read(_logins)
    assert len(stored) == 1, "what has expired is gone"


def _logins(tx: Any) -> list[Any]:
    tx.cursor.execute("SELECT id FROM login")
    found: list[Any] = tx.cursor.fetchall()
    return found


async def test_a_token_makes_a_user_on_first_use(world: World) -> None:
    token = world.token("dora", "ROLE_AGENT")
    replies = await asyncio.gather(*[world.ask("GET", "/api/v2/me", token=token) for _ in range(4)])
    assert {reply.json()["user"]["id"] for reply in replies} == {"dora"}
    assert (await do(world, "GET", "/users"))["totalCount"] == 1


async def test_clients(world: World) -> None:
    db, secret = world.services.db, Secret("what it calls its own")
    await db.write(lambda tx: security.register_client(tx, "bot", "acme", secret, 0))
    with pytest.raises(AlreadyExists):
        await db.write(lambda tx: security.register_client(tx, "bot", "globex", secret, 0))
    assert await db.read(lambda tx: security.client_organization(tx, "bot", secret)) == "acme"
    assert await db.read(lambda tx: security.client_organization(tx, "bot", Secret("x"))) is None
    assert await db.read(lambda tx: security.client_organization(tx, "other", secret)) is None


async def test_of_two_processes_that_take_a_name_one_is_told_so(world: World) -> None:
    """Another process, another organization, the same name at the same time."""
    here = world.services.db
    async with Database(world.url, clock=world.clock) as there:

        def take(organization: str) -> Any:
            account = Account(organization=organization, id="eve", user_name="eve", roles=frozenset())
            return lambda tx: users.create(tx, User(account, Profile()), 0)

        outcomes = await asyncio.gather(here.write(take("acme")), there.write(take("globex")), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyExists", "User"]
    assert (await world.account("eve") is None) != (await world.account("eve", "globex") is None)
