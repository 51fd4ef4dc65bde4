"""A desktop over WebSocket."""

import asyncio
import json
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.support.desktop import RETRY_SECONDS, Desktop, Message, SessionLost


class WebSocketDesktop(Desktop):
    """Comes back with its old clientId first, as the official clients do, and hands over its positions again."""

    connection_type = "websocket"

    async def run(self) -> None:
        while True:
            url = self.url.replace("http", "ws", 1)
            local_addr = (self.source, 0) if self.source else None
            try:
                async with connect(
                    url,
                    proxy=None,
                    local_addr=local_addr,
                    open_timeout=5,
                    close_timeout=1,
                    additional_headers=self.headers,
                ) as socket:
                    await self._converse(socket)
            except (OSError, TimeoutError, ConnectionClosed, InvalidHandshake, EOFError):
                await asyncio.sleep(RETRY_SECONDS)

    async def _converse(self, socket: ClientConnection) -> None:
        """One socket, until it breaks: any number of sessions, one after the other."""
        while True:
            try:
                if self.client_id is None:
                    await self._say(socket, self.handshake())
                    await self._hear(socket, lambda: self.client_id is not None)
                await self._say(socket, self.subscribe())
                self.subscribed = False
                await self._hear(socket, lambda: self.subscribed)
                await self._beat(socket)
            except SessionLost:
                self.client_id = None

    async def _beat(self, socket: ClientConnection) -> None:
        """Connect after connect, events in between."""
        at_once = True
        while True:
            connect_message = self.connect(at_once=at_once)
            await self._say(socket, connect_message)
            at_once = False
            replied = False
            while not replied:
                messages = await self._receive(socket)
                self.hear(messages)
                replied = any(each.get("id") == connect_message["id"] for each in messages)
            if self.interval:
                await asyncio.sleep(self.interval)

    async def _hear(self, socket: ClientConnection, done: Callable[[], bool]) -> None:
        while not done():
            self.hear(await self._receive(socket))

    async def _say(self, socket: ClientConnection, *messages: Message) -> None:
        await socket.send(json.dumps(messages))

    async def _receive(self, socket: ClientConnection) -> list[Message]:
        async with asyncio.timeout(self.patience):
            messages: list[Message] = json.loads(await socket.recv())
        return messages
