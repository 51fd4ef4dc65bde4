"""What surrounds the messages over HTTP: forms, headers, the browser's cookie, other origins, and strangers."""

import asyncio
import json
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from hub import app
from hub.kernel import metrics
from hub.kernel.rate import Rate
from hub.transports.limits import Limits
from tests.transports.served import CALLS, PATH, Served, serving, until

HANDSHAKE = [{"channel": "/meta/handshake", "version": "1.0", "id": "1"}]
TEXT = json.dumps(HANDSHAKE)
DESK, ELSEWHERE = "https://desk.example", "https://elsewhere.example"


# Forms --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/plain;charset=UTF-8", "text/plain", "application/json"]
)
@pytest.mark.parametrize(
    "body", [urlencode({"message": TEXT}), "message=" + quote(TEXT[1:-1])], ids=["array", "object"]
)
async def test_a_form_whatever_it_calls_itself(hub: Served, content_type: str, body: str) -> None:
    answer = await hub.post(body.encode(), token=hub.token(), **{"Content-Type": content_type})
    assert answer.status_code == 200
    [reply] = answer.json()
    assert (reply["successful"], reply["id"]) == (True, "1")


async def test_several_messages_of_a_form_are_answered_in_order(hub: Served) -> None:
    alice = await hub.poller()
    one, two, three = [alice.message("/meta/subscribe", subscription=name) for name in (CALLS, "/chat/ä", "/chat/*")]
    body = urlencode([("message", json.dumps(one)), ("other", "x"), ("message", json.dumps([two, three]))])
    answer = await hub.post(body.encode(), token=alice.token, **{"Content-Type": "application/x-www-form-urlencoded"})
    assert [(reply["id"], reply["successful"]) for reply in answer.json()] == [
        (one["id"], True),
        (two["id"], False),
        (three["id"], True),
    ]


@pytest.mark.parametrize("body", [b"message=", b"message=x", b"message=%5B%5D", b"message=%FF", b"message=[&message="])
async def test_a_form_without_messages_is_refused(hub: Served, body: bytes) -> None:
    assert (await hub.post(body, token=hub.token())).status_code == 400


# Headers ------------------------------------------------------------------------------------------------------------


async def test_answers_are_json_that_nobody_keeps_or_takes_for_anything_else(hub: Served) -> None:
    for answer in (await hub.post(HANDSHAKE, token=hub.token()), await hub.post(b"nonsense")):
        assert answer.headers["content-type"] == "application/json;charset=UTF-8"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


# The browser's cookie -----------------------------------------------------------------------------------------------


async def test_a_handshake_names_a_browser_that_has_no_name_yet(hub: Served) -> None:
    answer = await hub.post(HANDSHAKE, token=hub.token())
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("BAYEUX_BROWSER=")
    assert attributes == ["Path=/", "HttpOnly", "SameSite=Lax"]
    again = await hub.post(HANDSHAKE, token=hub.token(), Cookie=f"a=b; {name}")
    assert "set-cookie" not in again.headers


async def test_who_is_refused_gets_no_cookie(hub: Served) -> None:
    assert "set-cookie" not in (await hub.post(HANDSHAKE)).headers
    assert "set-cookie" not in (await hub.post([{"channel": "/meta/connect"}], token=hub.token())).headers


async def test_the_fifth_tab_of_a_browser_polls_slowly(hub: Served) -> None:
    tabs = [await hub.poller() for _ in range(5)]
    for tab in tabs:
        hub.http.cookies.clear()
        tab.browser = "BAYEUX_BROWSER=abc"
    held = [await tab.held() for tab in tabs[:4]]
    [reply] = await tabs[4].poll()
    assert reply["successful"]
    assert reply["advice"]["multiple-clients"] is True
    assert reply["advice"]["interval"] == 2000
    tabs[4].browser = "BAYEUX_BROWSER=another"
    held.append(await tabs[4].held())
    hub.turn(25)
    assert all([(await task)[0]["successful"] for task in held])


# Other origins ------------------------------------------------------------------------------------------------------


async def test_a_page_of_an_allowed_origin_may_ask_and_read(tmp_path: Path) -> None:
    async with serving(tmp_path, allowed_origins=(DESK,)) as hub:
        asking = {"Origin": DESK, "Access-Control-Request-Method": "POST"}
        preflight = await hub.http.options(PATH, headers=asking)
        assert (preflight.status_code, preflight.content) == (204, b"")
        assert preflight.headers["access-control-allow-origin"] == DESK
        assert preflight.headers["access-control-allow-credentials"] == "true"
        assert "POST" in preflight.headers["access-control-allow-methods"]
        assert "Content-Type" in preflight.headers["access-control-allow-headers"]
        assert preflight.headers["access-control-max-age"] == "86400"
        for answer in (
            await hub.post(HANDSHAKE, token=hub.token(), Origin=DESK),
            await hub.post(b"nonsense", token=hub.token(), Origin=DESK),
        ):
            assert answer.headers["access-control-allow-origin"] == DESK
            assert answer.headers["access-control-allow-credentials"] == "true"
            assert answer.headers["vary"] == "Origin"


