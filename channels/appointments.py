"""Messages about appointments, on `/v2/me` of the agents concerned and on `/v2/users`.

The appointment is the body that the appointments API answers with. Its fields are typed leniently (any may be null,
instants and durations stay text), because connectors pass on what their source says.
"""

from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from channels.users import UserNotification

Text: TypeAlias = str | UnsetType | None
AppointmentNotificationType: TypeAlias = Literal[
    "Created",
    "Updated",
    "Rescheduled",
    "Reassigned",
    "ParticipantAdded",
    "ParticipantRemoved",
    "ParticipantState",
    "Activated",
    "Completed",
    "Cancelled",
    "Reminder",
]


class AppointmentParticipant(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody invited. `type` is AGENT or CUSTOMER; `state` is absent until somebody set it."""

    id: str
    state: Text = UNSET
    type: str


class AppointmentRouting(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where the customer's interaction is sent."""

    properties: dict[str, Any] | UnsetType | None = UNSET
    type: Text = UNSET


class AppointmentInteraction(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The interaction that belongs to the appointment; `state` is PENDING or COMPLETE."""

    custom_fields: dict[str, Any] | UnsetType | None = UNSET
    routing: AppointmentRouting | UnsetType | None = UNSET
    state: Text = UNSET


class AppointmentRoom(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Access to the video room, present once the appointment is activated."""

    expires: Text = UNSET
    type: Text = UNSET
    url: Text = UNSET


class AppointmentSnapshot(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An appointment as `GET /api/appointments/{id}` answers it."""

    application_id: str
    duration: Text = UNSET
    end: Text = UNSET
    id: Text = UNSET
    interaction: AppointmentInteraction | UnsetType | None = UNSET
    locale: Text = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET
    notes: Text = UNSET
    # The text of the API defines an object of strings, and its own sample shows a string.
    notification_headers: dict[str, Any] | str | UnsetType | None = UNSET
    notifications_active: bool | UnsetType | None = UNSET
    organizer: AppointmentParticipant | UnsetType | None = UNSET
    participant_ids: tuple[AppointmentParticipant, ...] | UnsetType | None = UNSET
    room_access: AppointmentRoom | UnsetType | None = UNSET
    start: Text = UNSET
    timezone: Text = UNSET
    title: Text = UNSET


class AppointmentStateChangeMessage(UserNotification, frozen=True, kw_only=True):
    """An appointment changed; `appointment` is what it is after that, for Cancelled what it was before.

    `participant` names the one whom ParticipantAdded, ParticipantRemoved and ParticipantState are about.
    """

    notification_type: AppointmentNotificationType
    appointment: AppointmentSnapshot
    participant: AppointmentParticipant | UnsetType = UNSET
