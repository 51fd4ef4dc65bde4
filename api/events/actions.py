"""Putting events on their streams, in the transaction of the caller."""

from collections.abc import Sequence

from api.events.rules import Admitted
from api.telephony import actions as telephony
from api.telephony.devices.rules import Floor
from hub.store import outbox
from hub.store.transaction import Emitted, Tx


def publish(tx: Tx, floor: Floor, events: Sequence[Admitted], now: float) -> list[Emitted]:
    """Emits all of them, in order, the ephemeral ones without a position. Writes exactly the named streams, and what
    REST tells of the calls and devices that they are about.
    """
    return [_publish(tx, floor, event, now) for event in events]


def _publish(tx: Tx, floor: Floor, event: Admitted, now: float) -> Emitted:
    if not event.durable:
        return outbox.announce(tx, event.stream, event.data)
    emitted = outbox.emit(tx, event.stream, event.data, now)
    telephony.observe(tx, floor, event.stream, event.message, event.data, now)
    return emitted
