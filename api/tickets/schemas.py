"""The wire forms of tickets."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.tickets.rules import LIFE_SECONDS, LONGEST_ID, LONGEST_LIFE_SECONDS, SINGLE_USE, Ticket, Type, state
from hub.kernel import wire

MOST_PROPERTIES_BYTES = 4_096

_Name = Annotated[str, Meta(min_length=1, max_length=255)]
TicketId = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The properties that mean something here."""

    conference_id: _Name
    application_id: _Name | None = msgspec.field(default=None, name="applicationId")
    scheduled_date: wire.Instant | None = None


class TicketRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A ticket to be. `properties` come back as they are; `conference_id` is required in them, and `scheduled_date` for
    the types that are scheduled.
    """

    properties: Annotated[dict[str, Any], Meta(max_length=50)]
    type: Type = SINGLE_USE
    ttl: Annotated[int, Meta(ge=1, le=LONGEST_LIFE_SECONDS, description="Seconds, from now or from scheduled_date")] = (
        LIFE_SECONDS
    )
    length: Annotated[
        int, Meta(ge=1, le=LONGEST_ID, description="Characters of the id; short ones are made as long as is safe")
    ] = 1
    organization_id: Annotated[str, Meta(max_length=64)] | None = None


class TicketView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A ticket for those who may have it. `id` and `url` are secrets: whoever has one of them is let in."""

    id: str
    url: str
    type: Type
    user_id: Annotated[str, Meta(description="Who made it")]
    organization_id: str
    properties: msgspec.Raw
    created_at: wire.Instant
    opens_at: wire.Instant
    expires_at: wire.Instant
    expired: bool
    disabled: Annotated[bool, Meta(description="Whether its single use has been made")]
    revoked: bool
    version: Annotated[int, Meta(description="Grows with every use and with its revocation")]


class TicketNamed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A ticket, by its id: in the body, so that it gets into no log on the way."""

    id: TicketId


class TicketToken(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a ticket is exchanged for: a token with ROLE_CUSTOMER for one conference."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105
    expires_in: Annotated[int, Meta(description="Seconds")]
    user_id: str
    organization_id: str
    conference_id: str
    application_id: str | None
    properties: msgspec.Raw


def view(ticket: Ticket, secret: str, base: str, now: float) -> TicketView:
    """The ticket with its id, which only its holder can say."""
    return TicketView(
        id=secret,
        url=f"{base}/t/{secret}",
        type=ticket.type,
        user_id=ticket.created_by,
        organization_id=ticket.organization,
        properties=msgspec.Raw(ticket.properties),
        created_at=wire.instant(ticket.created_at),
        opens_at=wire.instant(ticket.opens_at),
        expires_at=wire.instant(ticket.expires_at),
        expired=state(ticket, now) == "expired",
        disabled=ticket.is_used_up,
        revoked=ticket.revoked,
        version=ticket.uses + ticket.revoked,
    )
