"""What people try who want to be somebody else."""

import logging
from base64 import b64encode
from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from starlette.types import ASGIApp

from hub.auth.guesses import OF_ADDRESS, OF_PAIR, OF_USER
from hub.auth.login import csrf_token, login_id, new_cookie
from hub.kernel.secret import Secret
from tests.api.world import CLIENT_SECRET, World

PASSWORD = "a password of the tests"
ME, TOKEN, USERS = "/api/v2/me", "/security/oauth/token", "/api/v2/users"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
OURS = "http://127.0.0.1:8080"
CHANGE = {"operationName": "ChangePassword", "oldPassword": PASSWORD, "newPassword": "something else, new"}


def basic(user: str, password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


async def from_address(world: World, address: str, user: str, password: str = "wrong") -> httpx2.Response:
    app: ASGIApp = world.app()
    transport = httpx2.ASGITransport(app, client=(address, 1))
    async with httpx2.AsyncClient(transport=transport, base_url="http://hub.test") as client:
        return await client.get(ME, headers=basic(user, password))


async def logged_in(world: World, user: str = "alice") -> str:
    reply = await world.ask("GET", ME, headers=basic(user))
    return reply.headers["Set-Cookie"].partition(";")[0].partition("=")[2]


# Who exists? --------------------------------------------------------------------------------------------------------


async def populated(world: World) -> None:
    await world.user("alice", password=PASSWORD)
    await world.user("disabled", password=PASSWORD, enabled=False)
    await world.user("passwordless")


async def test_every_failed_login_has_the_same_answer(world: World) -> None:
    await populated(world)
    wrong = [
        ("alice", "wrong"),
        ("nobody", PASSWORD),
        ("disabled", PASSWORD),
        ("passwordless", ""),
        ("", ""),
        ("a\0", "b"),
    ]
    answers = [await world.ask("GET", ME, headers=basic(*each)) for each in wrong]
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (401, b'{"statusCode":20,"statusMessage":"User name or password is not right"}')
    }
    varying = {"x-request-id"}
    assert len({frozenset((k, v) for k, v in answer.headers.items() if k not in varying) for answer in answers}) == 1
    fields = [{"grant_type": "password", "username": user, "password": word or "x"} for user, word in wrong if user]
    tokens = [await world.ask("POST", TOKEN, urlencode(each).encode(), headers=FORM) for each in fields]
    assert {(answer.status_code, answer.content) for answer in tokens} == {
        (400, b'{"error":"invalid_grant","error_description":"User name or password is not right"}')
    }


