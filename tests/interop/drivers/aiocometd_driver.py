"""aiocometd-ng, used as an application would."""

import asyncio
from contextlib import suppress
from typing import Any

from aiocometd_ng.client import Client
from aiocometd_ng.constants import ConnectionType
from aiocometd_ng.exceptions import AiocometdException, ServerError
from aiocometd_ng.extensions import AuthExtension

from tests.interop.drivers.lines import Json, address, commands, reply, say, settings


class Token(AuthExtension):
    """Adds the token to what is sent, and tells what the client would keep to itself."""

    def __init__(self, given: Json) -> None:
        self.token, self._by, self._next = given["token"], given["by"], given.get("next")

    async def authenticate(self) -> None:
        """The client asks for better credentials after every 401 and 403, and then says the same once more."""
        self.token = self._next or self.token

    async def outgoing(self, payload: list[Json], headers: dict[str, str]) -> None:
        if self._by == "header":
            headers["Authorization"] = f"Bearer {self.token}"
        if self._by == "ext" and payload[0]["channel"] == "/meta/handshake":
            payload[0]["ext"] = {"authentication": {"token": self.token}}

    async def incoming(self, payload: list[Json], headers: Any = None) -> None:
        for message in payload:
            if message["channel"].startswith("/meta/"):
                say("meta", **message)


async def listen(client: Client) -> None:
    with suppress(ServerError):  # so it tells that the hub has ended the session for good
        async for message in client:
            say("event", channel=message["channel"], data=message["data"])


async def carry_out(client: Client, token: Token, command: Json) -> None:
    match command["do"]:
        case "use":
            token.token = command["token"]
        case "handshake":
            await client.open()
        case "subscribe":
            await client.subscribe(command["channel"])
        case "unsubscribe":
            await client.unsubscribe(command["channel"])
        case "publish":
            await client.publish(command["channel"], command["data"])
        case "disconnect":
            await client.close()
        case unknown:
            raise AssertionError(unknown)


async def main() -> None:
    given = settings()
    # Its own watch over the connection time-out asks for an argument that Python 3.10 no longer knows: switched off.
    token = Token(given)
    client = Client(address(given), ConnectionType(given["transport"]), auth=token, connection_timeout=0)
    listening: asyncio.Task[None] | None = None
    async for command in commands():
        try:
            await carry_out(client, token, command)
        except ServerError as error:
            reply(command, successful=False, error=error.error)
        except AiocometdException as error:
            reply(command, successful=False, error=repr(error))
        else:
            used = client.connection_type
            reply(command, successful=True, transport=used.value if used else None)
            if command["do"] == "handshake":
                listening = asyncio.create_task(listen(client))
            if command["do"] == "disconnect" and listening is not None:
                listening.cancel()
    while left := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(left)


asyncio.run(main())
