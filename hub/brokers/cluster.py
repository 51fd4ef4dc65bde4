"""A cluster: every channel belongs to a slot, every slot to a primary, and sharded pub/sub stays on that one.

There is a shard, and so a connection and a probe, for every primary that has slots. Who has which is asked at the
start, every few seconds, and whenever something shows that it is no longer true: a redirection, a subscription that
Redis ended because its slot moved away, a connection lost. What a moved slot carried is then listened to at its new
primary, and the ears are told that something may have been missed.

Publishes that arrive at the wrong primary are not sent again but counted: in between, later ones of the same stream
may have arrived, and order is promised where arrival is not.
"""

import asyncio
import random
from binascii import crc_hqx
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import count
from typing import Any, Final

from hub.brokers.connection import Connection, Owner
from hub.brokers.dialing import NOBODY, Dialer, Unreachable
from hub.brokers.shard import Ears, Pace, Shard
from hub.brokers.subscriptions import PubSub
from hub.kernel import logs, metrics
from hub.kernel.clock import Clock
from hub.kernel.lifecycle import Background
from hub.kernel.redis_url import Host

SLOTS: Final = 16_384
ASK_EVERY: Final = 10.0  # seconds, while nothing shows that it is needed
ASK_AT_MOST_EVERY: Final = 0.1

logger = logs.get("hub.redis")


def slot_of(channel: bytes) -> int:
    """The slot of a channel. Our names have no braces, so there is no hash tag in them and the whole name counts."""
    return crc_hqx(channel, 0) % SLOTS


