"""Appointments as they are shown, in answers and in messages. The names are those of the API's description."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.appointments.rules import appointment as values
from api.appointments.rules.appointment import Kind, RoutingType, State
from api.appointments.rules.formats import instant_text, locale_text, period_text

Instant = Annotated[
    str,
    Meta(
        description="UTC, with at least one digit of the second",
        examples=["2030-01-31T19:00:00.0Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
Duration = Annotated[str, Meta(description="ISO 8601", examples=["PT5M"])]
Locale = Annotated[str, Meta(examples=["en_GB"])]
Complete = Annotated[str, Meta(pattern="^(PENDING|COMPLETE)$")]


class participant(msgspec.Struct, frozen=True, kw_only=True):  # noqa: N801 - so it is called in the API's description
    """The organizer, or somebody invited. The state of the organizer is `active`; of others it is one of WAITING,
    JOINED and LEFT, and absent until it was set.
    """

    id: str
    state: str | UnsetType = UNSET
    type: Kind


class RoutingData(msgspec.Struct, frozen=True, kw_only=True):
    """Where the customer's interaction is sent."""

    properties: dict[str, str]
    type: RoutingType


class InteractionData(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The interaction that belongs to the appointment."""

    custom_fields: dict[str, str] | UnsetType = UNSET
    routing: RoutingData | UnsetType = UNSET
    state: Complete


class AppointmentRoomDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Access to the video room. The url is a secret: whoever has it is let in."""

    expires: Instant
    type: str
    url: str


class Appointment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An appointment in a list."""

    application_id: str
    duration: Duration
    end: Instant
    id: str
    interaction: InteractionData | UnsetType = UNSET
    locale: Locale
    metadata: dict[str, Any] | UnsetType = UNSET
    notes: str | UnsetType = UNSET
    notification_headers: dict[str, str] | UnsetType = UNSET
    notifications_active: bool
    organizer: participant
    participant_ids: tuple[participant, ...]
    start: Instant
    timezone: str
    title: str | UnsetType = UNSET


class GetAppointmentResponse(Appointment, frozen=True, kw_only=True, rename="camel"):
    """An appointment, with the way into its room once it is activated."""

    room_access: AppointmentRoomDetails | UnsetType = UNSET


def whole(value: values.Appointment) -> GetAppointmentResponse:
    """The appointment with its room."""
    shown = UNSET if value.room is None else room(value.room)
    return GetAppointmentResponse(**_members(value), room_access=shown)


def listed(value: values.Appointment) -> Appointment:
    """The appointment without it."""
    return Appointment(**_members(value))


def room(value: values.Room) -> AppointmentRoomDetails:
    """The way into the room."""
    return AppointmentRoomDetails(expires=instant_text(value.expires), type=values.ROOM_TYPE, url=value.url)


def _members(value: values.Appointment) -> dict[str, Any]:
    return {
        "application_id": value.application,
        "duration": period_text(value.duration),
        "end": instant_text(value.end),
        "id": value.id,
        "interaction": UNSET if value.interaction is None else _interaction(value.interaction),
        "locale": locale_text(value.locale),
        "metadata": dict(value.metadata) or UNSET,
        "notes": value.notes or UNSET,
        "notification_headers": dict(value.notification_headers) or UNSET,
        "notifications_active": value.notifications_active,
        "organizer": participant(id=value.organizer.id, state="active", type=value.organizer.type),
        "participant_ids": tuple(invited(each.id, each.type, each.state) for each in value.participants),
        "start": instant_text(value.start),
        "timezone": value.timezone,
        "title": value.title or UNSET,
    }


def invited(id: str, type: Kind, state: State | None) -> participant:
    """Somebody invited."""
    return participant(id=id, type=type, state=state or UNSET)


def _interaction(value: values.Interaction) -> InteractionData:
    routing = None if value.routing is None else RoutingData(properties=dict(value.properties), type=value.routing)
    return InteractionData(
        custom_fields=dict(value.custom_fields) or UNSET,
        routing=routing or UNSET,
        state="COMPLETE" if value.is_complete else "PENDING",
    )
