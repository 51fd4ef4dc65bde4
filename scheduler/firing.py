"""Transactional timers: page after page of those that are due, each in a function of its own on the writer.

The functions of a page share a transaction, so a page costs one commit; each has its savepoint, so one that raises
takes nothing with it.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from hub.kernel import logs
from hub.kernel.clock import Clock
from hub.kernel.errors import Overloaded
from hub.kernel.scrub import scrub_text
from hub.store import timers
from hub.store.database import Database
from hub.store.transaction import TransactionFailed
from scheduler import claims, ledger
from scheduler.claims import Jobs

PAGE: Final = 200
LONGEST_REASON: Final = 300

_log = logs.get("scheduler")


class Firing:
    """Does transactional timers. `chance` gives random numbers between 0 and 1."""

    def __init__(self, database: Database, jobs: Jobs, clock: Clock, chance: Callable[[], float]) -> None:
        self._database = database
        self._jobs = jobs
        self._kinds = tuple(jobs.transactional)
        self._clock = clock
        self._chance = chance
        self.stopping = False

    async def work(self) -> None:
        """Do all that are due, oldest first, until none is left, or the database wants a rest, or `stopping`."""
        while not self.stopping:
            now = self._clock.now()
            page = await self._database.read(lambda tx, now=now: timers.due(tx, now, self._kinds, PAGE))  # type: ignore[misc]
            settled = await asyncio.gather(*(self._fire(due, now) for due in page))
            if len(page) < PAGE or not any(settled):
                return

    async def _fire(self, id: int, now: float) -> bool:
        """One timer; False if it is still there as it was, because the database could not take it."""
        try:
            ended = await self._database.write(lambda tx: claims.fire(tx, self._jobs, id, now))
        except (Overloaded, TransactionFailed) as error:
            _log.warning("timer has to wait for the database", timer=id, reason=str(error))
            return False
        except Exception as error:  # noqa: BLE001 - whatever the action raised is its failure
            _log.exception("timer failed", timer=id)
            return await self._fail(id, _line(error), now)
        if ended is not None:
            ledger.began(ended.timer, self._clock.now())
            ledger.ended(ended)
        return True

    async def _fail(self, id: int, reason: str, now: float) -> bool:
        chance = self._chance()
        try:
            ended = await self._database.write(lambda tx: claims.fail(tx, self._jobs, id, reason, now, chance))
        except (Overloaded, TransactionFailed):
            return False
        if ended is not None:
            ledger.began(ended.timer, now)
            ledger.ended(ended)
        return True


def _line(error: Exception) -> str:
    """The error as one line for the operator."""
    return scrub_text(" ".join(f"{type(error).__name__}: {error}".split()))[:LONGEST_REASON]
