"""Telling supervisors that too many callbacks wait, and when that is over."""

from api.callbacks.records import counts
from api.callbacks.rules.services import Service
from channels.callbacks import CallbackWatermarkMessage
from channels.catalog import USERS
from channels.envelope import Stream, encode
from hub.store import outbox
from hub.store.transaction import Tx


def look(tx: Tx, service: Service, now: float) -> None:
    """Count who waits for the service, and tell if one of its marks is passed: each time once."""
    high, low = service.options.watermark_high, service.options.watermark_low
    if not high:
        return
    was_high = counts.enter(tx, service)
    waiting = counts.waiting(tx, service, now, high)
    if was_high == (waiting > low if was_high else waiting >= high):
        return
    counts.set_high(tx, service, high=not was_high)
    message = CallbackWatermarkMessage(
        notification_type="LowWatermark" if was_high else "HighWatermark",
        service_name=service.name,
        queue=service.options.queue,
        waiting=waiting,
        mark=low if was_high else high,
    )
    outbox.emit(tx, Stream(service.organization, "", USERS.pattern), encode(message), now)
