"""Logging in with Basic, going on with the cookie, logging out."""

import re
from base64 import b64encode
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from msgspec import structs

from hub.auth.login import csrf_token, login_id
from tests.api.world import World

PASSWORD = "a password of the tests"
ME, LOGOUT, USERS = "/api/v2/me", "/api/v2/logout", "/api/v2/users"
ORIGIN = "http://127.0.0.1:8080"


def basic(user: str, password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


async def logged_in(world: World, user: str = "alice") -> str:
    """The value of the cookie."""
    reply = await world.ask("GET", ME, headers=basic(user))
    assert reply.status_code == 200, reply.text
    return cookie_of(reply)


def cookie_of(reply: httpx2.Response) -> str:
    found = re.fullmatch(r"HUB_SESSION=([\w-]{43}); Path=/; HttpOnly; SameSite=Lax", reply.headers["Set-Cookie"])
    assert found, reply.headers["Set-Cookie"]
    return found[1]


def with_cookie(value: str, **more: str) -> dict[str, str]:
    return {"Cookie": f"other=1; HUB_SESSION={value}", **{name.replace("_", "-"): text for name, text in more.items()}}


async def test_basic_brings_a_cookie_and_the_csrf_pair(world: World) -> None:
    await world.user("alice", password=PASSWORD)
    reply = await world.ask("GET", ME, headers=basic("alice"))
    cookie = cookie_of(reply)
    assert reply.headers["X-CSRF-HEADER"] == "X-CSRF-TOKEN"
    assert reply.headers["X-CSRF-TOKEN"] == csrf_token(cookie)
    assert reply.json()["user"] | {"id": "alice", "password": ""} == reply.json()["user"]
    again = await world.ask("GET", ME, headers=with_cookie(cookie))
    assert again.json() == reply.json()
    assert again.headers["X-CSRF-TOKEN"] == csrf_token(cookie)
    assert "Set-Cookie" not in again.headers


async def test_a_token_brings_neither(world: World) -> None:
    reply = await world.ask("GET", ME, token=world.token("alice", "ROLE_AGENT"))
    assert not {"set-cookie", "x-csrf-header", "x-csrf-token"} & reply.headers.keys()


async def test_only_the_login_itself_makes_a_login(world: World) -> None:
    await world.user("sue", "ROLE_SUPERVISOR", password=PASSWORD)
    reply = await world.ask("GET", USERS, headers=basic("sue"))
    assert reply.status_code == 200
    assert "Set-Cookie" not in reply.headers


async def test_roles_and_organization_are_those_of_the_account(world: World) -> None:
    await world.user("sue", "ROLE_SUPERVISOR", organization="globex", password=PASSWORD)
    cookie = await logged_in(world, "sue")
    listed = await world.ask("GET", USERS, headers=with_cookie(cookie))
    assert listed.json()["uris"] == ["http://127.0.0.1:8080/api/v2/users/sue"]
    refused = await world.ask("POST", USERS, {"userName": "x"}, headers=with_cookie(cookie, Origin=ORIGIN))
    assert (refused.status_code, refused.json()["statusCode"]) == (403, 5)


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic YWxpY2U=", "Basic " + "A" * 2000, "Basic /w=="])
async def test_basic_that_is_none_is_401(world: World, header: str) -> None:
    reply = await world.ask("GET", ME, headers={"Authorization": header})
    assert (reply.status_code, reply.json()["statusCode"]) == (401, 20)
    assert "Set-Cookie" not in reply.headers


async def test_a_login_lasts_as_long_as_the_settings_say(world: World) -> None:
    await world.user("alice", password=PASSWORD)
    cookie = await logged_in(world)
    world.clock.at += world.services.settings.login_seconds - 1
    assert (await world.ask("GET", ME, headers=with_cookie(cookie))).status_code == 200
    world.clock.at += 1
    assert (await world.ask("GET", ME, headers=with_cookie(cookie))).status_code == 401


async def test_logging_out_ends_this_login_and_no_other(world: World) -> None:
    await world.user("alice", password=PASSWORD)
    here, there = await logged_in(world), await logged_in(world)
    assert here != there
    reply = await world.ask("POST", LOGOUT, headers=with_cookie(here, Origin=ORIGIN))
    assert reply.json() == {"statusCode": 0}
    assert reply.headers["Set-Cookie"].startswith("HUB_SESSION=;")
    assert "Max-Age=0" in reply.headers["Set-Cookie"]
    assert (await world.ask("GET", ME, headers=with_cookie(here))).status_code == 401
    assert (await world.ask("GET", ME, headers=with_cookie(there))).status_code == 200


async def test_with_a_token_there_is_nothing_to_log_out_of(world: World) -> None:
    token = world.token("alice", "ROLE_AGENT")
    assert (await world.ask("POST", LOGOUT, token=token)).status_code == 200
    assert (await world.ask("GET", ME, token=token)).status_code == 200
    assert await world.revocations() == []


async def test_a_changed_account_counts_at_once(world: World) -> None:
    await world.user("alice", password=PASSWORD)
    cookie = await logged_in(world)
    world.clock.at += 1
    admin = world.token("adam", "ROLE_ADMIN")
    await world.ask("PUT", "/api/v2/users/alice/roles", {"roles": ["ROLE_SUPERVISOR"]}, token=admin)
    await world.heal()
    assert (await world.ask("GET", ME, headers=with_cookie(cookie))).status_code == 401
    world.clock.at += 1
    reply = await world.ask("GET", USERS, headers=basic("alice"))
    assert reply.status_code == 200, "what was remembered of the password is forgotten with the roles"
    world.clock.at += 1
    await world.ask(
        "POST", "/api/v2/users/alice", {"operationName": "Disable"}, token=world.token("adam", "ROLE_ADMIN")
    )
    await world.heal()
    world.clock.at += 1
    assert (await world.ask("GET", USERS, headers=basic("alice"))).status_code == 401


async def test_a_program_that_forgets_its_cookies_fills_nothing(world: World) -> None:
    await world.user("alice", password=PASSWORD)
    first = last = await logged_in(world)
    for _ in range(32):
        world.clock.at += 1
        last = await logged_in(world)
    stored = await world.services.db.read(_logins)
    assert len(stored) == 32
    assert login_id(first) not in stored
    assert login_id(last) in stored
    assert not stored & {first, last}, "the cookie itself is not stored"


def _logins(tx: Any) -> set[str]:
    tx.cursor.execute("SELECT id FROM login")
    return {row[0] for row in tx.cursor.fetchall()}


async def test_polling_with_basic_costs_one_argon2_in_five_minutes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.user("sue", "ROLE_SUPERVISOR", password=PASSWORD)
    asked: list[str | None] = []
    match = world.services.passwords.match

    def counted(stored: str | None, password: Any) -> Any:
        asked.append(stored)
        return match(stored, password)

    monkeypatch.setattr(world.services.passwords, "match", counted)
    for _ in range(5):
        assert (await world.ask("GET", USERS, headers=basic("sue"))).status_code == 200
        world.clock.at += 59
    assert len(asked) == 1
    world.clock.at += 60
    assert (await world.ask("GET", USERS, headers=basic("sue"))).status_code == 200
    assert len(asked) == 2
    assert (await world.ask("GET", USERS, headers=basic("sue", PASSWORD + "x"))).status_code == 401
    assert len(asked) == 3


async def test_whoever_must_change_the_password_can_do_nothing_before(world: World) -> None:
    await world.user("sue", "ROLE_SUPERVISOR", password=PASSWORD, must_change=True)
    reply = await world.ask("GET", ME, headers=basic("sue"))
    assert reply.json()["user"]["changePasswordOnFirstLogin"] is True
    cookie = cookie_of(reply)
    for headers in (basic("sue"), with_cookie(cookie)):
        refused = await world.ask("GET", USERS, headers=headers)
        assert (refused.status_code, refused.json()["statusCode"]) == (403, 8)
    token = await world.ask(
        "POST",
        "/security/oauth/token",
        f"grant_type=password&username=sue&password={PASSWORD.replace(' ', '+')}".encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (token.status_code, token.json()["error"]) == (400, "invalid_grant")
    world.clock.at += 1
    body = {"operationName": "ChangePassword", "oldPassword": PASSWORD, "newPassword": "quite another one"}
    assert (await world.ask("POST", ME, body, headers=with_cookie(cookie, Origin=ORIGIN))).json() == {"statusCode": 0}
    await world.heal()
    assert (await world.ask("GET", USERS, headers=with_cookie(cookie))).status_code == 200
    assert (await world.ask("GET", USERS, headers=basic("sue", "quite another one"))).status_code == 200


async def test_over_tls_the_cookie_stays_on_tls_and_crosses_sites_only_if_some_are_allowed(world: World) -> None:
    await world.user("alice", password=PASSWORD)
    plain = world.services.settings
    for changes, expected in (
        ({"public_url": "https://hub.example"}, "SameSite=Lax; Secure"),
        ({"public_url": "https://hub.example", "allowed_origins": ("https://desk.example",)}, "SameSite=None; Secure"),
        ({"allowed_origins": ("http://desk.example",)}, "SameSite=Lax"),
    ):
        settings = structs.replace(plain, **changes)
        world.services = replace(world.services, settings=settings)
        reply = await world.ask("GET", ME, headers=basic("alice"))
        assert reply.headers["Set-Cookie"].endswith(f"; Path=/; HttpOnly; {expected}")
