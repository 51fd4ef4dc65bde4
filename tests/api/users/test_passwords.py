"""Changing passwords: the answer says that it was understood, the channels say how it went."""

import asyncio
import json
from base64 import b64encode
from typing import Any

import pytest

from hub.kernel.errors import Overloaded
from tests.api.world import World

OLD, NEW = "the old password", "another, newer one"
ME = "/api/v2/me"
ORIGIN = {"Origin": "http://127.0.0.1:8080"}
FINE = {"messageType": "PasswordChangeMessage", "notificationType": "PasswordChangeSuccessful"}


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def change(old: str = OLD, new: str = NEW) -> dict[str, str]:
    return {"operationName": "ChangePassword", "oldPassword": old, "newPassword": new}


def failed(code: int) -> dict[str, Any]:
    return {"messageType": "PasswordChangeMessage", "notificationType": "PasswordChangeError", "errorCode": code}


async def told(world: World, user: str = "alice") -> list[dict[str, Any]]:
    """What the user heard; the supervisors must have heard the same, with the user named."""
    own = [json.loads(data) for _, data in await world.log(user, "/v2/me")]
    shared = [json.loads(data) for _, data in await world.log("", "/v2/users")]
    named = {"userUri": f"http://127.0.0.1:8080/api/v2/users/{user}", "userId": user}
    assert shared == [each | named for each in own]
    for each in own:
        text = each.pop("errorMessage", None)
        assert (text is None) == (each["notificationType"] == "PasswordChangeSuccessful")
        assert not {OLD, NEW} & {text}
    return own


async def can_log_in(world: World, password: str, user: str = "alice") -> bool:
    return (await world.ask("GET", ME, headers=basic(user, password))).status_code == 200


async def test_ones_own_password_with_the_old_one(world: World) -> None:
    await world.user("alice", password=OLD)
    reply = await world.ask("POST", ME, change(), headers=basic("alice", OLD))
    assert (reply.status_code, reply.json()) == (200, {"statusCode": 0})
    assert await told(world) == [FINE]
    assert await world.revocations() == [("acme", "alice", True)]
    world.clock.at += 1
    assert await can_log_in(world, NEW)


async def test_after_it_nothing_older_is_good_but_the_login_that_did_it(world: World) -> None:
    await world.user("alice", password=OLD)
    token = world.token("alice", "ROLE_AGENT")
    cookies = []
    for _ in range(2):
        reply = await world.ask("GET", ME, headers=basic("alice", OLD))
        cookies.append(reply.headers["Set-Cookie"].partition(";")[0])
    world.clock.at += 5
    assert (await world.ask("POST", ME, change(), headers={"Cookie": cookies[0]} | ORIGIN)).status_code == 200
    await world.heal()
    outcomes = [(await world.ask("GET", ME, headers={"Cookie": cookie})).status_code for cookie in cookies]
    assert outcomes == [200, 401]
    assert (await world.ask("GET", ME, token=token)).status_code == 401
    assert not await can_log_in(world, OLD)
    assert await can_log_in(world, NEW)
    assert (await world.ask("GET", ME, token=world.token("alice", "ROLE_AGENT"))).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (change(old="not the old one"), 2),
        (change(old=""), 2),
        (change(new="short"), 1),
        (change(new="alice alice alice"), 1),
        (change(old="wrong", new="short"), 2),
    ],
)
async def test_a_refusal_is_told_with_its_code_and_changes_nothing(
    world: World, body: dict[str, str], code: int
) -> None:
    before = await world.user("alice", password=OLD)
    reply = await world.ask("POST", ME, body, headers=basic("alice", OLD))
    assert (reply.status_code, reply.json()) == (200, {"statusCode": 0})
    assert await told(world) == [failed(code)]
    assert await world.account("alice") == before
    assert await world.revocations() == []


async def test_whoever_has_no_password_has_no_old_one(world: World) -> None:
    token = world.token("alice", "ROLE_AGENT")
    assert (await world.ask("POST", ME, change(), token=token)).status_code == 200
    assert await told(world) == [failed(2)]


