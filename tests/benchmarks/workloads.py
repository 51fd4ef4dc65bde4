"""What is measured. Each workload opens its desktops on a server, publishes for a while, and says what that took."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, cycle

import msgspec

from tests.benchmarks.desktops import Desktop, Listener, PollingDesktop, WebSocketDesktop
from tests.benchmarks.loop import Loop
from tests.benchmarks.publishers import Ingesting, PlainPosting, Publisher, SessionPublisher
from tests.benchmarks.servers import Server, kernel_socket_bytes, machine_busy
from tests.benchmarks.tally import Tally
from tests.support.tokens import mint

OPENING = 64
OPEN_SECONDS = 120.0
WARM_SECONDS = 0.4
PAUSE_SECONDS = 0.2
"""After warming up. A client that has just spoken lets the server's core work at its acknowledgements (Linux takes the
conversation for an interactive one) until for once it answers an event with nothing: with desktops, nearly always.
"""
IDLE_SECONDS = 2.0
DRAIN_SECONDS = 10.0


class Result(msgspec.Struct, kw_only=True):
    """What one run of a workload came to; `None` where it does not apply."""

    workload: str
    server: str
    per_second: float | None = None
    cpu: float | None = None
    """Microseconds of the server for one delivery, or for what `unit` says."""
    unit: str = "delivery"
    p50: float | None = None
    p99: float | None = None
    """Milliseconds."""
    kib: float | None = None
    """Per connection."""
    faults: str = "0 / 0 / 0"
    """Lost, repeated or misrouted, out of order."""
    generator: float | None = None
    """Cores that the generator used: near 1 it was the slower side."""
    others: float | None = None
    """Cores that everything else on the machine used meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Who listens to what, and how it is published."""

    desktops: int = 1000
    channels: int = 1
    """1: all listen to the same; as many as desktops: each to one of its own."""
    heard: int = 1
    """Channels that a desktop listens to, at random where there are fewer than all."""
    size: int = 256
    window: int = 1
    batch: int = 1
    publishers: int = 1
    rate: float | None = None
    """Requests a second, come what may; otherwise the next leaves when few enough are under way."""
    polling: bool = False
    deflate: bool = False
    personal: bool = False
    """On `/v2/me/calls`, which the log keeps."""
    by_session: bool = False
    seconds: float = 2.0


class Run:
    """One workload on one server."""

    def __init__(self, name: str, shape: Shape, server: Server, loop: Loop) -> None:
        self.name = name
        self.shape = shape
        self.server = server
        self.loop = loop
        shuffled = random.Random(1)
        self._heard = [self._channels_of(desktop, shuffled) for desktop in range(shape.desktops)]
        members = [0] * shape.channels
        for channel in (channel for heard in self._heard for channel in heard):
            members[channel] += 1
        self.tally = Tally(members, ordered=shape.publishers == 1 or shape.personal)
        self.desktops: list[Desktop] = []
        self._next_channel = cycle(range(shape.channels))

    def _channels_of(self, desktop: int, shuffled: random.Random) -> list[int]:
        if self.shape.heard > 1:
            return shuffled.sample(range(self.shape.channels), self.shape.heard)
        return [desktop % self.shape.channels]

    def name_of(self, channel: int) -> str:
        """What publishers call it: the user, for personal channels."""
        return f"u{channel}" if self.shape.personal else f"/bench/{channel}"

    def open(self) -> None:
        """Open all desktops, some at a time, until each hears its channels."""
        opening: list[Desktop] = []
        for index in range(self.shape.desktops):
            desktop = self._desktop(index)
            self.desktops.append(desktop)
            opening.append(desktop)
            if len(opening) >= OPENING:
                opening = self._still_opening(opening)
        self.loop.until(lambda: all(each.is_ready for each in self.desktops), OPEN_SECONDS, "all desktops")

    def _still_opening(self, opening: list[Desktop]) -> list[Desktop]:
        """Those that are left when at least one has got ready."""
        self.loop.until(lambda: any(each.is_ready for each in opening), OPEN_SECONDS, "a desktop")
        return [each for each in opening if not each.is_ready]

    def _desktop(self, index: int) -> Desktop:
        shape, port = self.shape, self.server.port
        name = "/v2/me/calls" if shape.personal else None
        channels = [(channel, name or self.name_of(channel)) for channel in self._heard[index]]
        if not self.server.bayeux:
            return Listener(self.loop, port, self.tally, channels)
        token = mint(f"u{index}")
        if shape.polling:
            return PollingDesktop(self.loop, port, self.tally, channels, token)
        return WebSocketDesktop(self.loop, port, self.tally, channels, token, deflate=shape.deflate)

    def publishers(self) -> list[Publisher]:
        shape, port = self.shape, self.server.port
        names = [self.name_of(channel) for channel in range(shape.channels)]
        if not self.server.bayeux:
            return [PlainPosting(self.loop, port, names, shape.size) for _ in range(shape.publishers)]
        if shape.by_session:
            session = SessionPublisher(self.loop, port, names, shape.size, mint("publisher"), window=shape.window)
            self.loop.until(lambda: session.is_free, OPEN_SECONDS, "the publisher")
            return [session]
        back_end = partial(Ingesting, self.loop, port, names, shape.size, mint("crm", "ROLE_CLIENT_SERVICE"))
        return [back_end(personal=shape.personal) for _ in range(shape.publishers)]

    # Publishing -------------------------------------------------------------------------------------------------

    def publish(self, publishers: Sequence[Publisher], seconds: float) -> None:
        """For so long; returns when everything has arrived, or nothing more does."""
        began = time.perf_counter()
        end = began + seconds
        (self._keep_window if self.shape.rate is None else self._keep_rate)(publishers, began, end)
        self._drain()

    def warm_up(self, publishers: Sequence[Publisher]) -> None:
        """Publish a little, and then be silent for a while."""
        self.publish(publishers, WARM_SECONDS)
        self.turn_for(PAUSE_SECONDS)

    def turn_for(self, seconds: float) -> None:
        """Only take what comes."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self.loop.turn()

    def _keep_window(self, publishers: Sequence[Publisher], began: float, end: float) -> None:
        del began
        most = self.shape.window * self.shape.batch
        while (now := time.perf_counter()) < end:
            for publisher in publishers:
                while publisher.is_free and self.tally.outstanding + self.shape.batch <= most:
                    publisher.publish(self._next_channels(), self.tally, now)
            self.loop.turn()

    def _keep_rate(self, publishers: Sequence[Publisher], began: float, end: float) -> None:
        assert self.shape.rate is not None
        for number, publisher in zip(count(), cycle(publishers)):
            due = began + number / self.shape.rate
            if due >= end:
                return
            while time.perf_counter() < due or not publisher.is_free:
                self.loop.turn(max(0.0, min(due - time.perf_counter(), 0.05)))
            publisher.publish(self._next_channels(), self.tally, due)

    def _next_channels(self) -> list[int]:
        if self.shape.heard > 1:
            return [random.randrange(self.shape.channels) for _ in range(self.shape.batch)]
        return [next(self._next_channel) for _ in range(self.shape.batch)]

    def _drain(self) -> None:
        with suppress(AssertionError):  # what has not come by then is lost, and counted so
            self.loop.until(lambda: self.tally.outstanding == 0, DRAIN_SECONDS, "the rest")

    def polls(self) -> int:
        return sum(desktop.polls for desktop in self.desktops)

    def measured(self, seconds: float, publishers: Sequence[Publisher]) -> Result:
        """Publish for so long and say what it came to."""
        tally, server = self.tally, self.server
        tally.begin()
        lost, polls = tally.lost, self.polls()
        own, cpu, busy, began = time.process_time(), server.cpu(), machine_busy(), time.perf_counter()
        self.publish(publishers, seconds)
        elapsed = time.perf_counter() - began
        used, generated = server.cpu() - cpu, time.process_time() - own
        others = machine_busy() - busy - used - generated
        counts_polls = self.shape.polling and self.shape.heard == 1
        done = self.polls() - polls if counts_polls else tally.delivered
        return Result(
            workload=self.name,
            server=server.name,
            per_second=tally.delivered / elapsed,
            cpu=used / max(done, 1) * 1e6,
            unit="poll" if counts_polls else "delivery",
            p50=tally.latency(0.5),
            p99=tally.latency(0.99),
            faults=f"{tally.lost - lost} / {tally.repeated + tally.misrouted} / {tally.disordered}",
            generator=generated / elapsed,
            others=max(others / elapsed, 0.0),
        )


