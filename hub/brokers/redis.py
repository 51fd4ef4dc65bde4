"""The broker between processes: Redis pub/sub, one channel a topic, nothing stored.

Redis may be away, restarted, wiped or failed over; nothing durable is lost by that, because positions come from the
log. This module puts topics and events into Redis's terms; how connections are kept is `hub.brokers.shard`'s business.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import Final

from channels.envelope import LoggedEvent
from hub.brokers import message
from hub.brokers.message import Unreadable
from hub.brokers.port import Receiver, Topic
from hub.brokers.routes import Route, Routes
from hub.brokers.shard import USUAL, Pace
from hub.kernel import logs, metrics
from hub.kernel.clock import Clock
from hub.kernel.redis_url import RedisURL

REMEMBERED: Final = 65_536
"""Topics whose channel need not be put together again."""

logger = logs.get("hub.redis")


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
    broker = RedisBroker(message.scope(prefix, url.database))
    routes = await Routes.prepared(url, prefix, clock, pace)
    broker.route = routes.to(broker)
    broker.route.start()
    try:
        yield broker
    finally:
        await broker.route.stop()
