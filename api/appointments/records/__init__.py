"""The tables of appointments: what was agreed, who is invited, and the row on which bookings wait for each other."""

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    Row,
    Select,
    Table,
    Text,
    delete,
    func,
    or_,
    select,
    text,
    update,
)

from api.appointments.rules.appointment import LONGEST, Appointment, Customer, Interaction, Organizer, Participant, Room
from api.appointments.rules.search import Search, SortField
from hub.kernel import wire
from hub.kernel.clock import micros, seconds
from hub.store.schema import Micros, Name, Number, metadata
from hub.store.transaction import Snapshot, Tx

# metadata and notification_headers are JSON objects; interaction is a JSON object, or NULL.
appointment = Table(
    "appointment",
    metadata,
    Column("id", Name, primary_key=True),
    Column("organization", Name, nullable=False),
    Column("application", Name, nullable=False),
    Column("status", Name, nullable=False),
    Column("organizer", Name, nullable=False),
    Column("organizer_type", Text, nullable=False),
    Column("start", Micros, nullable=False),
    Column("end", Micros, nullable=False),
    Column("timezone", Name, nullable=False),
    Column("locale", Text, nullable=False),
    Column("title", Name, nullable=True),
    Column("notes", Text, nullable=True),
    Column("metadata", LargeBinary, nullable=False),
    Column("notification_headers", LargeBinary, nullable=False),
    Column("notifications_active", Boolean, nullable=False),
    Column("interaction", LargeBinary, nullable=True),
    Column("room_url", Text, nullable=True),
    Column("room_conference", Name, nullable=True),
    Column("room_expires", Micros, nullable=True),
    Column("created_at", Micros, nullable=False),
    Column("created_by", Name, nullable=False),
    Column("schedule_version", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Index(None, "organization", "application", "start"),
    Index(None, "organization", "organizer", "start"),
    Index(None, "end"),
)

# `position` keeps the order of the invitations. What is known of a customer stands in columns of their own.
participant = Table(
    "appointment_participant",
    metadata,
    Column("appointment", Name, primary_key=True),
    Column("id", Name, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("state", Text, nullable=True),
    Column("has_joined", Boolean, nullable=False),
    Column("username", Text, nullable=True),
    Column("first_name", Text, nullable=True),
    Column("last_name", Text, nullable=True),
    Column("email", Text, nullable=True),
    Column("phone", Text, nullable=True),
    Column("metadata", LargeBinary, nullable=False),
)

booking_order = Table(
    "appointment_booking",
    metadata,
    Column("organization", Name, primary_key=True),
    Column("application", Name, primary_key=True),
    Column("bookings", Number, nullable=False),
)

_KEPT: Final = ("scheduled", "completed")
_SORTED_BY: Final[dict[SortField, ColumnElement[Any]]] = {
    "start": appointment.c.start,
    "end": appointment.c.end,
    "title": func.coalesce(appointment.c.title, ""),
    "duration": appointment.c.end - appointment.c.start,
    "id": appointment.c.id,
    "createdAt": appointment.c.created_at,
}
# Whoever raises the number holds the row until the commit: bookings of one application go one after the other.
QUEUE_UP = text("""
INSERT INTO appointment_booking (organization, application, bookings) VALUES (:organization, :application, 1)
ON CONFLICT (organization, application) DO UPDATE SET bookings = appointment_booking.bookings + 1
""")


class Group(NamedTuple):
    """So many appointments from one instant to another."""

    start: float
    end: float
    timezone: str
    number: int


# One of them ---------------------------------------------------------------------------------------------------------


def insert(tx: Tx, new: Appointment) -> None:
    """The id is new."""
    tx.connection.execute(appointment.insert().values(**_values(new)))
    _insert_participants(tx, new)


def put(tx: Tx, before: Appointment, after: Appointment) -> None:
    """What has become of it; it is locked."""
    tx.connection.execute(update(appointment).where(appointment.c.id == after.id).values(**_values(after)))
    if before.participants != after.participants:
        tx.connection.execute(delete(participant).where(participant.c.appointment == after.id))
        _insert_participants(tx, after)


def find(tx: Snapshot, id: str) -> Appointment | None:
    """The one with that id, cancelled or not."""
    return _one(tx, select(appointment).where(appointment.c.id == id))


def lock(tx: Tx, id: str) -> Appointment | None:
    """The same, which nobody else changes before this transaction ends."""
    return _one(tx, select(appointment).where(appointment.c.id == id).with_for_update())


# Several -------------------------------------------------------------------------------------------------------------


def page(tx: Snapshot, search: Search) -> tuple[list[Appointment], int]:
    """One page of what was searched for, and how many there are in all."""
    wanted = _wanted(search)
    total = tx.connection.execute(select(func.count()).select_from(appointment).where(*wanted)).scalar_one()
    by = _SORTED_BY[search.sort_field]
    order = (by.desc(), appointment.c.id.desc()) if search.is_descending else (by, appointment.c.id)
    found = select(appointment).where(*wanted).order_by(*order).offset(search.offset).limit(search.page_size)
    return _all(tx, found), total


def not_activated(
    tx: Snapshot, organization: str, application: str | None, start: tuple[float, float] | None, limit: int
) -> list[Appointment]:
    """Scheduled ones without a room, whose start lies in the half-open interval; without their participants."""
    wanted = [
        appointment.c.organization == organization,
        appointment.c.status == "scheduled",
        appointment.c.room_url.is_(None),
        *([] if application is None else [appointment.c.application == application]),
        *([] if start is None else [appointment.c.start >= micros(start[0]), appointment.c.start < micros(start[1])]),
    ]
    rows = tx.connection.execute(
        select(appointment).where(*wanted).order_by(appointment.c.start, appointment.c.id).limit(limit)
    )
    return [_appointment(row, ()) for row in rows]


def groups(tx: Snapshot, organization: str, application: str, start: tuple[float, float], limit: int) -> list[Group]:
    """How many scheduled ones begin within the half-open interval, by the times at which they are."""
    key = (appointment.c.start, appointment.c.end, appointment.c.timezone)
    counted = (
        select(*key, func.count())
        .where(
            *_scheduled(organization, application),
            appointment.c.start >= micros(start[0]),
            appointment.c.start < micros(start[1]),
        )
        .group_by(*key)
        .order_by(*key)
        .limit(limit)
    )
    return [Group(seconds(row[0]), seconds(row[1]), row[2], row[3]) for row in tx.connection.execute(counted)]


def overlapping(
    tx: Snapshot, organization: str, application: str, start: float, end: float, *, other_than: str | None = None
) -> list[tuple[float, float]]:
    """The times of scheduled ones that share an instant with the half-open interval."""
    apart = () if other_than is None else (appointment.c.id != other_than,)
    found = select(appointment.c.start, appointment.c.end).where(
        *_shared(organization, application, start, end), *apart
    )
    return [(seconds(row[0]), seconds(row[1])) for row in tx.connection.execute(found)]


def count_overlapping(tx: Snapshot, organization: str, application: str, start: float, end: float) -> int:
    """How many they are."""
    found = select(func.count()).select_from(appointment).where(*_shared(organization, application, start, end))
    return tx.connection.execute(found).scalar_one()


def queue_up(tx: Tx, organization: str, application: str) -> None:
    """Wait until no other transaction is booking in the application; until this one ends, others wait."""
    tx.connection.execute(QUEUE_UP, {"organization": organization, "application": application})


def expire(tx: Tx, before: float, batch: int) -> int:
    """Delete at most `batch` that have ended before an instant; returns how many."""
    old = select(appointment.c.id).where(appointment.c.end <= micros(before)).order_by(appointment.c.end).limit(batch)
    ids = list(tx.connection.execute(old).scalars())
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        tx.connection.execute(delete(participant).where(participant.c.appointment.in_(part)))
        tx.connection.execute(delete(appointment).where(appointment.c.id.in_(part)))
    return len(ids)


def _scheduled(organization: str, application: str) -> tuple[ColumnElement[bool], ...]:
    return (
        appointment.c.organization == organization,
        appointment.c.application == application,
        appointment.c.status == "scheduled",
    )


def _shared(organization: str, application: str, start: float, end: float) -> tuple[ColumnElement[bool], ...]:
    return (
        *_scheduled(organization, application),
        _begins_for(start),
        appointment.c.start < micros(end),
        appointment.c.end > micros(start),
    )


def _begins_for(instant: float) -> ColumnElement[bool]:
    """What is true of everything that ends after the instant: the index then leaves out the past."""
    return appointment.c.start > micros(instant - LONGEST.total_seconds())


def _wanted(search: Search) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [
        appointment.c.organization == search.organization,
        appointment.c.status.in_(_KEPT),
    ]
    if search.application is not None:
        wanted.append(appointment.c.application == search.application)
    if search.organizers:
        wanted.append(appointment.c.organizer.in_(search.organizers))
    if search.durations:
        wanted.append(or_(*(appointment.c.end - appointment.c.start == micros(length) for length in search.durations)))
    if search.until is not None:
        wanted.append(appointment.c.start < micros(search.until))
    if search.since is not None:
        wanted += [_begins_for(search.since), appointment.c.end > micros(search.since)]
    return wanted


# Rows and values ----------------------------------------------------------------------------------------------------


def _one(tx: Snapshot, found: Select[Any]) -> Appointment | None:
    return next(iter(_all(tx, found)), None)


def _all(tx: Snapshot, found: Select[Any]) -> list[Appointment]:
    rows = tx.connection.execute(found).all()
    invited = _participants(tx, [row.id for row in rows])
    return [_appointment(row, tuple(invited.get(row.id, ()))) for row in rows]


def _participants(tx: Snapshot, ids: Collection[str]) -> dict[str, list[Participant]]:
    invited: dict[str, list[Participant]] = {}
    if not ids:
        return invited
    found = select(participant).where(participant.c.appointment.in_(ids)).order_by(participant.c.position)
    for row in tx.connection.execute(found):
        invited.setdefault(row.appointment, []).append(_participant(row))
    return invited


def _insert_participants(tx: Tx, of: Appointment) -> None:
    rows = [_participant_values(of.id, position, each) for position, each in enumerate(of.participants)]
    if rows:
        tx.connection.execute(participant.insert(), rows)


def _values(value: Appointment) -> dict[str, object]:
    room = value.room
    return {
        "id": value.id,
        "organization": value.organization,
        "application": value.application,
        "status": value.status,
        "organizer": value.organizer.id,
        "organizer_type": value.organizer.type,
        "start": micros(value.start),
        "end": micros(value.end),
        "timezone": value.timezone,
        "locale": value.locale,
        "title": value.title,
        "notes": value.notes,
        "metadata": wire.encode(value.metadata),
        "notification_headers": wire.encode(value.notification_headers),
        "notifications_active": value.notifications_active,
        "interaction": None if value.interaction is None else wire.encode(value.interaction),
        "room_url": None if room is None else room.url,
        "room_conference": None if room is None else room.conference,
        "room_expires": None if room is None else micros(room.expires),
        "created_at": micros(value.created_at),
        "created_by": value.created_by,
        "schedule_version": value.schedule_version,
        "sequence": value.sequence,
    }


def _appointment(row: Row[Any], participants: Sequence[Participant]) -> Appointment:
    room = row.room_url and Room(url=row.room_url, conference=row.room_conference, expires=seconds(row.room_expires))
    return Appointment(
        id=row.id,
        organization=row.organization,
        application=row.application,
        status=row.status,
        organizer=Organizer(id=row.organizer, type=row.organizer_type),
        start=seconds(row.start),
        end=seconds(row.end),
        timezone=row.timezone,
        locale=row.locale,
        title=row.title,
        notes=row.notes,
        metadata=wire.kept(row.metadata),
        notification_headers=msgspec.json.decode(row.notification_headers),
        notifications_active=row.notifications_active,
        interaction=row.interaction and msgspec.json.decode(row.interaction, type=Interaction),
        participants=tuple(participants),
        room=room or None,
        created_at=seconds(row.created_at),
        created_by=row.created_by,
        schedule_version=row.schedule_version,
        sequence=row.sequence,
    )


def _participant_values(appointment_id: str, position: int, value: Participant) -> dict[str, object]:
    customer = value.customer or Customer()
    return {
        "appointment": appointment_id,
        "id": value.id,
        "position": position,
        "type": value.type,
        "state": value.state,
        "has_joined": value.has_joined,
        "username": customer.username,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "email": customer.email,
        "phone": customer.phone,
        "metadata": wire.encode(customer.metadata),
    }


def _participant(row: Row[Any]) -> Participant:
    customer = None
    if row.type == "CUSTOMER":
        customer = Customer(
            username=row.username,
            first_name=row.first_name,
            last_name=row.last_name,
            email=row.email,
            phone=row.phone,
            metadata=wire.kept(row.metadata),
        )
    return Participant(id=row.id, type=row.type, state=row.state, has_joined=row.has_joined, customer=customer)
