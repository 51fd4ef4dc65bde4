"""Says who comes and goes, once a second: what has changed here is written together with this node's heartbeat.

A node whose database is away keeps its difference and writes it later. One that was given up as dead meanwhile finds
its row missing and writes everybody whom it has.
"""

import asyncio

from hub.kernel import logs, metrics
from hub.kernel.clock import Clock
from hub.kernel.errors import HubError
from hub.realtime.attendance import Attendance, Difference
from hub.realtime.ports import Announce
from hub.store import presence
from hub.store.database import Database
from hub.store.transaction import Tx

log = logs.get("hub.presence")

LONGEST_PAUSE = 3.0
"""Seconds between two ticks after which others may have been unable to write, too."""
FAREWELL_SECONDS = 1.0
"""A node that ends does not wait longer for a database that is stuck."""
BATCH = 1000


class Presence:
    """Call `tick` every second between `enter` and `leave`. It raises what the database raises and changes nothing
    then. `grace`: seconds without a desktop after which a user is gone.
    """

    def __init__(
        self, node: str, attendance: Attendance, database: Database, announce: Announce, clock: Clock, grace: float
    ) -> None:
        self._node = node
        self._attendance = attendance
        self._database = database
        self._announce = announce
        self._clock = clock
        self._grace = grace
        self._ticked_at = self._steady_since = clock.monotonic()
        metrics.PRESENCE_USERS.set_function(lambda: len(attendance))

    async def enter(self) -> None:
        """Make this node known, before its first session: from now on nobody is declared gone without it."""
        now = self._clock.now()
        await self._database.write(lambda tx: presence.enter(tx, self._node, now))

    async def tick(self) -> None:
        """Write what has changed, then see who is gone and which nodes are dead."""
        # Before the difference is made: who comes from here on is not covered by this heartbeat.
        now, at = self._clock.now(), self._clock.monotonic()
        if at - self._ticked_at > LONGEST_PAUSE:
            self._steady_since = at
        difference = self._attendance.difference()
        if not await self._database.write(lambda tx: self._write(tx, difference, now)):
            log.warning("this node was given up as dead, and writes anew who is here", users=len(self._attendance))
            self._attendance.start_over()
            difference = self._attendance.difference()
            await self._database.write(lambda tx: self._write_anew(tx, difference, now))
        self._attendance.wrote(difference)
        metrics.PRESENCE_CHANGES.labels("came").inc(len(difference.came))
        metrics.PRESENCE_CHANGES.labels("left").inc(len(difference.left))
        self._ticked_at = at
        await self._look_around(now, at)

    async def leave(self) -> None:
        """This node ends in good order: its users may come back elsewhere. If that cannot be written, others notice."""
        now = self._clock.now()
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._database.write(lambda tx: presence.bury(tx, [self._node], now))
        except (HubError, TimeoutError) as error:
            log.warning("this node ends without saying so, others will notice", reason=repr(error))

    def _write(self, tx: Tx, difference: Difference, now: float) -> bool:
        if not presence.beat(tx, self._node, now):
            return False
        self._change(tx, difference, now)
        return True

    def _write_anew(self, tx: Tx, everybody: Difference, now: float) -> None:
        presence.enter(tx, self._node, now)
        self._change(tx, everybody, now)

    def _change(self, tx: Tx, difference: Difference, now: float) -> None:
        for organization, user in presence.change(tx, self._node, difference.came, difference.left):
            self._announce(tx, organization, user, now, connected=True)

    async def _look_around(self, now: float, at: float) -> None:
        # After an outage of the database all nodes seem silent. None of them is, before each had time to write again.
        if at - self._steady_since >= presence.DEAD_SECONDS:
            for name in await self._database.write(lambda tx: self._bury_silent(tx, now)):
                log.error("a node is silent and counts as dead", node=name)
                metrics.PRESENCE_NODES_DEAD.inc()
        while await self._database.write(lambda tx: self._let_go(tx, now)) == BATCH:
            pass

    def _bury_silent(self, tx: Tx, now: float) -> list[str]:
        dead = presence.silent(tx, now, self._node)
        presence.bury(tx, dead, now)
        return dead

    def _let_go(self, tx: Tx, now: float) -> int:
        gone = presence.gone(tx, now, self._grace, BATCH)
        for organization, user in gone:
            self._announce(tx, organization, user, now, connected=False)
        return len(gone)
