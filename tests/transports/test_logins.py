"""Login cookies and passwords on the Bayeux endpoint, with real requests and real upgrades."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.security.rules import Account
from api.users import actions
from api.users.rules import Profile, User
from hub.auth.passwords import hashed
from hub.kernel.secret import Secret
from tests.transports.served import CALLS, Served, Talker, serving

PASSWORD = "a password of the tests"
HASH = hashed(Secret(PASSWORD))
HANDSHAKE = {"channel": "/meta/handshake", "id": "1", "version": "1.0"}
DENIED = "401::credentials_missing"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A hub that knows Alice."""
    async with serving(tmp_path, callback_polling=True) as served:
        await add_alice(served)
        yield served


async def add_alice(served: Served) -> None:
    account = Account(
        organization="acme", id="alice", user_name="alice", roles=frozenset({"ROLE_AGENT"}), password=HASH
    )
    user = User(account, Profile())
    await served.hub.database.write(lambda tx: actions.create(tx, user, served.clock.now()))


def basic(password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"alice:{password}".encode()).decode()}


async def logged_in(served: Served) -> tuple[str, str]:
    """The cookie as it is sent, and the CSRF token."""
    reply = await served.http.get("/api/v2/me", headers=basic())
    served.http.cookies.clear()
    return reply.headers["Set-Cookie"].partition(";")[0], reply.headers["X-CSRF-TOKEN"]


async def handshake(served: Served, **headers: str) -> Any:
    reply = await served.post([HANDSHAKE], **{name.replace("_", "-"): value for name, value in headers.items()})
    served.http.cookies.clear()
    return reply.json()[0]


async def test_over_http_the_cookie_needs_the_csrf_header_or_an_allowed_origin(served: Served) -> None:
    cookie, token = await logged_in(served)
    assert (await handshake(served, Cookie=cookie, X_CSRF_TOKEN=token))["successful"]
    assert (await handshake(served, Cookie=cookie, Origin=served.url))["successful"]
    assert (await handshake(served, Cookie=cookie, Origin="http://127.0.0.1:8080"))["successful"]
    for headers in (
        {},
        {"X_CSRF_TOKEN": token[:-1]},
        {"X_CSRF_TOKEN": "x", "Origin": served.url},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ):
        assert (await handshake(served, Cookie=cookie, **headers))["error"] == DENIED, headers
    assert {session.principal.user for session in served.hub.node.sessions()} == {"alice"}
    assert len(served.hub.node.sessions()) == 3


async def test_over_a_websocket_the_cookie_needs_an_allowed_origin(served: Served) -> None:
    cookie, token = await logged_in(served)

    async def shaken(**headers: str) -> Any:
        async with connect(served.ws_url, proxy=None, additional_headers={"Cookie": cookie, **headers}) as socket:
            await socket.send(json.dumps([HANDSHAKE]))
            return json.loads(await socket.recv())[0]

    assert (await shaken(Origin=served.url))["successful"]
    assert (await shaken())["error"] == DENIED
    assert (await shaken(**{"X-CSRF-TOKEN": token}))["error"] == DENIED
    with pytest.raises(InvalidStatus, match="403"):
        await shaken(Origin="https://evil.example")


async def test_basic_works_on_both(served: Served) -> None:
    assert (await handshake(served, **basic()))["successful"]
    assert (await handshake(served, **basic("wrong, this one")))["error"] == "401::login_failed"
    async with connect(served.ws_url, proxy=None, additional_headers=basic()) as socket:
        talker = Talker(served, socket)
        await talker.open()
        assert (await talker.ask("/meta/subscribe", subscription=CALLS))["successful"]
        await served.publish(CALLS, 1)
        assert await talker.numbers(1) == [1]


async def test_a_session_of_a_cookie_is_polled_with_it_and_ends_with_it(served: Served) -> None:
    cookie, token = await logged_in(served)
    headers = {"Cookie": cookie, "X_CSRF_TOKEN": token}
    client_id = (await handshake(served, **headers))["clientId"]
    message = {"channel": "/meta/connect", "id": "2", "clientId": client_id, "connectionType": "long-polling"}

    async def polled() -> Any:
        reply = await served.post([message], **{"Cookie": cookie, "X-CSRF-TOKEN": token})
        return reply.json()[0]

    assert (await polled())["successful"]
    served.turn(served.hub.settings.login_seconds - 1)
    assert served.hub.node.sessions() == [], "maxInterval has passed, too"
    assert (await handshake(served, **headers))["successful"]
    served.turn(1)
    assert (await handshake(served, **headers))["error"] == DENIED


async def test_jsonp_never_counts_who_the_browser_is(served: Served) -> None:
    """Any page may include the script; with the cookie of the user it would read what is theirs."""
    cookie, token = await logged_in(served)
    query = {"message": json.dumps([HANDSHAKE]), "jsonp": "f"}
    for more in ({}, {"Origin": served.url}, {"X-CSRF-TOKEN": token}):
        reply = await served.http.get("/api/v2/notifications", params=query, headers={"Cookie": cookie, **more})
        assert (reply.status_code, DENIED in reply.text) == (200, True)
    assert served.hub.node.sessions() == []


async def test_preflights_allow_the_csrf_header(served: Served) -> None:
    headers = {
        "Origin": "http://127.0.0.1:8080",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-csrf-token",
    }
    for path in ("/api/v2/notifications", "/api/v2/me"):
        reply = await served.http.options(path, headers=headers)
        assert "x-csrf-token" in reply.headers["Access-Control-Allow-Headers"].lower()
        assert reply.headers["Access-Control-Allow-Credentials"] == "true"
