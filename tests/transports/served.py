"""A whole hub in this process, served on a free port, with time that stands still; and clients that speak to it.

What the hub does by itself as time goes by is made to happen with `Served.turn`.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Frame, Opcode

from hub import app, server
from hub.app import Hub
from hub.auth.keys import KeyRing
from hub.auth.tokens import Tokens
from hub.kernel.config import Configuration, CustomChannel
from hub.kernel.secret import Secret
from hub.kernel.settings import Settings
from hub.realtime.session import Session
from hub.store import revocations
from hub.store.database import Database
from tests.support.clock import FakeClock
from tests.support.empty_database import migrated

SECRET = "the tests' secret, which is longer than thirty-two bytes"
PATH = "/api/v2/notifications"
CALLS, DEVICES, USERS = "/v2/me/calls", "/v2/me/devices", "/v2/users"
PATIENCE = 20.0  # seconds until a test gives up waiting; never waited for when all is well
CONFIGURATION = Configuration(
    custom_channels=(CustomChannel(pattern="/chat/**", subscribe=("ROLE_AGENT",), publish=("ROLE_AGENT",)),)  # type: ignore[arg-type]
)
Message = dict[str, Any]


class Served:
    """One hub. `url` is that of HTTP, without a path."""

    def __init__(self, hub: Hub, clock: FakeClock, port: int) -> None:
        self.hub, self.clock, self.port = hub, clock, port
        self.url = f"http://127.0.0.1:{port}"
        self.ws_url = f"ws://127.0.0.1:{port}{PATH}"
        # Nothing is encrypted here, and reading everybody's certificates would take longer than most tests.
        self.http = httpx2.AsyncClient(base_url=self.url, timeout=PATIENCE, trust_env=False, verify=False)
        self._ids = count(1)

    def token(
        self,
        user: str = "alice",
        *roles: str,
        organization: str = "acme",
        ttl: float = 3600,
        secret: str = SECRET,
        audience: str = "hub",
        age: float = 0,
    ) -> str:
        return Tokens(KeyRing.of_secret(Secret(secret)), "hub", audience).mint(
            user=user,
            organization=organization,
            roles=roles or ("ROLE_AGENT",),
            ttl=ttl,
            now=self.clock.now() - age,
        )

    def turn(self, seconds: float) -> None:
        """Let time go by, for the wheel as well."""
        self.clock.advance(seconds)
        self.hub.node.wheel.advance(self.clock.monotonic())

    async def publish(self, channel: str, *numbers: int, user: str = "alice", organization: str = "acme") -> None:
        """Through the ingest, as a connector does."""
        token = self.token("crm", "ROLE_CLIENT_SERVICE", organization=organization)
        whom = {"userId": user} if channel.startswith("/v2/me") else {}
        body = [{"channel": channel, **whom, "data": {"n": number}} for number in numbers]
        answer = await self.http.post("/api/v2/events", json=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text

    def message(self, channel: str, **fields: Any) -> Message:
        return {"channel": channel, "id": str(next(self._ids)), **fields}

    async def post(self, body: Any, *, token: str | None = None, path: str = PATH, **headers: str) -> httpx2.Response:
        """One request; `body` is JSON unless it is bytes."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **headers}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        return await self.http.post(path, content=content, headers=sent)

    async def poller(self, user: str = "alice", *roles: str, organization: str = "acme") -> "Poller":
        """A long-polling client after its handshake and first connect."""
        poller = Poller(self, self.token(user, *roles, organization=organization))
        poller.client_id = (await poller.ask("/meta/handshake", version="1.0", ext={"replay": True}))["clientId"]
        await poller.ask("/meta/connect", connectionType="long-polling")
        return poller

    @asynccontextmanager
    async def talker(
        self, user: str = "alice", *roles: str, organization: str = "acme", **options: Any
    ) -> AsyncIterator["Talker"]:
        """A WebSocket client after its handshake and first connect."""
        token = self.token(user, *roles, organization=organization)
        async with self.connect(token, **options) as socket:
            talker = Talker(self, socket)
            await talker.open()
            yield talker

    def connect(self, token: str | None = None, *, path: str | None = None, **options: Any) -> connect:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = self.ws_url if path is None else f"ws://127.0.0.1:{self.port}{path}"
        return connect(url, proxy=None, additional_headers=headers, open_timeout=PATIENCE, **options)

    def session(self, client_id: str) -> Session:
        return self.hub.node._sessions[client_id]

    def held(self, client_id: str) -> bool:
        return self.session(client_id).engine.held is not None


class Poller:
    """A client over long-polling."""

    def __init__(self, served: Served, token: str | None) -> None:
        self.served, self.token = served, token
        self.client_id = ""
        self.browser: str | None = None
        """The cookie to send, instead of what the hub has set."""

    def message(self, channel: str, **fields: Any) -> Message:
        return self.served.message(channel, clientId=self.client_id, **fields)

    async def send(self, *messages: Message) -> list[Any]:
        headers = {} if self.browser is None else {"Cookie": self.browser}
        answer = await self.served.post(list(messages), token=self.token, **headers)
        assert answer.status_code == 200, answer.text
        found: list[Any] = answer.json()
        return found

    async def ask(self, channel: str, **fields: Any) -> Any:
        """The reply to one message."""
        message = self.message(channel, **fields)
        return (await self.send(message))[-1]

    async def poll(self) -> list[Any]:
        return await self.send(self.message("/meta/connect", connectionType="long-polling"))

    async def held(self) -> "asyncio.Task[list[Any]]":
        """A poll that the hub holds."""
        task = asyncio.create_task(self.poll())
        await until(lambda: self.served.held(self.client_id))
        return task


