"""WebSocket, over real sockets."""

import asyncio
import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.frames import Opcode

from channels.envelope import LoggedEvent, Stream
from hub.kernel import metrics
from hub.kernel.rate import Rate
from hub.realtime.admission import Admission
from hub.realtime.listeners import Listeners
from hub.realtime.ports import Credentials
from hub.realtime.prepared import prepare
from tests.transports.served import CALLS, PATH, USERS, RawSocket, Served, Talker, until

HANDSHAKE = b'[{"channel":"/meta/handshake","version":"1.0","id":"1"}]'


def bad_frames() -> float:
    samples = [each for family in metrics.BAD_FRAMES.collect() for each in family.samples]
    return sum(each.value for each in samples if each.name.endswith("_total"))


# What comes in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", 1007),
        (b"[", 1007),
        (b"not json", 1007),
        (b"7", 1007),
        (b"[1]", 1007),
        (b"[[]]", 1007),
        (b'[{"channel":"/chat/x","data":NaN}]', 1007),
        (b'[{"channel":"/chat/x","data":{"n":Infinity}}]', 1007),
        (b'[{"channel":"/chat/x","data":"\xff\xfe"}]', 1007),
        (b'[{"channel":"\xed\xa0\x80"}]', 1007),
        (b"[" * 60_000, 1007),
        (b'[{"channel":"/chat/x","data":' + b"[" * 40 + b"]" * 40 + b"}]", 1007),
        (b" " * 65_537, 1009),
        (b" " * 1_000_000, 1009),
    ],
    ids=lambda value: None if isinstance(value, int) else f"{value[:40]!r}, {len(value)} bytes",
)
async def test_what_is_no_bayeux_closes_the_socket(hub: Served, payload: bytes, code: int) -> None:
    async with hub.talker("bystander") as bystander, RawSocket(hub, hub.token()) as socket:
        socket.send(Opcode.TEXT, payload)
        assert await socket.close_code() == code
        socket.send(Opcode.CLOSE, b"")
        await socket.ended()
        assert (await bystander.ask("/meta/unsubscribe", subscription=CALLS))["successful"]


async def test_binary_frames_are_refused_and_counted(hub: Served) -> None:
    before = bad_frames()
    async with RawSocket(hub, hub.token()) as socket:
        socket.send(Opcode.BINARY, HANDSHAKE)
        assert await socket.close_code() == 1003
    async with RawSocket(hub, hub.token()) as socket:
        socket.send(Opcode.BINARY, HANDSHAKE[:10], fin=False)
        assert await socket.close_code() == 1003
    assert bad_frames() - before == 2


async def test_nothing_after_a_bad_frame_is_looked_at(hub: Served) -> None:
    async with RawSocket(hub, hub.token()) as socket:
        socket.send(Opcode.TEXT, b"nonsense")
        socket.send(Opcode.TEXT, HANDSHAKE)
        assert await socket.close_code() == 1007
        socket.send(Opcode.CLOSE, b"")
        await socket.ended()
    assert hub.hub.node.sessions() == []


async def test_a_frame_that_is_not_masked_breaks_the_protocol(hub: Served) -> None:
    async with RawSocket(hub, hub.token()) as socket:
        socket.send(Opcode.TEXT, HANDSHAKE, mask=False)
        assert await socket.close_code() == 1002


async def test_a_continuation_of_nothing_breaks_the_protocol(hub: Served) -> None:
    async with RawSocket(hub, hub.token()) as socket:
        socket.send(Opcode.CONT, HANDSHAKE)
        assert await socket.close_code() == 1002


@pytest.mark.parametrize("size", [1, 7])
async def test_fragments_are_put_together(hub: Served, size: int) -> None:
    async with RawSocket(hub, hub.token()) as socket:
        parts = [HANDSHAKE[at : at + size] for at in range(0, len(HANDSHAKE), size)][:63]
        rest = HANDSHAKE[len(b"".join(parts)) :]
        for number, part in enumerate(parts):
            socket.send(Opcode.CONT if number else Opcode.TEXT, part, fin=False)
        socket.send(Opcode.PING, b"between")
        socket.send(Opcode.CONT, rest)
        frames = dict([await socket.frame(), await socket.frame()])
        assert frames[Opcode.PONG] == b"between"
        assert json.loads(frames[Opcode.TEXT])[0]["successful"]


@pytest.mark.parametrize("part", [b"", b" "])
async def test_more_than_64_fragments_are_refused_also_when_empty(hub: Served, part: bytes) -> None:
    async with RawSocket(hub, hub.token()) as socket:
        socket.send(Opcode.TEXT, part, fin=False)
        for _ in range(64):
            socket.send(Opcode.CONT, part, fin=False)
        assert await socket.close_code() == 1008