@pytest.mark.parametrize("missing", ["oldPassword", "newPassword", "operationName"])
async def test_a_missing_parameter_is_said_at_once(world: World, missing: str) -> None:
    await world.user("alice", password=OLD)
    body = {name: value for name, value in change().items() if name != missing}
    reply = await world.ask("POST", ME, body, headers=basic("alice", OLD))
    assert (reply.status_code, reply.json()["statusCode"]) == (400, 1)
    assert missing in reply.json()["statusMessage"]
    assert await told(world) == []


@pytest.mark.parametrize("role", ["ROLE_ADMIN", "ROLE_SUPERVISOR"])
async def test_somebody_elses_password_needs_no_old_one(world: World, role: str) -> None:
    await world.user("alice", password=OLD)
    body = {"operationName": "ChangePassword", "newPassword": NEW, "changePasswordOnFirstLogin": True}
    reply = await world.ask("POST", "/api/v2/users/alice", body, token=world.token("boss", role))
    assert reply.json() == {"statusCode": 0}
    assert await told(world) == [FINE]
    assert await world.revocations() == [("acme", "alice", True)]
    account = await world.account("alice")
    assert account is not None
    assert account.must_change
    world.clock.at += 1
    assert not await can_log_in(world, OLD)
    assert await can_log_in(world, NEW)


async def test_a_weak_one_set_by_somebody_else_is_told_too(world: World) -> None:
    before = await world.user("alice", password=OLD)
    body = {"operationName": "ChangePassword", "newPassword": "weak"}
    reply = await world.ask("POST", "/api/v2/users/alice", body, token=world.token("adam", "ROLE_ADMIN"))
    assert reply.json() == {"statusCode": 0}
    assert await told(world) == [failed(1)]
    assert await world.account("alice") == before


async def test_who_has_no_name_to_log_in_with_is_given_no_password(world: World) -> None:
    await world.ask("GET", ME, token=world.token("dora", "ROLE_AGENT"))
    admin = world.token("adam", "ROLE_ADMIN")
    body = {"operationName": "ChangePassword", "newPassword": NEW}
    reply = await world.ask("POST", "/api/v2/users/dora", body, token=admin)
    assert (reply.status_code, reply.json()["statusCode"]) == (400, 2)
    await world.ask("PUT", "/api/v2/users/dora", {"userName": "dora.k"}, token=admin)
    assert (await world.ask("POST", "/api/v2/users/dora", body, token=admin)).status_code == 200
    world.clock.at += 1
    assert await can_log_in(world, NEW, "dora.k")


async def test_a_failure_of_ours_is_code_3_and_in_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = await world.user("alice", password=OLD)

    def broken(password: object) -> None:
        raise MemoryError("no room for argon2")

    monkeypatch.setattr(world.services.passwords, "hash", broken)
    reply = await world.ask("POST", ME, change(), headers=basic("alice", OLD))
    assert reply.json() == {"statusCode": 0}
    assert await told(world) == [failed(3)]
    assert await world.account("alice") == before
    assert "no room for argon2" in caplog.text
    assert OLD not in caplog.text
    assert NEW not in caplog.text


async def test_what_may_succeed_later_is_answered_and_not_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.user("alice", password=OLD)

    def full(password: object) -> None:
        raise Overloaded

    monkeypatch.setattr(world.services.passwords, "hash", full)
    reply = await world.ask("POST", ME, change(), headers=basic("alice", OLD))
    assert (reply.status_code, reply.json()["statusCode"]) == (503, 4)
    assert await told(world) == []


async def test_of_two_changes_at_once_one_wins_and_both_are_told(world: World) -> None:
    await world.user("alice", password=OLD)
    headers = basic("alice", OLD)
    both = [world.ask("POST", ME, change(new=new), headers=headers) for new in (NEW, "a third one, not less long")]
    replies = await asyncio.gather(*both)
    assert [reply.status_code for reply in replies] == [200, 200]
    outcomes = await told(world)
    assert sorted(outcomes, key=str) == sorted([FINE, failed(2)], key=str)
    assert await world.revocations() == [("acme", "alice", True)]
