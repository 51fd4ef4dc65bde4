"""The room of an appointment: a conference, and the ticket that lets customers into it.

The ticket is good from its making until the room expires, which is the end of the appointment and the life of a ticket
on top. Its secret is part of the room's url, which stays the same as long as there is a room.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from msgspec.structs import replace

from api.appointments.actions.saving import locked, save
from api.appointments.rules.appointment import ROOM_TYPE, Appointment, Room
from api.appointments.rules.permissions import Deed
from api.appointments.rules.site import Site, Sites
from api.tickets import actions as tickets
from api.tickets.rules import CUSTOMER, Ticket, UnknownTicket, id_of
from hub.auth.principal import Principal
from hub.kernel import ids, wire
from hub.kernel.errors import WrongState
from hub.store.transaction import Tx

PATH: Final = "/q/"


class Withdrawn(NamedTuple):
    """Whose tokens are refused from an instant on: of the customer of a ticket."""

    organization: str
    customer: str
    at: float


def activate(tx: Tx, caller: Principal, id: str, now: float, sites: Sites) -> Room:
    """The room, made if there is none yet. Raises WrongState for an appointment that is over."""
    before = locked(tx, Deed.ACTIVATE, caller, id, now)
    if before.room is not None:
        return before.room
    site = sites.of(before)
    if before.status == "completed" or _expires(before, site) <= now:
        raise WrongState("The appointment is over")
    after = opened(tx, before, site, now, caller.user)
    room = save(tx, before, after, "Activated", now, sites).room
    assert room is not None, "opened above"  # noqa: S101
    return room


def opened(tx: Tx, appointment: Appointment, site: Site, now: float, by: str) -> Appointment:
    """The appointment with a room."""
    secret = ids.bearer_id()
    room = Room(url=f"{site.room_base}{PATH}{secret}", conference=ids.event_id(), expires=_expires(appointment, site))
    tickets.create(tx, _ticket(appointment, room, site, now, by))
    return replace(appointment, room=room, sequence=appointment.sequence + 1)


def moved(tx: Tx, appointment: Appointment, site: Site, now: float, by: str) -> Appointment:
    """The appointment, which is at another time now, with its room open until then."""
    return _until(tx, appointment, _expires(appointment, site), site, now, by)


def ended(tx: Tx, appointment: Appointment, site: Site, now: float, by: str) -> Appointment:
    """The appointment, which is over, with its room open a little longer."""
    room = appointment.room
    if room is None:
        return appointment
    return _until(tx, appointment, min(room.expires, now + site.application.ticket_seconds), site, now, by)


def withdraw(tx: Tx, room: Room, clock: Callable[[], float]) -> Withdrawn | None:
    """Take back the ticket, with what it was exchanged for. The clock is asked when nobody can exchange it any more."""
    try:
        ticket = tickets.find_for_change(tx, room.ticket)
    except UnknownTicket:  # its time was over long ago
        return None
    now = clock()
    tickets.revoke(tx, ticket, now)
    return Withdrawn(ticket.organization, ticket.customer, now)


def _until(tx: Tx, appointment: Appointment, expires: float, site: Site, now: float, by: str) -> Appointment:
    if appointment.room is None:
        return appointment
    room = replace(appointment.room, expires=expires)
    if not tickets.move_end(tx, room.ticket, expires):  # it expired so long ago that it is not kept any more
        tickets.create(tx, _ticket(appointment, room, site, now, by))
    return replace(appointment, room=room)


def _expires(appointment: Appointment, site: Site) -> float:
    return appointment.end + site.application.ticket_seconds


def _ticket(appointment: Appointment, room: Room, site: Site, now: float, by: str) -> Ticket:
    properties = {
        **site.application.theme,
        "conference_id": room.conference,
        "applicationId": appointment.application,
        "appointment_id": appointment.id,
        "scheduled_date": wire.instant(appointment.start),
    }
    return Ticket(
        id=id_of(room.ticket),
        organization=appointment.organization,
        type=ROOM_TYPE,
        created_by=by,
        customer=CUSTOMER + ids.event_id(),
        conference=room.conference,
        application=appointment.application,
        properties=wire.encode(properties),
        created_at=now,
        opens_at=now,
        expires_at=room.expires,
    )
