"""The wire form of ingest."""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

MAX_EVENTS = 1000


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One event. Its data is delivered as it was sent, byte for byte."""

    channel: Annotated[
        str,
        Meta(description="A channel, not a pattern", examples=["/v2/me/calls"], extra_json_schema={"maxLength": 256}),
    ]
    # The alphabets are in the description only: the rules check them, and name what is wrong better than a pattern.
    user_id: Annotated[
        str | None,
        Meta(
            description="Whose personal channel; required for /v2/me, /v2/me/calls and /v2/me/devices, else refused. "
            "1 to 64 of A-Z a-z 0-9 . _ @ -"
        ),
    ] = None
    organization_id: Annotated[str | None, Meta(description="That of the token, which is also the default")] = None
    data: Annotated[
        msgspec.Raw,
        Meta(description="Any JSON object; a known messageType is checked", extra_json_schema={"type": "object"}),
    ]


Events: TypeAlias = Event | Annotated[list[Event], Meta(max_length=MAX_EVENTS)]


class AcceptedEvent(msgspec.Struct, frozen=True):
    """The id of an event and its position in its stream; without `seq` on channels that keep nothing."""

    id: str
    channel: str
    seq: int | UnsetType = UNSET


class AcceptedEvents(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All events of the request, in the same order."""

    status_code: int = 0
    events: list[AcceptedEvent]