def by_slot(channels: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    """The channels in groups that may share a command."""
    groups: dict[int, list[bytes]] = {}
    for channel in channels:
        groups.setdefault(slot_of(channel), []).append(channel)
    return groups.values()


SHARDED: Final = PubSub(b"SPUBLISH", b"SSUBSCRIBE", b"SUNSUBSCRIBE", by_slot)


class Cluster:
    """See above; a route (`hub.brokers.redis.Route`), and the ears of its shards."""

    def __init__(
        self,
        hosts: Sequence[Host],
        ears: Ears,
        dialer: Dialer,
        probe: Callable[[int], bytes],
        *,
        pace: Pace,
        clock: Clock,
    ) -> None:
        """`hosts` are asked first; `probe` makes any number of channels to choose a probe from."""
        self._seeds = tuple(hosts)
        self._ears = ears
        self._dialer = dialer
        self._probe = probe
        self._pace = pace
        self._clock = clock
        self._background = Background(clock)
        self._outdated = asyncio.Event()
        self._owners: list[Host | None] = [None] * SLOTS
        self._shards: dict[Host, Shard] = {}
        self._wanted: dict[bytes, Host | None] = {}
        """Channels that are listened to, and where."""
        self._trouble: str | None = f"Redis cluster at {hosts[0]}: not connected yet"

    def start(self) -> None:
        """See `Shard`."""
        self._background.keep("redis.cluster", self._keep_asking)

    async def stop(self) -> None:
        """See `Shard`."""
        await self._background.stop()
        await asyncio.gather(*(shard.stop() for shard in self._shards.values()))
        self._shards.clear()

    def trouble(self) -> str | None:
        """See `Shard`."""
        troubles = [self._trouble, *(shard.trouble() for shard in self._shards.values())]
        return "; ".join(trouble for trouble in troubles if trouble) or None

    def publish(self, channel: bytes, message: bytes) -> None:
        """See `Shard`."""
        owner = self._owner(channel)
        if owner is None:
            metrics.REDIS_DROPPED.labels("away").inc()
        else:
            self._shards[owner].publish(channel, message)

    async def listen(self, channels: Sequence[bytes]) -> None:
        """See `Shard`."""
        for channel in channels:
            owner = self._wanted[channel] = self._owner(channel)
            if owner is not None:
                await self._shards[owner].listen([channel])

    def ignore(self, channels: Iterable[bytes]) -> None:
        """See `Shard`."""
        for channel in channels:
            owner = self._wanted.pop(channel, None)
            if owner is not None:
                self._shards[owner].ignore([channel])

    def _owner(self, channel: bytes) -> Host | None:
        return self._owners[slot_of(channel)]

    # The ears of the shards -------------------------------------------------------------------------------------

    def heard(self, message: bytes) -> None:
        """See `Ears`."""
        self._ears.heard(message)

    def interrupted(self) -> None:
        """See `Ears`."""
        self._ears.interrupted()

    def outdated(self) -> None:
        """See `Ears`."""
        self._outdated.set()

    # Who has what -----------------------------------------------------------------------------------------------

    async def _keep_asking(self) -> None:
        while True:
            self._outdated.clear()
            try:
                owners = await self._asked()
            except Unreachable as unreachable:
                self._complain(str(unreachable))
                await asyncio.sleep(self._pace.longest_pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load
                continue
            self._complain(_incomplete(owners))
            await self._adopt(owners)
            await asyncio.sleep(ASK_AT_MOST_EVERY)
            with suppress(TimeoutError):
                async with asyncio.timeout(ASK_EVERY if self._trouble is None else self._pace.longest_pause):
                    await self._outdated.wait()

    def _complain(self, trouble: str | None) -> None:
        if trouble != self._trouble and trouble:
            logger.warning("redis cluster not whole", reason=trouble)
        self._trouble = trouble

    async def _asked(self) -> list[Host | None]:
        """The owner of every slot, by whoever answers first. Raises Unreachable if nobody does."""
        known = list(dict.fromkeys([*self._shards, *self._seeds]))
        random.shuffle(known)  # whoever knows the old state only must not be the one who is asked every time
        troubles = []
        for host in known:
            try:
                connection, reply = await self._dialer.dial(host, NOBODY, b"CLUSTER", b"SLOTS")
            except Unreachable as unreachable:
                troubles.append(str(unreachable))
            else:
                await connection.close()
                return _owners(reply, host)
        raise Unreachable("; ".join(troubles))

    async def _adopt(self, owners: list[Host | None]) -> None:
        """Make it so."""
        self._owners = owners
        current = {owner for owner in owners if owner is not None}
        for host in current - self._shards.keys():
            self._shards[host] = self._shard(host)
            self._shards[host].start()
        moved: dict[Host, list[bytes]] = {}
        for channel, before in self._wanted.items():
            owner = self._owner(channel)
            if owner == before:
                continue
            self._wanted[channel] = owner
            if before in self._shards:
                self._shards[before].ignore([channel])
            if owner is not None:
                moved.setdefault(owner, []).append(channel)
        await asyncio.gather(*(self._shards[owner].listen(channels) for owner, channels in moved.items()))
        if moved:
            self._ears.interrupted()
        for host in self._shards.keys() - current:
            await self._shards.pop(host).stop()

    def _shard(self, host: Host) -> Shard:
        async def connect(owner: Owner) -> Connection:
            connection, _ = await self._dialer.dial(host, owner)
            return connection

        return Shard(
            f"Redis at {host}",
            self,
            connect,
            lambda: self._probe_for(host),
            pubsub=SHARDED,
            pace=self._pace,
            clock=self._clock,
        )

    def _probe_for(self, host: Host) -> bytes:
        """A channel whose slot is there. Raises Unreachable if the host has none."""
        if host not in self._owners:
            raise Unreachable(f"Redis at {host}: has no slots")
        return next(channel for channel in map(self._probe, count()) if self._owner(channel) == host)


def _owners(reply: Any, asked: Host) -> list[Host | None]:  # noqa: ANN401 - as hiredis has it
    """The answer to CLUSTER SLOTS. A node that does not know its own address leaves it out: it is the one asked."""
    owners: list[Host | None] = [None] * SLOTS
    for first, last, primary, *_ in reply:
        owner = Host((primary[0] or b"").decode() or asked.name, primary[1])
        owners[first : last + 1] = [owner] * (last + 1 - first)
    return owners


def _incomplete(owners: list[Host | None]) -> str | None:
    missing = owners.count(None)
    return f"Redis cluster: {missing} of {SLOTS} slots have no primary" if missing else None
