"""Brokers under test, and a receiver that remembers and can be waited for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any

from channels.envelope import LoggedEvent
from hub.brokers.redis import RedisBroker, opened
from hub.brokers.shard import USUAL, Pace
from hub.kernel import metrics
from hub.kernel.clock import SystemClock
from hub.kernel.redis_url import parse
from hub.kernel.secret import Secret
from tests.support.waiting import eventually

HURRY = Pace(probe=0.1, patience=0.6, first_pause=0.02, longest_pause=0.1)
"""For tests of faults: what takes seconds takes tenths of them."""


class Listener:
    """A receiver (`hub.brokers.port.Receiver`)."""

    def __init__(self) -> None:
        self.events: list[LoggedEvent] = []
        self.interruptions = 0
        self.faults: list[Exception] = []
        """What the next calls of `event` raise."""
        self._changed = asyncio.Event()

    def event(self, event: LoggedEvent) -> None:
        if self.faults:
            raise self.faults.pop()
        self.events.append(event)
        self._changed.set()

    def interrupted(self) -> None:
        self.interruptions += 1
        self._changed.set()

    async def until(self, last: LoggedEvent) -> list[LoggedEvent]:
        """Everything received up to and with that event."""
        await self.wait(lambda: last in self.events)
        return self.events

    async def wait(self, condition: Callable[[], Any], seconds: float = 10.0) -> None:
        """Return as soon as the condition holds; it is looked at after every event and interruption."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


async def well(node: RedisBroker, listener: Listener, interruptions: int = 1, seconds: float = 20.0) -> None:
    """Return when the broker hears, after at least so many interruptions."""
    await eventually(lambda: node.trouble() is None and listener.interruptions >= interruptions, seconds)


def counted(name: str, **labels: str) -> float:
    """The value of a metric of this process; compare it with the one before."""
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def unique_prefix() -> str:
    """A prefix that no other test uses."""
    return f"test-{token_hex(6)}"


@asynccontextmanager
async def broker(url: str, prefix: str, pace: Pace = USUAL) -> AsyncIterator[tuple[RedisBroker, Listener]]:
    """A broker that may not be connected yet, and who is told what it receives."""
    async with opened(parse(Secret(url)), prefix, SystemClock(), pace) as opened_:
        listener = Listener()
        opened_.connect(listener)
        yield opened_, listener


@asynccontextmanager
async def connected(url: str, prefix: str, pace: Pace = USUAL) -> AsyncIterator[RedisBroker]:
    """A broker that hears."""
    async with broker(url, prefix, pace) as (opened_, listener):
        await well(opened_, listener)
        yield opened_
