"""Outward timers: leased, called, and their outcome recorded."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from hub.kernel import logs, metrics
from hub.kernel.clock import Clock, micros
from hub.kernel.errors import Overloaded
from hub.store import timers
from hub.store.database import Database
from hub.store.timers import Due, Timer
from hub.store.transaction import Snapshot, TransactionFailed
from scheduler import claims, ledger
from scheduler.claims import LAPSED, Ended, Jobs, Lease, Outward
from scheduler.senders.port import Outcome, Uncertain

SPARE_SECONDS: Final = 60.0
"""How much longer than the call a lease lasts: time to record the outcome, and for clocks that differ."""
RECORD_PAUSE: Final = 0.5
LAPSED_PAGE: Final = 100

_log = logs.get("scheduler")


class Calling:
    """Makes the calls of one kind. `chance` gives random numbers between 0 and 1; `freed` is told when a call ends."""

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        job: Outward,
        clock: Clock,
        chance: Callable[[], float],
        freed: Callable[[], None],
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._job = job
        self._clock = clock
        self._chance = chance
        self._freed = freed
        self._lease_seconds = job.seconds + SPARE_SECONDS
        self._share = job.at_once if job.share is None else job.share
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._under_way: Counter[str] = Counter()
        self._broken_off = asyncio.Event()
        self.stopping = False

    async def work(self) -> None:
        """Begin calls for timers that are due, as many as may be under way: at all, and to their receivers.

        Those that wait for their own receiver hold up nobody: they are passed over, and looked for again when a call
        has ended.
        """
        now = self._clock.now()
        passed_over = {receiver for receiver, calls in self._under_way.items() if calls >= self._share}
        with suppress(Overloaded):
            while (room := self._job.at_once - len(self._calls)) > 0 and not self.stopping:
                page = await self._due(now, room, passed_over)
                chosen = self._chosen(page)
                await asyncio.gather(*(self._begin(due, now) for due in chosen))
                if len(chosen) == len(page):
                    return
                passed_over.update(due.receiver for due in set(page) - set(chosen))

    async def _due(self, now: float, room: int, without: set[str]) -> list[Due]:
        return await self._database.read(lambda tx: timers.due_outward(tx, now, self._job.kind, room, sorted(without)))

    def _chosen(self, page: list[Due]) -> list[Due]:
        """Those of the page that fit into the shares of their receivers."""
        calls = self._under_way.copy()
        chosen: list[Due] = []
        for due in page:
            if calls[due.receiver] < self._share:
                calls[due.receiver] += 1
                chosen.append(due)
        return chosen

    async def settle_lapsed(self) -> None:
        """Record the end of attempts whose process did not live to do it."""
        now = self._clock.now()

        def look(tx: Snapshot) -> list[Lease]:
            return timers.lapsed(tx, now, (self._job.kind,), LAPSED_PAGE, 2 * self._lease_seconds)

        with suppress(Overloaded):
            for lease in await self._database.read(look):
                # A call of our own goes on, even if the clock was set forward meanwhile.
                if lease[0] not in self._calls and not self.stopping:
                    await self._record(self._job.kind, lease, LAPSED)

    async def stop(self, seconds: float) -> None:
        """Begin no more calls, wait for those under way, and break them off after so many seconds."""
        self.stopping = True
        if calls := set(self._calls.values()):
            await asyncio.wait(calls, timeout=seconds)
        self._broken_off.set()
        await self.ended()

    async def ended(self) -> None:
        """Return when no call is under way."""
        while self._calls:
            await asyncio.wait(self._calls.values())

    async def _begin(self, due: Due, now: float) -> None:
        until = now + self._lease_seconds
        try:
            leased = await self._database.write(lambda tx: claims.lease(tx, due.id, now, until))
        except (Overloaded, TransactionFailed) as error:
            # If the commit went through all the same, the lease lapses, and the attempt that was not made is uncertain.
            _log.warning("timer has to wait for the database", timer=due.id, reason=str(error))
            return
        match leased:
            case Timer():
                # Nothing is awaited between the commit and this: what is leased is called.
                ledger.began(leased, self._clock.now())
                call = asyncio.create_task(self._call(leased, (due.id, micros(until))), name=f"timers.{leased.kind}")
                self._calls[due.id] = call
                self._under_way[due.receiver] += 1
                call.add_done_callback(lambda _: self._end(due))
            case Ended():
                ledger.ended(leased)
            case None:
                pass

    def _end(self, due: Due) -> None:
        del self._calls[due.id]
        self._under_way -= Counter((due.receiver,))  # keeps what is above zero
        self._freed()

    async def _call(self, timer: Timer, lease: Lease) -> None:
        await self._record(timer.kind, lease, await self._outcome(timer))

    async def _outcome(self, timer: Timer) -> Outcome:
        """What the call returns, unless it takes too long or has to be broken off. Never raises."""
        call = asyncio.ensure_future(self._job.deliver(timer))
        broken_off = asyncio.ensure_future(self._broken_off.wait())
        await asyncio.wait({call, broken_off}, timeout=self._job.seconds, return_when=asyncio.FIRST_COMPLETED)
        broken_off.cancel()
        in_time = call.done()
        call.cancel()
        await asyncio.wait({call})
        if not call.cancelled() and call.exception() is None:
            return call.result()
        if not in_time and self._broken_off.is_set():
            return Uncertain("broken off because the process had to stop")
        if not in_time:
            return Uncertain(f"no outcome within {self._job.seconds:g} s")
        _log.error("call failed", kind=timer.kind, key=timer.key, exc_info=call.exception())
        return Uncertain("the call failed inside the hub, the log has the trace")

    async def _record(self, kind: str, lease: Lease, outcome: Outcome) -> None:
        """Once the lease has lapsed somebody else may decide, so there is no sense in trying for longer."""
        chance, give_up = self._chance(), self._clock.monotonic() + SPARE_SECONDS
        while True:
            now = self._clock.now()
            try:
                ended = await self._database.write(
                    lambda tx, now=now: claims.settle(tx, self._jobs, lease, outcome, now, chance)  # type: ignore[misc]
                )
            except (Overloaded, TransactionFailed):
                if self.stopping or self._clock.monotonic() > give_up:
                    _log.error("outcome not recorded", kind=kind, timer=lease[0], outcome=repr(outcome))
                    return
                await asyncio.sleep(RECORD_PAUSE)
                continue
            if ended is None:
                metrics.TIMERS_LOST.labels(kind).inc()
                _log.warning("outcome of a timer that is no more", kind=kind, timer=lease[0], outcome=repr(outcome))
            else:
                ledger.ended(ended)
            return
