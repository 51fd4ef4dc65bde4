"""The wire forms of calls. What goes in stands in `operations`, a call itself in `channels.calls`."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.telephony.calls import view
from api.telephony.calls.legs import Leg
from channels.calls import Call


class OneCall(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One call, as the notifications carry it."""

    status_code: int = 0
    call: Call


class Calls(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The caller's calls, the oldest first: where each of them is, or with `fields` what was asked for."""

    status_code: int = 0
    uris: list[str] | UnsetType = UNSET
    calls: list[Call] | UnsetType = UNSET


class OneQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What to tell of a call."""

    fields: Annotated[str, Meta(description="Members wanted, comma-separated; * for all")] = "*"


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What to tell of each call."""

    fields: Annotated[
        str, Meta(description="Members wanted, comma-separated; * for all. Without it only the uris are listed")
    ] = ""


def one(leg: Leg, base: str, now: float, fields: str) -> OneCall:
    """The answer about one call."""
    return OneCall(call=_shown(leg, base, now, fields))


def many(legs: Sequence[Leg], base: str, now: float, fields: str) -> Calls:
    """The answer about all of them."""
    if not fields:
        return Calls(uris=[view.uri_of(base, leg.id) for leg in legs])
    return Calls(calls=[_shown(leg, base, now, fields) for leg in legs])


def _shown(leg: Leg, base: str, now: float, fields: str) -> Any:  # noqa: ANN401 - a call, or parts of one, to be encoded
    names = {name.strip() for name in fields.split(",")}
    whole = view.wire(leg, base, now)
    if "*" in names:
        return whole
    members = msgspec.json.decode(whole) if isinstance(whole, msgspec.Raw) else msgspec.to_builtins(whole)
    return {name: value for name, value in members.items() if name in names}
