"""The broker between processes: Redis pub/sub, one channel a topic, nothing stored.

Redis may be away, restarted, wiped or failed over; nothing durable is lost by that, because positions come from the
log. This module puts topics and events into Redis's terms; how connections are kept is `hub.brokers.shard`'s business.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final, Protocol, assert_never

from channels.envelope import LoggedEvent
from hub.brokers import message, sentinel
from hub.brokers.cluster import Cluster
from hub.brokers.connection import Connection, Owner
from hub.brokers.dialing import Dialer, tls_of
from hub.brokers.message import Unreadable
from hub.brokers.port import Receiver, Topic
from hub.brokers.sentinel import Sentinels
from hub.brokers.shard import USUAL, Connect, Pace, Shard
from hub.kernel import ids, logs, metrics
from hub.kernel.clock import Clock
from hub.kernel.faults import Fault, SettingsError
from hub.kernel.lifecycle import Background
from hub.kernel.redis_url import Kind, RedisURL

REMEMBERED: Final = 65_536
"""Topics whose channel need not be put together again."""
FOLLOWING_DIAL_SECONDS: Final = 1.0
"""For one dial where another primary may have to be found within two seconds."""

logger = logs.get("hub.redis")


class Route(Protocol):
    """Where channels are to be found: one shard, or those of a cluster. The methods are those of `Shard`."""

    def start(self) -> None: ...
    async def stop(self) -> None: ...
    def trouble(self) -> str | None: ...
    def publish(self, channel: bytes, message: bytes) -> None: ...
    async def listen(self, channels: Sequence[bytes]) -> None: ...
    def ignore(self, channels: Iterable[bytes]) -> None: ...


class RedisBroker:
    """Implements `hub.brokers.port.Broker`, and the ears of its route."""

    def __init__(self, scope: str) -> None:
        self._channel = lru_cache(maxsize=REMEMBERED)(partial(message.channel_of, scope))
        self._receiver: Receiver | None = None
        self.route: Route

    def connect(self, receiver: Receiver) -> None:
        """See the port."""
        self._receiver = receiver

    async def listen(self, topic: Topic) -> None:
        """See the port."""
        await self.route.listen([self._channel(topic)])

    def ignore(self, topic: Topic) -> None:
        """See the port."""
        self.route.ignore([self._channel(topic)])

    def publish(self, topic: Topic, event: LoggedEvent) -> None:
        """See the port."""
        self.route.publish(self._channel(topic), message.encoded(event))

    def trouble(self) -> str | None:
        """See the port."""
        return self.route.trouble()

    def heard(self, payload: bytes) -> None:
        """See `Ears`."""
        try:
            event = message.decoded(payload)
        except Unreadable as unreadable:
            metrics.REDIS_UNREADABLE.labels(unreadable.reason).inc()
            return
        if self._receiver is not None:
            try:
                self._receiver.event(event)
            except Exception:
                # One event must not cost the connection, and with it all others.
                logger.exception("event not taken", stream=event.stream, seq=event.seq)
                self._receiver.interrupted()

    def interrupted(self) -> None:
        """See `Ears`."""
        if self._receiver is not None:
            self._receiver.interrupted()

    def outdated(self) -> None:
        """See `Ears`. There is always the same one."""


@asynccontextmanager
async def opened(url: RedisURL, prefix: str, clock: Clock, pace: Pace = USUAL) -> AsyncIterator[RedisBroker]:
    """A broker that is connected, or about to be, within the block.

    Raises SettingsError for certificates that cannot be read; everything else is its `trouble`.
    """
    try:
        tls = await asyncio.to_thread(tls_of, url)
    except ValueError as error:
        raise SettingsError([Fault("HUB_REDIS_URL", str(error))]) from None
    broker = RedisBroker(message.scope(prefix, url.database))
    opening = _Opening(url, prefix, tls, broker, clock, pace)
    async with Background(clock) as background:
        match url.kind:
            case Kind.SINGLE:
                broker.route = opening.single()
            case Kind.SENTINEL:
                broker.route, sentinels = opening.watched()
                background.keep("redis.sentinel", sentinels.watch)
            case Kind.CLUSTER:
                broker.route = opening.cluster()
            case _:
                assert_never(url.kind)
        broker.route.start()
        try:
            yield broker
        finally:
            await broker.route.stop()


@dataclass(frozen=True)
class _Opening:
    """The kinds of route, made of the same parts."""

    url: RedisURL
    prefix: str
    tls: ssl.SSLContext | None
    broker: RedisBroker
    clock: Clock
    pace: Pace

    def single(self) -> Shard:
        """One Redis, always the same."""
        (host,) = self.url.hosts
        dialer = self._dialer(self.pace.patience)

        async def connect(owner: Owner) -> Connection:
            connection, _ = await dialer.dial(host, owner)
            return connection

        return self._shard(f"Redis at {host}", connect, self.pace)

    def watched(self) -> tuple[Shard, Sentinels]:
        """One Redis, whichever is the primary."""
        ask = Dialer(
            self.url.sentinel_login,
            self.tls,
            self.prefix,
            seconds=sentinel.ASK_SECONDS,
            stuck=self.pace.patience,
            noun="Sentinel",
        )
        dial = self._dialer(FOLLOWING_DIAL_SECONDS)
        sentinels = Sentinels(self.url.hosts, self.url.service, ask, dial, self.pace)
        pace = self.pace._replace(longest_pause=min(self.pace.longest_pause, sentinel.LONGEST_PAUSE))
        return self._shard(f"Redis primary {self.url.service!a}", sentinels.connect, pace), sentinels

    def cluster(self) -> Cluster:
        """As many as there are."""
        node, scope = ids.node_id(), message.scope(self.prefix, self.url.database)
        return Cluster(
            self.url.hosts,
            self.broker,
            self._dialer(FOLLOWING_DIAL_SECONDS),
            lambda number: message.probe_channel(scope, f"{node}-{number}"),
            pace=self.pace,
            clock=self.clock,
        )

    def _dialer(self, seconds: float) -> Dialer:
        return Dialer(self.url.login, self.tls, self.prefix, seconds=seconds, stuck=self.pace.patience)

    def _shard(self, name: str, connect: Connect, pace: Pace) -> Shard:
        probe = message.probe_channel(message.scope(self.prefix, self.url.database), ids.node_id())
        return Shard(name, self.broker, connect, lambda: probe, pace=pace, clock=self.clock)
