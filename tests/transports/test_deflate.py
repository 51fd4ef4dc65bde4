"""Compressed messages: only for those who want them and have said who they are, and no bomb goes off."""

import json
import zlib
from pathlib import Path

from websockets.frames import CloseCode, Opcode

from tests.transports.served import CALLS, RawSocket, Served, Talker, serving

OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
LONG = "said again and again, " * 40


def deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


def compressed(data: bytes) -> bytes:
    """A client's frame, whose mask is zero."""
    body = deflate(data)
    return bytes((0xC1, 0x80 | 126)) + len(body).to_bytes(2, "big") + bytes(4) + body


async def say(hub: Served, channel: str, text: str) -> None:
    token = hub.token("crm", "ROLE_CLIENT_SERVICE")
    body = [{"channel": channel, "userId": "alice", "data": {"n": 1, "text": text}}]
    answer = await hub.http.post("/api/v2/events", json=body, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


async def test_it_is_off_unless_it_is_asked_for(hub: Served) -> None:
    async with RawSocket(hub, hub.token(), headers=[OFFER]) as socket:
        assert socket.status == 101
        assert "Sec-WebSocket-Extensions" not in socket.head


async def test_a_client_library_and_the_hub_understand_each_other(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, ws_deflate=True) as hub,
        hub.talker() as alice,
        hub.talker(compression=None) as plain,
    ):
        assert {connection.deflates for connection in hub.hub.websockets.open} == {True, False}
        for each in (alice, plain):
            await each.ask("/meta/subscribe", subscription=[CALLS, "/chat/room"])
        await say(hub, CALLS, LONG)
        await alice.ask("/chat/room", data={"n": 2, "text": LONG})  # compressed by the library
        for each in (alice, plain):
            assert await each.numbers(1) == [1]
            assert await each.numbers(1, "/chat/room") == [2]
            assert [message["data"]["text"] for message in each.heard if "data" in message] == [LONG, LONG]


async def test_what_is_pushed_is_compressed_on_the_wire_and_what_is_short_is_not(tmp_path: Path) -> None:
    async with serving(tmp_path, ws_deflate=True) as hub, RawSocket(hub, hub.token(), headers=[OFFER]) as socket:
        assert "server_no_context_takeover" in socket.head
        assert "client_no_context_takeover" in socket.head
        socket.writer.write(compressed(b'[{"channel":"/meta/handshake","version":"1.0"}]'))
        [reply] = json.loads((await socket.frame())[1])
        subscribe = {"channel": "/meta/subscribe", "clientId": reply["clientId"], "subscription": CALLS}
        socket.send(Opcode.TEXT, json.dumps([subscribe]).encode())
        await socket.frame()
        for text in (LONG, "short"):
            await say(hub, CALLS, text)
            first = (await socket.reader.readexactly(1))[0]
            size = (await socket.reader.readexactly(1))[0]
            if size == 126:
                size = int.from_bytes(await socket.reader.readexactly(2), "big")
            payload = await socket.reader.readexactly(size)
            assert bool(first & 0x40) is (text == LONG)
            if first & 0x40:
                payload = zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")
            [event] = json.loads(payload)
            assert event["data"]["text"] == text


async def test_whoever_wants_a_window_that_is_too_small_for_ours_hears_all_the_same(tmp_path: Path) -> None:
    offer = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9"
    async with serving(tmp_path, ws_deflate=True) as hub, RawSocket(hub, hub.token(), headers=[offer]) as socket:
        assert "server_max_window_bits=9" in socket.head
        (connection,) = hub.hub.websockets.open
        assert not connection.deflates


async def test_a_stranger_gets_nothing_compressed(tmp_path: Path) -> None:
    async with serving(tmp_path, ws_deflate=True) as hub:
        for token in (None, hub.token(secret="another secret that is longer than 32 bytes")):
            async with RawSocket(hub, token, headers=[OFFER]) as socket:
                assert socket.status == 101
                assert "Sec-WebSocket-Extensions" not in socket.head
                socket.writer.write(compressed(b"[]"))
                assert await socket.close_code() == CloseCode.PROTOCOL_ERROR


async def test_a_bomb_is_not_inflated(tmp_path: Path) -> None:
    async with serving(tmp_path, ws_deflate=True) as hub, RawSocket(hub, hub.token(), headers=[OFFER]) as socket:
        bomb = compressed(b"[" + b" " * 20_000_000 + b"]")
        assert len(bomb) < 40_000
        socket.writer.write(bomb)
        assert await socket.close_code() == CloseCode.MESSAGE_TOO_BIG


async def test_a_bomb_in_pieces_is_not_inflated(tmp_path: Path) -> None:
    async with serving(tmp_path, ws_deflate=True) as hub, RawSocket(hub, hub.token(), headers=[OFFER]) as socket:
        body = deflate(b"[" + b" " * 100_000 + b"]")
        half = len(body) // 2
        for first, part in ((0x41, body[:half]), (0x80, body[half:])):
            socket.writer.write(bytes((first, 0x80 | len(part))) + bytes(4) + part)
        assert await socket.close_code() == CloseCode.MESSAGE_TOO_BIG


async def test_a_client_may_compress_what_it_says(tmp_path: Path) -> None:
    async with serving(tmp_path, ws_deflate=True) as hub, hub.connect(hub.token()) as socket:
        alice = Talker(hub, socket)
        await alice.open()
        reply = await alice.ask("/chat/room", data={"n": 1, "text": LONG * 20})
        assert reply["successful"]
