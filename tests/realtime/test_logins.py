"""Handshakes with a password or a login cookie, and what ends the sessions that they open."""

from base64 import b64encode
from typing import Any

import pytest
from msgspec import structs

from hub.auth.principal import Principal
from hub.bayeux import replies
from hub.realtime.ports import Credentials
from hub.store import revocations
from tests.realtime.world import AGENT, CALLS, ME, Line, World, decoded

BASIC = "Basic " + b64encode(b"alice:secret").decode()


def principal(world: World, user: str = "alice", login: str | None = "L1", **more: Any) -> Principal:
    now = world.clock.now()
    return Principal(
        user=user,
        organization="acme",
        roles=frozenset({AGENT}),
        issued_at=now,
        expires_at=now + 3600,
        login=login,
        **more,
    )


@pytest.fixture(autouse=True)
def people(world: World) -> None:
    world.logins.cookies["good"] = principal(world)
    world.logins.cookies["other"] = principal(world, login="L2")
    world.logins.cookies["bobs"] = principal(world, "bob", "L3")
    world.logins.passwords["alice", "secret"] = principal(world, login=None)


async def over_http(world: World, message: dict[str, Any], credentials: Credentials) -> Any:
    request = world.desk().post(message, credentials=await world.node.admission.settled(credentials))
    await world.settled()
    [reply] = request.heard
    return reply


async def on_socket(world: World, message: dict[str, Any], credentials: Credentials) -> Line:
    line = Line(credentials)
    world.node.receive(decoded((message,)), line, line)
    await world.settled()
    return line


def handshake(token: str | None = None) -> dict[str, Any]:
    ext = {} if token is None else {"authentication": {"token": token}}
    return {"channel": "/meta/handshake", "id": "1", "version": "1.0", "ext": ext}


def given(world: World, authorization: str | None = None, cookie: str | None = None) -> Credentials:
    return world.node.admission.credentials(authorization, "", None, cookie=cookie, address="10.0.0.1")


@pytest.mark.parametrize("transport", ["http", "websocket"])
@pytest.mark.parametrize(("authorization", "cookie"), [(BASIC, None), (None, "good"), (BASIC, "bobs")])
async def test_a_login_opens_a_session(
    world: World, transport: str, authorization: str | None, cookie: str | None
) -> None:
    credentials = given(world, authorization, cookie)
    if transport == "http":
        reply = await over_http(world, handshake(), credentials)
    else:
        [reply] = (await on_socket(world, handshake(), credentials)).heard
    assert reply["successful"], reply
    [session] = world.node.sessions()
    assert session.principal.user == "alice"
    assert session.deadline <= world.clock.monotonic() + 3600


@pytest.mark.parametrize("transport", ["http", "websocket"])
@pytest.mark.parametrize(
    ("authorization", "cookie", "error"),
    [
        ("Basic " + b64encode(b"alice:wrong").decode(), None, "401::login_failed"),
        ("Basic nonsense", None, "401::login_failed"),
        (None, "unknown", "401::credentials_missing"),
        ("Basic " + b64encode(b"alice:wrong").decode(), "good", "401::login_failed"),
    ],
)
async def test_a_bad_login_opens_none(
    world: World, transport: str, authorization: str | None, cookie: str | None, error: str
) -> None:
    credentials = given(world, authorization, cookie)
    if transport == "http":
        reply = await over_http(world, handshake(), credentials)
    else:
        [reply] = (await on_socket(world, handshake(), credentials)).heard
    assert (reply["successful"], reply["error"], reply["advice"]["reconnect"]) == (False, error, "none")
    assert world.node.sessions() == []


@pytest.mark.parametrize("cookie", ["bobs", "unknown", "good"])
async def test_a_cookie_is_no_obstacle_to_a_token(world: World, cookie: str) -> None:
    """The browser sends it along, whatever it is worth and whosever it is."""
    credentials = given(world, cookie=cookie)
    reply = await over_http(world, handshake(world.token("alice")), credentials)
    assert reply["successful"]
    connect = {"channel": "/meta/connect", "id": "2", "clientId": reply["clientId"], "connectionType": "long-polling"}
    assert (await over_http(world, connect, credentials))["successful"]


async def test_a_session_of_a_login_is_not_spoken_for_by_another_user(world: World) -> None:
    reply = await over_http(world, handshake(), given(world, cookie="good"))
    connect = {"channel": "/meta/connect", "id": "2", "clientId": reply["clientId"], "connectionType": "long-polling"}
    refused = await over_http(world, connect, given(world, cookie="bobs"))
    assert refused["error"] == "402::session_unknown"
    refused = await over_http(world, connect, given(world, "Basic " + b64encode(b"alice:wrong").decode()))
    assert refused["error"] == "402::session_unknown"
    assert (await over_http(world, connect, given(world, cookie="good")))["successful"]


