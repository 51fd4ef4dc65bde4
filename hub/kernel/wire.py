"""JSON in and out. The only place that knows how the decoder fails.

What `decode` returns came from at most `max_bytes` bytes of well-formed UTF-8 JSON, nested at most `max_depth` deep,
without NaN or infinities. Of duplicate keys the last one counts. Unknown fields pass unless the type forbids them.
"""

import math
import re
from collections.abc import Hashable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, TypeVar, cast, overload

import msgspec

from hub.kernel.errors import BadInput, MissingParameter, TooLarge

T = TypeVar("T")

MAX_DEPTH = 32
MAX_SAFE_INTEGER = 2**53 - 1

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment with its offset; naive values are refused. Call `utc` before comparing text or storing."""
Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_SAFE_INTEGER)]
"""A whole number that JavaScript and a database column can hold."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODER = msgspec.json.Encoder()
_TO_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_PLACE = re.compile(r" - at `(?P<place>[^`]*)`(?P<parent> in `)?")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+)\]")
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]*)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>[^`]*)`")
_LONGEST_DETAIL = 300


@overload
def decode(type_: type[T], data: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH) -> T: ...
@overload
def decode(type_: object, data: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH) -> Any: ...  # noqa: ANN401
def decode(type_: Any, data: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH) -> Any:
    """`data` as a value of `type_`. Raises TooLarge, or BadInput with the JSON Pointer of the first fault."""
    if len(data) > max_bytes:
        raise TooLarge(f"{len(data)} bytes exceed the limit of {max_bytes}")
    try:
        if not data.isascii():
            # The decoder does not look into skipped fields and `Raw`, which are sent on verbatim.
            data.decode("utf-8")
        value = _decoder(type_).decode(data)
    except msgspec.MsgspecError as error:
        raise bad_input(error) from None
    except UnicodeDecodeError:
        raise BadInput("JSON is not valid UTF-8") from None
    except RecursionError:
        raise BadInput(f"JSON is nested deeper than {max_depth}") from None
    if data.count(b"[") + data.count(b"{") > max_depth and _deeper_than(max_depth, data):
        raise BadInput(f"JSON is nested deeper than {max_depth}")
    return value


def encode(value: object) -> bytes:
    """`value` as compact JSON. NaN and infinities become null; instants keep their offset, UTC is written `Z`."""
    return _ENCODER.encode(value)


@overload
def convert(type_: type[T], value: object) -> T: ...
@overload
def convert(type_: object, value: object) -> Any: ...  # noqa: ANN401
def convert(type_: Any, value: object) -> Any:
    """A value of builtin types (from `Any`, a row, a form) as `type_`, under the rules of `decode`. Raises BadInput."""
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        raise bad_input(error) from None
    except RecursionError:
        raise BadInput("Value is nested too deep") from None


def from_text(type_: type[T], values: Mapping[str, str]) -> T:
    """A struct from named texts (a query, a form), whose numbers and booleans are read out of them. Raises BadInput
    that names the value at fault.
    """
    try:
        return msgspec.convert(values, type_, strict=False)
    except msgspec.ValidationError as error:
        refused = bad_input(error)
        if name := refused.pointer.removeprefix("/"):
            refused.detail = f"{name}: {refused.detail}"
        raise refused from None


def kept(data: bytes | str) -> Any:  # noqa: ANN401 - whatever was written
    """What we have written as JSON ourselves, whoever has sent it to us."""
    return _KEPT.decode(data)


def utc(instant: datetime) -> datetime:
    """The same moment with offset zero. Raises ValueError for a naive one, BadInput where that is out of all years."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise BadInput("The instant is before the year 1 or after the year 9999") from None


def instant(now: float) -> datetime:
    """Unix seconds as an instant in UTC, rounded to the microsecond as stored ones are (`hub.kernel.clock.micros`)."""
    return _EPOCH + timedelta(microseconds=round(now * 1_000_000))


def millis(instant: datetime) -> str:
    """The moment as `2026-11-25T08:00:00.000Z`: in UTC, with three digits of the second, the rest cut off."""
    return utc(instant).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03}Z"


def bad_input(error: msgspec.MsgspecError) -> BadInput:
    """The decoder's complaint as our error, its place as a JSON Pointer."""
    text = str(error)
    place = _PLACE.search(text)
    pointer = _pointer(place["place"]) if place and not place["parent"] else ""
    detail = (text[: place.start()] if place else text)[:_LONGEST_DETAIL]
    if missing := _MISSING.search(text):
        return MissingParameter(detail, pointer=f"{pointer}/{_escaped(missing['name'])}")
    if unknown := _UNKNOWN.search(text):
        return BadInput(detail, pointer=f"{pointer}/{_escaped(unknown['name'][:_LONGEST_DETAIL])}")
    return BadInput(detail, pointer=pointer)


@lru_cache(maxsize=512)
def _decoder(type_: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(cast("type[Any]", type_), float_hook=_number)


def _number(text: str) -> float:
    """A fraction where any value may stand. What the decoder makes of some by itself takes thirty times as long, which
    strangers can make a second of in one body.
    """
    value = float(text)
    if math.isinf(value):
        raise ValueError("Number out of range")
    return value


_KEPT = msgspec.json.Decoder(float_hook=_number)


def _deeper_than(limit: int, document: bytes) -> bool:
    """Whether the well-formed `document` nests more than `limit` brackets. Each pass peels the innermost level."""
    # Without escapes every second piece between quotes is a string. A regular expression takes three times as long.
    if b"\\" in document:
        document = document.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside = b"".join(document.split(b'"')[::2])
    brackets = outside.translate(_TO_ONE_KIND, _ALL_BUT_BRACKETS)
    for _ in range(limit):
        if not brackets:
            break
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _pointer(place: str) -> str:
    """`$.events[2].data` as `/events/2/data`. The decoder hides the keys of maps: the pointer stops at the map."""
    path = place.partition("[...]")[0]
    return "".join(f"/{_escaped(step['name'] or step['index'])}" for step in _STEP.finditer(path))


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
