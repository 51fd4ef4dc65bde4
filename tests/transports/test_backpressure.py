"""A client is not read faster than its messages get their turn, nor faster than it takes what they bring about."""

import asyncio
import json
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from hub.realtime.recovery import Recovery
from hub.transports.websocket import Connection
from tests.transports.served import RawSocket, Served, until

MANY, PINGS = 6_000, 40_000


def masked(opcode: Opcode, data: bytes) -> bytes:
    return Frame(opcode, data).serialize(mask=True, extensions=[])


def connection_of(hub: Served) -> Connection:
    [connection] = hub.hub.websockets.open
    return connection


async def opened(socket: RawSocket) -> str:
    socket.send(Opcode.TEXT, b'[{"channel":"/meta/handshake","version":"1.0"}]')
    client_id: str = json.loads((await socket.frame())[1])[0]["clientId"]
    return client_id


async def test_messages_that_wait_for_their_turn_are_left_in_the_network(
    hub: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, attach = asyncio.Event(), Recovery.attach

    async def slowly(self: Recovery, *args: Any) -> Any:
        await gate.wait()
        return await attach(self, *args)

    monkeypatch.setattr(Recovery, "attach", slowly)
    async with RawSocket(hub, hub.token()) as socket:
        client_id = await opened(socket)
        message = {"channel": "/meta/subscribe", "clientId": client_id, "subscription": "/chat/x", "id": 0}
        frames = [masked(Opcode.TEXT, json.dumps({**message, "id": number}).encode()) for number in range(MANY)]
        socket.writer.write(b"".join(frames))
        connection = connection_of(hub)
        await until(lambda: connection._choked)
        waiting = hub.session(client_id).engine.waiting
        assert 64 < waiting < MANY // 4, "one read's worth"
        for _ in range(100):
            await asyncio.sleep(0)
        assert hub.session(client_id).engine.waiting == waiting
        gate.set()
        ids: list[int] = []
        while len(ids) < MANY:
            ids += [reply["id"] for reply in json.loads((await socket.frame())[1])]
        assert ids == list(range(MANY))
        assert not connection._choked


async def test_whoever_provokes_answers_and_takes_none_is_not_read_on(hub: Served) -> None:
    async with RawSocket(hub, hub.token()) as socket:
        await opened(socket)
        pings = b"".join(masked(Opcode.PING, b"%0125d" % number) for number in range(PINGS))
        connection = connection_of(hub)
        most = 0
        sending = asyncio.create_task(flood(socket, pings))
        await until(lambda: connection._choked)
        for _ in range(1000):
            most = max(most, connection._transport.get_write_buffer_size())
            await asyncio.sleep(0)
        assert most < 4 * hub.hub.websockets.limits.unread
        for number in range(PINGS):
            assert await socket.frame() == (Opcode.PONG, b"%0125d" % number)
        await sending


async def test_whoever_has_no_session_cannot_provoke_much_more_than_that_at_once(hub: Served) -> None:
    async with RawSocket(hub) as socket:
        connection, unread = connection_of(hub), hub.hub.websockets.limits.unread
        connection.data_received(masked(Opcode.TEXT, b"[%b]" % b",".join([b"{}"] * 800)) * 100)
        assert connection._transport.get_write_buffer_size() < 2 * unread
        assert await socket.close_code() == 1008


async def flood(socket: RawSocket, data: bytes) -> None:
    for at in range(0, len(data), 65_536):
        socket.writer.write(data[at : at + 65_536])
        await socket.writer.drain()
