"""Runs the timers of one process: wakes up, does what is due, sets the alarm for what comes next."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from hub.kernel import metrics
from hub.kernel.clock import Clock, seconds
from hub.kernel.errors import Overloaded
from hub.kernel.lifecycle import Background
from hub.store import timers
from hub.store.database import Database
from scheduler import ledger
from scheduler.calling import Calling
from scheduler.claims import Jobs
from scheduler.clockwork import Clockwork
from scheduler.firing import Firing

STOP_SECONDS: Final = 5.0


class Pump:
    """Does `work` whenever woken, once however often it was woken meanwhile, and never twice at a time."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._woken = asyncio.Event()
        self._at_work = asyncio.Lock()
        self._quiet = False

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    async def run(self) -> None:
        """The body of a background task."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            async with self._at_work:
                if not self._quiet:
                    with suppress(Overloaded):  # the database says why; the next beat tries again
                        await self._work()

    async def quiet(self) -> None:
        """Begin nothing new and return when the work under way is done."""
        self._quiet = True
        async with self._at_work:
            pass


class Runner:
    """Does the timers of `jobs` while it is entered; any number of runners may work on one database.

    Leaving finishes what is under way: transactions always, calls for `stop_seconds`, after which they are broken off
    and recorded as uncertain. No timer stays leased. Leave it before the database closes.
    """

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        clock: Clock,
        *,
        chance: Callable[[], float] = random.random,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._kinds = (*jobs.transactional, *jobs.outward)
        self._clock = clock
        self._stop_seconds = stop_seconds
        self._background = Background(clock)
        self._clockwork = Clockwork(clock, self.wake, self._beat)
        self.firing = Firing(database, jobs, clock, chance)
        self._fire = Pump(self._fire_due)
        self._watch = Pump(self._look_around)
        self.calling = {
            kind: Calling(database, jobs, job, clock, chance, self.wake) for kind, job in jobs.outward.items()
        }
        self._call = {kind: Pump(calling.work) for kind, calling in self.calling.items()}

    async def __aenter__(self) -> Self:
        ledger.prepare(self._jobs)
        self._database.after_planning(self.wake)
        await self._clockwork.__aenter__()
        self._background.keep("timers.fire", self._fire.run)
        self._background.keep("timers.watch", self._watch.run)
        for kind, pump in self._call.items():
            self._background.keep(f"timers.{kind}", pump.run)
        self._beat()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._clockwork.__aexit__(kind, error, traceback)
        self.firing.stopping = True
        for pump in (self._fire, self._watch, *self._call.values()):
            await pump.quiet()
        await self._background.stop()
        await asyncio.gather(*(calling.stop(self._stop_seconds) for calling in self.calling.values()))

    def wake(self) -> None:
        """Something may be due. A hint: it costs one look."""
        for pump in (self._fire, *self._call.values()):
            pump.wake()

    def _beat(self) -> None:
        self.wake()
        self._watch.wake()

    async def _fire_due(self) -> None:
        await self.firing.work()
        now = self._clock.now()
        next_due = await self._database.read(lambda tx: timers.next_due(tx, now, self._kinds))
        if next_due is not None:
            self._clockwork.wake_in(seconds(next_due) - now)

    async def _look_around(self) -> None:
        now = self._clock.now()
        metrics.TIMERS_DUE.set(await self._database.read(lambda tx: timers.backlog(tx, now)))
        for calling in self.calling.values():
            await calling.settle_lapsed()