async def test_fragments_that_grow_too_large_are_refused(hub: Served) -> None:
    async with RawSocket(hub, hub.token()) as socket:
        socket.send(Opcode.TEXT, b" " * 40_000, fin=False)
        socket.send(Opcode.CONT, b" " * 40_000, fin=False)
        assert await socket.close_code() == 1009


async def test_a_refused_handshake_earns_no_larger_messages(hub: Served) -> None:
    async with RawSocket(hub) as socket:
        socket.send(Opcode.TEXT, HANDSHAKE)
        assert not json.loads((await socket.frame())[1])[0]["successful"]
        socket.send(Opcode.TEXT, b" " * (hub.hub.websockets.limits.stranger_bytes + 1))
        assert await socket.close_code() == 1009


async def test_a_stranger_stays_one_until_the_handshake_is_accepted(
    hub: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, prepared = asyncio.Event(), Admission.prepared

    async def slowly(self: Admission, handshake: Any, credentials: Credentials) -> Credentials:
        await gate.wait()
        return await prepared(self, handshake, credentials)

    monkeypatch.setattr(Admission, "is_prepared", lambda *_: False)
    monkeypatch.setattr(Admission, "prepared", slowly)
    shake = {"channel": "/meta/handshake", "version": "1.0", "ext": {"authentication": {"token": hub.token()}}}
    async with RawSocket(hub) as socket, RawSocket(hub) as other:
        strangers, most = hub.hub.websockets.strangers, hub.hub.websockets.limits.stranger_bytes
        for each in (socket, other):
            each.send(Opcode.TEXT, json.dumps(shake).encode())
        await until(lambda: all(connection.session is not None for connection in strangers))
        assert len(strangers) == 2
        other.send(Opcode.TEXT, b" " * (most + 1))
        assert await other.close_code() == 1009
        gate.set()
        assert json.loads((await socket.frame())[1])[0]["successful"]
        assert not any(connection.session for connection in strangers)
        socket.send(Opcode.TEXT, b"[%b]" % (b" " * most))
        socket.send(Opcode.PING, b"still here")
        assert await socket.frame() == (Opcode.PONG, b"still here")


async def test_what_still_comes_after_a_huge_frame_does_not_destroy_the_close_code(hub: Served) -> None:
    """A socket closed with bytes unread is reset, and takes what it had written with it."""
    async with RawSocket(hub, hub.token()) as socket:
        socket.send(Opcode.TEXT, b" " * 1_000_000)
        assert await socket.close_code() == 1009
        socket.writer.write(b" " * 1_000_000)
        await socket.writer.drain()
        socket.writer.write_eof()
        assert await socket.reader.read() == b""


async def test_an_empty_array_is_ignored(hub: Served) -> None:
    async with hub.talker() as alice:
        await alice.socket.send("[]")
        await alice.socket.send(" [ ] ")
        assert (await alice.ask("/meta/subscribe", subscription=CALLS))["successful"]
        assert len(alice.heard) == 3


async def test_a_lone_object_is_answered_with_an_array(hub: Served) -> None:
    async with RawSocket(hub, hub.token()) as socket:
        socket.send(Opcode.TEXT, HANDSHAKE[1:-1])
        assert isinstance(json.loads((await socket.frame())[1]), list)


# The upgrade --------------------------------------------------------------------------------------------------------


async def refused(hub: Served, **options: object) -> int:
    with pytest.raises(InvalidStatus) as caught:
        async with hub.connect(hub.token(), **options):  # type: ignore[arg-type]
            raise AssertionError("accepted")
    return caught.value.response.status_code


async def test_pages_of_others_may_not_open_a_socket(hub: Served) -> None:
    for foreign in ("https://evil.example", "null", "http://[", "http://127.0.0.1:1"):
        assert await refused(hub, origin=foreign) == 403
    for origin in (None, f"http://127.0.0.1:{hub.port}", "http://127.0.0.1:8080"):
        async with hub.talker(origin=origin) as alice:
            assert alice.client_id


async def test_a_socket_on_a_wrong_path_is_not_found(hub: Served) -> None:
    for path in ("/", "/nowhere", "/cometdx", "/api/v2/events"):
        assert await refused(hub, path=path) == 404
    async with RawSocket(hub, path="//[") as socket:
        assert socket.status == 404


@pytest.mark.parametrize(
    "path", [PATH, PATH + "/", PATH + "/connect", "/genesys/cometd", "/cometd", "/cometd/handshake"]
)
async def test_aliases_and_suffixes(hub: Served, path: str) -> None:
    async with hub.connect(hub.token(), path=path) as socket:
        await Talker(hub, socket).open()


async def test_the_token_may_come_in_the_query_or_the_handshake(hub: Served) -> None:
    async with hub.connect(path=f"{PATH}?access_token={hub.token()}") as socket:
        await Talker(hub, socket).open()
    async with hub.connect() as socket:
        reply = await Talker(hub, socket).ask(
            "/meta/handshake", version="1.0", ext={"authentication": {"token": hub.token()}}
        )
        assert reply["successful"]


async def test_refusals_are_told_and_the_socket_is_closed_a_little_later(hub: Served) -> None:
    for token, error in [(None, "401::credentials_missing"), (hub.token(ttl=1, age=100), "401::token_expired")]:
        async with hub.connect(token) as socket:
            talker = Talker(hub, socket)
            reply = await talker.ask("/meta/handshake", version="1.0")
            assert (reply["successful"], reply["error"], reply["advice"]["reconnect"]) == (False, error, "none")
            hub.turn(1.5)
            assert await talker.closed() == 1000


async def test_a_client_that_tries_another_token_on_the_same_socket_may_stay(hub: Served) -> None:
    async with hub.connect() as socket:
        talker = Talker(hub, socket)
        assert not (await talker.ask("/meta/handshake", version="1.0"))["successful"]
        reply = await talker.ask("/meta/handshake", version="1.0", ext={"authentication": {"token": hub.token()}})
        assert reply["successful"]
        hub.turn(1.5)
        talker.client_id = reply["clientId"]
        assert (await talker.ask("/meta/connect", connectionType="websocket"))["successful"]


async def test_the_socket_of_a_client_that_is_to_come_back_waits_for_it(hub: Served) -> None:
    handshakes = hub.hub.node._handshakes = Rate(0.01, burst=1)
    async with hub.connect() as socket:
        talker, token = Talker(hub, socket), {"authentication": {"token": hub.token()}}
        assert handshakes.admits(hub.clock.monotonic())
        reply = await talker.ask("/meta/handshake", version="1.0", ext=token)
        assert (reply["error"], reply["advice"]["reconnect"]) == ("503::overloaded", "handshake")
        hub.turn(reply["advice"]["interval"] / 1000 + 0.5)
        handshakes.give_back()
        assert (await talker.ask("/meta/handshake", version="1.0", ext=token))["successful"]
        hub.turn(5.5)
        assert (await talker.ask("/meta/unsubscribe", subscription=CALLS))["id"], "the socket is still there"


async def test_more_connections_than_configured_are_refused(hub: Served) -> None:
    limited = hub.hub.websockets.limits.__class__(connections=1)
    hub.hub.websockets.limits = limited
    async with hub.talker():
        assert await refused(hub) == 503
    await until(lambda: not hub.hub.websockets.open)
    async with hub.talker():
        pass


async def test_a_crowd_of_strangers_keeps_nobody_out_who_shows_a_token(hub: Served) -> None:
    hub.hub.websockets.limits = hub.hub.websockets.limits.__class__(half_open=1)
    async with RawSocket(hub) as stranger, hub.talker("bob"):
        assert stranger.status == 101
        async with RawSocket(hub) as another:
            assert another.status == 503
        async with RawSocket(hub, hub.token()) as known, RawSocket(hub, hub.token()) as waiting, hub.talker():
            assert (known.status, waiting.status) == (101, 101)


# Time ---------------------------------------------------------------------------------------------------------------


async def test_who_shows_a_token_has_time_to_open_a_session(hub: Served) -> None:
    async with RawSocket(hub, hub.token()) as socket:
        hub.turn(29)
        socket.send(Opcode.PING, b"still here")
        assert (await socket.frame()) == (Opcode.PONG, b"still here")
        hub.turn(1.5)
        assert await socket.close_code() == 1008


async def test_who_says_nothing_of_a_session_is_closed(hub: Served) -> None:
    async with RawSocket(hub) as socket, hub.talker() as alice:
        socket.send(Opcode.PING, b"")
        socket.send(Opcode.TEXT, b"[]")
        assert (await socket.frame())[0] == Opcode.PONG
        hub.turn(4.5)
        socket.send(Opcode.PING, b"still here")
        assert (await socket.frame()) == (Opcode.PONG, b"still here")
        hub.turn(1)
        assert await socket.close_code() == 1008
        assert (await alice.ask("/meta/unsubscribe", subscription=CALLS))["successful"]


async def test_a_client_that_does_not_answer_the_close_is_dropped(hub: Served) -> None:
    async with RawSocket(hub) as socket:
        hub.turn(5.5)
        assert await socket.close_code() == 1008
        hub.turn(5.5)
        await socket.ended()
    await until(lambda: not hub.hub.websockets.open)


async def test_clients_pings_are_answered(hub: Served) -> None:
    async with hub.talker() as alice:
        await (await alice.socket.ping(b"hello"))


async def test_a_silent_client_is_pinged_and_dropped_when_it_stays_silent(hub: Served) -> None:
    async with RawSocket(hub, hub.token()) as socket:
        socket.send(Opcode.TEXT, HANDSHAKE)
        client_id = json.loads((await socket.frame())[1])[0]["clientId"]
        hub.turn(20.5)
        assert (await socket.frame()) == (Opcode.PING, b"")
        socket.send(Opcode.PONG, b"")
        socket.send(Opcode.TEXT, json.dumps([{"channel": "/meta/connect", "clientId": client_id}]).encode())
        assert (await socket.frame())[0] == Opcode.TEXT
        hub.turn(20.5)
        assert (await socket.frame()) == (Opcode.PING, b"")
        hub.turn(19)
        assert len(hub.hub.websockets.open) == 1
        hub.turn(1.5)
        await socket.ended()
    assert len(hub.hub.node.sessions()) == 1, "the session outlives its socket"


async def test_a_talking_client_is_not_pinged(hub: Served) -> None:
    async with RawSocket(hub, hub.token()) as socket:
        socket.send(Opcode.TEXT, HANDSHAKE)
        await socket.frame()
        for _ in range(4):
            hub.turn(15)
            socket.send(Opcode.PING, b"mine")
            assert (await socket.frame()) == (Opcode.PONG, b"mine")


async def test_a_connect_is_held_and_answered_in_time(hub: Served) -> None:
    async with hub.talker() as alice:
        message = alice.message("/meta/connect", connectionType="websocket")
        await alice.send(message)
        await until(lambda: hub.held(alice.client_id))
        hub.turn(24.5)
        assert (await alice.reply(message["id"]))["successful"]


# Sessions -----------------------------------------------------------------------------------------------------------


async def test_events_are_pushed_without_a_held_connect(hub: Served) -> None:
    async with hub.talker() as alice, hub.talker("bob") as bob:
        await alice.ask("/meta/subscribe", subscription=CALLS)
        await bob.ask("/meta/subscribe", subscription=CALLS)
        await hub.publish(CALLS, 1, 2)
        await hub.publish(CALLS, 3, user="bob")
        assert await alice.numbers(2) == [1, 2]
        assert await bob.numbers(1) == [3]


async def test_two_organizations_with_the_same_user_never_hear_each_other(hub: Served) -> None:
    async with hub.talker() as here, hub.talker(organization="globex") as there:
        for talker in (here, there):
            await talker.ask("/meta/subscribe", subscription=["/v2/me/**", "/chat/**"])
        await hub.publish(CALLS, 1)
        await hub.publish(CALLS, 2, organization="globex")
        await here.ask("/chat/room", data={"n": 3})
        await there.ask("/chat/room", data={"n": 4})
        await hub.publish(CALLS, 5)
        await hub.publish(CALLS, 6, organization="globex")
        assert await here.numbers(2) == [1, 5]
        assert await there.numbers(2) == [2, 6]
        assert await here.numbers(1, "/chat/room") == [3]
        assert await there.numbers(1, "/chat/room") == [4]


async def test_a_broken_socket_is_resumed_and_nothing_unwritten_is_lost(hub: Served) -> None:
    async with hub.talker() as alice:
        await alice.ask("/meta/subscribe", subscription=CALLS)
        client_id = alice.client_id
        alice.socket.transport.abort()
    await until(lambda: not hub.hub.websockets.open)
    await hub.publish(CALLS, 1, 2)
    async with hub.connect(hub.token()) as socket:
        again = Talker(hub, socket)
        again.client_id = client_id
        await again.ask("/meta/connect", connectionType="websocket", advice={"timeout": 0})
        assert await again.numbers(2) == [1, 2]


async def test_a_socket_that_is_about_to_be_lost_takes_no_event_with_it(hub: Served) -> None:
    """Between the client's last byte and the end of the connection the session still has its socket."""
    async with hub.talker() as alice:
        await alice.ask("/meta/subscribe", subscription=CALLS)
        session = hub.session(alice.client_id)
        (connection,) = hub.hub.websockets.open
        connection.eof_received()
        assert session.link is connection
        event = prepare(LoggedEvent(Stream("acme", "alice", CALLS), 1, b'{"n":1}'))
        hub.hub.node.fanout.deliver(event, Listeners([session]))
    await until(lambda: not hub.hub.websockets.open)
    async with hub.connect(hub.token()) as socket:
        again = Talker(hub, socket)
        again.client_id = alice.client_id
        await again.ask("/meta/connect", connectionType="websocket", advice={"timeout": 0})
        assert await again.numbers(1) == [1]


async def test_another_users_session_is_unknown_and_unharmed(hub: Served) -> None:
    async with hub.talker() as victim, hub.talker("mallory") as mallory:
        await victim.ask("/meta/subscribe", subscription=CALLS)
        async with hub.connect(hub.token("mallory")) as unbound:
            for thief in (mallory, Talker(hub, unbound)):
                thief.client_id = victim.client_id
                for channel in ("/meta/connect", "/meta/subscribe", "/meta/disconnect", "/chat/x"):
                    reply = await thief.ask(channel, subscription=CALLS, data={"n": 1})
                    assert (reply["successful"], reply["error"]) == (False, "402::session_unknown")
        await hub.publish(CALLS, 1)
        assert await victim.numbers(1) == [1]


async def test_nobody_publishes_on_the_four_and_agents_do_not_supervise(hub: Served) -> None:
    async with hub.talker() as alice:
        for channel in ("/v2/me", CALLS, "/v2/me/devices", USERS):
            assert (await alice.ask(channel, data={"n": 1}))["error"][:3] == "403"
        reply = await alice.ask("/meta/subscribe", subscription=USERS)
        assert reply["error"] == "403:denied_by_security_policy:subscribe_denied"


async def test_a_new_handshake_on_the_same_socket_takes_the_place_of_the_session(hub: Served) -> None:
    async with hub.talker() as alice:
        former = alice.client_id
        await alice.open()
        assert [session.client_id for session in hub.hub.node.sessions()] == [alice.client_id]
        assert alice.client_id != former
        await alice.ask("/meta/subscribe", subscription=CALLS)
        await hub.publish(CALLS, 1)
        assert await alice.numbers(1) == [1]


async def test_a_disconnect_is_answered_after_the_held_connect_and_the_socket_closed(hub: Served) -> None:
    async with hub.talker() as alice:
        held, bye = alice.message("/meta/connect", connectionType="websocket"), alice.message("/meta/disconnect")
        await alice.send(held)
        await alice.send(bye)
        await alice.reply(bye["id"])
        assert [each["id"] for each in alice.heard[-2:]] == [held["id"], bye["id"]]
        assert alice.heard[-2]["advice"]["reconnect"] == "none"
        hub.turn(1.5)
        assert await alice.closed() == 1000


async def test_a_session_ends_with_its_token(hub: Served) -> None:
    async with hub.connect(hub.token(ttl=30)) as socket:
        alice = Talker(hub, socket)
        await alice.open()
        held = alice.message("/meta/connect", connectionType="websocket")
        await alice.send(held)
        await until(lambda: hub.held(alice.client_id))
        hub.turn(20)
        hub.turn(11)
        reply = await alice.reply(held["id"])
        assert reply["advice"]["reconnect"] == "none"
        assert await alice.closed() == 1008
    assert hub.hub.node.sessions() == []


async def test_a_reader_that_stops_does_not_hold_up_the_others(hub: Served) -> None:
    async with RawSocket(hub, hub.token()) as stuck, hub.talker() as alice:
        stuck.send(Opcode.TEXT, HANDSHAKE)
        client_id = json.loads((await stuck.frame())[1])[0]["clientId"]
        subscribe = {"channel": "/meta/subscribe", "clientId": client_id, "subscription": "/chat/**"}
        stuck.send(Opcode.TEXT, json.dumps([subscribe]).encode())
        await stuck.frame()
        stuck.reader._transport.pause_reading()  # type: ignore[attr-defined]
        await alice.ask("/meta/subscribe", subscription="/chat/**")
        session = hub.session(client_id)
        sent = 0
        while not (session.link is not None and not session.link.clear() and session.queue):
            sent += 1
            assert sent < 2000, "the kernel takes everything"
            await alice.ask("/chat/x", data={"n": sent, "x": "x" * 60_000})
        assert await alice.numbers(sent, "/chat/x") == list(range(1, sent + 1))
