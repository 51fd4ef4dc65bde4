"""Whether a callback may be had, and what it is then. The counts that some of this needs are read by the actions."""

from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from api.callbacks.rules import buckets, lines, numbers, refusals, times
from api.callbacks.rules.callback import DEVICE_ID, Callback, id_of
from api.callbacks.rules.lifecycle import State
from api.callbacks.rules.numbers import Number
from api.callbacks.rules.requests import CUSTOMER_NUMBER, Request
from api.callbacks.rules.services import Service

DAY: Final = 86_400.0
"""For so long the throttled values of immediate callbacks count."""


class Limit(NamedTuple):
    """A service takes at most so many callbacks in so many seconds."""

    most: int
    within: float


def is_immediate(service: Service, desired: float | None, now: float) -> bool:
    """Whether the customer is to be called at once; a time that has just passed means that, too. Raises CallbackRefused
    for a time at which nobody can be called.
    """
    if desired is not None and desired + buckets.size_of(service) <= now:
        raise refusals.past(times.shown(desired))
    if desired is None or desired <= now:
        reason = service.why_closed(now) if service.options.enable_reject_out_of_office_hours else None
        if reason is not None:
            raise refusals.closed(reason)
        return True
    if desired > times.horizon(service.options.reject_future_desired_time, now):
        raise refusals.too_far(times.shown(desired))
    if (reason := service.why_closed(desired)) is not None:
        raise refusals.closed(reason)
    return False


def number_of(service: Service, written: str) -> Number:
    """The number to call. Raises CallbackRefused where the service does not call it."""
    options = service.options
    number = numbers.read(
        written,
        options.default_country,
        possible_only=options.disallow_impossible_phone_numbers,
        no_premium=options.disallow_premium_phone_numbers,
    )
    numbers.refuse_excepted(number, service.exceptions)
    return number


def dialled(service: Service, written: str) -> str:
    """What would be rung, however it is written: one number can be written in any number of ways. What is none counts
    as it stands.
    """
    try:
        return number_of(service, written).dialled
    except refusals.CallbackRefused:
        return written[: numbers.LONGEST]


def counted(request: Request, number: Number) -> dict[str, str]:
    """The values that the service counts, by their parameters; of the number, what is dialled."""
    own = {CUSTOMER_NUMBER: number.dialled} if CUSTOMER_NUMBER in request.throttled else {}
    return {**request.throttled, **own}


def most_pending(service: Service) -> int | None:
    """So many callbacks of one number may be pending; None: any number."""
    match service.options.enable_in_queue_checking:
        case True | "true":
            return 2
        case "strict":
            return 1
        case _:
            return None


def limits(service: Service) -> tuple[Limit, ...]:
    """How many callbacks the service takes in which time."""
    options = service.options
    return (
        Limit(options.throttle_callbacks_per_service_1, options.throttle_ttl_1),
        Limit(options.throttle_callbacks_per_service_2, options.throttle_ttl_2),
    )


def made(service: Service, request: Request, number: Number, now: float, *, immediate: bool) -> Callback:
    """The new callback."""
    desired = request.desired
    wanted = now if immediate or desired is None else desired
    demand = lines.line_of(request.routing.demand)
    return Callback(
        id=id_of(request.uuid, immediate=immediate),
        organization=service.organization,
        service=service.name,
        state=State.QUEUED if immediate else State.SCHEDULED,
        number=number.dialled,
        customer_number=number.written,
        requested_at=now,
        wanted_at=wanted,
        bucket_at=None if immediate else buckets.bucket_of(service, wanted),
        line=demand if immediate else None,
        demand=demand,
        urgency=-request.routing.priority,
        preferred=request.routing.preferred,
        properties=_kept(service, request),
        expires_at=wanted + service.options.ttl,
    )


def _kept(service: Service, request: Request) -> dict[str, Any]:
    """The properties; without the page to be told of everything, where the service does not do that."""
    return {name: value for name, value in request.properties.items() if service.options.comet or name != DEVICE_ID}


def moved(service: Service, callback: Callback, desired: float) -> Callback:
    """A scheduled callback at another time."""
    return replace(
        callback,
        wanted_at=desired,
        bucket_at=buckets.bucket_of(service, desired),
        expires_at=desired + service.options.ttl,
    )


def queued_at(service: Service, callback: Callback) -> float:
    """When a scheduled callback gets into line: the buffer before its time, but never so early that
    the customer could be called before the threshold.
    """
    options = service.options
    buffer, threshold = options.request_execution_time_buffer, options.desired_connect_time_threshold
    return callback.wanted_at - (min(buffer, threshold) if threshold else buffer)


def ringing_at(service: Service, callback: Callback, now: float) -> float | None:
    """When its customer may be rung, now or later; None where that is not worth waiting for."""
    hours = times.calling_hours(service.options.do_not_call_items, asked_for=callback.attempt == 0)
    if hours is None:
        return now
    own = callback.properties.get("_timezone")
    zone = numbers.zone_of(own) if isinstance(own, str) else None
    zones = (zone,) if zone is not None else numbers.zones(callback.number) or (service.zone,)
    return times.ringing_at(hours, zones, now, callback.wanted_at)


def is_refused_by_now(service: Service, callback: Callback) -> bool:
    """Whether its number has got on a list of those that are not called since it was accepted."""
    try:
        numbers.refuse_excepted(Number(callback.customer_number, callback.number), service.exceptions)
    except refusals.CallbackRefused:
        return True
    return False