@contextmanager
def opened(name: str, shape: Shape, server: Server) -> Iterator[Run]:
    """A run whose desktops are there."""
    loop = Loop()
    try:
        run = Run(name, shape, server, loop)
        run.open()
        yield run
    finally:
        loop.close()


def streaming(name: str, shape: Shape, server: Server) -> Result:
    """Publish for a while, after a little warming up."""
    with opened(name, shape, server) as run:
        publishers = run.publishers()
        run.warm_up(publishers)
        return run.measured(shape.seconds, publishers)


def idle(name: str, shape: Shape, server: Server) -> Result:
    """Only open the desktops: what each takes of the memory, and of the processor while nothing happens."""
    before = server.resident()
    with opened(name, shape, server) as run:
        kib = (server.resident() - before) / shape.desktops / 1024
        cpu = server.cpu()
        run.turn_for(IDLE_SECONDS)
        used = (server.cpu() - cpu) / IDLE_SECONDS / shape.desktops * 1e6
        return Result(workload=name, server=server.name, kib=kib, cpu=used, unit="second of a connection")


def stalled(name: str, shape: Shape, server: Server) -> list[Result]:
    """The same twice: with everybody reading, and with one in a hundred who has stopped to."""
    with opened(name, shape, server) as run:
        publishers = run.publishers()
        run.warm_up(publishers)
        before = run.measured(shape.seconds, publishers)
        resident, kernel = server.resident(), kernel_socket_bytes()
        deaf = run.desktops[::100]
        for desktop in deaf:
            desktop.deafen()
        run.tally.excuse(len(deaf))
        after = run.measured(shape.seconds, publishers)
        held = server.resident() - resident + kernel_socket_bytes() - kernel
        return [
            msgspec.structs.replace(before, workload=f"{name}: all read"),
            msgspec.structs.replace(after, workload=f"{name}: 1 % do not", kib=held / len(deaf) / 1024),
        ]


