"""Putting events on their streams, in the transaction of the caller."""

from collections.abc import Sequence

from api.events.rules import Admitted
from hub.store import outbox
from hub.store.transaction import Emitted, Tx


def publish(tx: Tx, events: Sequence[Admitted], now: float) -> list[Emitted]:
    """Emits all of them, in order, the ephemeral ones without a position. Writes exactly the named streams."""
    return [
        outbox.emit(tx, event.stream, event.data, now)
        if event.durable
        else outbox.announce(tx, event.stream, event.data)
        for event in events
    ]
