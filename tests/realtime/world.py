"""The realtime side of a hub in process: real database, tokens, broker and node; only the network is played.

Time stands still until a test moves it. Progress is awaited, never slept for: `World.settled` returns when nothing is
under way any more, so that what has not arrived by then never will.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from channels.catalog import Catalog, Channel
from channels.envelope import LoggedEvent, Stream
from hub.auth.keys import KeyRing
from hub.auth.login import Password
from hub.auth.principal import Principal
from hub.auth.revoked import Revoked
from hub.auth.tokens import Tokens
from hub.bayeux import codec
from hub.bayeux.advice import Terms
from hub.bayeux.messages import Message
from hub.brokers.memory import MemoryBroker
from hub.kernel.errors import LoginFailed, Unauthenticated
from hub.kernel.secret import Secret
from hub.realtime.admission import Admission
from hub.realtime.heartbeat import Heartbeat
from hub.realtime.node import Node
from hub.realtime.ports import Credentials
from hub.realtime.pressure import Bounds
from hub.realtime.session import Session
from hub.relay.publisher import Publisher
from hub.store import outbox, streams
from hub.store.database import Database
from hub.store.transaction import Snapshot, Tx
from tests.support.clock import FakeClock
from tests.support.empty_database import migrated

T = TypeVar("T")
Received = tuple[str, int | None, int]
"""Channel, position and number of an event, as a client got it."""

AGENT, SUPERVISOR = "ROLE_AGENT", "ROLE_SUPERVISOR"
AGENTS = frozenset({AGENT})
CUSTOM = (
    Channel(pattern="/walls/**", durable=True, subscribe=AGENTS, publish=AGENTS),
    Channel(pattern="/chat/**", subscribe=AGENTS, publish=AGENTS),
    Channel(pattern="/news", durable=True, subscribe=AGENTS),
)
CALLS, DEVICES, USERS, ME = "/v2/me/calls", "/v2/me/devices", "/v2/users", "/v2/me"


def mine(channel: str = CALLS, user: str = "alice", organization: str = "acme") -> Stream:
    return Stream(organization, user, channel)


def ours(channel: str, organization: str = "acme") -> Stream:
    return Stream(organization, "", channel)


class PlayedLogins:
    """Who is behind a cookie or a password, as a test has it."""

    def __init__(self) -> None:
        self.cookies: dict[str, Principal] = {}
        self.passwords: dict[tuple[str, str], Principal] = {}

    async def by_password(self, given: Password, address: str, now: float) -> Principal:
        await asyncio.sleep(0)
        if (found := self.passwords.get((given.user_name, given.password.reveal()))) is None:
            raise LoginFailed
        return found

    async def by_cookie(self, value: str, now: float) -> Principal:
        await asyncio.sleep(0)
        if (found := self.cookies.get(value)) is None:
            raise Unauthenticated
        return found


class HookedDatabase(Database):
    """Lets a test act right before a read begins and right after its snapshot was read, before anyone knows of it."""

    def __init__(self, url: str, *, clock: FakeClock) -> None:
        super().__init__(url, clock=clock)
        self.hook: Callable[[], Awaitable[None]] | None = None

    async def read(self, function: Callable[[Snapshot], T]) -> T:
        await self._act()
        found = await super().read(function)
        await self._act()
        return found

    async def _act(self) -> None:
        if self.hook is not None:
            await self.hook()


def unframed(data: bytes) -> list[Any]:
    """The messages in a series of unmasked text frames."""
    messages: list[Any] = []
    while data:
        assert data[0] == 0x81, data[:20]
        size, at = data[1], 2
        if size == 126:
            size, at = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, at = int.from_bytes(data[2:10], "big"), 10
        messages += json.loads(data[at : at + size])
        data = data[at + size :]
    return messages


class Line:
    """A WebSocket as the realtime side sees it (`hub.realtime.ports.Link`)."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self.browser: str | None = None
        self.session: Session | None = None
        self.paused = self.deflates = False
        self.heard: list[Any] = []
        self.closed: tuple[int, str] | None = None
        self.closes_after = 0.0

    def expect(self, answers: int) -> None:
        pass

    def answer(self, messages: Sequence[bytes], *, displaced: bool = False) -> None:
        self.heard += [json.loads(message) for message in messages]

    def clear(self) -> bool:
        return not self.paused

    def write(self, frames: bytes) -> None:
        assert self.clear()
        self.heard += unframed(frames)

    def caught_up(self) -> None:
        pass

    def close(self, code: int, reason: str, *, after: float = 0.0) -> None:
        self.closed, self.closes_after = (code, reason), after

    def lose(self) -> None:
        """The network breaks."""
        session, self.session = self.session, None
        if session is not None:
            session.lost(self)

    def block(self) -> None:
        """The network takes no more."""
        self.paused = True
        if self.session is not None:
            self.session.steer()

    def resume(self) -> None:
        """The network takes data again."""
        self.paused = False
        if self.session is not None:
            self.session.resumed()


