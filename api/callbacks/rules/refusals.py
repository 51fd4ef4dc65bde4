"""Why a callback is refused, in the product's words and under the names of its exceptions.

Two spellings of one name are the product's: bookings that find no place are a `CallbackAvailabilityException`, moves
and questions about availability a `CallbackExceptionAvailability`.
"""

from collections.abc import Mapping
from typing import Final

from hub.kernel.errors import BadInput, NotFound

PACKAGE: Final = "com.genesyslab.gsg.services.callback."
RULE: Final = "CallbackServiceException"
UNKNOWN: Final = "CallbackException"
NO_PLACE: Final = "CallbackAvailabilityException"
NO_AVAILABILITY: Final = "CallbackExceptionAvailability"


class CallbackRefused(BadInput):
    """A rule of the service stands against it; the body names the product's exception."""

    code = "callback_refused"
    default_detail = "The callback is refused by a rule of its service"

    def __init__(
        self,
        detail: str | None = None,
        exception: str = RULE,
        *,
        why: str = "parameters",
        availability: Mapping[str, int] | None = None,
    ) -> None:
        """`why` is one word for the statistics; `availability` goes into the body if it is not None."""
        fields: dict[str, object] = {"exception": PACKAGE + exception}
        if availability is not None:
            fields["availability"] = dict(availability)
        super().__init__(detail, fields=fields)
        self.why = why


class UnknownService(NotFound):
    """No callback service has that name."""

    code = "callback_service_unknown"
    default_detail = "No such callback service"

    def __init__(self, name: str = "") -> None:
        super().__init__(f"No such callback service : [{name}]", fields={"exception": PACKAGE + RULE})


def missing(name: str) -> CallbackRefused:
    """A mandatory parameter is not there."""
    return CallbackRefused(f"Mandatory parameter [{name}] is missing")


def malformed(name: str, expected: str) -> CallbackRefused:
    """A parameter is not what it must be."""
    return CallbackRefused(f"Parameter [{name}] must be {expected}")


def no_such(verb: str, id: str) -> CallbackRefused:
    """The request is unknown, or is not (any more) where `verb` finds it."""
    return CallbackRefused(f"No such request to {verb} : [{id}]", UNKNOWN)


def bad_number(number: str, why: str) -> CallbackRefused:
    """Nobody can be called there."""
    return CallbackRefused(f"Customer Number [{number}] is not allowed: {why}", why="number")


def excepted(number: str, list_name: str) -> CallbackRefused:
    """The number is on a list of those that are not called."""
    return CallbackRefused(
        f"Customer Number [{number}] is not allowed. Check option 'exceptions' : "
        f"details={{Callback_exceptions={list_name}}}",
        why="exceptions",
    )


def closed(reason: str) -> CallbackRefused:
    """The office is closed at the desired time."""
    return CallbackRefused(f'{{"status":"closed","reason":"{reason}"}}', why="hours")


def office_closed(at: str) -> CallbackRefused:
    """The same, to a question about availability."""
    return CallbackRefused(
        f"Office is closed at {at}. No time slots proposed.", NO_AVAILABILITY, why="hours", availability={}
    )


def too_far(at: str) -> CallbackRefused:
    """The desired time lies beyond the horizon."""
    return CallbackRefused(f"Desired time [{at}] is too far in the future", why="horizon")


def past(at: str) -> CallbackRefused:
    """The desired time is over."""
    return CallbackRefused(f"Desired time [{at}] is in the past", why="horizon")


def pending(number: str, count: int) -> CallbackRefused:
    """The customer waits already."""
    return CallbackRefused(
        f"Customer Number [{number}] has {count} pending callback(s). Check option '_enable_in_queue_checking'",
        why="pending",
    )


def throttled(parameter: str) -> CallbackRefused:
    """Too often the same value within a day."""
    return CallbackRefused(
        f"Too many requests with the same [{parameter}]. Check option '_throttle_request_parameters_limit'",
        why="throttle",
    )


def too_many(at: str, why: str) -> CallbackRefused:
    """The service takes no more at present."""
    return CallbackRefused(f"Too many requests around this desired time : {at}", why=why)


def no_place(begin: str, end: str, availability: Mapping[str, int], exception: str) -> CallbackRefused:
    """The bucket from `begin` to `end` is full; `availability` has what is left around it."""
    return CallbackRefused(
        f"Too many requests at desired time [{begin}, {end}]. Proposing time slots.",
        exception,
        why="bucket",
        availability=availability,
    )