class Talker:
    """A client over WebSocket; `heard` is everything so far."""

    def __init__(self, served: Served, socket: ClientConnection) -> None:
        self.served, self.socket = served, socket
        self.client_id = ""
        self.heard: list[Any] = []

    def message(self, channel: str, **fields: Any) -> Message:
        return self.served.message(channel, clientId=self.client_id, **fields)

    async def open(self) -> None:
        reply = await self.ask("/meta/handshake", version="1.0", ext={"replay": True})
        assert reply["successful"], reply
        self.client_id = reply["clientId"]
        await self.ask("/meta/connect", connectionType="websocket")

    async def send(self, *messages: Message) -> None:
        await self.socket.send(json.dumps(messages))

    async def ask(self, channel: str, **fields: Any) -> Any:
        """Send one message and wait for its reply."""
        message = self.message(channel, **fields)
        await self.send(message)
        return await self.reply(message["id"])

    async def reply(self, id_: object) -> Any:
        return (await self.until(lambda: [each for each in self.heard if each.get("id") == id_]))[0]

    async def numbers(self, many: int, channel: str = CALLS) -> list[int]:
        """The numbers of the events of a channel, as soon as there are so many."""

        def found() -> list[int]:
            return [each["data"]["n"] for each in self.heard if "data" in each and each["channel"] == channel]

        await self.until(lambda: len(found()) >= many)
        return found()

    async def until(self, found: Callable[[], Any]) -> Any:
        async with asyncio.timeout(PATIENCE):
            while not (value := found()):
                frame = json.loads(await self.socket.recv())
                assert isinstance(frame, list)
                assert frame
                self.heard += frame
        return value

    async def closed(self) -> int | None:
        """The code with which the hub closes."""
        async with asyncio.timeout(PATIENCE):
            await self.socket.wait_closed()
        return self.socket.close_code


class RawSocket:
    """A WebSocket client that writes whatever a test wants, and answers nothing by itself."""

    def __init__(self, served: Served, token: str | None = None, path: str = PATH, headers: Sequence[str] = ()) -> None:
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{served.port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            *([f"Authorization: Bearer {token}"] if token else []),
            *headers,
        ]
        self._served = served
        self._request = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._served.port)
        self.writer.write(self._request)
        async with asyncio.timeout(PATIENCE):
            self.head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.close()

    @property
    def status(self) -> int:
        return int(self.head.split()[1])

    def send(self, opcode: Opcode, data: bytes, *, fin: bool = True, mask: bool = True) -> None:
        self.writer.write(Frame(opcode, data, fin=fin).serialize(mask=mask, extensions=[]))

    async def frame(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame."""
        async with asyncio.timeout(PATIENCE):
            first, size = await self.reader.readexactly(2)
            if size == 126:
                size = int.from_bytes(await self.reader.readexactly(2), "big")
            return first & 0x0F, await self.reader.readexactly(size)

    async def close_code(self) -> int:
        """The code of the close frame that comes, whatever comes before it."""
        while True:
            opcode, payload = await self.frame()
            if opcode == Opcode.CLOSE:
                return int.from_bytes(payload[:2], "big")

    async def ended(self) -> None:
        """Return when the hub has closed the connection."""
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionResetError):
                while await self.reader.read(65_536):
                    pass


async def until(condition: Callable[[], object]) -> None:
    """Return as soon as something holds that another task of this loop brings about."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - not everything that a test waits for can tell it
            await asyncio.sleep(0)


async def revoke(hub: Served, directory: Path, *, tokens: bool) -> float:
    """As another process would; when that was, on the clock of this one."""
    hub.clock.advance(1)
    now = hub.clock.now()
    async with Database(f"sqlite:///{directory / 'hub.db'}", clock=hub.clock) as other:
        await other.write(lambda tx: revocations.revoke(tx, "acme", "alice", now, tokens=tokens))
    return time.monotonic()


@asynccontextmanager
async def serving(directory: Path, **changes: Any) -> AsyncIterator[Served]:
    """A hub on a new database in the directory."""
    clock = FakeClock()
    settings = Settings(data_dir=directory, jwt_secret=Secret(SECRET), drain_seconds=0.1, **changes)
    migrated(directory)
    async with app.running(settings, CONFIGURATION, clock) as hub:
        with server._listening("127.0.0.1", 0, settings) as listener:
            running = server.server_of(hub)
            task = asyncio.create_task(running.serve(sockets=[listener]))
            served = Served(hub, clock, listener.getsockname()[1])
            try:
                await until(lambda: running.started)
                yield served
            finally:
                await served.http.aclose()
                running.should_exit = True
                await task
