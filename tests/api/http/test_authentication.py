"""Tokens on REST, by way of the one endpoint that asks for a role."""

from dataclasses import replace

import jwt
import pytest

from hub.auth.jwks import ForeignKeys
from hub.auth.keys import KeyRing
from hub.auth.tokens import Tokens
from hub.kernel.clock import micros
from hub.kernel.secret import Secret
from tests.api.world import EVENTS, START, World
from tests.support.issuer import SigningKey, ec_key, rsa_key, serving

EVENT = {"channel": "/v2/users", "data": {}}
SECRET = "a secret that is long enough for HS256 by far"
CLAIMS = {
    "sub": "crm",
    "organizationId": "acme",
    "roles": ["ROLE_CLIENT_SERVICE"],
    "iss": "hub",
    "aud": "hub",
    "iat": START,
    "exp": START + 60,
}


def signed(secret: str = SECRET, algorithm: str = "HS256", **changes: object) -> str:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return jwt.encode(claims, secret if algorithm != "none" else "", algorithm=algorithm)


async def test_a_token_of_the_same_key_is_accepted_with_and_without_bearer(world: World) -> None:
    assert (await world.publish(EVENT, token=signed())).status_code == 200
    assert (await world.publish(EVENT, token=None, headers={"Authorization": signed()})).status_code == 200
    assert (await world.publish(EVENT, token=None, headers={"Authorization": f"bearer {signed()}"})).status_code == 200


REFUSED = {
    "expired": signed(iat=START - 100, exp=START - 31),
    "unsigned": signed(algorithm="none"),
    "another key": signed("another secret that is long enough too"),
    "another algorithm": signed(SECRET + " and longer still, as this one asks for", algorithm="HS512"),
    "another audience": signed(aud="others"),
    "another issuer": signed(iss="others"),
    "no organization": signed(organizationId=None),
    "an organization that is none": signed(organizationId="a/b"),
    "a user that is none": signed(sub="a/b"),
    "no expiry": signed(exp=None),
    "from the future": signed(iat=START + 600, exp=START + 1200),
    "no token": "x.y.z",
    "binary": "\xff\xfe.\x80.\x81",
    "huge": "a" * 20_000 + ".b.c",
}


@pytest.mark.parametrize("token", REFUSED.values(), ids=REFUSED.keys())
async def test_other_tokens_are_401_and_say_nothing_of_themselves(world: World, token: str) -> None:
    async with world.client() as client:
        headers = {b"Authorization": b"Bearer " + token.encode("latin-1")}
        reply = await client.post(EVENTS, json=EVENT, headers=headers)
    assert (reply.status_code, reply.json()["statusCode"]) == (401, 20)
    assert reply.json().keys() == {"statusCode", "statusMessage"}
    assert reply.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert world.published == []


@pytest.mark.parametrize("authorization", [None, "", "Digest Y3JtOmNybQ==", "Bearer", "Bearer "])
async def test_no_token_is_401_and_asks_for_one(world: World, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    reply = await world.publish(EVENT, token=None, headers=headers)
    assert (reply.status_code, reply.json()) == (401, {"statusCode": 20, "statusMessage": "Not authenticated"})
    assert reply.headers["WWW-Authenticate"] == "Bearer"


async def test_a_token_in_the_query_does_not_count(world: World) -> None:
    reply = await world.ask("POST", f"{EVENTS}?access_token={signed()}", EVENT)
    assert reply.status_code == 401


async def test_a_token_that_was_good_ends_with_its_time(world: World) -> None:
    token = world.token(ttl=60)
    assert (await world.publish(EVENT, token=token)).status_code == 200
    world.clock.at += 91
    reply = await world.publish(EVENT, token=token)
    assert (reply.status_code, reply.json()["statusMessage"]) == (401, "Token has expired")


async def test_a_revoked_token_ends_at_once_and_a_newer_one_does_not(world: World) -> None:
    old = world.token()
    assert (await world.publish(EVENT, token=old)).status_code == 200
    world.services.revoked.add("acme", "crm", micros(START + 5))
    world.clock.at += 10
    assert (await world.publish(EVENT, token=old)).status_code == 401
    assert (await world.publish(EVENT)).status_code == 200


async def test_the_organization_of_the_token_is_where_events_go(world: World) -> None:
    await world.publish(EVENT, token=world.token(organization="other"))
    assert await world.log("", "/v2/users", "other") == [(1, b"{}")]
    assert await world.log("", "/v2/users") == []


async def test_a_token_of_another_hub_is_refused(world: World) -> None:
    foreign = Tokens(KeyRing.of_secret(Secret("f" * 40)), issuer="hub", audience="hub")
    token = foreign.mint(user="crm", organization="acme", roles=["ROLE_CLIENT_SERVICE"], ttl=60, now=START)
    assert (await world.publish(EVENT, token=token)).status_code == 401


def foreign(key: SigningKey) -> str:
    return key.token("crm", now=START, roles=["ROLE_CLIENT_SERVICE"])


async def test_the_first_token_of_a_foreign_issuers_new_key_is_accepted(world: World) -> None:
    async with serving(rsa_key()) as issuer, ForeignKeys(issuer.url, world.clock, every=3600) as keys:
        world.services = replace(world.services, tokens=Tokens(keys, "hub", "hub"))
        assert (await world.publish(EVENT, token=foreign(rsa_key()))).status_code == 200
        issuer.publish(rsa_key(), ec_key())
        assert (await world.publish(EVENT, token=foreign(ec_key()))).status_code == 200
        assert len(issuer.requests) == 2
        assert (await world.publish(EVENT, token=foreign(ec_key(1)))).status_code == 401
        assert (await world.publish(EVENT, token=signed())).status_code == 401


async def test_while_the_issuers_keys_are_unknown_nobody_is_told_that_a_token_is_bad(world: World) -> None:
    async with serving() as issuer:
        issuer.answer(b"", "500 Internal Server Error")
        async with ForeignKeys(issuer.url, world.clock, every=3600) as keys:
            world.services = replace(world.services, tokens=Tokens(keys, "hub", "hub"))
            reply = await world.publish(EVENT, token=foreign(rsa_key()))
    assert (reply.status_code, reply.json()["statusCode"]) == (503, 4)
    assert reply.headers["Retry-After"] == "1"
    assert "WWW-Authenticate" not in reply.headers
    assert world.published == []
