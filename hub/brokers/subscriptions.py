"""What one shard is to listen to, and what its present connection has been told of that.

Changes of one turn of the event loop are sent together at its end, as what has come of them: a channel given up and
wanted again in the meantime is left alone. Commands are carried out in order, so a channel may well be given up and
wanted again while the first confirmation is still on its way; it is heard when as many have come as were asked for.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from hub.brokers.connection import Connection

BATCH: Final = 512
"""Channels in one command: others get their turn in between when very many are asked for at once."""


class PubSub(NamedTuple):
    """One kind of pub/sub: its commands, and which channels may share one."""

    publish: bytes
    subscribe: bytes
    unsubscribe: bytes
    grouped: Callable[[Sequence[bytes]], Iterable[Sequence[bytes]]]


CLASSIC: Final = PubSub(b"PUBLISH", b"SUBSCRIBE", b"UNSUBSCRIBE", lambda channels: [channels])


class Subscriptions:
    """See above. `begin` and `end` say which connection is the present one."""

    def __init__(self, pubsub: PubSub) -> None:
        self._pubsub = pubsub
        self._connection: Connection | None = None
        self._wanted: set[bytes] = set()
        self._changed: set[bytes] = set()
        self._told: set[bytes] = set()
        self._unconfirmed: dict[bytes, int] = {}
        self._waiters: dict[bytes, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        return len(self._wanted)

    def begin(self, connection: Connection) -> None:
        """Ask the new connection for everything, in this very turn."""
        self._connection = connection
        self._changed.update(self._wanted)
        self._tell()

    def end(self) -> None:
        """There is no connection now; nobody waits any longer."""
        self._connection = None
        self._told.clear()
        self._unconfirmed.clear()
        for channel in list(self._waiters):
            self._release(channel)

    async def listen(self, channels: Sequence[bytes]) -> None:
        """Want these channels. Returns when each is confirmed or given up again, or when there is no connection."""
        self._wanted.update(channels)
        if self._connection is None:
            return
        self._change(channels)
        if waiting := [self._waiter(channel) for channel in channels if not self._is_heard(channel)]:
            await asyncio.wait(waiting)

    def ignore(self, channels: Iterable[bytes]) -> None:
        """No longer want these channels."""
        self._wanted.difference_update(channels)
        if self._connection is not None:
            self._change(channels)

    def confirmed(self, channel: bytes) -> None:
        """One subscription to this channel is in force."""
        left = self._unconfirmed.get(channel, 0) - 1
        if left > 0:
            self._unconfirmed[channel] = left
        else:
            self._unconfirmed.pop(channel, None)
            self._release(channel)

    def _is_heard(self, channel: bytes) -> bool:
        return channel in self._told and channel not in self._unconfirmed

    def _waiter(self, channel: bytes) -> "asyncio.Future[None]":
        if channel not in self._waiters:
            self._waiters[channel] = asyncio.get_running_loop().create_future()
        return self._waiters[channel]

    def _release(self, channel: bytes) -> None:
        waiter = self._waiters.pop(channel, None)
        if waiter is not None:
            waiter.set_result(None)

    def _change(self, channels: Iterable[bytes]) -> None:
        if not self._changed:
            asyncio.get_running_loop().call_soon(self._tell)
        self._changed.update(channels)

    def _tell(self) -> None:
        changed, self._changed = self._changed, set()
        connection = self._connection
        if connection is None:
            return
        less = [channel for channel in changed if channel in self._told and channel not in self._wanted]
        more = [channel for channel in changed if channel in self._wanted and channel not in self._told]
        self._told.difference_update(less)
        self._told.update(more)
        for channel in more:
            self._unconfirmed[channel] = self._unconfirmed.get(channel, 0) + 1
        self._send(connection, self._pubsub.unsubscribe, less)
        self._send(connection, self._pubsub.subscribe, more)
        for channel in changed:
            if channel not in self._unconfirmed:
                self._release(channel)

    def _send(self, connection: Connection, verb: bytes, channels: Sequence[bytes]) -> None:
        for group in self._pubsub.grouped(channels) if channels else ():
            for at in range(0, len(group), BATCH):
                connection.subscribe(verb, group[at : at + BATCH])
