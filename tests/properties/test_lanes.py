"""Whatever happens within one tick of the loop, every socket gets each event once and in order, however it is written.

The machine of `test_delivery` lets each thing that happens come to rest. Here several happen in the same tick: events
are collected while sockets block, also in the middle of a write, clients come, go and come back, and ask for answers.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from channels.envelope import LoggedEvent, Stream
from hub.realtime.pressure import Bounds
from hub.store.database import Database
from tests.properties.test_delivery import DEEP
from tests.realtime.world import CALLS, Desk, Line, World, _emit, mine, opened, ours, unframed

WALLS, CHAT = "/walls/**", "/chat/**"
LOGGED = (mine(CALLS), ours("/walls/a"), ours("/walls/b"))
STREAMS = (*LOGGED, ours("/chat/a"))
BOUNDS = Bounds(events=2, size=10_000)

PUBLISH = st.tuples(st.just("publish"), st.integers(0, len(STREAMS) - 1))
ACT = st.tuples(
    st.sampled_from(
        ["block", "block", "trap", "resume", "resume", "connect", "leave", "join", "return", "flee", "poll", "end"]
    ),
    st.integers(0, 3),
)
Steps = list[tuple[str, int]]
BREATHE = st.tuples(st.just("breathe"), st.just(0))
BURSTS = st.lists(st.lists(st.one_of(PUBLISH, PUBLISH, ACT, BREATHE), min_size=3, max_size=16), max_size=6)


class Socket(Line):
    """It may be told to block while it is written to the next time; like those of the loop it takes that write."""

    trapped = False

    def write(self, frames: bytes) -> None:
        self.heard += unframed(frames)
        self._spring()

    def answer(self, messages: Sequence[bytes], *, displaced: bool = False) -> None:
        super().answer(messages, displaced=displaced)
        self._spring()

    def _spring(self) -> None:
        if self.trapped:
            self.trapped = False
            self.block()


class Client:
    """A desk that judges what it hears. Without `replay` it may miss what came while it was not there."""

    def __init__(self, world: World, last: dict[Stream, int], *, replay: bool, deflates: bool) -> None:
        self.world, self.last, self.replay, self.deflates = world, last, replay, deflates
        self.begin()

    def __repr__(self) -> str:
        return f"<{'replay' if self.replay else 'plain'} {'deflated' if self.deflates else 'as it is'} {self.known}>"

    def begin(self) -> None:
        """With a new session."""
        self.desk: Desk = self.world.desk()
        self.joined = False
        self.returns = False
        """Whether a subscribe may not have been answered: until then what it asks for may come before it, and again."""
        self.known: dict[str, int] = {}
        self.asked: dict[str, int] = {}
        """What its last subscribe said of where it is: from there on nothing may be missing."""
        self.floors: dict[str, int] = {}
        self._plug()
        self.desk.open(replay=self.replay)

    def _plug(self) -> None:
        self.line = self.desk.line = Socket(self.desk.credentials)
        self.line.deflates = self.deflates

    def act(self, what: str) -> None:
        desk, line = self.desk, self.line
        match what:
            case "block" if not line.paused:
                line.block()
            case "trap":
                line.trapped = not line.paused
            case "resume" if line.paused:
                line.resume()
            case "connect" if line.session is not None:
                desk.say(desk.message("/meta/connect", connectionType="websocket", advice={"timeout": 0}))
            case "leave" if self.joined:
                self._parts("/meta/unsubscribe", subscription=[CALLS, WALLS, CHAT])
                self.joined = False
            case "join" if not self.joined:
                self._join()
            case "return" | "flee":
                self._return(noticed=what == "return")
            case "poll" if not self.returns:
                self._poll()
            case "end":
                self._parts("/meta/disconnect")
                self.begin()
            case _:
                pass

    def _join(self) -> None:
        self.judge()
        self.desk.say(self.desk.ask(CALLS, WALLS, CHAT, replay=self.known if self.replay and self.known else None))
        self.asked = dict(self.known) if self.replay else {}
        self.joined = self.returns = True
        self._excuse()

    def _return(self, *, noticed: bool) -> None:
        """On another socket. What is still written to the old one, which may not be known to be dead, goes nowhere."""
        self.judge()
        if noticed:
            self.line.lose()
        self._plug()
        self.desk.connect()
        self._excuse()
        if self.joined and self.replay:
            self._join()

    def _poll(self) -> None:
        """What it asks for over HTTP comes there, with all that has waited; then it goes on over its socket."""
        request = self.desk.poll(advice={"timeout": 0})
        self.line.heard += request.heard
        self.desk.connect()

    def _excuse(self) -> None:
        """What is published now may be missing, or come once more where the client says what it has."""
        self.floors = {stream.channel: last for stream, last in self.last.items()}

    def _is_excused(self, channel: str) -> bool:
        return self.known.get(channel, 0) <= self.floors.get(channel, -1)

    def judge(self) -> None:
        """Everything heard since the last time."""
        heard, self.line.heard = self.line.heard, []
        for message in heard:
            if "data" in message:
                is_logged = not message["channel"].startswith("/chat")
                assert ("replay" in message.get("ext", {})) is (self.replay and is_logged)
                self._event(message["channel"], message["data"]["n"])
            elif message["channel"] == "/meta/connect":
                for channel, position in message.get("ext", {}).get("replay", {}).items():
                    assert position <= self.known.get(channel, 0) or self._is_excused(channel), (channel, position)

    def keeps_up_if_it_can(self) -> None:
        """Nobody waits with a queue for longer than there is a reason."""
        if self.line.session is not None and not self.line.paused:
            assert self.line.session.write is not None

    def _hears(self) -> dict[str, int]:
        """How far the streams have come that are written straight to its socket."""
        session = self.line.session
        if session is None or session.write is None:
            return {}
        return {local.stream.channel: local.last for local in session.streams if session in local.listeners}

    def _parts(self, farewell: str, **fields: object) -> None:
        """What came before is heard before the answer, or at least before the end."""
        due = self._hears()
        self.desk.say(self.desk.message(farewell, **fields))
        self.judge()
        for channel, position in due.items():
            assert position <= self.known.get(channel, 0) or self._is_excused(channel) or channel.startswith("/chat")

    def _event(self, channel: str, number: int) -> None:
        known = self.known.get(channel, 0)
        again = self.replay and self.returns
        assert number > known or again, f"twice or out of order: {number} after {known} on {channel}"
        if number > known + 1 and not channel.startswith("/chat"):
            assert self._is_excused(channel), f"lost: {number} after {known} on {channel}"
            assert channel not in self.asked, f"lost although asked for: {number} after {known} on {channel}"
        if number > known:
            self.known[channel] = number


class Lanes:
    """A hub, four clients and what is on its way to them."""

    def __init__(self, world: World, silent: Database) -> None:
        self.world, self.silent = world, silent
        self.last = dict.fromkeys(STREAMS, 0)
        self.coming: dict[Stream, deque[LoggedEvent]] = {stream: deque() for stream in LOGGED}
        silent.after_commit(self._committed)
        self.clients = [
            Client(world, self.last, replay=replay, deflates=deflates)
            for replay in (True, False)
            for deflates in (True, False)
        ]

    def _committed(self, events: Sequence[LoggedEvent]) -> None:
        for event in events:
            self.coming[event.stream].append(event)

    async def burst(self, steps: Steps) -> None:
        """One after the other, where they do not `breathe` before the loop comes to anything else. What is published is
        in the log by then.
        """
        for number in [number for what, number in steps if what == "publish" and number < len(LOGGED)]:
            await self._log(LOGGED[number])
        for what, number in steps:
            if what == "publish":
                self._arrives(STREAMS[number])
            elif what == "breathe":
                await asyncio.sleep(0)
            else:
                self.clients[number].act(what)
            self.stand_where_they_belong()

    async def _log(self, stream: Stream) -> None:
        self.last[stream] += 1
        number = self.last[stream]
        await self.silent.write(lambda tx: _emit(tx, stream, [number], self.world.clock.now(), 0))

    def _arrives(self, stream: Stream) -> None:
        if stream in self.coming:
            self.world.node.intake.event(self.coming[stream].popleft())
        else:
            self.last[stream] += 1
            self.world.announce(stream, self.last[stream])

    def stand_where_they_belong(self) -> None:
        """Nobody in a lane has anything in its queue, is behind, or hears the stream twice."""
        for local in self.world.node.streams:
            everybody = list(local.listeners)
            assert len(everybody) == len(set(everybody))
            assert set(everybody).isdisjoint(local.behind)
            for session in [*everybody, *local.behind]:
                assert local in session.streams
                assert not session.ended
            for session in local.listeners.waiting:
                assert session.write is None
            for lane in local.listeners.lanes:
                for session, write in lane.writes.items():
                    assert not session.queue
                    assert session.link is not None
                    assert session.link.clear()
                    assert session.link.write == write == session.write
                    assert lane.form == session.form

    async def end(self) -> None:
        """All sockets take everything again, and then nothing is missing."""
        for client in self.clients:
            client.line.trapped = False
            client.act("resume")
            client.act("join")
        await self.rest()
        await self.burst([("publish", number) for number in range(len(STREAMS))])
        await self.rest()
        for client in self.clients:
            assert client.known == {stream.channel: last for stream, last in self.last.items()}, repr(client)

    async def rest(self) -> None:
        await self.world.settled()
        self.stand_where_they_belong()
        for client in self.clients:
            client.judge()
            client.keeps_up_if_it_can()
            client.returns = False


def _url(directory: Path) -> str:
    return f"sqlite:///{directory / 'hub.db'}"


async def _play(bursts: list[Steps], directory: Path) -> None:
    async with opened(directory, BOUNDS) as world, Database(_url(directory), clock=world.clock) as silent:
        lanes = Lanes(world, silent)
        for client in lanes.clients:
            client.act("join")
        await lanes.rest()
        for number, steps in enumerate(bursts):
            await lanes.burst(steps)
            if number % 2:
                await lanes.rest()
        await lanes.end()


def play(examples: int) -> None:
    @settings(
        max_examples=examples,
        derandomize=not DEEP,
        phases=[Phase.generate, *([Phase.shrink] if DEEP else [])],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(bursts=BURSTS)
    def plays(bursts: list[Steps]) -> None:
        with TemporaryDirectory() as directory:
            asyncio.run(_play(bursts, Path(directory)))

    plays()


def test_every_socket_gets_each_event_once_and_in_order() -> None:
    play(2000 if DEEP else 100)