Measure = Callable[[str, Shape, Server], "Result | list[Result]"]
ROOMS = Shape(channels=100, heard=10, rate=100, batch=10, size=100, by_session=True, window=1000)
EACH = Shape(channels=1000, window=32, publishers=32, personal=True)

WORKLOADS: dict[str, tuple[Shape, Measure, str]] = {
    "single": (Shape(), streaming, "1 to 1,000, one event at a time"),
    "sixteen": (Shape(window=16, publishers=16), streaming, "1 to 1,000, 16 events under way"),
    "small": (Shape(size=100), streaming, "as single, 100 bytes"),
    "medium": (Shape(size=1024), streaming, "as single, 1 KiB"),
    "large": (Shape(size=8192), streaming, "as single, 8 KiB"),
    "deflated": (Shape(size=1024, deflate=True), streaming, "as medium, compressed"),
    "ingest": (EACH, streaming, "durable events to 1,000 users, one a request, 32 requests at once"),
    "arrays": (replace(EACH, batch=100, window=4, publishers=4), streaming, "the same, 100 a request, 4 at once"),
    "session": (
        Shape(channels=1000, window=32, by_session=True),
        streaming,
        "to 1,000 desktops, one each, from a session, 32 under way",
    ),
    "paced": (Shape(desktops=200, rate=50), streaming, "50 a second to 200"),
    "polls": (Shape(polling=True), streaming, "1 to 1,000 that poll, one at a time"),
    "rooms": (ROOMS, streaming, "1,000 desktops in 10 of 100 rooms each, 1,000 events a second in tens"),
    "rooms-polling": (replace(ROOMS, polling=True), streaming, "the same by long-polling"),
    "idle": (Shape(desktops=9000, channels=9000, personal=True), idle, "9,000 that hear nothing"),
    "idle-polling": (
        Shape(desktops=9000, channels=9000, personal=True, polling=True),
        idle,
        "9,000 held polls that hear nothing",
    ),
    "stalled": (Shape(desktops=5000, rate=4, size=8192, seconds=15.0), stalled, "5,000, of whom 50 stop to read"),
}
"""By name: who and how, what to do with it, what it is."""

PLAIN = frozenset({"single", "sixteen", "small", "medium", "large", "paced"})
"""What a server without a protocol can do as well."""
