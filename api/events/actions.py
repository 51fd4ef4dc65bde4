"""Putting events on their streams, in the transaction of the caller."""

from collections.abc import Sequence

from api.events.rules import Admitted
from api.telephony import actions as telephony
from api.telephony.devices.rules import Floor
from channels.envelope import LoggedEvent
from hub.kernel.ids import event_id
from hub.store import outbox
from hub.store.database import Database
from hub.store.transaction import Emitted, Tx


def announce(db: Database, events: Sequence[Admitted]) -> list[Emitted]:
    """Publishes ephemeral events at once, in order: nothing is written, so there is no transaction to wait for."""
    db.announce([LoggedEvent(event.stream, 0, event.data) for event in events])
    return [Emitted(event.stream, event.data, event_id(), at=0, durable=False) for event in events]


def publish(tx: Tx, floor: Floor, events: Sequence[Admitted], now: float) -> list[Emitted]:
    """Emits all of them, in order, the ephemeral ones without a position. Writes exactly the named streams, and what
    REST tells of the calls and devices that they are about.
    """
    published: list[Emitted] = []
    for event in events:
        if not event.durable:
            published.append(outbox.announce(tx, event.stream, event.data))
            continue
        published.append(outbox.emit(tx, event.stream, event.data, now))
        if event.message is not None:
            telephony.observe(tx, floor, event.stream, event.message, event.data, now)
    return published
