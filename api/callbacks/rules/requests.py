"""What a customer asked for, read out of the fields of a request.

Keys that begin with an underscore are parameters of the service, the others (and `_usr_*`) data for the agent. About
its routing a request decides only what the service lets it: `_overwritable_options`.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from api.callbacks.rules import refusals, times
from api.callbacks.rules.callback import is_user_data, text_of
from api.callbacks.rules.lines import Demand
from api.callbacks.rules.numbers import zone_of
from api.callbacks.rules.services import Service
from hub.kernel.callback_options import words

CUSTOMER_NUMBER: Final = "_customer_number"
DESIRED_TIME: Final = "_desired_time"
NEW_DESIRED_TIME: Final = "_new_desired_time"
ZONE: Final = "_timezone"
MOST_FIELDS: Final = 100
MOST_BYTES: Final = 65_536
"""What a callback carries in all, as JSON, however often it is changed."""
LONGEST_NAME: Final = 255
LONGEST_VALUE: Final = 255
"""Of a property by which callbacks are found."""
HIGHEST_PRIORITY: Final = 1_000_000


class Routing(Struct, frozen=True, kw_only=True):
    """Who is to call, and how urgent it is: a higher `priority` comes first. The `preferred` agents are asked first."""

    demand: Demand
    priority: int = 0
    preferred: tuple[str, ...] = ()


class Request(Struct, frozen=True, kw_only=True):
    """A request to be called, of whoever. `uuid` is new and random. `number` is as written; `desired` None: at once.

    `throttled` are the values that a service counts, by the names of its parameters.
    """

    uuid: str
    number: str
    desired: float | None
    properties: Mapping[str, Any]
    routing: Routing
    throttled: Mapping[str, str] = {}


def read(service: Service, fields: Mapping[str, Any], headers: Mapping[str, str], uuid: str) -> Request:
    """The request in these fields. Raises CallbackRefused for what is missing or malformed."""
    _require_room(fields)
    for name in (*service.mandatory_keys, CUSTOMER_NUMBER):
        if not lookup_value(fields.get(name)):
            raise refusals.missing(name)
    for name in service.lookup_keys:
        if len(lookup_value(fields.get(name))) > LONGEST_VALUE:
            raise refusals.malformed(name, f"of at most {LONGEST_VALUE} characters")
    if ZONE in fields and zone_in(fields) is None:
        raise refusals.malformed(ZONE, "a time zone such as Europe/Berlin")
    return Request(
        uuid=uuid,
        number=lookup_value(fields[CUSTOMER_NUMBER]),
        desired=_desired(fields, DESIRED_TIME),
        properties=fields,
        routing=_routing(service, fields),
        throttled=_throttled(service, fields, headers),
    )


def new_time(fields: Mapping[str, Any]) -> float:
    """The time to which a callback is to be moved. Raises CallbackRefused."""
    desired = _desired(fields, NEW_DESIRED_TIME)
    if desired is None:
        raise refusals.missing(NEW_DESIRED_TIME)
    return desired


def changed(properties: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The properties with what `changes` say for the agent. Raises CallbackRefused where that becomes too much."""
    after = {**properties, **{name: value for name, value in changes.items() if is_user_data(name)}}
    _require_room(after)
    if len(msgspec.json.encode(after)) > MOST_BYTES:
        raise refusals.malformed("*", f"small enough for {MOST_BYTES} bytes in all")
    return after


def _require_room(fields: Mapping[str, Any]) -> None:
    if len(fields) > MOST_FIELDS or any(not 0 < len(name) <= LONGEST_NAME for name in fields):
        raise refusals.malformed("*", f"one of at most {MOST_FIELDS}, with a name of 1 to {LONGEST_NAME} characters")


def instant(name: str, value: object) -> float:
    """The instant of a parameter. Raises CallbackRefused."""
    at = times.read(value) if isinstance(value, str) else None
    if at is None:
        raise refusals.malformed(name, "an instant like 2013-05-28T15:30:00.000Z")
    return at


def lookup_value(value: object) -> str:
    """A property in the form in which callbacks are found by it; empty where there is none."""
    return "" if value is None else text_of(value).strip()


def own_routing(service: Service) -> Routing:
    """What the service says about routing."""
    options = service.options
    return Routing(demand=Demand(options.queue, options.skills, options.language), priority=options.priority)


def _desired(fields: Mapping[str, Any], name: str) -> float | None:
    value = fields.get(name)
    return None if value is None or value == "" else instant(name, value)


def zone_in(fields: Mapping[str, Any]) -> str | None:
    """The customer's zone where the request names one that exists."""
    value = fields.get(ZONE)
    return value if isinstance(value, str) and zone_of(value) is not None else None


def _throttled(service: Service, fields: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, str]:
    """The values that are counted; a header counts before a field, if the service wants that."""
    found = {}
    for name in words(service.options.throttle_request_parameters):
        header = headers.get(name.lower()) if service.options.enable_throttle_header_parameters else None
        if value := header or lookup_value(fields.get(name)):
            found[name] = value
    return found


def _routing(service: Service, fields: Mapping[str, Any]) -> Routing:
    own, permitted = own_routing(service), words(service.options.overwritable_options)
    given = {name: fields[name] for name in permitted if fields.get(name)}
    if not given:
        return own
    demand = Demand(
        _name(given, "_queue", own.demand.queue),
        _skills(given["_skills"]) if "_skills" in given else own.demand.skills,
        _name(given, "_language", own.demand.language or "") or None,
    )
    preferred = _names(given.get("_preferred_agents", ()))
    return Routing(demand=demand, priority=_priority(given.get("_priority", own.priority)), preferred=preferred)


def _name(given: Mapping[str, Any], name: str, otherwise: str) -> str:
    value = text_of(given.get(name, otherwise))
    if len(value) > 64:
        raise refusals.malformed(name, "of at most 64 characters")
    return value


def _priority(value: object) -> int:
    try:
        number = int(value) if isinstance(value, int | str) else None
    except ValueError:
        number = None
    if number is None or abs(number) > HIGHEST_PRIORITY:
        raise refusals.malformed("_priority", "a whole number")
    return number


def _names(value: object) -> tuple[str, ...]:
    found = words(value) if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not all(isinstance(each, str) for each in found) or len(found) > 20:
        raise refusals.malformed("_preferred_agents", "at most 20 ids with commas between them")
    return tuple(found)


def _skills(value: object) -> dict[str, int]:
    """`{"english": 3}`, the same as text, or `english:3,german`."""
    try:
        if isinstance(value, str) and not value.lstrip().startswith("{"):
            parts = (word.partition(":") for word in words(value))
            value = {name: int(level) if level.isdecimal() else 1 for name, _, level in parts}
        skills = msgspec.json.decode(value, type=dict[str, int]) if isinstance(value, str) else value
        found = msgspec.convert(skills, dict[str, int])
    except ValueError:  # msgspec's are of the kind; a number may be too long to be read
        raise refusals.malformed("_skills", "like english:3,german") from None
    if len(found) > 20 or any(len(name) > 64 or not 0 <= level <= 1000 for name, level in found.items()):
        raise refusals.malformed("_skills", "at most 20, with levels up to 1000")
    return found
