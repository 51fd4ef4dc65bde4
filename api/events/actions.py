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
    published: list[Emitted] = []
    for event in events:
        if not event.durable:
            published.append(outbox.announce(tx, event.stream, event.data))
            continue
        published.append(outbox.emit(tx, event.stream, event.data, now))
        if event.message is not None:
            telephony.observe(tx, floor, event.stream, event.message, event.data, now)
    return published
