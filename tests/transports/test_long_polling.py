"""Long-polling over real HTTP."""

import asyncio
import json

import pytest

from tests.transports.served import CALLS, DEVICES, PATH, USERS, Served, until

HANDSHAKE = b'[{"channel":"/meta/handshake","version":"1.0","id":"1"}]'


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"[1]", 400),
        (b"[[]]", 400),
        (b"[null]", 400),
        (b"null", 400),
        (b"7", 400),
        (b'"text"', 400),
        (b"not json", 400),
        (HANDSHAKE + b"x", 400),
        (b'[{"channel":"/chat/x","data":NaN}]', 400),
        (b'[{"channel":"/chat/x","data":Infinity}]', 400),
        (b'[{"channel":"/chat/x","data":{"n":-NaN}}]', 400),
        (b'[{"channel":"/chat/x","data":"\xff\xfe"}]', 400),
        (b'[{"channel":"/chat/x","data":"\xc0\xaf"}]', 400),
        (b"\xff\xfe[\x00{\x00", 400),
        (bytes(range(256)), 400),
        (b"[" * 100_000, 413),
        (b"[" * 60_000, 400),
        (b'[{"channel":"/chat/x","data":' + b"[" * 40 + b"]" * 40 + b"}]", 400),
        (b'[{"channel":"/chat/x","data":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}]", 400),
        (b'[{"channel":"/chat/x","data":"' + b"x" * 65_536 + b'"}]', 413),
        (b" " * 1_000_000, 413),
    ],
    ids=lambda value: None if isinstance(value, int) else f"{value[:40]!r}, {len(value)} bytes",
)
async def test_what_is_no_bayeux_is_refused(hub: Served, body: bytes, status: int) -> None:
    answer = await hub.post(body, token=hub.token())
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/json")
    assert set(answer.json()) == {"error"}
    assert "Traceback" not in answer.text
    assert (await hub.post(HANDSHAKE, token=hub.token())).json()[0]["successful"]


