"""What clients themselves publish, on custom channels that allow it."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Protocol

from channels.catalog import Catalog
from channels.envelope import LoggedEvent, Stream
from hub.bayeux import events as on
from hub.bayeux import replies
from hub.bayeux.commands import Publish
from hub.kernel import metrics
from hub.kernel.clock import Clock
from hub.kernel.rate import Rates
from hub.store import outbox
from hub.store.database import Database

if TYPE_CHECKING:
    from hub.realtime.session import Session

DENIED = "403:denied_by_security_policy:publish_denied"
CHANGE_DEMANDED = "403:password_change_demanded:publish_denied"
TOO_OFTEN = "429::too_many_publishes"


class Publisher(Protocol):
    """Takes an ephemeral event to all processes (`hub.relay.publisher`)."""

    def publish(self, event: LoggedEvent) -> None:
        """Hand it over."""


class Publishing:
    """Takes over a client's event: durable ones into the log, ephemeral ones straight to the broker."""

    def __init__(
        self, database: Database, publisher: Publisher, catalog: Catalog, clock: Clock, per_second: float
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._catalog = catalog
        self._clock = clock
        self._rates = Rates(per_second, 2 * per_second)

    def publish(self, session: "Session", question: Publish) -> on.Answer | Coroutine[object, object, on.Answer]:
        """The answer, or what has to be awaited to get it."""
        principal = session.principal
        channel = self._catalog.find(question.channel)
        if channel is None or channel.publish.isdisjoint(principal.roles):
            return on.Refused(DENIED)
        if principal.must_change:
            return on.Refused(CHANGE_DEMANDED)
        if self._rates.take(principal.identity, self._clock.monotonic()):
            metrics.REFUSED.labels("publishes").inc()
            return on.Refused(TOO_OFTEN)
        stream = Stream(principal.organization, "", question.channel)
        if channel.durable:
            if not question.data.startswith(b"{"):
                return on.Refused(replies.DATA_MISSING)
            return self._log(stream, question)
        self._publisher.publish(LoggedEvent(stream, 0, question.data, question.binary))
        return on.Accepted()

    async def _log(self, stream: Stream, question: Publish) -> on.Answer:
        now = self._clock.now()
        await self._database.write(lambda tx: outbox.emit(tx, stream, question.data, now, binary=question.binary))
        return on.Accepted()