class Request:
    """One long-polling request."""

    def __init__(self, credentials: Credentials, browser: str | None = None) -> None:
        self.credentials = credentials
        self.browser = browser
        self.missing = 0
        self.heard: list[Any] = []
        self.displaced = False

    def expect(self, answers: int) -> None:
        self.missing = answers

    def answer(self, messages: Sequence[bytes], *, displaced: bool = False) -> None:
        assert self.missing > 0, f"answered twice: {messages!r}"
        self.missing -= 1
        self.displaced = displaced
        self.heard += [json.loads(message) for message in messages]

    @property
    def answered(self) -> bool:
        return self.missing == 0


class Desk:
    """A client. Everything it hears, over whatever transport, is in `heard` in order."""

    def __init__(self, world: "World", user: str, roles: Sequence[str], organization: str) -> None:
        self._world = world
        self.user, self.organization = user, organization
        self.token = world.token(user, *roles, organization=organization)
        self.credentials = world.node.admission.credentials(f"Bearer {self.token}", "", None)
        self.line = Line(self.credentials)
        self.client_id = ""
        self._lines = [self.line]
        self._ids = count(1)

    @property
    def session(self) -> Session:
        return self._world.node._sessions[self.client_id]

    @property
    def heard(self) -> list[Any]:
        return [message for line in self._lines for message in line.heard]

    @property
    def events(self) -> list[Received]:
        """The events so far."""
        return received(self.heard)

    def numbers(self, channel: str = CALLS) -> list[int]:
        """The numbers of the events of one channel so far."""
        return [number for name, _, number in self.events if name == channel]

    def message(self, channel: str, **fields: Any) -> dict[str, Any]:
        return {"channel": channel, "id": str(next(self._ids)), "clientId": self.client_id, **fields}

    def say(self, *messages: dict[str, Any]) -> None:
        """Over the socket."""
        self._world.node.receive(decoded(messages), self.line, self.line)

    def post(self, *messages: dict[str, Any], credentials: Credentials | None = None) -> Request:
        """Over HTTP."""
        request = Request(credentials or self.credentials)
        self._world.node.receive(decoded(messages), request)
        return request

    def open(self, *, replay: bool = True) -> "Desk":
        """Handshake and first connect on the socket, and a second connect that is held."""
        self.shake(replay=replay)
        self.connect()
        self.connect()
        return self

    def shake(self, *, replay: bool = True, over: Callable[..., Any] | None = None) -> Any:
        message = self.message("/meta/handshake", version="1.0", ext={"replay": replay})
        request = (over or self.say)(message)
        reply = (request.heard if request else self.line.heard)[-1]
        assert reply["successful"], reply
        self.client_id = reply["clientId"]
        return reply

    def connect(self) -> None:
        self.say(self.message("/meta/connect", connectionType="websocket"))

    def poll(self, **fields: Any) -> Request:
        return self.post(self.message("/meta/connect", connectionType="long-polling", **fields))

    def ask(self, *channels: str, replay: dict[str, int] | None = None, epoch: str | None = None) -> dict[str, Any]:
        """A subscribe message."""
        ext = {
            **({} if replay is None else {"replay": replay}),
            **({} if epoch is None else {"replayEpoch": epoch}),
        }
        return self.message(
            "/meta/subscribe", subscription=channels[0] if len(channels) == 1 else list(channels), ext=ext
        )

    async def subscribe(self, *channels: str, replay: dict[str, int] | None = None, epoch: str | None = None) -> Any:
        """Subscribe over the socket and wait until all is quiet; the reply."""
        return await self.tell(self.ask(*channels, replay=replay, epoch=epoch))

    async def unsubscribe(self, *channels: str) -> Any:
        return await self.tell(self.message("/meta/unsubscribe", subscription=list(channels)))

    async def publish(self, channel: str, data: Any) -> Any:
        return await self.tell(self.message(channel, data=data))

    async def tell(self, message: dict[str, Any]) -> Any:
        self.say(message)
        await self._world.settled()
        return self.reply(message)

    def reply(self, message: dict[str, Any]) -> Any:
        found = [each for each in self.heard if each.get("id") == message["id"]]
        assert len(found) == 1, found
        return found[0]

    def reconnect(self) -> None:
        """Come back with the same clientId on a new socket."""
        self.line.lose()
        self.line = Line(self.credentials)
        self._lines.append(self.line)
        self.connect()


def decoded(messages: Sequence[dict[str, Any]]) -> list[Message]:
    return codec.decode(json.dumps(messages).encode(), max_bytes=1 << 20, max_depth=32)


def received(heard: Sequence[Any]) -> list[Received]:
    return [(each["channel"], each.get("ext", {}).get("replay"), each["data"]["n"]) for each in heard if "data" in each]


