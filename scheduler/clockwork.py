"""The alarm clock: APScheduler, with one job in memory, and a beat beside it.

The alarm is set for the next due time and rings then. It computes its delay from the wall clock once, so a clock that
is set meanwhile makes it ring early or late; the beat, which counts monotonic time, does not care.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final, Self

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

from hub.kernel.clock import Clock
from hub.kernel.lifecycle import Background

BEAT_SECONDS: Final = 0.5
FURTHEST: Final = 86_400.0
ALARM: Final = "alarm"


class Clockwork:
    """Calls `ring` at the time set, and `beat` every half second, both on the event loop. They must not block."""

    def __init__(self, clock: Clock, ring: Callable[[], None], beat: Callable[[], None]) -> None:
        self._ring = ring
        self._beat = beat
        self._background = Background(clock)
        self._scheduler = AsyncIOScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": AsyncIOExecutor()},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )

    async def __aenter__(self) -> Self:
        logging.getLogger("apscheduler").setLevel(logging.WARNING)  # it reports every alarm
        self._scheduler.start()
        self._background.keep("timers.beat", self._keep_beating)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._background.stop()
        self._scheduler.shutdown(wait=False)
        await asyncio.sleep(0)  # it shuts down in the next tick of the loop

    def wake_in(self, seconds: float) -> None:
        """Ring in so many seconds, instead of when the alarm was set for before."""
        at = datetime.now(UTC) + timedelta(seconds=min(max(seconds, 0.0), FURTHEST))
        self._scheduler.add_job(self._alarm, DateTrigger(at, UTC), id=ALARM, replace_existing=True)

    async def _alarm(self) -> None:
        self._ring()

    async def _keep_beating(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            self._beat()
