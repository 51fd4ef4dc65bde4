"""One Redis that carries topics: all of them, or those of its slots in a cluster.

A shard is always connected or about to be. What it should listen to is kept here and told to every new connection, so
nobody has to ask twice. Because a subscription can be dead while everything else looks well, the shard publishes to a
channel of its own every second and wants to hear it back: until the first such echo, and whenever there has been none
for three seconds, it is not well, says so, and connects anew.

After every connection that was lost, and again once a new one hears, the ears are told that something may have been
missed.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from hub.brokers import resp
from hub.brokers.backlog import Backlog
from hub.brokers.connection import Connection, Owner
from hub.brokers.dialing import Unreachable
from hub.brokers.subscriptions import CLASSIC, PubSub, Subscriptions
from hub.kernel import logs, metrics
from hub.kernel.clock import Clock
from hub.kernel.lifecycle import Background, Body

logger = logs.get("hub.redis")


class Pace(NamedTuple):
    """The times of a shard, in seconds."""

    probe: float = 1.0
    patience: float = 3.0
    """Without an echo, or an answer while connecting, for so long: connect anew."""
    first_pause: float = 0.05
    longest_pause: float = 1.0
    """Between two attempts to connect; the real pause is random, half of it at least."""


USUAL: Final = Pace()


class Ears(Protocol):
    """Who is told; must neither wait nor raise."""

    def heard(self, message: bytes) -> None:
        """A message of a channel that is listened to."""

    def interrupted(self) -> None:
        """Something may have been missed."""

    def outdated(self) -> None:
        """Whoever knows which shards there are should look again."""


Connect = Callable[[Owner], Awaitable[Connection]]


class Shard:
    """See above. Between `start` and `stop` it connects by itself; use on one event loop."""

    def __init__(
        self,
        name: str,
        ears: Ears,
        connect: Connect,
        probe: Callable[[], bytes],
        *,
        pubsub: PubSub = CLASSIC,
        beside: Body | None = None,
        pace: Pace,
        clock: Clock,
    ) -> None:
        """`connect` raises Unreachable, and so may `probe`, which names the channel to hear oneself on.

        `beside` is work that goes on as long as the shard does.
        """
        self.name = name
        self._ears = ears
        self._connect = connect
        self._choose_probe = probe
        self._beside = beside
        self._pubsub = pubsub
        self._pace = pace
        self._now = clock.monotonic
        self._background = Background(clock)
        self._backlog = Backlog()
        self._subscriptions = Subscriptions(pubsub)
        self._connection: Connection | None = None
        self._trouble: str | None = f"{name}: not connected yet"
        self._probe = b""
        self._probed_at = 0.0
        self._silent = 0  # probes since the last echo
        self._refusal = ""
        self._said = ""

    def start(self) -> None:
        """Begin to connect."""
        self._background.keep("redis", self._keep_connected)
        if self._beside is not None:
            self._background.keep("redis.sentinel", self._beside)

    async def stop(self) -> None:
        """Send what waits, and end the connection."""
        await self._background.stop()
        self._backlog.clear()

    def trouble(self) -> str | None:
        """Why this shard does not hear, None while it does."""
        return self._trouble

    # Publishing -------------------------------------------------------------------------------------------------

    def publish(self, channel: bytes, message: bytes) -> None:
        """Send the message, or keep it for a short while if that cannot be done now."""
        command = resp.publishing(self._pubsub.publish, channel, message)
        if self._connection is not None and self._connection.writable and not self._backlog:
            self._connection.publish(command)
        else:
            self._backlog.keep(command, self._now())

    def refused(self, error: str) -> None:
        """See `Owner`."""
        metrics.REDIS_DROPPED.labels("refused").inc()
        if resp.code(error) in {"MOVED", "CLUSTERDOWN"}:
            self._ears.outdated()
        if self._refusal != resp.code(error):
            self._refusal = resp.code(error)
            logger.warning("redis refuses to publish", redis=self.name, error=error)

    def writable(self) -> None:
        """See `Owner`."""
        connection = self._connection
        if connection is not None and self._backlog:
            for command in self._backlog.take(self._now()):
                connection.publish(command)
                if not connection.writable:
                    return

    # Listening --------------------------------------------------------------------------------------------------

    async def listen(self, channels: Sequence[bytes]) -> None:
        """Hear these channels. Returns when each is confirmed, or given up again, or if there is no connection now:
        then the ears are told as soon as there is.
        """
        await self._subscriptions.listen(channels)

    def ignore(self, channels: Iterable[bytes]) -> None:
        """No longer hear these channels, soon."""
        self._subscriptions.ignore(channels)

    def confirmed(self, channel: bytes) -> None:
        """See `Owner`."""
        self._subscriptions.confirmed(channel)
        if self._trouble is not None:
            self._silent = 0  # so many channels may take a while
        if channel == self._probe:
            self._send_probe()

    def revoked(self, channel: bytes) -> None:
        """See `Owner`. In a cluster that is how one learns that a slot has moved."""
        if self._connection is not None:
            self._connection.abort(f"ended the subscription of {channel!a}")

    def heard(self, channel: bytes, message: bytes) -> None:
        """See `Owner`."""
        if channel == self._probe:
            self._echoed()
        else:
            self._ears.heard(message)

    # The life of the connection ---------------------------------------------------------------------------------

    async def _keep_connected(self) -> None:
        pause = self._pace.first_pause
        while True:
            try:
                self._probe = self._choose_probe()
                connection = await self._connect(self)
            except Unreachable as unreachable:
                self._complain(str(unreachable))
            else:
                began = self._now()
                await self._serve(connection)
                self._complain(f"{self.name}: {connection.lost.result()}")
                if self._now() - began > self._pace.patience:
                    pause = self._pace.first_pause
            self._ears.outdated()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, protects nothing
            pause = min(2 * pause, self._pace.longest_pause)

    async def _serve(self, connection: Connection) -> None:
        """Use the connection until it is lost."""
        self._connection = connection
        self._silent = 0
        try:
            self._subscriptions.begin(connection)
            # Commands are carried out in order: when this one is confirmed, so are all before it.
            connection.subscribe(self._pubsub.subscribe, [self._probe])
            self.writable()
            while not (await asyncio.wait({connection.lost}, timeout=self._pace.probe))[0]:
                self._watch(connection)
        finally:
            # Cancelled: the hub stops.
            if not connection.lost.done():
                await connection.close()
            self._gone(connection)

    def _watch(self, connection: Connection) -> None:
        """Counted in probes, not in time: a process that was held up itself must not blame Redis."""
        self._silent += 1
        if self._silent * self._pace.probe >= self._pace.patience:
            refusal = f" (it refuses to publish: {self._refusal})" if self._refusal else ""
            connection.abort(f"a message to ourselves has not come back for {self._pace.patience:g} s{refusal}")
        elif self._trouble is None:
            self._send_probe()

    def _send_probe(self) -> None:
        if self._silent <= 1:  # none is on its way
            self._probed_at = self._now()
        self.publish(self._probe, b"")

    def _echoed(self) -> None:
        self._silent = 0
        metrics.REDIS_PROBE_SECONDS.observe(self._now() - self._probed_at)
        if self._trouble is not None:
            self._trouble = None
            self._refusal = self._said = ""
            metrics.REDIS_CONNECTIONS.inc()
            metrics.REDIS_CONNECTS.inc()
            logger.info("redis connected", redis=self.name, channels=len(self._subscriptions))
            self._ears.interrupted()

    def _gone(self, connection: Connection) -> None:
        self._connection = None
        self._subscriptions.end()
        metrics.REDIS_DROPPED.labels("unconfirmed").inc(connection.unanswered)
        was_well, self._trouble = self._trouble is None, f"{self.name}: {connection.lost.result()}"
        if was_well:
            metrics.REDIS_CONNECTIONS.dec()
            self._ears.interrupted()

    def _complain(self, trouble: str) -> None:
        """Be not well, and say so once for each reason."""
        self._trouble = trouble
        if trouble != self._said:
            self._said = trouble
            logger.warning("redis not connected", reason=trouble)
