"""Telling the desktops: `AppointmentStateChangeMessage` to the agents whom it concerns, and to the supervisors."""

from collections.abc import Collection

import msgspec
from msgspec import UNSET, UnsetType

from api.appointments import views
from api.appointments.rules.appointment import Appointment, Participant
from api.users.rules import uri_of
from channels.appointments import (
    AppointmentNotificationType,
    AppointmentParticipant,
    AppointmentSnapshot,
    AppointmentStateChangeMessage,
)
from channels.catalog import ME, USERS
from channels.envelope import Stream, encode
from hub.store import outbox
from hub.store.transaction import Tx


def tell(
    tx: Tx,
    kind: AppointmentNotificationType,
    appointment: Appointment,
    now: float,
    base: str,
    *,
    participant: Participant | None = None,
    parted: Collection[str] = (),
) -> None:
    """To the agents of the appointment and those who have `parted` from it. Supervisors hear it once: about the
    participant whom it is about where that is an agent, else about the organizer where that is one, else about the
    first agent; about nobody while there is none.
    """
    about: AppointmentParticipant | UnsetType = UNSET
    if participant is not None:
        state = participant.state or UNSET
        about = AppointmentParticipant(id=participant.id, type=participant.type, state=state)
    message = AppointmentStateChangeMessage(
        notification_type=kind, appointment=_snapshot(appointment), participant=about
    )
    own = encode(message)
    for agent in dict.fromkeys([*appointment.agents, *parted]):
        outbox.emit(tx, Stream(appointment.organization, agent, ME.pattern), own, now)
    if user := _concerned(appointment, participant):
        message = msgspec.structs.replace(message, user_uri=uri_of(base, user), user_id=user)
    outbox.emit(tx, Stream(appointment.organization, "", USERS.pattern), encode(message), now)


def _concerned(appointment: Appointment, participant: Participant | None) -> str | None:
    if participant is not None and participant.type == "AGENT":
        return participant.id
    return next(iter(appointment.agents), None)


def _snapshot(appointment: Appointment) -> AppointmentSnapshot:
    return msgspec.convert(msgspec.to_builtins(views.whole(appointment)), AppointmentSnapshot)
