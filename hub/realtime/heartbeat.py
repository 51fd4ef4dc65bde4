"""The regular look into the database, which makes up for whatever nobody told this process.

Events whose publisher died before it could publish, messages that a broker lost, kicks and revocations written by
another process: all of them are rows, and all are found here within one interval.

It also keeps this process's clock at the time of the database, and notices when the log has been replaced under it.
"""

from msgspec import Struct

from channels.envelope import Stream
from hub.auth.revoked import Revoked
from hub.bayeux import replies
from hub.kernel import logs
from hub.kernel.clock import Clock, SystemClock, micros
from hub.realtime.node import Node
from hub.store import clocks, revocations, streams
from hub.store.database import Database
from hub.store.revocations import Revocation
from hub.store.transaction import Snapshot

log = logs.get("hub.heartbeat")

LOOK_BACK = 5.0  # seconds; far more than a transaction is on its way between the time in its rows and its commit


class Seen(Struct, frozen=True):
    """What one look brought."""

    epoch: str
    ahead: float | None
    heads: list[tuple[Stream, int]]
    revocations: list[Revocation]


class Heartbeat:
    """Call `beat` regularly; it raises what the database raises and changes nothing then."""

    def __init__(self, node: Node, database: Database, revoked: Revoked, clock: Clock) -> None:
        self._node = node
        self._database = database
        self._revoked = revoked
        self._clock = clock
        self._known: set[int] = set()  # revocations carried out; their ids do not follow the order of commits
        self._looked_at = clock.now()

    async def start(self) -> None:
        """Learn which tokens are refused, before the first session; kicks of the past concern nobody here."""
        self._keep_time(await self._database.read(clocks.difference))
        everything = await self._database.read(lambda tx: revocations.since(tx, 0))
        for revocation in everything:
            self._remember(revocation)

    async def beat(self) -> None:
        """One look, from a while before the last one that succeeded; at everything if the broker has lost track."""
        now, intake = self._clock.now(), self._node.intake
        since = micros(min(now, self._looked_at) - LOOK_BACK)
        suspicious, intake.suspicious = intake.suspicious, False
        try:
            seen = await self._database.read(lambda tx: _look(tx, 0 if suspicious else since, since))
        except BaseException:
            intake.suspicious = intake.suspicious or suspicious
            raise
        self._looked_at = now
        self._keep_time(seen.ahead)
        self._recognize(seen.epoch)
        intake.compare(seen.heads)
        if fresh := [revocation for revocation in seen.revocations if revocation.id not in self._known]:
            for revocation in fresh:
                self._remember(revocation)
            # What was committed with them goes out first: word of the changed password, to those whom it ends.
            await intake.healed()
            for revocation in fresh:
                self._node.end_user(
                    revocation.organization,
                    revocation.user,
                    replies.SESSION_KICKED,
                    before=revocation.at if revocation.tokens else None,
                    login=revocation.login,
                    spared=revocation.spared,
                )

    def _remember(self, revocation: Revocation) -> None:
        self._known.add(revocation.id)
        if revocation.tokens:
            self._revoked.add(revocation.organization, revocation.user, revocation.at)
        if revocation.login is not None:
            self._revoked.end_login(revocation.login)

    def _keep_time(self, ahead: float | None) -> None:
        if ahead is not None and isinstance(self._clock, SystemClock):
            self._clock.correct(ahead)

    def _recognize(self, epoch: str) -> None:
        if epoch != self._node.terms.epoch and not self._node.outdated:
            log.error("the log was replaced under this process, which ends", was=self._node.terms.epoch, now=epoch)
            self._node.outdated = True


def _look(tx: Snapshot, heads_since: int, revocations_since: int) -> Seen:
    heads, kicks = streams.heads_touched(tx, heads_since), revocations.since(tx, revocations_since)
    return Seen(streams.epoch(tx), clocks.difference(tx), heads, kicks)
