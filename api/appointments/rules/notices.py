"""Who is told what about an appointment, and when. Pure.

A notice is one message to one person on one way, and leaves once: it is known by the appointment, its schedule, its
type, its offset, the person and the way. People are told only while both the application and the appointment say so;
what is planned is asked again when its time comes.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias, assert_never
from zoneinfo import ZoneInfo

from msgspec import Struct

from api.appointments.rules.appointment import Appointment, Participant
from api.notifications.rules import is_mail_address, is_phone
from channels.appointments import AppointmentNotificationType
from hub.kernel import wire
from hub.kernel.applications import Application, TextType
from hub.kernel.headers import header_fault
from hub.kernel.periods import Period

Way: TypeAlias = Literal["EMAIL", "SMS"]
TimedType: TypeAlias = Literal["REMINDER", "ROOM", "FOLLOW_UP"]

TOLERANCE: Final[Mapping[TimedType, float]] = {"REMINDER": 60.0, "ROOM": 60.0, "FOLLOW_UP": 86_400.0}
"""How late something timed may still be told, in seconds; later it is missed."""
FOLLOW_UP_SECONDS: Final = 7 * 86_400.0
"""How long a message after an appointment may take to leave."""

EVENTS: Final[Mapping[AppointmentNotificationType, str]] = {
    "Created": "APPOINTMENT_CREATED",
    "Updated": "APPOINTMENT_UPDATED",
    "Rescheduled": "APPOINTMENT_RESCHEDULED",
    "Reassigned": "APPOINTMENT_REASSIGNED",
    "ParticipantAdded": "PARTICIPANT_ADDED",
    "ParticipantRemoved": "PARTICIPANT_REMOVED",
    "ParticipantState": "PARTICIPANT_STATE",
    "Activated": "APPOINTMENT_ACTIVATED",
    "Completed": "INTERACTION_COMPLETED",
    "Cancelled": "APPOINTMENT_CANCELLED",
    "Reminder": "APPOINTMENT_REMINDER",
}
"""What webhooks call a change."""


class Notice(Struct, frozen=True, kw_only=True):
    """One message. `offset` is ISO 8601 for what is timed, else empty. An agent's address, the users know."""

    type: TextType
    offset: str = ""
    way: Way
    person: Participant


class Timed(Struct, frozen=True, kw_only=True):
    """What is to be told at `due`, and not later than `until`, while the appointment has that schedule."""

    appointment: str
    version: int
    type: TimedType
    offset: Period
    due: float
    until: float

    @property
    def key(self) -> str:
        """The key of its timer: there is one of each type and offset."""
        return f"{self.appointment}/{self.type}/{self.offset}"


class Plan(NamedTuple):
    """What follows from a change: notices now, and later; keys of timers that are not needed any more; persons whom
    nothing that has not left yet shall reach any more.
    """

    notices: tuple[Notice, ...] = ()
    timed: tuple[Timed, ...] = ()
    dropped: tuple[str, ...] = ()
    silenced: tuple[str, ...] = ()


def planned(
    before: Appointment | None,
    after: Appointment | None,
    kind: AppointmentNotificationType,
    participant: Participant | None,
    application: Application,
    now: float,
) -> Plan:
    """What follows from the change. `before` is None for Created, `after` for Cancelled."""
    current = after or before
    if current is None:
        return Plan()
    told = _told(before, after, kind, participant, application, now) if is_active(current, application) else ()
    notices = tuple(notice for type_, person in told for notice in _ways(type_, person, application))
    silenced = tuple(person.id for person in _silenced(before, after, kind, participant))
    if kind not in _SCHEDULING:
        return Plan(notices, silenced=silenced)
    timed = () if after is None else _timed(after, application, now)
    needed = {each.key for each in timed}
    return Plan(notices, timed, tuple(key for key in _keys(current, application) if key not in needed), silenced)


def due(appointment: Appointment, timed: Timed, application: Application, now: float) -> tuple[Notice, ...] | None:
    """What is to be told now that its time has come; None if that is nothing to anybody any more: the appointment was
    moved or cancelled, or has begun, or those whom a reminder is for are there already. A ROOM that is to be told, to
    whomever that is, needs a room.
    """
    if timed.version != appointment.schedule_version or appointment.status == "cancelled":
        return None
    people = _due_for(appointment, timed, application, now)
    if people is None or not is_active(appointment, application):
        return None if people is None else ()
    offset = str(timed.offset)
    return tuple(notice for person in people for notice in _ways(timed.type, person, application, offset))


def is_active(appointment: Appointment, application: Application) -> bool:
    """Whether anybody outside is told anything: now, and when it was scheduled."""
    return application.notifications_active and appointment.notifications_active


def everybody(appointment: Appointment) -> tuple[Participant, ...]:
    """Whom it concerns, each once: its customers and its agents, the organizer among them."""
    return (*appointment.customers, *map(_agent, appointment.agents))


def worth_until(type: TextType, appointment: Appointment, now: float) -> float:
    """Until when a notice that could not leave is still worth sending."""
    return now + FOLLOW_UP_SECONDS if type == "FOLLOW_UP" else appointment.end


def headers(own: Mapping[str, str], subscription: Mapping[str, str]) -> dict[str, str]:
    """The headers of a webhook: those of the appointment that may be set, under those of the subscription."""
    taken = {name.lower() for name in subscription}
    allowed = {name: value for name, value in own.items() if header_fault(name, value) is None}
    return {name: value for name, value in allowed.items() if name.lower() not in taken} | dict(subscription)


