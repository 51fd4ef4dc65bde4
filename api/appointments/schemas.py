"""The wire forms that clients send, and the answers beside the appointment itself. The names are those of the API's
description. Texts may stand in a pair of quotes of their own, as its samples have them.
"""

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.appointments.rules import formats, proposal
from api.appointments.rules.appointment import STATES, Customer, Kind, Participant, Room, State
from api.appointments.rules.proposal import Proposal, Routed, Times
from api.appointments.rules.search import LARGEST_PAGE, PAGE_SIZE, SortField
from api.appointments.views import Appointment, Duration, Instant, room
from api.users.rules import User
from hub.kernel.errors import BadInput
from hub.kernel.periods import unquoted

_CLEAN = "^[^\\x00]*$"  # PostgreSQL keeps no NUL in a text
Line: TypeAlias = Annotated[str, Meta(max_length=255, pattern=_CLEAN)]
Prose: TypeAlias = Annotated[str, Meta(max_length=4_000, pattern=_CLEAN)]
Id: TypeAlias = Annotated[str, Meta(max_length=66)]
Word: TypeAlias = Annotated[str, Meta(max_length=100)]
Metadata: TypeAlias = Annotated[dict[str, Any], Meta(max_length=100)]
Pairs: TypeAlias = Annotated[
    dict[Annotated[str, Meta(max_length=100)], Annotated[str, Meta(max_length=1_000)]], Meta(max_length=50)
]
# Generated clients send an object as a text that holds it.
PairsOrText: TypeAlias = Pairs | Annotated[str, Meta(max_length=10_000)]
_PAIRS = msgspec.json.Decoder(Pairs)


# Customers ----------------------------------------------------------------------------------------------------------