async def test_basic_for_somebody_else_than_the_token_is_refused(world: World) -> None:
    reply = await over_http(world, handshake(world.token("bob")), given(world, BASIC))
    assert reply["error"] == replies.HANDSHAKE_DENIED


async def opened(world: World, cookie: str) -> Line:
    line = await on_socket(world, handshake(), given(world, cookie=cookie))
    assert line.heard[0]["successful"]
    return line


async def test_logging_out_ends_the_sessions_of_that_login(world: World) -> None:
    mine, other, token = await opened(world, "good"), await opened(world, "other"), world.desk("alice").open()
    await world.db.write(lambda tx: revocations.revoke_login(tx, "acme", "alice", "L1", world.clock.now()))
    await world.heartbeat.beat()
    await world.settled()
    assert mine.closed == (1008, "session_kicked")
    assert (other.closed, token.line.closed) == (None, None)
    assert world.revoked.contains(principal(world, login="L1"))
    assert not world.revoked.contains(principal(world, login="L2"))


async def test_a_change_of_password_spares_the_login_that_did_it(world: World) -> None:
    mine, other, token = await opened(world, "good"), await opened(world, "other"), world.desk("alice").open()
    world.clock.advance(1)
    now = world.clock.now()
    await world.db.write(lambda tx: revocations.revoke(tx, "acme", "alice", now, tokens=True, spared="L1"))
    await world.heartbeat.beat()
    await world.settled()
    assert mine.closed is None
    assert other.closed == token.line.closed == (1008, "session_kicked")
    assert world.revoked.contains(principal(world, login="L2")) is False, "a login made since then"


@pytest.mark.parametrize("cookie", ["good", "bad"])
async def test_one_socket_has_one_login_looked_up_at_a_time(world: World, cookie: str) -> None:
    line = Line(given(world, cookie=cookie))
    for number in range(100):
        world.node.receive(decoded(({**handshake(), "id": str(number)},)), line, line)
    assert len(world.node._tasks) == 1
    await world.settled()
    assert [reply["id"] for reply in line.heard] == [str(number) for number in range(100)]
    assert [reply["successful"] for reply in line.heard] == [cookie == "good"] + [False] * 99
    assert len(world.node.sessions()) == (1 if cookie == "good" else 0)


@pytest.mark.parametrize("channel", ["/chat/room", "/walls/a"])
async def test_who_must_change_the_password_publishes_nothing_before(world: World, channel: str) -> None:
    world.logins.cookies["first"] = structs.replace(principal(world), must_change=True)
    line, bob = await opened(world, "first"), world.desk("bob").open()
    await bob.subscribe(channel)
    message = {"channel": channel, "id": "3", "clientId": line.heard[0]["clientId"], "data": {"n": 1}}
    world.node.receive(decoded((message,)), line, line)
    await world.settled()
    assert line.heard[-1]["error"] == "403:password_change_demanded:publish_denied"
    assert bob.events == []


async def test_who_must_change_the_password_hears_only_how_that_went(world: World) -> None:
    world.logins.cookies["first"] = structs.replace(principal(world), must_change=True)
    line = await opened(world, "first")
    client_id = line.heard[0]["clientId"]

    async def subscribe(*names: str) -> Any:
        message = {"channel": "/meta/subscribe", "id": "3", "clientId": client_id, "subscription": list(names)}
        world.node.receive(decoded((message,)), line, line)
        await world.settled()
        return line.heard[-1]

    for names in ((CALLS,), (ME, CALLS), ("/v2/**",), ("/**",)):
        assert (await subscribe(*names))["error"] == "403:password_change_demanded:subscribe_denied"
    assert (await subscribe(ME))["successful"]
    world.clock.advance(1)
    now = world.clock.now()
    await world.db.write(lambda tx: revocations.revoke(tx, "acme", "alice", now, tokens=True, spared="L1"))
    await world.heartbeat.beat()
    assert (await subscribe(CALLS))["successful"]


async def test_a_revocation_that_is_seen_late_does_not_end_who_has_come_back_since(world: World) -> None:
    old = world.desk("alice").open()
    world.clock.advance(1)
    now = world.clock.now()
    await world.db.write(lambda tx: revocations.revoke(tx, "acme", "alice", now, tokens=True))
    world.clock.advance(0.1)
    with_a_new_token = world.desk("alice").open()
    world.logins.cookies["new"] = principal(world, login="L9")
    with_a_new_login = await opened(world, "new")
    await world.heartbeat.beat()
    await world.settled()
    assert old.line.closed == (1008, "session_kicked")
    assert (with_a_new_token.line.closed, with_a_new_login.closed) == (None, None)