async def test_a_body_that_grows_too_large_is_cut_off_before_its_end(hub: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    writer.write(f"POST {PATH} HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    writer.write((b"10000\r\n" + b" " * 0x10000 + b"\r\n") * 2)  # and no end
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n")
    assert b" 413 " in head
    writer.close()


@pytest.mark.parametrize("body", [HANDSHAKE, HANDSHAKE[1:-1], b" \n" + HANDSHAKE + b"\n"])
@pytest.mark.parametrize("content_type", ["application/json", "application/json;charset=UTF-8", "text/json", None])
async def test_arrays_and_lone_objects_are_answered_with_an_array(
    hub: Served, body: bytes, content_type: str | None
) -> None:
    headers = {"Authorization": f"Bearer {hub.token()}"} | ({"Content-Type": content_type} if content_type else {})
    answer = await hub.http.post(PATH, content=body, headers=headers)
    assert answer.status_code == 200
    [reply] = answer.json()
    assert reply["successful"]
    assert reply["id"] == "1"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"


@pytest.mark.parametrize("base", [PATH, "/genesys/cometd", "/cometd"])
@pytest.mark.parametrize("suffix", ["", "/", "/handshake", "/connect", "/disconnect", "/what/ever"])
async def test_aliases_and_suffixes(hub: Served, base: str, suffix: str) -> None:
    answer = await hub.post(HANDSHAKE, token=hub.token(), path=base + suffix)
    assert answer.status_code == 200
    assert answer.json()[0]["successful"]


@pytest.mark.parametrize("path", ["/cometdx", "/api/v2/notification", "/api/v2/notificationsx", "/nowhere"])
async def test_a_wrong_path_is_not_found(hub: Served, path: str) -> None:
    assert (await hub.post(HANDSHAKE, token=hub.token(), path=path)).status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
@pytest.mark.parametrize("path", [PATH, PATH + "/connect", "/cometd"])
async def test_other_methods_are_not_allowed(hub: Served, method: str, path: str) -> None:
    assert (await hub.http.request(method, path)).status_code == 405


async def test_refusals_are_answered_with_200_and_a_reason(hub: Served) -> None:
    unsigned = "eyJhbGciOiJub25lIn0." + hub.token().split(".")[1] + "."
    rs256 = "eyJhbGciOiJSUzI1NiJ9." + ".".join(hub.token().split(".")[1:])
    cases = [
        (None, "401::credentials_missing"),
        (hub.token(ttl=60, age=200), "401::token_expired"),
        (unsigned, "401::token_invalid"),
        (rs256, "401::token_invalid"),
        (hub.token(secret="another secret that is long enough, I think"), "401::token_invalid"),
        (hub.token(audience="elsewhere"), "401::token_invalid"),
        ("nonsense", "401::token_invalid"),
    ]
    for token, error in cases:
        answer = await hub.post(HANDSHAKE, token=token)
        assert answer.status_code == 200
        [reply] = answer.json()
        assert (reply["successful"], reply["error"], reply["advice"]["reconnect"]) == (False, error, "none")
    assert hub.hub.node.sessions() == []


async def test_a_poll_is_held_until_an_event_comes(hub: Served) -> None:
    alice, bob = await hub.poller(), await hub.poller("bob")
    await alice.ask("/meta/subscribe", subscription=CALLS)
    await bob.ask("/meta/subscribe", subscription=CALLS)
    held, other = await alice.held(), await bob.held()
    await hub.publish(CALLS, 1, 2)
    heard = await held
    assert [each["channel"] for each in heard] == [CALLS, CALLS, "/meta/connect"]
    assert [each["data"]["n"] for each in heard[:-1]] == [1, 2]
    assert [each["ext"] for each in heard[:-1]] == [{"replay": 1}, {"replay": 2}]
    assert not other.done()
    hub.turn(25)
    [reply] = await other
    assert reply["successful"]


async def test_a_poll_is_answered_when_its_time_is_over(hub: Served) -> None:
    alice = await hub.poller()
    held = await alice.held()
    hub.turn(23.5)
    await asyncio.sleep(0)
    assert not held.done()
    hub.turn(1)
    [reply] = await held
    assert (reply["channel"], reply["successful"]) == ("/meta/connect", True)


async def test_events_that_came_between_two_polls_are_in_the_next(hub: Served) -> None:
    alice = await hub.poller()
    await alice.ask("/meta/subscribe", subscription=CALLS)
    await hub.publish(CALLS, 1, 2)
    heard = await alice.poll()
    assert [each.get("data", {}).get("n") for each in heard] == [1, 2, None]


async def test_a_client_that_goes_while_held_keeps_its_events(hub: Served) -> None:
    alice = await hub.poller()
    await alice.ask("/meta/subscribe", subscription=CALLS)
    held = await alice.held()
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)
    await until(lambda: not hub.held(alice.client_id))
    await hub.publish(CALLS, 1)
    assert [each.get("data", {}).get("n") for each in await alice.poll()] == [1, None]


async def test_a_client_that_goes_for_good_is_forgotten(hub: Served) -> None:
    alice = await hub.poller()
    held = await alice.held()
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)
    await until(lambda: not hub.held(alice.client_id))
    hub.turn(61)
    assert hub.hub.node.sessions() == []
    assert (await alice.ask("/meta/connect"))["error"] == "402::session_unknown"


async def test_a_second_connect_takes_the_place_of_the_first(hub: Served) -> None:
    alice = await hub.poller()
    await alice.ask("/meta/subscribe", subscription=CALLS)
    first = alice.message("/meta/connect", connectionType="long-polling")
    displaced = asyncio.create_task(hub.post([first], token=alice.token))
    await until(lambda: hub.held(alice.client_id))
    former = hub.session(alice.client_id).engine.held
    second = asyncio.create_task(alice.poll())
    answer = await displaced
    assert answer.status_code == 500
    assert answer.json()[0]["id"] == first["id"]
    await until(lambda: hub.session(alice.client_id).engine.held is not former)
    await hub.publish(CALLS, 1)
    assert [each["channel"] for each in await second] == [CALLS, "/meta/connect"]


async def test_duplicate_ids_are_echoed_each_in_its_own_form(hub: Served) -> None:
    alice = await hub.poller()
    ids = ["1", "1", 1, 1.5, "0", 0, "", "x" * 60]
    messages = [alice.message("/meta/unsubscribe", subscription=CALLS) | {"id": each} for each in ids]
    assert [reply["id"] for reply in await alice.send(*messages)] == ids


@pytest.mark.parametrize("bad", [[1], {"a": 1}, True, "x" * 100])
async def test_an_id_that_cannot_be_echoed_is_refused_alone(hub: Served, bad: object) -> None:
    alice = await hub.poller()
    one = alice.message("/meta/unsubscribe", subscription=CALLS) | {"id": bad}
    other = alice.message("/meta/unsubscribe", subscription=CALLS)
    refused, done = await alice.send(one, other)
    assert (refused["successful"], refused["error"]) == (False, "405::message_id_invalid")
    assert "id" not in refused
    assert done["successful"]