class Contact(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How somebody is reached."""

    primary_email: Line | UnsetType | None = UNSET
    primary_phone: Line | UnsetType | None = UNSET


class Name(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What somebody is called."""

    first_name: Line | UnsetType | None = UNSET
    last_name: Line | UnsetType | None = UNSET


class CustomerDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Who a customer is."""

    contact: Contact | None = None
    metadata: Metadata | None = None
    name: Name | None = None
    username: Line | None = None

    def customer(self) -> Customer:
        """Raises BadInput."""
        contact, name = self.contact or Contact(), self.name or Name()
        return Customer(
            username=_text(self.username),
            first_name=_text(name.first_name),
            last_name=_text(name.last_name),
            email=proposal.require_address(_text(contact.primary_email)),
            phone=proposal.require_number(_text(contact.primary_phone)),
            metadata=proposal.require_small(self.metadata or {}, "customer.metadata"),
        )


class GetParticipantDetailsResponse(msgspec.Struct, frozen=True, kw_only=True):
    """Who a participant is, as far as it is known."""

    contact: Contact
    id: str
    metadata: dict[str, Any] | UnsetType = UNSET
    name: Name
    type: Kind
    username: str | UnsetType = UNSET


def details(participant: Participant, user: User | None) -> GetParticipantDetailsResponse:
    """A participant; an AGENT with what is known of the user."""
    known = participant.customer or Customer()
    if user is not None:
        profile = user.profile
        known = Customer(
            username=user.account.user_name,
            first_name=profile.first_name,
            last_name=profile.last_name,
            email=profile.email_address,
        )
    return GetParticipantDetailsResponse(
        contact=Contact(primary_email=known.email or UNSET, primary_phone=known.phone or UNSET),
        id=participant.id,
        metadata=dict(known.metadata) or UNSET,
        name=Name(first_name=known.first_name or UNSET, last_name=known.last_name or UNSET),
        type=participant.type,
        username=known.username or UNSET,
    )


# Requests -----------------------------------------------------------------------------------------------------------


class RoutingDataRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Where the customer's interaction is to be sent; what is left out, the application says."""

    properties: PairsOrText | None = None
    type: (
        Annotated[Word, Meta(description="GENESYS_CLOUD_FLOW, GENESYS_CLOUD_QUEUE or TALKDESK_DIGITAL_CONNECT")] | None
    ) = None


class InteractionDataRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The interaction that is to belong to the appointment."""

    custom_fields: Pairs | None = None
    routing: RoutingDataRequest

    def routed(self) -> Routed:
        """Raises BadInput."""
        return Routed(
            type=_text(self.routing.type),
            properties=_pairs(self.routing.properties, "interaction.routing.properties"),
            custom_fields=proposal.require_small(self.custom_fields or {}, "interaction.customFields"),
        )


class ScheduleAppointmentRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An appointment to be."""

    application_id: Word
    customer: CustomerDetails | None = None
    duration: Word
    interaction: InteractionDataRequest | None = None
    locale: Word | None = None
    metadata: Metadata | None = None
    notes: Prose | None = None
    notification_headers: PairsOrText | None = None
    start: Word
    timezone: Word
    title: Line | None = None

    def proposal(self) -> Proposal:
        """Raises BadInput."""
        return Proposal(
            times=_times(self.start, self.duration, self.timezone, None),
            locale=formats.locale(self.locale),
            title=_text(self.title),
            notes=_text(self.notes),
            metadata=proposal.require_small(self.metadata or {}, "metadata"),
            notification_headers=_headers(self.notification_headers),
            interaction=None if self.interaction is None else self.interaction.routed(),
            customer=None if self.customer is None else self.customer.customer(),
        )


class ScheduleAppointmentAsCustomerRequest(ScheduleAppointmentRequest, frozen=True, kw_only=True, rename="camel"):
    """The same, said by somebody whom no token names."""

    organization_id: Word


class UpdateAppointmentRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is to be different. What is left out stays; what is null or empty is taken away."""

    id: Id
    metadata: Metadata | UnsetType | None = UNSET
    notes: Prose | UnsetType | None = UNSET
    notification_headers: PairsOrText | UnsetType | None = UNSET
    title: Line | UnsetType | None = UNSET

    def changes(self) -> dict[str, Any]:
        """By the names of the fields. Raises BadInput."""
        wanted: dict[str, Any] = {}
        if self.title is not UNSET:
            wanted["title"] = _text(self.title)
        if self.notes is not UNSET:
            wanted["notes"] = _text(self.notes)
        if self.metadata is not UNSET:
            wanted["metadata"] = proposal.require_small(self.metadata or {}, "metadata")
        if self.notification_headers is not UNSET:
            wanted["notification_headers"] = _headers(self.notification_headers)
        return wanted


class RescheduleAppointmentRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Another time for an appointment."""

    duration: Word
    id: Id
    locale: Word | None = None
    start: Word
    timezone: Word

    def times(self) -> Times:
        """Raises BadInput."""
        return _times(self.start, self.duration, self.timezone, self.locale)


class AddParticipantAgentRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An appointment and an agent."""

    id: Id
    user_id: Id


class AddParticipantCustomerRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment and a customer."""

    customer: CustomerDetails
    id: Id


class UpdateParticipantStateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Whether somebody waits, is there, or has left."""

    state: Annotated[Word, Meta(description="WAITING, JOINED or LEFT")]

    def wanted(self) -> State:
        """Raises BadInput."""
        for known in STATES:
            if unquoted(self.state) == known:
                return known
        raise BadInput(f"state: must be one of {', '.join(STATES)}", pointer="/state")


# Lists and numbers --------------------------------------------------------------------------------------------------


class FindAppointmentsQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Filters, order and page of a list. Several values are separated by commas, or the parameter is repeated."""

    application_id: Annotated[str, Meta(description="Those of one application")] = ""
    organizer_id: Annotated[str, Meta(description="Those of these organizers; ignored without ROLE_SUPERVISOR")] = ""
    duration: Annotated[str, Meta(description="Those that last as long, ISO 8601")] = ""
    range: Annotated[
        str, Meta(description="Those that share an instant with it: start and end, either may be empty")
    ] = ""
    page_size: Annotated[int, Meta(ge=1, le=LARGEST_PAGE)] = PAGE_SIZE
    page_number: Annotated[int, Meta(ge=1, le=10**9)] = 1
    sort_order: Annotated[str, Meta(pattern="^(asc|desc)$")] = "asc"
    sort_field: SortField = "start"


class FindAppointmentsResponsePaged(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One page of a list. Pages count from 1; behind the last one the content is empty."""

    content: tuple[Appointment, ...]
    page_count: int
    page_number: int
    page_size: int
    sort_field: str
    sort_order: str
    total: int


class CountAppointmentsQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where and when to count. `timeFrame` is at most a year."""

    application_id: str
    organization_id: str
    start: Annotated[str, Meta(description="Instant with its offset")]
    time_frame: Annotated[str, Meta(description="ISO 8601, from the start on")]


class AppointmentCountResponse(msgspec.Struct, frozen=True, kw_only=True):
    """So many appointments at one time."""

    count: int
    duration: Duration
    end: Instant
    start: Instant
    timezone: str


class CountOverlappingQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where and when to count. `duration` is at most a year."""

    application_id: str
    organization_id: str
    start: Annotated[str, Meta(description="Instant with its offset")]
    duration: Annotated[str, Meta(description="ISO 8601, from the start on")]


class AppointmentOverlapResponse(msgspec.Struct, frozen=True, kw_only=True):
    """So many appointments share an instant with the time asked for."""

    count: int


class FindEligibleQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How far to look."""

    time_frame: Annotated[str, Meta(description="ISO 8601, from now on; nothing: all")] = ""


class FindAppointmentsEligibleResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An appointment that may be activated."""

    eligible_from: Instant
    id: str
    start: Instant
    timezone: str


class AppointmentActivationResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The way into the room. The url is a secret: whoever has it is let in."""

    expires: Instant
    type: str
    url: str


def activation(value: Room) -> AppointmentActivationResponse:
    """The way into the room."""
    shown = room(value)
    return AppointmentActivationResponse(expires=shown.expires, type=shown.type, url=shown.url)


# Texts --------------------------------------------------------------------------------------------------------------


def _text(value: str | UnsetType | None) -> str | None:
    return (unquoted(value) or None) if isinstance(value, str) else None


def _times(start: str, duration: str, timezone: str, locale: str | None) -> Times:
    return Times(
        start=formats.instant(start, "start"),
        duration=formats.period(duration, "duration"),
        timezone=formats.zone_name(timezone),
        locale=None if locale is None else formats.locale(locale),
    )


def _headers(value: dict[str, str] | str | UnsetType | None) -> dict[str, str]:
    return dict(proposal.require_headers(_pairs(value, "notificationHeaders")))


def _pairs(value: dict[str, str] | str | UnsetType | None, name: str) -> dict[str, str]:
    if isinstance(value, dict):
        return proposal.require_small(value, name)
    if not isinstance(value, str) or not value.strip():
        return {}
    try:
        return proposal.require_small(_PAIRS.decode(value), name)
    except msgspec.MsgspecError:
        pointer = f"/{name.replace('.', '/')}"
        raise BadInput(f"{name}: must be an object of texts, or a text that holds one", pointer=pointer) from None
