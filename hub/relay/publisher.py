"""Publishes what has been committed.

The process that committed publishes, from its after-commit hook, in commit order. There is no sent flag and no owner:
if the process dies between the commit and this call, nobody has published, and whoever listens finds the event in the
log within a second (`hub.realtime.intake`).
"""

from collections import Counter
from collections.abc import Sequence

from channels.catalog import USERS, Catalog
from channels.envelope import LoggedEvent
from hub.brokers.port import Broker, topic_of
from hub.kernel import metrics

SHARED = frozenset({USERS.pattern})


class Publisher:
    """The bridge from the store's after-commit hook, and from ephemeral publishes, to the broker."""

    def __init__(self, broker: Broker, catalog: Catalog) -> None:
        self._broker = broker
        self._catalog = catalog
        self._published = {kind: metrics.EVENTS_PUBLISHED.labels(kind) for kind in metrics.CHANNEL_KINDS}

    def committed(self, events: Sequence[LoggedEvent]) -> None:
        """Publish the events of one transaction, in their order."""
        for event in events:
            self._broker.publish(topic_of(event.stream, self._catalog), event)
        for kind, count in Counter(map(_kind, events)).items():
            self._published[kind].inc(count)

    def publish(self, event: LoggedEvent) -> None:
        """Publish one event."""
        self._published[_kind(event)].inc()
        self._broker.publish(topic_of(event.stream, self._catalog), event)


def _kind(event: LoggedEvent) -> str:
    return "personal" if event.stream.user else "shared" if event.stream.channel in SHARED else "custom"