async def test_a_missing_id_is_not_made_up(hub: Served) -> None:
    alice = await hub.poller()
    message = alice.message("/meta/unsubscribe", subscription=CALLS)
    del message["id"]
    [reply] = await alice.send(message)
    assert reply["successful"]
    assert "id" not in reply


async def test_another_users_session_is_unknown_and_unharmed(hub: Served) -> None:
    victim, mallory = await hub.poller("alice"), await hub.poller("mallory")
    namesake = await hub.poller("alice", organization="globex")
    await victim.ask("/meta/subscribe", subscription=CALLS)
    held = await victim.held()
    for thief in (mallory, namesake):
        thief.client_id = victim.client_id
        for channel in ("/meta/connect", "/meta/subscribe", "/meta/unsubscribe", "/meta/disconnect", "/chat/x"):
            reply = await thief.ask(channel, subscription=CALLS, data={"n": 1})
            assert (reply["successful"], reply["error"]) == (False, "402::session_unknown")
    assert not held.done()
    await hub.publish(CALLS, 1)
    assert [each.get("data", {}).get("n") for each in await held] == [1, None]


async def test_an_unknown_client_is_told_to_handshake(hub: Served) -> None:
    alice = await hub.poller()
    alice.client_id = "0" * 34
    reply = await alice.ask("/meta/connect", connectionType="long-polling")
    assert reply["error"] == "402::session_unknown"
    assert reply["advice"] == {"reconnect": "handshake", "interval": 0, "timeout": 25_000, "maxInterval": 60_000}


@pytest.mark.parametrize("channel", ["/v2/me", CALLS, DEVICES, USERS])
async def test_nobody_publishes_on_the_four(hub: Served, channel: str) -> None:
    for role in ("ROLE_AGENT", "ROLE_SUPERVISOR", "ROLE_ADMIN", "ROLE_CLIENT_SERVICE"):
        client = await hub.poller("alice", role)
        reply = await client.ask(channel, data={"n": 1})
        assert (reply["successful"], reply["error"][:3]) == (False, "403")
        assert "data" not in reply


async def test_an_agent_does_not_hear_the_supervisors_channel(hub: Served) -> None:
    alice = await hub.poller()
    reply = await alice.ask("/meta/subscribe", subscription=USERS)
    assert (reply["successful"], reply["error"]) == (False, "403:denied_by_security_policy:subscribe_denied")
    assert reply["subscription"] == USERS
    await alice.ask("/meta/subscribe", subscription="/**")
    held = await alice.held()
    await hub.publish(USERS, 1)
    await hub.publish(CALLS, 2)
    assert [each.get("data", {}).get("n") for each in await held] == [2, None]


async def test_a_disconnect_answers_the_held_poll_with_the_advice_to_stop(hub: Served) -> None:
    alice = await hub.poller()
    held = await alice.held()
    assert (await alice.ask("/meta/disconnect"))["successful"]
    [reply] = await held
    assert (reply["successful"], reply["advice"]["reconnect"]) == (True, "none")
    assert (await alice.ask("/meta/connect"))["error"] == "402::session_unknown"


async def test_a_connect_among_other_messages_is_not_held(hub: Served) -> None:
    alice = await hub.poller()
    connect = alice.message("/meta/connect", connectionType="long-polling")
    subscribe = alice.message("/meta/subscribe", subscription=CALLS)
    assert [reply["id"] for reply in await alice.send(subscribe, connect)] == [subscribe["id"], connect["id"]]


async def test_what_a_request_says_in_vain_is_ignored(hub: Served) -> None:
    """Unknown fields, legacy ones, nulls, and advice that makes no sense."""
    alice = await hub.poller()
    message = alice.message(
        "/meta/subscribe",
        subscription=CALLS,
        ext=None,
        advice={"timeout": "soon", "interval": -1},
        connectionId="x",
        authSuccessful=True,
        timestamp="Tue Mar 05 10:11:12 UTC 2024",
        data=None,
        successful=False,
        error="x",
    )
    [reply] = await alice.send(message)
    assert reply["successful"]
    assert json.dumps(reply).count("timestamp") == 0
