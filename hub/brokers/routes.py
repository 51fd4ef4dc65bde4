"""The ways to Redis that a HUB_REDIS_URL can mean, made of the same parts."""

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, Self, assert_never

from hub.brokers import message, sentinel
from hub.brokers.cluster import Cluster
from hub.brokers.connection import Connection, Owner
from hub.brokers.dialing import NOBODY, Dialer, Unreachable, tls_of
from hub.brokers.sentinel import Sentinels
from hub.brokers.shard import Connect, Ears, Pace, Shard
from hub.kernel import ids
from hub.kernel.clock import Clock
from hub.kernel.faults import Fault, SettingsError
from hub.kernel.lifecycle import Body
from hub.kernel.redis_url import Kind, RedisURL

FOLLOWING_DIAL_SECONDS: Final = 1.0
"""For one dial where another primary may have to be found within two seconds."""


class Route(Protocol):
    """Where channels are to be found: one shard, or those of a cluster. The methods are those of `Shard`."""

    def start(self) -> None: ...
    async def stop(self) -> None: ...
    def trouble(self) -> str | None: ...
    def publish(self, channel: bytes, message: bytes) -> None: ...
    async def listen(self, channels: Sequence[bytes]) -> None: ...
    def ignore(self, channels: Iterable[bytes]) -> None: ...


@dataclass(frozen=True)
class Routes:
    """All that a route is made of."""

    url: RedisURL
    prefix: str
    tls: ssl.SSLContext | None
    clock: Clock
    pace: Pace

    @classmethod
    async def prepared(cls, url: RedisURL, prefix: str, clock: Clock, pace: Pace) -> Self:
        """Reads the certificates. Raises SettingsError."""
        try:
            tls = await asyncio.to_thread(tls_of, url)
        except ValueError as error:
            raise SettingsError([Fault("HUB_REDIS_URL", str(error))]) from None
        return cls(url, prefix, tls, clock, pace)

    def to(self, ears: Ears) -> Route:
        """A route that brings what it hears there; not started."""
        match self.url.kind:
            case Kind.SINGLE:
                (host,) = self.url.hosts
                return self._shard(f"Redis at {host}", ears, self._dial_any, self.pace)
            case Kind.SENTINEL:
                sentinels = self._sentinels()
                pace = self.pace._replace(longest_pause=min(self.pace.longest_pause, sentinel.LONGEST_PAUSE))
                return self._shard(
                    f"Redis primary {self.url.service!a}", ears, sentinels.connect, pace, sentinels.watch
                )
            case Kind.CLUSTER:
                return self._cluster(ears)
            case _:
                assert_never(self.url.kind)

    async def visit(self) -> Connection:
        """A connection of its own, for questions: to the Redis, the primary, or any node. Raises Unreachable."""
        if self.url.kind is Kind.SENTINEL:
            sentinels = self._sentinels()
            try:
                return await sentinels.connect(NOBODY)
            finally:
                await sentinels.close()
        return await self._dial_any(NOBODY)

    async def _dial_any(self, owner: Owner) -> Connection:
        """The first host that answers."""
        dialer, troubles = self._dialer(self.pace.patience), []
        for host in self.url.hosts:
            try:
                connection, _ = await dialer.dial(host, owner)
            except Unreachable as unreachable:
                troubles.append(str(unreachable))
            else:
                return connection
        raise Unreachable("; ".join(troubles))

    def _sentinels(self) -> Sentinels:
        ask = Dialer(
            self.url.sentinel_login,
            self.tls,
            self.prefix,
            seconds=sentinel.ASK_SECONDS,
            stuck=self.pace.patience,
            noun="Sentinel",
        )
        dial = self._dialer(FOLLOWING_DIAL_SECONDS)
        return Sentinels(self.url.hosts, self.url.service, ask, dial, self.pace)

    def _cluster(self, ears: Ears) -> Cluster:
        node, scope = ids.node_id(), message.scope(self.prefix, self.url.database)
        return Cluster(
            self.url.hosts,
            ears,
            self._dialer(FOLLOWING_DIAL_SECONDS),
            lambda number: message.probe_channel(scope, f"{node}-{number}"),
            pace=self.pace,
            clock=self.clock,
        )

    def _dialer(self, seconds: float) -> Dialer:
        return Dialer(self.url.login, self.tls, self.prefix, seconds=seconds, stuck=self.pace.patience)

    def _shard(self, name: str, ears: Ears, connect: Connect, pace: Pace, beside: Body | None = None) -> Shard:
        probe = message.probe_channel(message.scope(self.prefix, self.url.database), ids.node_id())
        return Shard(name, ears, connect, lambda: probe, beside=beside, pace=pace, clock=self.clock)