class World:
    """One process's realtime side."""

    def __init__(
        self, db: HookedDatabase, clock: FakeClock, epoch: str, bounds: Bounds, broker: MemoryBroker | None = None
    ) -> None:
        self.db, self.clock, self.epoch = db, clock, epoch
        self.catalog = Catalog(CUSTOM)
        self.revoked = Revoked()
        self.logins = PlayedLogins()
        self.tokens = Tokens(KeyRing.of_secret(Secret("a secret of forty letters, give or take")), "hub", "hub")
        self.broker = broker or MemoryBroker()
        self.publisher = Publisher(self.broker, self.catalog)
        db.after_commit(self.publisher.committed)
        self.node = Node(
            terms=Terms(epoch=epoch),
            bounds=bounds,
            clock=clock,
            catalog=self.catalog,
            admission=Admission(self.tokens, self.revoked, self.catalog, clock, self.logins),
            database=db,
            broker=self.broker,
            publisher=self.publisher,
        )
        self.heartbeat = Heartbeat(self.node, db, self.revoked, clock)

    def token(self, user: str, *roles: str, organization: str = "acme", ttl: float = 3600) -> str:
        return self.tokens.mint(
            user=user, organization=organization, roles=roles or (AGENT,), ttl=ttl, now=self.clock.now()
        )

    def desk(self, user: str = "alice", *roles: str, organization: str = "acme") -> Desk:
        return Desk(self, user, roles or (AGENT,), organization)

    async def publish(self, stream: Stream, *numbers: int, size: int = 0) -> None:
        """Write the numbers as events of one transaction, and let the hub publish them."""
        await self.db.write(lambda tx: _emit(tx, stream, numbers, self.clock.now(), size))

    async def publish_each(self, stream: Stream, numbers: Sequence[int], size: int = 0) -> None:
        """The same, a transaction for each."""
        for number in numbers:
            await self.publish(stream, number, size=size)

    def announce(self, stream: Stream, *numbers: int, size: int = 0) -> None:
        """Publish ephemeral events."""
        for number in numbers:
            self.publisher.publish(LoggedEvent(stream, 0, data(number, size)))

    async def trim(self, keep: int) -> None:
        """Shorten every stream to its last events."""

        def shorten(tx: Tx) -> int:
            return streams.trim(tx, now=self.clock.now(), seconds=1e9, events=keep, events_shared=keep, batch=10_000)

        await self.db.write(shorten)

    async def settled(self) -> None:
        """Return when no task of the node runs that could go on by itself."""
        async with asyncio.timeout(20):
            while True:
                for _ in range(5):
                    await asyncio.sleep(0)
                tasks = {*self.node._tasks, *self.node.intake._healing.values()} - self._waiting_for_clients()
                if not tasks:
                    return
                await asyncio.wait(tasks, timeout=0.05, return_when=asyncio.FIRST_COMPLETED)

    def _waiting_for_clients(self) -> set[asyncio.Task[None]]:
        return {
            session._catching_up
            for session in self.node.sessions()
            if session._catching_up is not None and session.strain._relief is not None and not session.dirty
        }

    def turn(self, seconds: float) -> None:
        """Let time go by, and the wheel with it."""
        self.clock.advance(seconds)
        self.node.wheel.advance(self.clock.monotonic())

    def nothing_is_left(self) -> None:
        """Assert that no session left anything behind."""
        assert self.node.sessions() == []
        assert list(self.node.streams) == []
        assert self.node.streams._shared == {}
        assert self.node.streams._patterns == {}
        assert dict(self.node.recovery._listening) == {}
        assert self.broker._topics == set()
        assert self.node.seats._of_user == {}
        assert self.node.intake._healing == {}


def data(number: int, size: int = 0) -> bytes:
    return b'{"n":%d,"x":"%b"}' % (number, b"x" * size) if size else b'{"n":%d}' % number


def _emit(tx: Tx, stream: Stream, numbers: Sequence[int], now: float, size: int) -> None:
    for number in numbers:
        outbox.emit(tx, stream, data(number, size), now)


@asynccontextmanager
async def opened(directory: Path, bounds: Bounds = Bounds()) -> AsyncIterator[World]:  # noqa: B008 - a frozen value
    """A world on a new database in the directory."""
    clock = FakeClock()
    async with HookedDatabase(migrated(directory), clock=clock) as db:
        world = World(db, clock, await db.read(streams.epoch), bounds)
        await world.heartbeat.start()
        yield world
        db.hook = None
        await world.node.close()


@asynccontextmanager
async def silent(world: World, directory: Path) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """Commits to the same file as a process that dies before it can publish: `await dead(stream, 1, 2)`."""
    async with Database(f"sqlite:///{directory / 'hub.db'}", clock=world.clock) as other:

        async def write(stream: Stream, *numbers: int) -> None:
            await other.write(lambda tx: _emit(tx, stream, numbers, world.clock.now(), 0))

        yield write