async def test_a_name_that_nobody_has_costs_the_same_work(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One argon2 each, with the same parameters (see `tests/auth/test_passwords.py`), and one look into the table."""
    await populated(world)
    asked: list[bool] = []
    reads: list[None] = []
    match, read = world.services.passwords.match, world.services.db.read

    def matching(stored: str | None, password: Secret) -> Awaitable[bool]:
        asked.append(stored is not None)
        return match(stored, password)

    def reading(function: Any) -> Awaitable[Any]:
        reads.append(None)
        return read(function)

    monkeypatch.setattr(world.services.passwords, "match", matching)
    monkeypatch.setattr(world.services.db, "read", reading)
    for user in ("alice", "nobody", "disabled", "passwordless"):
        assert (await from_address(world, "10.1.0.1", user)).status_code == 401
    assert asked == [True, False, True, False]
    assert len(reads) == 4


async def test_limits_on_guessing_do_not_tell_who_exists(world: World) -> None:
    await populated(world)
    for user in ("alice", "nobody"):
        answers = [await from_address(world, "10.0.0.9", user) for _ in range(OF_PAIR[0] + 1)]
        assert [answer.status_code for answer in answers] == [401] * OF_PAIR[0] + [429]
        assert answers[-1].json() == {"statusCode": 4, "statusMessage": "Too many wrong passwords, try again later"}
        assert int(answers[-1].headers["Retry-After"]) == 30


# Guessing -----------------------------------------------------------------------------------------------------------


async def test_a_guesser_is_slowed_down_and_the_user_is_never_locked_out(world: World) -> None:
    await world.user("alice", password=PASSWORD)
    for _ in range(OF_PAIR[0]):
        await from_address(world, "10.0.0.9", "alice")
    assert (await from_address(world, "10.0.0.9", "alice", PASSWORD)).status_code == 429, "even the right one"
    assert (await from_address(world, "10.0.0.1", "alice", PASSWORD)).status_code == 200, "from elsewhere"
    world.clock.at += 31
    assert (await from_address(world, "10.0.0.9", "alice", PASSWORD)).status_code == 200, "and from there after a while"


async def test_a_botnet_does_not_lock_a_user_out_where_they_have_been_before(world: World) -> None:
    await world.user("alice", password=PASSWORD)
    assert (await from_address(world, "10.0.0.1", "alice", PASSWORD)).status_code == 200
    world.clock.at += 301  # what was remembered of the password is forgotten
    answers = [(await from_address(world, f"10.7.{n}.1", "alice")).status_code for n in range(OF_USER[0] + 5)]
    assert answers == [401] * OF_USER[0] + [429] * 5
    assert (await from_address(world, "10.0.0.1", "alice", PASSWORD)).status_code == 200


async def test_one_address_does_not_go_through_the_directory(world: World) -> None:
    answers = [(await from_address(world, "10.0.0.9", f"user{n}")).status_code for n in range(OF_ADDRESS[0] + 5)]
    assert answers == [401] * OF_ADDRESS[0] + [429] * 5


async def test_client_secrets_and_old_passwords_are_limited_as_well(world: World) -> None:
    await world.user("alice", password=PASSWORD)
    wrong = urlencode({"grant_type": "client_credentials", "client_id": "crm", "client_secret": "x"}).encode()
    answers = [await world.ask("POST", TOKEN, wrong, headers=FORM) for _ in range(OF_PAIR[0] + 1)]
    assert [answer.status_code for answer in answers] == [401] * OF_PAIR[0] + [429]
    assert answers[-1].json()["error"] == "temporarily_unavailable"
    headers = {"Cookie": f"HUB_SESSION={await logged_in(world)}", "Origin": OURS}
    guess = CHANGE | {"oldPassword": "wrong"}
    tries = [(await world.ask("POST", ME, guess, headers=headers)).status_code for _ in range(OF_PAIR[0] + 1)]
    assert tries == [200] * OF_PAIR[0] + [429]
    assert (await world.ask("POST", ME, CHANGE, headers=headers)).status_code == 429


# Sessions -----------------------------------------------------------------------------------------------------------


async def test_a_session_cannot_be_fixed_in_advance(world: World) -> None:
    """What a browser is made to send before the login is worth nothing after it."""
    await world.user("alice", password=PASSWORD)
    await world.user("mallory", password=PASSWORD)
    planted, fresh = [new_cookie(), await logged_in(world, "mallory")], ""
    for cookie in planted:
        reply = await world.ask("GET", ME, headers={"Cookie": f"HUB_SESSION={cookie}", **basic("alice")})
        assert reply.json()["user"]["id"] == "alice"
        fresh = reply.headers["Set-Cookie"].partition(";")[0]
        assert cookie not in fresh
        assert (await world.ask("GET", ME, headers={"Cookie": fresh})).json()["user"]["id"] == "alice"
    known = await world.ask("GET", ME, headers={"Cookie": f"HUB_SESSION={planted[0]}"})
    assert known.status_code == 401
    tossed = await world.ask("GET", ME, headers={"Cookie": f"HUB_SESSION={planted[1]}; {fresh}"})
    assert tossed.status_code == 401, "two cookies of that name: somebody has meddled"


@pytest.mark.parametrize("form", ["id", "csrf", "upper", "short", "quoted", "empty"])
async def test_what_is_made_of_a_cookie_is_no_cookie(world: World, form: str) -> None:
    await world.user("alice", password=PASSWORD)
    cookie = await logged_in(world)
    made = {
        "id": login_id(cookie),
        "csrf": csrf_token(cookie),
        "upper": cookie.swapcase(),
        "short": cookie[:-1],
        "quoted": f'"{cookie}"',
        "empty": "",
    }
    reply = await world.ask("GET", ME, headers={"Cookie": f"HUB_SESSION={made[form]}"})
    assert reply.status_code == 401


# Forged requests ----------------------------------------------------------------------------------------------------

CHANGING = [
    ("POST", ME, CHANGE),
    ("POST", "/api/v2/logout", None),
    ("POST", USERS, {"userName": "mallory", "roles": ["ROLE_ADMIN"]}),
    ("PUT", f"{USERS}/alice", {"firstName": "x"}),
    ("PUT", f"{USERS}/alice/roles", {"roles": ["ROLE_ADMIN"]}),
    ("POST", f"{USERS}/alice", {"operationName": "ChangePassword", "newPassword": "something else, new"}),
    ("DELETE", f"{USERS}/alice", None),
    ("POST", "/api/v2/events", {"channel": "/v2/users", "data": {}}),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGING)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8080.evil.example"},
        {"Referer": f"{OURS}/console"},
        {"X-CSRF-TOKEN": "guessed"},
        {"X-CSRF-TOKEN": "", "Origin": OURS},
        {"Origin": "https://evil.example", "Content-Type": "text/plain"},
    ],
    ids=["no origin", "foreign", "null", "looks like ours", "referer", "guessed", "empty", "plain text"],
)
async def test_a_forged_request_changes_nothing(
    world: World, method: str, path: str, body: object, headers: dict[str, str]
) -> None:
    await world.user("alice", password=PASSWORD)
    await world.user("adam", "ROLE_ADMIN", "ROLE_CLIENT_SERVICE", password=PASSWORD)
    before = [await world.account(user) for user in ("alice", "adam", "mallory")]
    cookie = await logged_in(world, "adam")
    reply = await world.ask(method, path, body, headers={"Cookie": f"HUB_SESSION={cookie}", **headers})
    assert (reply.status_code, reply.json()["statusCode"]) == (403, 5)
    assert reply.headers.get("Access-Control-Allow-Origin") in {None, OURS}
    assert [await world.account(user) for user in ("alice", "adam", "mallory")] == before
    assert await world.revocations() == []
    assert world.published == []


@pytest.mark.parametrize("sign", ["header", "origin"])
async def test_the_same_request_of_our_own_page_is_carried_out(world: World, sign: str) -> None:
    await world.user("alice", password=PASSWORD)
    await world.user("adam", "ROLE_ADMIN", password=PASSWORD)
    cookie = await logged_in(world, "adam")
    proof = {"X-CSRF-TOKEN": csrf_token(cookie)} if sign == "header" else {"Origin": OURS}
    reply = await world.ask("DELETE", f"{USERS}/alice", headers={"Cookie": f"HUB_SESSION={cookie}", **proof})
    assert reply.status_code == 200
    assert await world.account("alice") is None


async def test_the_csrf_token_of_one_login_is_worth_nothing_for_another(world: World) -> None:
    await world.user("alice", password=PASSWORD)
    await world.user("mallory", password=PASSWORD)
    theirs, own = await logged_in(world), await logged_in(world, "mallory")
    headers = {"Cookie": f"HUB_SESSION={theirs}", "X-CSRF-TOKEN": csrf_token(own)}
    assert (await world.ask("POST", ME, CHANGE, headers=headers)).status_code == 403


async def test_a_page_of_another_origin_may_not_read_what_the_cookie_shows(world: World) -> None:
    await world.user("alice", password=PASSWORD)
    cookie = await logged_in(world)
    reply = await world.ask("GET", ME, headers={"Cookie": f"HUB_SESSION={cookie}", "Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in reply.headers


# More than one may --------------------------------------------------------------------------------------------------


async def test_a_token_of_a_user_does_not_carry_more_than_the_account(world: World) -> None:
    await world.user("alice", "ROLE_AGENT", password=PASSWORD)
    fields = {
        "grant_type": "password",
        "username": "alice",
        "password": PASSWORD,
        "scope": "ROLE_ADMIN",
        "roles": "ROLE_ADMIN",
        "organizationId": "globex",
        "sub": "adam",
    }
    reply = await world.ask("POST", TOKEN, urlencode(fields).encode(), headers=FORM)
    principal = world.tokens.verify(reply.json()["access_token"], world.clock.now())
    assert (principal.identity, set(principal.roles)) == (("acme", "alice"), {"ROLE_AGENT"})


async def test_an_administrator_of_one_organization_makes_nobody_in_another(world: World) -> None:
    body = {"userName": "mallory", "organization": "globex", "organizationId": "globex", "contactCenterId": "globex"}
    await world.ask("POST", USERS, body, token=world.token("adam", "ROLE_ADMIN"))
    assert await world.account("mallory", "globex") is None
    assert await world.account("mallory") is not None


async def test_a_supervisor_does_not_become_an_administrator_by_their_password(world: World) -> None:
    before = await world.user("adam", "ROLE_ADMIN", "ROLE_AGENT", password=PASSWORD)
    body = {"operationName": "ChangePassword", "newPassword": "something else, new"}
    reply = await world.ask("POST", f"{USERS}/adam", body, token=world.token("sue", "ROLE_SUPERVISOR", "ROLE_AGENT"))
    assert (reply.status_code, reply.json()["statusCode"]) == (403, 5)
    assert await world.account("adam") == before


# What is written down -----------------------------------------------------------------------------------------------


async def test_no_secret_reaches_the_log_or_an_answer(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.user("alice", password=PASSWORD)
    cookie = await logged_in(world)
    new = "a second password, new"
    with caplog.at_level(logging.DEBUG):
        answers = [
            await world.ask("GET", ME, headers=basic("alice", "a wrong password, this")),
            await world.ask("GET", ME, headers={"Cookie": f"HUB_SESSION={cookie}"}),
            await world.ask("GET", f"{ME}?password={PASSWORD}"),
            await world.ask(
                "POST", ME, CHANGE | {"newPassword": new}, headers={"Cookie": f"HUB_SESSION={cookie}", "Origin": OURS}
            ),
            await world.ask(
                "POST", ME, b'{"oldPassword":"%b","newPassword":1}' % PASSWORD.encode(), headers=basic("alice")
            ),
            await world.ask(
                "POST", USERS, {"userName": "bob", "password": PASSWORD}, token=world.token("adam", "ROLE_ADMIN")
            ),
            await world.ask(
                "POST", f"{TOKEN}?client_secret={CLIENT_SECRET.replace(' ', '%20')}", b"grant_type=x", headers=FORM
            ),
        ]
    written = caplog.text + "".join(answer.text for answer in answers)
    for secret in (PASSWORD, new, "a wrong password, this", cookie, CLIENT_SECRET, "$argon2"):
        assert secret not in written, secret
