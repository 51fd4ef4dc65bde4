"""What customers do: ask for a callback, move it, take it back."""

from collections.abc import Mapping
from math import inf
from typing import Any

from msgspec.structs import replace

from api.callbacks.actions import keeping, timing
from api.callbacks.actions.telling import tell
from api.callbacks.records import callbacks, counts
from api.callbacks.rules import booking, buckets, lifecycle, refusals, times
from api.callbacks.rules.callback import Callback
from api.callbacks.rules.lifecycle import Reason, Signal
from api.callbacks.rules.numbers import Number
from api.callbacks.rules.requests import Request, changed, lookup_value
from api.callbacks.rules.services import Service
from hub.store.transaction import Tx


def start(tx: Tx, service: Service, request: Request, now: float, *, base: str) -> Callback:
    """A new callback: SCHEDULED for its time, or QUEUED where the customer wants it at once (or has just wanted it).

    Raises CallbackRefused where a rule of the service stands against it. Of several who want the last place at the same
    time one gets it. `base` is the public URL.
    """
    number = booking.number_of(service, request.number)
    immediate = booking.is_immediate(service, request.desired, now)
    counts.enter(tx, service)
    _refuse_excess(tx, service, request, number, now, immediate=immediate)
    callback = booking.made(service, request, number, now, immediate=immediate)
    if not immediate:
        _require_place(tx, service, callback.wanted_at, now, refusals.NO_PLACE)
    keys = [(name, lookup_value(request.properties.get(name))) for name in service.lookup_keys]
    callbacks.insert(tx, callback, [(name, value) for name, value in keys if value])
    counts.accept(tx, service, callback.id, now, booking.counted(request, number).items() if immediate else ())
    timing.begin(tx, service, callback)
    keeping.keep(tx, service, callback, now)
    tell(tx, callback, "Queued" if immediate else "Scheduled", now, base=base)
    return callback


def cancel(tx: Tx, service: Service, id: str, now: float, *, base: str) -> Callback:
    """Take a callback back, which nobody has begun to bring about. Raises CallbackRefused."""
    callback = _find(tx, service, id)
    if callback is None or not lifecycle.may(callback.state, Signal.CANCEL):
        raise refusals.no_such("cancel", id)
    over = replace(
        callback,
        state=lifecycle.after(callback.state, Signal.CANCEL),
        reason=Reason.CANCELLED,
        line=None,
        completed_at=now,
    )
    callbacks.save(tx, over)
    timing.end(tx, over)
    keeping.drop(tx, over, now)
    tell(tx, over, "Cancelled", now, base=base)
    return over


def reschedule(
    tx: Tx, service: Service, id: str, desired: float, changes: Mapping[str, Any], now: float, *, base: str
) -> Callback:
    """Move a scheduled callback to another time. The old place is free when the new one is taken, not before, and a
    callback does not stand in its own way. What is attached for the agent is changed by `changes`.

    Raises CallbackRefused, also where the time is the past, and where it would carry too much.
    """
    counts.enter(tx, service)
    callback = _find(tx, service, id)
    if callback is None or not lifecycle.may(callback.state, Signal.RESCHEDULE):
        raise refusals.no_such("reschedule", id)
    if desired <= now:
        raise refusals.past(times.shown(desired))
    booking.is_immediate(service, desired, now)
    _require_place(tx, service, desired, now, refusals.NO_AVAILABILITY, own=callback)
    moved = replace(
        booking.moved(service, callback, desired),
        state=lifecycle.after(callback.state, Signal.RESCHEDULE),
        properties=changed(callback.properties, changes),
    )
    callbacks.save(tx, moved)
    timing.begin(tx, service, moved)
    keeping.keep(tx, service, moved, now)
    tell(tx, moved, "Rescheduled", now, base=base)
    return moved


def _find(tx: Tx, service: Service, id: str) -> Callback | None:
    callback = callbacks.lock(tx, id)
    if callback is None or (callback.organization, callback.service) != (service.organization, service.name):
        return None
    return callback


def _refuse_excess(tx: Tx, service: Service, request: Request, number: Number, now: float, *, immediate: bool) -> None:
    """Raises CallbackRefused where the customer, or everybody, has asked for too many."""
    most = booking.most_pending(service)
    if most is not None and (count := counts.pending(tx, service, number.dialled)) >= most:
        raise refusals.pending(number.written, count)
    if immediate:
        for name, value in booking.counted(request, number).items():
            limit = service.options.throttle_request_parameters_limit
            if counts.accepted(tx, service, now - booking.DAY, limit, name, value) >= limit:
                raise refusals.throttled(name)
        most_queued = service.options.max_queued_callbacks_per_service
        if counts.waiting(tx, service, now, most_queued) >= most_queued:
            raise refusals.too_many(times.shown(now), "full")
    lately: float = inf
    for each in sorted(booking.limits(service), key=lambda limit: -limit.within):
        if lately < each.most:  # and in less time there cannot have been more
            continue
        lately = counts.accepted(tx, service, now - each.within, each.most)
        if lately >= each.most:
            raise refusals.too_many(times.shown(request.desired or now), "throttle")


def _require_place(
    tx: Tx, service: Service, at: float, now: float, exception: str, *, own: Callback | None = None
) -> None:
    """Raises CallbackRefused, with what is left around, where the bucket of an instant is full without `own`."""
    bucket = buckets.bucket_of(service, at)
    if own is not None and own.bucket_at == bucket:
        return
    taken = counts.taken(tx, service, buckets.around(service, at))
    if taken.get(bucket, 0) < service.places(bucket):
        return
    begin, end = times.shown(bucket), times.shown(bucket + buckets.size_of(service))
    raise refusals.no_place(begin, end, buckets.proposals(service, at, taken, now), exception)