_SCHEDULING: Final[frozenset[AppointmentNotificationType]] = frozenset(
    {"Created", "Rescheduled", "Completed", "Cancelled"}
)


def _told(
    before: Appointment | None,
    after: Appointment | None,
    kind: AppointmentNotificationType,
    participant: Participant | None,
    application: Application,
    now: float,
) -> Iterator[tuple[TextType, Participant]]:
    match kind, before, after:
        case "Created", _, Appointment():
            yield from (("CREATE", person) for person in everybody(after))
        case "Rescheduled", _, Appointment():
            yield from (("RESCHEDULE", person) for person in everybody(after))
        case "Cancelled", Appointment(), _ if before.status == "scheduled" and now < before.end:
            yield from (("CANCELLED", person) for person in everybody(before))
        case "ParticipantAdded", _, _ if participant is not None:
            yield "CREATE", participant
        case "ParticipantRemoved", _, _ if participant is not None:
            yield "CANCELLED", participant
        case "Reassigned", Appointment(), Appointment():
            yield from (("CREATE", _agent(each)) for each in after.agents if each not in before.agents)
            yield from (("CANCELLED", _agent(each)) for each in before.agents if each not in after.agents)
        # One that is still to be invited to the room hears of it then.
        case "Activated", _, Appointment() if not application.auto_activate and not _invites(after, application, now):
            yield from (("ROOM", person) for person in after.customers)
        case _:
            return


def _silenced(
    before: Appointment | None,
    after: Appointment | None,
    kind: AppointmentNotificationType,
    participant: Participant | None,
) -> Iterable[Participant]:
    """Those for whom what was said before is not true any more."""
    match kind:
        case "Rescheduled" | "Cancelled" | "Completed" if before is not None:
            return everybody(before)
        case "ParticipantRemoved" if participant is not None:
            return (participant,)
        case "Reassigned" if before is not None and after is not None:
            return (_agent(each) for each in before.agents if each not in after.agents)
        case _:
            return ()


def _due_for(
    appointment: Appointment, timed: Timed, application: Application, now: float
) -> Iterable[Participant] | None:
    is_ahead = appointment.status == "scheduled" and now < appointment.start
    match timed.type:
        case "REMINDER":
            is_anybody_there = any(each.state == "JOINED" for each in appointment.participants)
            return everybody(appointment) if is_ahead and not is_anybody_there else None
        case "ROOM":
            return _absent(appointment) if is_ahead and timed.offset in _room_invites(application) else None
        case "FOLLOW_UP":
            return (each for each in appointment.customers if each.has_joined)
        case _:
            assert_never(timed.type)


def _absent(appointment: Appointment) -> Iterator[Participant]:
    """Everybody who has not found the way into the room yet."""
    there = {each.id for each in appointment.participants if each.state == "JOINED"}
    return (each for each in everybody(appointment) if each.id not in there)


def _room_invites(application: Application) -> tuple[Period, ...]:
    return () if application.auto_activate else application.room_invites


def _invites(appointment: Appointment, application: Application, now: float) -> list[Timed]:
    """The invitations to the room that are still to be told, be it a little late."""
    start, zone = wire.instant(appointment.start), ZoneInfo(appointment.timezone)
    dates = ((offset, offset.before(start, zone).timestamp()) for offset in _room_invites(application))
    found = (_at("ROOM", appointment, offset, at) for offset, at in dates)
    return [invite for invite in found if invite.until >= now and appointment.start > now]


def _timed(appointment: Appointment, application: Application, now: float) -> tuple[Timed, ...]:
    zone, found = ZoneInfo(appointment.timezone), list[Timed]()
    if appointment.status == "scheduled":
        start = wire.instant(appointment.start)
        dates = ((offset, offset.before(start, zone).timestamp()) for offset in application.reminders)
        found += [_at("REMINDER", appointment, offset, at) for offset, at in dates if at > now]
        found += _invites(appointment, application, now)
    if appointment.status in {"scheduled", "completed"}:
        end = wire.instant(now if appointment.status == "completed" else appointment.end)
        found += [
            _at("FOLLOW_UP", appointment, offset, offset.after(end, zone).timestamp())
            for offset in application.follow_ups
        ]
    return tuple(found)


def _at(type: TimedType, appointment: Appointment, offset: Period, at: float) -> Timed:
    return Timed(
        appointment=appointment.id,
        version=appointment.schedule_version,
        type=type,
        offset=offset,
        due=at,
        until=at + TOLERANCE[type],
    )


def _keys(appointment: Appointment, application: Application) -> Iterator[str]:
    periods = {
        "REMINDER": application.reminders,
        "ROOM": application.room_invites,
        "FOLLOW_UP": application.follow_ups,
    }
    for type_, offsets in periods.items():
        yield from (f"{appointment.id}/{type_}/{offset}" for offset in offsets)


def _ways(type: TextType, person: Participant, application: Application, offset: str = "") -> Iterator[Notice]:
    """On every way that the application uses and the person has an address for; agents get mail only."""
    customer = person.customer
    has_email = person.type == "AGENT" or (customer is not None and is_mail_address(customer.email or ""))
    if "EMAIL" in application.channels and has_email:
        yield Notice(type=type, offset=offset, way="EMAIL", person=person)
    if "SMS" in application.channels and customer is not None and is_phone(customer.phone or ""):
        yield Notice(type=type, offset=offset, way="SMS", person=person)


def _agent(id: str) -> Participant:
    return Participant(id=id, type="AGENT")
