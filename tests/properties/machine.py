"""Two clients, two nodes on one log, and wires that lose, delay, repeat and cut.

The parts are the real ones: engines, sessions, recovery, intake, database; only the wires and the clock are the test's.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from channels.envelope import Stream
from hub.realtime.pressure import Bounds
from hub.store import streams as log
from hub.store.database import Database
from tests.properties.clients import Client, Kind
from tests.properties.truth import Truth
from tests.properties.wires import Bus, Cable
from tests.realtime.world import CALLS, HookedDatabase, World, _emit, mine, ours
from tests.support.clock import FakeClock
from tests.support.empty_database import migrated

BOUNDS = Bounds(events=4, size=10_000)
STREAMS = (mine(CALLS), mine(CALLS, "bob"), ours("/walls/a"), ours("/walls/b"))
WHICH = st.integers(0, 1)
STREAM = st.sampled_from(STREAMS)


class Delivery(RuleBasedStateMachine):
    """Each rule is one thing that can happen."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.truth = Truth()
        self.clock = FakeClock()
        self.number = 0
        self.over = False
        """A promise was broken: whatever else goes wrong may follow from that."""
        self.worlds: list[World] = []
        self.clients: list[Client] = []
        self.cables: list[Cable] = []
        self.meanwhile: list[Stream] = []
        """Streams on which something is published in the middle of the next look into the database."""

    def run(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something and wait until everything that follows from it by itself is done."""
        self.over = True
        self.runner.run(self._settle(work))
        self.over = False

    async def _settle(self, work: Coroutine[Any, Any, Any]) -> None:
        await work
        await self._settled()

    async def _settled(self) -> None:
        for world in self.worlds:
            await world.settled()
        for client in self.clients:
            client.settled()

    # The beginning and the end ----------------------------------------------------------------------------------

    @initialize(kinds=st.tuples(*[st.sampled_from(Kind)] * 2), sockets=st.tuples(*[st.booleans()] * 2), data=st.data())
    def begin(self, kinds: tuple[Kind, ...], sockets: tuple[bool, ...], data: Any) -> None:
        same_user, same_node = data.draw(st.booleans()), data.draw(st.booleans())
        self.runner.run(self._open())
        self.clients = [
            Client(
                self.truth,
                self.worlds[0 if same_node else which],
                "alice" if same_user else ("alice", "bob")[which],
                kind,
                socket=socket,
                everything=data.draw(st.booleans()),
            )
            for which, (kind, socket) in enumerate(zip(kinds, sockets, strict=True))
        ]

    async def _open(self) -> None:
        directory = Path(self.stack.enter_context(TemporaryDirectory()))
        url = migrated(directory)
        self.silent = await self.stack.enter_async_context(Database(url, clock=self.clock))
        self.silent.after_commit(self.truth.committed)
        for _ in range(2):
            db = await self.stack.enter_async_context(HookedDatabase(url, clock=self.clock))
            db.after_commit(self.truth.committed)
            db.hook = self._interfere
            world = World(db, self.clock, await db.read(log.epoch), BOUNDS, Bus())
            await world.heartbeat.start()
            self.stack.push_async_callback(world.node.close)
            self.worlds.append(world)

    async def _interfere(self) -> None:
        if self.meanwhile:
            stream = self.meanwhile.pop()
            await self._write(self.silent, stream, 1)

    def teardown(self) -> None:
        try:
            if self.worlds and not self.over:
                self.run(self._end())
        finally:
            self.runner.run(self.stack.aclose())
            self.runner.close()

    async def _end(self) -> None:
        """The network heals. Everybody comes back once more, and then nothing may be missing."""
        self.meanwhile.clear()
        for client in self.clients:
            self._give_up(client)
        await self._calm()
        for stream in STREAMS:
            await self._write(self.worlds[0].db, stream, 1)
        await self._calm()
        for client in self.clients:
            client.is_complete()

    async def _calm(self) -> None:
        """Let everything go on until nothing moves any more."""
        self._hub_notices()
        for world in self.worlds:
            await world.heartbeat.beat()
        moved = True
        for _ in range(200):
            await self._settled()
            if not moved:
                return
            moved = False
            for client in self.clients:
                moved = self._everything(client) or moved
        raise AssertionError("it never comes to rest")

    # Clients ----------------------------------------------------------------------------------------------------

    @rule(which=WHICH)
    def acts(self, which: int) -> None:
        self._act(self.clients[which])

    @rule(which=WHICH, steps=st.integers(1, 4))
    def works(self, which: int, steps: int) -> None:
        """For a while all is well."""
        for _ in range(steps):
            self.run(self._works(self.clients[which]))

    async def _works(self, client: Client) -> None:
        self._everything(client)

    def _act(self, client: Client) -> None:
        client.act()
        if client.cable is not None and client.cable not in self.cables:
            self.cables.append(client.cable)

    def _everything(self, client: Client) -> bool:
        """Act, and let all that is under way arrive; whether anything moved."""
        before = len(client.pending)
        self._act(client)
        moved = len(client.pending) > before
        while self._up(client, 0):
            moved = True
        while self._down(client, 0):
            moved = True
        return moved

    @rule(which=WHICH, number=st.integers(0, 3))
    def request_arrives(self, which: int, number: int) -> None:
        async def arrives() -> None:
            self._up(self.clients[which], number)

        self.run(arrives())

    def _up(self, client: Client, number: int) -> bool:
        if client.cable is not None and client.cable.up:
            client.arrived(client.cable.up[0])
            client.cable.arrive()
            return True
        waiting = [each for each in client.exchanges if each.request is None and not each.cut]
        if waiting:
            exchange = waiting[number % len(waiting)]
            client.arrived(exchange.messages)
            exchange.arrive()
        return bool(waiting)

    @rule(which=WHICH, number=st.integers(0, 3))
    def answer_arrives(self, which: int, number: int) -> None:
        async def arrives() -> None:
            self._down(self.clients[which], number)

        self.run(arrives())

    def _down(self, client: Client, number: int) -> bool:
        if client.cable is not None and client.cable.down:
            client.hear(client.cable.down.popleft())
            return True
        answered = [each for each in client.exchanges if each.answered]
        if answered:
            client.told(answered[number % len(answered)])
        return bool(answered)

    # The network ------------------------------------------------------------------------------------------------

    @rule(which=WHICH, noticed=st.booleans(), other_transport=st.booleans(), other_node=st.integers(0, 3))
    def connections_die(self, which: int, noticed: bool, other_transport: bool, other_node: int) -> None:
        """And the client goes on over another transport, or meets another node behind the same address."""

        async def die() -> None:
            client = self.clients[which]
            if noticed:
                for exchange in client.exchanges:
                    exchange.notice()
                if client.cable is not None:
                    client.cable.notice()
            client.socket ^= other_transport
            if other_node == 0:
                client.world = self.worlds[self.worlds.index(client.world) - 1]
            self._give_up(client)

        self.run(die())

    def _give_up(self, client: Client) -> None:
        client.fail()
        client.exchanges = [each for each in client.exchanges if each.request is not None or not each.cut]

    def _hub_notices(self) -> None:
        for client in self.clients:
            for exchange in [each for each in client.exchanges if each.cut]:
                exchange.notice()
                client.exchanges.remove(exchange)
        for cable in [each for each in self.cables if each.cut]:
            cable.notice()
            self.cables.remove(cable)

    def _request_is_repeated(self, which: int, number: int) -> None:
        """The connection broke, and the HTTP library sends the same request again without asking anybody.

        Without acknowledgements events in the answer that was lost are lost, and nobody but the library knows.
        """
        client = self.clients[which]
        for exchange in client.exchanges[number : number + 1]:
            safe = client.kind.ack or exchange.messages[0]["channel"] != "/meta/connect"
            if exchange.request is not None and not exchange.cut and safe:
                client.exchanges.append(exchange.again())
                exchange.cut = True

    def _reader_is_slow(self, which: int, paused: bool) -> None:
        cable = self.clients[which].cable
        if cable is not None and paused:
            cable.paused = True
        elif cable is not None:
            cable.resume()

    # The hub ----------------------------------------------------------------------------------------------------

    @rule(stream=STREAM, where=st.integers(0, 2), many=st.sampled_from([1, 1, 2, 7]))
    def event_is_published(self, stream: Stream, where: int, many: int) -> None:
        """By one of the nodes, or by somebody who dies before it can tell anyone."""
        self.run(self._write([*[world.db for world in self.worlds], self.silent][where], stream, many))

    async def _write(self, db: Database, stream: Stream, many: int) -> None:
        numbers = range(self.number + 1, self.number + many + 1)
        self.number += many
        await db.write(lambda tx: _emit(tx, stream, numbers, self.clock.now(), 0))

    @rule(which=WHICH, stream=STREAM, number=st.integers(0, 3), what=st.sampled_from(list("abcdefghij")))
    def something_rare_happens(self, which: int, stream: Stream, number: int, what: str) -> None:
        async def happen() -> None:
            match what:
                case "a":
                    self._ephemeral_event(which)
                case "b":
                    self.meanwhile.append(stream)
                case "c":
                    await self.worlds[which].heartbeat.beat()
                case "d":
                    self._hub_notices()
                case "e":
                    self._request_is_repeated(which, number)
                case "f":
                    self._reader_is_slow(which, number % 2 == 0)
                case "g":
                    self._time_goes_by((1.0, 25.0, 61.0, 25.0)[number])
                case "h":
                    self.number += 1
                    self.clients[which].publish(self.number)
                case "i" if self.number > 5:
                    await self.worlds[0].trim(1 + number)
                    self.truth.trimmed(1 + number)
                case _:
                    self._bus_moves(which, ("arrives", "lost", "twice", "arrives")[number])

        self.run(happen())

    def _ephemeral_event(self, where: int) -> None:
        """Between publishers there is no order, so each has a channel of its own."""
        stream = ours(f"/chat/{where}")
        self.number += 1
        self.truth.announced(stream, self.number)
        self.worlds[where].announce(stream, self.number)

    def _bus_moves(self, where: int, fate: str) -> None:
        bus, other = self._bus(where), self._bus(1 - where)
        if bus.under_way:
            bus.pass_on(other, lost=fate == "lost", twice=fate == "twice")

    def _bus(self, where: int) -> Bus:
        bus = self.worlds[where].broker
        assert isinstance(bus, Bus)
        return bus

    def _time_goes_by(self, seconds: float) -> None:
        self.clock.advance(seconds)
        for world in self.worlds:
            world.node.wheel.advance(self.clock.monotonic())
        if seconds > 50:  # nothing is under way for so long
            for client in self.clients:
                self._give_up(client)
