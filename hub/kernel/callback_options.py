"""What may be said about a callback service: `[callback_services.NAME]`, and lists of refused numbers.

Options have the names that the product gave them. Each may be written with its underscore (`_request_time_bucket`),
with dashes (`request-time-bucket`) or plainly (`request_time_bucket`); a fault names it as it was written.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from hub.kernel import hours
from hub.kernel.faults import Fault, unknown
from hub.kernel.secret import Secret

OVERWRITABLE: Final = ("_queue", "_language", "_priority", "_skills", "_preferred_agents")
"""What a request may be permitted to decide about its routing."""

Name: TypeAlias = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._-]{1,64}\Z")]
Words: TypeAlias = Annotated[str, Meta(pattern=r"\A\s*[A-Za-z0-9_.-]+(\s*,\s*[A-Za-z0-9_.-]+)*\s*\Z")]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000)]
Positive: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000)]
Seconds: TypeAlias = Annotated[int, Meta(ge=0, le=31 * 86_400)]

_CAPACITY: Final = re.compile(r"\s*(.*\S)\s+(\d{1,6})\s*")
_FIRST_PARTY: Final = {"agent": "AGENT", "customer": "CUSTOMER"}
_ALIASES: Final = {"business_hours": "business_hours_service"}


class Capacity(Struct, frozen=True):
    """Places in each bucket that begins in certain hours of a day, instead of the maximum: `Mon-Fri 09:00-12:00 10`, or
    `2026-12-24 09:00-12:00 2` for one date.
    """

    when: hours.Weekly | hours.Added
    places: int

    def covers(self, on: date, minute: int) -> bool:
        """Whether it says how many places there are at that minute of that day."""
        is_on = on.weekday() in self.when.days if isinstance(self.when, hours.Weekly) else self.when.on.is_on(on)
        return is_on and self.when.opens <= minute < self.when.closes


class CallbackOptions(Struct, frozen=True, kw_only=True):
    """The options of one service, with the product's defaults; times in seconds where their unit is not said.

    Those of the last group are kept for whoever routes outside, and mean nothing here.
    """

    organization: Name
    queue: Annotated[str, Meta(min_length=1, max_length=64)]
    skills: Mapping[str, int] = {}
    language: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    priority: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)] = 0
    comet: bool = False
    api_key: Secret | None = None
    """What strangers have to know; without it the service is open to everybody, who are limited instead."""
    type: Literal["builtin", "ors"] = "builtin"
    service: str = "callback"
    service_type: Literal["callback"] = "callback"

    business_hours_service: str | None = None
    enable_reject_out_of_office_hours: bool = False
    request_time_bucket: Literal[5, 10, 15, 20, 30, 60, 120] = 5
    max_request_by_time_bucket: Positive = 100
    capacity: tuple[Capacity, ...] = ()
    request_execution_time_buffer: Seconds = 0
    desired_connect_time_threshold: Seconds = 0
    reject_future_desired_time: Annotated[str, Meta(pattern=r"\A[1-9][0-9]{0,4}[yMwdhm]\Z")] = "1M"
    ttl: Annotated[int, Meta(ge=60, le=366 * 86_400)] = 86_400

    enable_in_queue_checking: bool | Literal["true", "false", "strict"] = True
    throttle_request_parameters: Words = "_customer_number"
    throttle_request_parameters_limit: Positive = 6
    enable_throttle_header_parameters: bool = True
    throttle_callbacks_per_service_1: Positive = 500
    throttle_ttl_1: Annotated[int, Meta(ge=1, le=86_400)] = 300
    throttle_callbacks_per_service_2: Positive = 1000
    throttle_ttl_2: Annotated[int, Meta(ge=1, le=86_400)] = 3600
    max_queued_callbacks_per_service: Positive = 1000

    default_country: Annotated[str, Meta(pattern=r"\A[A-Z]{2}\Z")] = "US"
    disallow_impossible_phone_numbers: bool = True
    disallow_premium_phone_numbers: bool = True
    exceptions: Words | None = None
    do_not_call_items: Annotated[str, Meta(pattern=r"\A\d{1,7}\s*,\s*\d{1,2}\s*,\s*\d{1,2}\Z")] | None = None
    customer_lookup_keys: Words = "_customer_number"
    mandatory_customer_lookup_keys: Words = "_customer_number"
    overwritable_options: Words | None = None

    attach_udata: Literal["separate_keys", "single_json", "gms_storage_id"] = "separate_keys"
    agent_preview: bool = False
    agent_preview_allow_reject: bool = True
    agent_preview_timeout: Annotated[int, Meta(ge=1, le=3600)] = 30
    agent_preview_max_rejects: Count = 0
    """After so many rejections the callback is given up; 0: never."""
    agent_reject_retry_timeout: Seconds = 30
    userterminated_first_connect_party: Literal["AGENT", "CUSTOMER"] = "AGENT"
    max_dial_attempts: Annotated[int, Meta(ge=1, le=100)] = 3
    dial_retry_timeout: Seconds = 3600
    prefix_dial_out: Annotated[str, Meta(pattern=r"\A[0-9*#]{0,10}\Z")] = ""
    watermark_high: Count = 0
    """Supervisors are told when so many wait, and when no more than `watermark_low` do; 0: never."""
    watermark_low: Count = 0

    call_direction: Literal["USERTERMINATED"] = "USERTERMINATED"
    calling_party_number: str | None = None
    calling_party_display_name: str | None = None
    vq: str | None = None
    target: str | None = None
    ors: str | None = None


class NumberExceptions(Struct, frozen=True, kw_only=True):
    """`[number_exceptions.NAME]`: numbers that are not called. A star at the end stands for whatever follows."""

    numbers: tuple[Annotated[str, Meta(pattern=r"\A\+?[0-9]{1,20}\*?\Z")], ...]


def words(text: str | None) -> tuple[str, ...]:
    """The words of a list with commas."""
    return tuple(word for part in (text or "").split(",") if (word := part.strip()))


def services(tables: Mapping[str, object], path: str) -> tuple[dict[str, CallbackOptions], list[Fault]]:
    """All tables `[PATH.NAME]` of a file, and what is wrong with them, each under its path."""
    found: dict[str, CallbackOptions] = {}
    faults: list[Fault] = []
    for name, raw in tables.items():
        options, wrong = _service(f"{path}.{name}", raw)
        faults += wrong
        if options is not None:
            found[name] = options
    return found, faults


def exceptions(tables: Mapping[str, object], path: str) -> tuple[dict[str, NumberExceptions], list[Fault]]:
    """All tables `[PATH.NAME]` of a file, and what is wrong with them."""
    found: dict[str, NumberExceptions] = {}
    faults: list[Fault] = []
    for name, raw in tables.items():
        options, wrong = _read(f"{path}.{name}", raw, NumberExceptions)
        faults += wrong
        if options is not None:
            found[name] = NumberExceptions(**options)
    return found, faults


def references(
    found: Mapping[str, CallbackOptions], path: str, hours: Mapping[str, object], lists: Mapping[str, object]
) -> list[Fault]:
    """Names in the options that lead nowhere: of office hours, and of lists of numbers."""
    faults = []
    for name, options in found.items():
        wanted = options.business_hours_service
        if wanted is not None and wanted not in hours:
            faults.append(Fault(f"{path}.{name}._business_hours_service", f"there is no [office_hours.{wanted}]"))
        faults += [
            Fault(f"{path}.{name}._exceptions", f"there is no [number_exceptions.{each}]")
            for each in words(options.exceptions)
            if each not in lists
        ]
    return faults


def _service(path: str, raw: object) -> tuple[CallbackOptions | None, list[Fault]]:
    values, faults = _read(path, raw, CallbackOptions)
    if values is None:
        return None, faults
    options = CallbackOptions(**values)
    if unfit := [word for word in words(options.overwritable_options) if word not in OVERWRITABLE]:
        faults.append(Fault(f"{path}._overwritable_options", unknown(unfit[0], OVERWRITABLE)))
    if options.watermark_low > options.watermark_high:
        faults.append(Fault(f"{path}.watermark_low", "is above watermark_high"))
    if options.do_not_call_items is not None:
        _, earliest, latest = (int(word) for word in words(options.do_not_call_items))
        if not earliest < latest <= 24:
            faults.append(Fault(f"{path}._do_not_call_items", "must be seconds, and two hours from 0 to 24 in order"))
    return (None if faults else options), faults


def _read(path: str, raw: object, type_: type[Struct]) -> tuple[dict[str, Any] | None, list[Fault]]:
    """The values of a table by the names of the fields; None where some are wrong."""
    if not isinstance(raw, dict):
        return None, [Fault(path, "must be a table")]
    fields = {field.name: field for field in msgspec.structs.fields(type_)}
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for key, value in raw.items():
        plain = key.removeprefix("_").replace("-", "_")
        name = _ALIASES.get(plain, plain)
        if name not in fields:
            faults.append(Fault(f"{path}.{key}", unknown(key, [*fields, *(f"_{each}" for each in fields)])))
        elif name in values:
            faults.append(Fault(f"{path}.{key}", "is written twice"))
        else:
            try:
                values[name] = _value(name, value, fields[name].type)
            except (ValueError, RecursionError) as error:
                faults.append(Fault(f"{path}.{key}", str(error).partition(" - at `$")[0]))
    for name, field in fields.items():
        if field.required and name not in values and not any(fault.key.endswith(name) for fault in faults):
            faults.append(Fault(f"{path}.{name}", "is missing"))
    return (None if faults else values), faults


def _value(name: str, raw: object, type_: Any) -> object:  # noqa: ANN401 - an annotation
    """The value of an option. Raises ValueError."""
    if name == "capacity":
        return capacities(msgspec.convert(raw, tuple[str, ...]))
    if name == "api_key":
        return Secret(msgspec.convert(raw, Annotated[str, Meta(min_length=1)]))
    if name == "userterminated_first_connect_party" and isinstance(raw, str):
        raw = _FIRST_PARTY.get(raw.lower(), raw)  # the product writes it either way
    return msgspec.convert(raw, type_)


def capacities(lines: tuple[str, ...]) -> tuple[Capacity, ...]:
    """The capacities that the lines describe, those of single dates first, since they count before others.

    Raises ValueError.
    """
    found = []
    for line in lines:
        parts = _CAPACITY.fullmatch(line)
        if parts is None:
            raise ValueError(f"must be like Mon-Fri 09:00-12:00 10, not {line!r}")
        when, places = parts.groups()
        parsed = hours.added(when) if when[:1].isdigit() else hours.weekly(when)
        if parsed.closes > hours.DAY_MINUTES:
            raise ValueError(f"must not run over midnight: {line!r}")
        found.append(Capacity(parsed, int(places)))
    return tuple(sorted(found, key=lambda each: isinstance(each.when, hours.Weekly)))
