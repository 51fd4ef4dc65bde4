"""Tokens for passwords and secrets, and the keys to check them with."""

from base64 import b64encode
from dataclasses import replace
from urllib.parse import urlencode

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import structs

from api.security import actions
from hub.auth.keys import KeyRing
from hub.auth.tokens import Tokens
from hub.kernel.secret import Secret
from tests.api.world import CLIENT_SECRET, EVENTS, World

TOKEN, JWKS = "/security/oauth/token", "/security/oauth/jwks"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PASSWORD = "a password of the tests"
EVENT = {"channel": "/v2/users", "data": {}}


async def ask(world: World, headers: dict[str, str] | None = None, **fields: str) -> httpx2.Response:
    return await world.ask("POST", TOKEN, urlencode(fields).encode(), headers=FORM | (headers or {}))


def basic(name: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{name}:{secret}".encode()).decode()}


async def test_a_client_gets_a_token_that_publishes_for_its_organization(world: World) -> None:
    reply = await ask(world, grant_type="client_credentials", client_id="crm", client_secret=CLIENT_SECRET)
    assert reply.status_code == 200
    assert reply.headers["Cache-Control"] == "no-store"
    body = reply.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    principal = world.tokens.verify(body["access_token"], world.clock.now())
    assert (principal.user, principal.organization) == ("crm", "acme")
    assert principal.roles == {"ROLE_CLIENT_SERVICE"}
    assert (await world.publish(EVENT, token=body["access_token"])).status_code == 200


async def test_a_client_may_name_itself_by_basic_in_the_form_or_in_the_query(world: World) -> None:
    by_basic = await ask(world, basic("crm", CLIENT_SECRET.replace(" ", "+")), grant_type="client_credentials")
    assert by_basic.status_code == 200
    query = urlencode({"grant_type": "client_credentials", "client_id": "crm", "client_secret": CLIENT_SECRET})
    assert (await world.ask("POST", f"{TOKEN}?{query}")).status_code == 200
    mixed = await world.ask(
        "POST",
        f"{TOKEN}?client_id=crm",
        urlencode({"grant_type": "client_credentials", "client_secret": CLIENT_SECRET}).encode(),
        headers=FORM,
    )
    assert mixed.status_code == 200


async def test_a_registered_client_is_as_good_as_a_configured_one(world: World) -> None:
    secret = Secret("made by the hub")
    await world.services.db.write(lambda tx: actions.register_client(tx, "bot", "globex", secret, 0))
    reply = await ask(world, grant_type="client_credentials", client_id="bot", client_secret="made by the hub")
    principal = world.tokens.verify(reply.json()["access_token"], world.clock.now())
    assert (principal.user, principal.organization) == ("bot", "globex")

    def stored(tx: object) -> str:
        tx.cursor.execute("SELECT * FROM client")  # type: ignore[attr-defined]
        return repr(tx.cursor.fetchall())  # type: ignore[attr-defined]

    assert "made by the hub" not in await world.services.db.read(stored)


async def test_a_user_gets_a_token_with_the_roles_of_the_account(world: World) -> None:
    await world.user("sue", "ROLE_AGENT", "ROLE_SUPERVISOR", organization="globex", password=PASSWORD)
    reply = await ask(world, grant_type="password", username="sue", password=PASSWORD)
    principal = world.tokens.verify(reply.json()["access_token"], world.clock.now())
    assert (principal.user, principal.organization, principal.user_name) == ("sue", "globex", "sue")
    assert principal.roles == {"ROLE_AGENT", "ROLE_SUPERVISOR"}
    assert (principal.issued_at, principal.expires_at) == (world.clock.now(), world.clock.now() + 3600)


REFUSED = {
    "nothing at all": ({}, 400, "invalid_request"),
    "an unknown grant": ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
    "a client without a name": ({"grant_type": "client_credentials"}, 401, "invalid_client"),
    "an unknown client": (
        {"grant_type": "client_credentials", "client_id": "x", "client_secret": CLIENT_SECRET},
        401,
        "invalid_client",
    ),
    "a wrong secret": (
        {"grant_type": "client_credentials", "client_id": "crm", "client_secret": "x"},
        401,
        "invalid_client",
    ),
    "no password": ({"grant_type": "password", "username": "sue"}, 400, "invalid_request"),
    "a wrong password": ({"grant_type": "password", "username": "sue", "password": "x"}, 400, "invalid_grant"),
    "an unknown user": ({"grant_type": "password", "username": "x", "password": PASSWORD}, 400, "invalid_grant"),
    "a client as a user": (
        {"grant_type": "password", "username": "crm", "password": CLIENT_SECRET},
        400,
        "invalid_grant",
    ),
    "a user as a client": (
        {"grant_type": "client_credentials", "client_id": "sue", "client_secret": PASSWORD},
        401,
        "invalid_client",
    ),
    "a user of another organization than the client": (
        {
            "grant_type": "password",
            "username": "gus",
            "password": PASSWORD,
            "client_id": "crm",
            "client_secret": CLIENT_SECRET,
        },
        400,
        "invalid_grant",
    ),
    "a user with a wrong client": (
        {"grant_type": "password", "username": "sue", "password": PASSWORD, "client_id": "crm", "client_secret": "x"},
        401,
        "invalid_client",
    ),
}


@pytest.mark.parametrize(("fields", "status", "error"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_refused_is_refused_in_the_words_of_the_rfc(
    world: World, fields: dict[str, str], status: int, error: str
) -> None:
    await world.user("sue", password=PASSWORD)
    await world.user("gus", organization="globex", password=PASSWORD)
    reply = await ask(world, None, **fields)
    assert (reply.status_code, reply.json()["error"]) == (status, error)
    assert reply.json().keys() == {"error", "error_description"}


async def test_a_form_that_is_ambiguous_or_none_is_refused(world: World) -> None:
    twice = b"grant_type=password&grant_type=client_credentials"
    assert (await world.ask("POST", TOKEN, twice, headers=FORM)).json()["error"] == "invalid_request"
    json = await world.ask("POST", TOKEN, {"grant_type": "password"}, headers={"Content-Type": "application/json"})
    assert json.status_code == 415
    both = await ask(world, basic("crm", "x"), grant_type="client_credentials", client_id="crm", client_secret="y")
    assert both.json()["error"] == "invalid_request"


async def test_where_others_make_the_tokens_none_is_made_here(world: World) -> None:
    settings = structs.replace(world.services.settings, jwks_url="https://idp.example/keys")
    world.services = replace(world.services, settings=settings)
    reply = await ask(world, grant_type="client_credentials", client_id="crm", client_secret=CLIENT_SECRET)
    assert (reply.status_code, reply.json()["error"]) == (400, "unsupported_grant_type")


async def test_the_published_keys_check_the_tokens_and_hold_nothing_private(world: World) -> None:
    old, new = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    tokens = Tokens(KeyRing(new, [old]), "hub", "hub")
    world.services = replace(world.services, tokens=tokens)
    reply = await world.ask("GET", JWKS)
    keys = reply.json()["keys"]
    assert len(keys) == 2
    assert all(key.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"} for key in keys)
    token = (await ask(world, grant_type="client_credentials", client_id="crm", client_secret=CLIENT_SECRET)).json()[
        "access_token"
    ]
    kid = jwt.get_unverified_header(token)["kid"]
    [published] = [key for key in keys if key["kid"] == kid]
    claims = jwt.decode(
        token, jwt.PyJWK(published), audience="hub", issuer="hub", options={"verify_exp": False, "verify_iat": False}
    )
    assert (claims["sub"], claims["roles"]) == ("crm", ["ROLE_CLIENT_SERVICE"])
    assert (await world.ask("POST", EVENTS, EVENT, token=token)).status_code == 200


async def test_a_secret_is_not_published(world: World) -> None:
    assert (await world.ask("GET", JWKS)).json() == {"keys": []}