async def test_a_page_of_another_origin_may_not(tmp_path: Path) -> None:
    async with serving(tmp_path, allowed_origins=(DESK,)) as hub:
        for answer in (
            await hub.http.options(PATH, headers={"Origin": ELSEWHERE, "Access-Control-Request-Method": "POST"}),
            await hub.post(HANDSHAKE, token=hub.token(), Origin=ELSEWHERE),
            await hub.post(HANDSHAKE, token=hub.token(), Origin="null"),
        ):
            assert [name for name in answer.headers if name.startswith("access-control-")] == []
            assert answer.headers["vary"] == "Origin"


# Strangers ----------------------------------------------------------------------------------------------------------


async def test_a_stranger_may_send_16_kib(hub: Served) -> None:
    body = TEXT.encode().ljust(16_384)
    assert (await hub.post(body)).json()[0]["error"] == "401::credentials_missing"
    assert (await hub.post(body + b" ")).status_code == 413
    assert (await hub.post(body + b" ", token="no good")).status_code == 413
    assert (await hub.post(body + b" ", token=hub.token())).status_code == 200


async def test_whoever_names_a_session_may_send_more(hub: Served) -> None:
    alice = await hub.poller()
    message = json.dumps([alice.message("/meta/unsubscribe", subscription=CALLS)]).encode()
    assert (await hub.post(message.ljust(60_000))).json()[0]["successful"]
    other = message.replace(alice.client_id.encode(), b"0" * 34)
    assert (await hub.post(other.ljust(60_000))).status_code == 413


async def test_a_stranger_who_dawdles_is_hung_up_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop's own time decides here, so patience is made short."""
    monkeypatch.setattr(app, "_limits", lambda _: Limits(hello=0.2))
    async with serving(tmp_path) as hub:
        reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
        writer.write(f"POST {PATH} HTTP/1.1\r\nHost: hub\r\nContent-Length: 100\r\n\r\n[".encode())
        async with asyncio.timeout(20):
            assert b"200" not in await reader.read()
        writer.close()


async def test_strangers_take_nothing_from_the_rate_of_handshakes(hub: Served) -> None:
    hub.hub.node._handshakes = Rate(per_second=1)
    for token in (None, "no good", hub.token(ttl=60, age=200)):
        assert (await hub.post(HANDSHAKE, token=token)).json()[0]["error"].startswith("401::")
    assert (await hub.post(HANDSHAKE, token=hub.token())).json()[0]["successful"]
    [reply] = (await hub.post(HANDSHAKE, token=hub.token())).json()
    assert (reply["error"], reply["advice"]["reconnect"]) == ("503::overloaded", "handshake")
    assert 1 <= reply["advice"]["interval"] <= 5000


# What operators set -------------------------------------------------------------------------------------------------


async def test_old_clients_may_be_told_their_own_text_of_an_unknown_session(tmp_path: Path) -> None:
    async with serving(tmp_path, bayeux_session_unknown="403::Unknown client") as hub:
        [reply] = (await hub.post([{"channel": "/meta/connect", "clientId": "gone"}], token=hub.token())).json()
        assert (reply["error"], reply["advice"]["reconnect"]) == ("403::Unknown client", "handshake")


async def test_the_status_of_a_displaced_connect_may_be_another(tmp_path: Path) -> None:
    async with serving(tmp_path, bayeux_displaced_status=503) as hub:
        alice = await hub.poller()
        first = asyncio.create_task(hub.post([alice.message("/meta/connect")], token=alice.token))
        await until(lambda: hub.held(alice.client_id))
        second = asyncio.create_task(alice.poll())
        assert (await first).status_code == 503
        hub.turn(25)
        assert (await second)[-1]["successful"]


async def test_handshakes_of_old_clients_are_accepted_and_counted(hub: Served) -> None:
    def counted() -> float:
        return metrics.REGISTRY.get_sample_value("hub_handshakes_incomplete_total") or 0.0

    before = counted()
    for old in ({}, {"version": "0.9"}, {"supportedConnectionTypes": ["long-polling"]}):
        [reply] = (await hub.post([{"channel": "/meta/handshake", **old}], token=hub.token())).json()
        assert reply["successful"]
    assert counted() == before + 3
    whole = {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}
    assert (await hub.post([whole], token=hub.token())).json()[0]["successful"]
    assert counted() == before + 3
