from typing import Any

import pytest
from msgspec import structs

from hub.auth.keys import KeyRing
from hub.auth.tokens import Tokens
from hub.bayeux import replies
from hub.kernel.clock import micros
from hub.kernel.secret import Secret
from tests.realtime.world import CALLS, SUPERVISOR, USERS, World


def foreign(world: World, **changes: str) -> str:
    secret = Secret(changes.pop("secret", "a secret of forty letters, give or take"))
    tokens = Tokens(KeyRing.of_secret(secret), changes.pop("issuer", "hub"), changes.pop("audience", "hub"))
    return tokens.mint(
        user="alice",
        organization="acme",
        roles=("ROLE_AGENT",),
        ttl=3600,
        now=world.clock.now() + float(changes.pop("later", "0")),
    )


def handshake(world: World, token: str | None = None, *, inside: str | None = None, query: str = "") -> dict[str, Any]:
    desk = world.desk()
    credentials = world.node.admission.credentials(f"Bearer {token}" if token else None, query, None)
    ext = {"authentication": {"token": inside}} if inside else {}
    [reply] = desk.post(desk.message("/meta/handshake", version="1.0", ext=ext), credentials=credentials).heard
    found: dict[str, Any] = reply
    return found


async def test_a_token_may_come_in_the_header_the_query_or_the_handshake(world: World) -> None:
    token = world.token("alice")
    assert handshake(world, token)["successful"]
    assert handshake(world, query=f"a=b&access_token={token}")["successful"]
    assert handshake(world, inside=token)["successful"]
    assert handshake(world, token, inside=world.token("alice", SUPERVISOR))["successful"]
    assert {session.principal.user for session in world.node.sessions()} == {"alice"}


async def test_the_token_of_the_handshake_counts_where_both_are_given(world: World) -> None:
    handshake(world, world.token("alice"), inside=world.token("alice", SUPERVISOR))
    [session] = world.node.sessions()
    assert session.principal.roles == {SUPERVISOR}


@pytest.mark.parametrize("other", [("bob", "acme"), ("alice", "globex")])
async def test_two_tokens_of_different_users_are_refused(world: World, other: tuple[str, str]) -> None:
    reply = handshake(world, world.token("alice"), inside=world.token(other[0], organization=other[1]))
    assert reply["error"] == replies.HANDSHAKE_DENIED
    assert world.node.sessions() == []


async def test_what_is_no_good_is_refused_for_good(world: World) -> None:
    expired = world.token("alice", ttl=10)
    before_revocation = world.token("alice")
    world.clock.advance(41)
    world.revoked.add("acme", "alice", micros(world.clock.now() - 5))
    unsigned = "eyJhbGciOiJub25lIn0." + world.token("alice").split(".")[1] + "."
    cases: dict[str, list[str | None]] = {
        "401::credentials_missing": [None],
        "401::token_expired": [expired],
        "401::token_invalid": [
            before_revocation,
            unsigned,
            foreign(world, secret="another secret of forty letters, or so"),
            foreign(world, issuer="elsewhere"),
            foreign(world, audience="elsewhere"),
            foreign(world, later="100"),
            "a.b.c",
            world.token("alice") + "x",
            "x" * 10_000,
        ],
    }
    for error, tokens in cases.items():
        for token in tokens:
            for reply in (handshake(world, token), handshake(world, inside=token)):
                assert (reply["successful"], reply["error"]) == (False, error), token
                assert reply["advice"]["reconnect"] == "none"
                assert "clientId" not in reply
    assert world.node.sessions() == []


async def test_a_token_issued_after_the_revocation_is_good(world: World) -> None:
    world.revoked.add("acme", "alice", micros(world.clock.now()))
    world.clock.advance(0.001)
    assert handshake(world, world.token("alice"))["successful"]


async def test_clients_that_take_intervals_for_seconds_are_recognized(world: World) -> None:
    for agent, patient in [(None, True), ("Mozilla/5.0", True), ("Python/3.11 aiohttp/3.9", False)]:
        assert world.node.admission.credentials(None, "", agent).patient is patient


async def test_they_are_never_told_to_wait(world: World) -> None:
    world.node.terms = structs.replace(world.node.terms, interval=1000)
    others, aiohttp = world.desk(), world.desk()
    aiohttp.credentials = world.node.admission.credentials(f"Bearer {aiohttp.token}", "", "aiohttp/3.14")
    for desk, interval in ((others, 1000), (aiohttp, 0)):
        assert desk.shake(over=desk.post)["advice"]["interval"] == interval
        assert desk.poll().heard[-1]["advice"]["interval"] == interval


@pytest.mark.parametrize(
    ("roles", "subscription", "error"),
    [
        (["ROLE_AGENT"], CALLS, None),
        (["ROLE_CUSTOMER"], "/v2/me/**", None),
        (["ROLE_SUPERVISOR"], USERS, None),
        (["ROLE_ADMIN"], USERS, None),
        (["ROLE_AGENT"], "/v2/**", None),
        (["ROLE_AGENT"], "/**", None),
        (["ROLE_AGENT"], "/news", None),
        (["ROLE_AGENT"], "/service/anything", None),
        (["ROLE_AGENT"], USERS, "denied_by_security_policy"),
        (["ROLE_CLIENT_SERVICE"], USERS, "denied_by_security_policy"),
        (["ROLE_SUPERVISOR"], "/news", "denied_by_security_policy"),
        (["ROLE_SUPERVISOR"], "/walls/**", "denied_by_security_policy"),
        (["ROLE_AGENT"], [CALLS, USERS], "denied_by_security_policy"),
        (["ROLE_AGENT"], "/nobody/knows", "channel_unknown"),
        (["ROLE_AGENT"], "/v2/me/calls/1", "channel_unknown"),
        (["ROLE_AGENT"], "/meta/connect", "channel_unknown"),
    ],
)
async def test_who_may_hear_what(
    world: World, roles: list[str], subscription: str | list[str], error: str | None
) -> None:
    desk = world.desk("alice", *roles).open()
    reply = await desk.tell(desk.message("/meta/subscribe", subscription=subscription))
    assert reply["subscription"] == subscription
    if error is None:
        assert reply["successful"]
    else:
        assert (reply["successful"], reply["error"]) == (False, f"403:{error}:subscribe_denied")
        assert desk.session.streams == set()
        assert "advice" not in reply


async def test_a_wildcard_means_what_the_role_may_hear(world: World) -> None:
    agent, supervisor = world.desk("alice").open(), world.desk("sue", SUPERVISOR).open()
    await agent.subscribe("/**")
    await supervisor.subscribe("/**")
    assert set(agent.session.targets) == {"/v2/me", CALLS, "/v2/me/devices", "/walls/**", "/chat/**", "/news"}
    assert set(supervisor.session.targets) == {"/v2/me", CALLS, "/v2/me/devices", USERS}
