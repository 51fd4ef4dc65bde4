"""Who may do what to which appointments. Pure.

`PERMISSIONS` is the whole of it: what is not in the table nobody may. Roles do not include each other; somebody with
several reaches whatever one of them does.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, assert_never

from api.appointments.rules.appointment import Appointment, Participant
from channels.access import Role
from hub.auth.principal import Principal
from hub.kernel.errors import Forbidden, NotFound


class Deed(StrEnum):
    """What can be done with appointments."""

    LIST = "list"
    READ = "read"
    SCHEDULE = "schedule"
    UPDATE = "update"
    RESCHEDULE = "reschedule"
    REASSIGN = "reassign"
    DELETE = "delete"
    ADD_PARTICIPANT = "add a participant"
    REMOVE_PARTICIPANT = "remove a participant"
    READ_PARTICIPANT = "read a participant"
    SET_STATE = "set a participant's state"
    ACTIVATE = "activate"
    FIND_ELIGIBLE = "find what is eligible for activation"
    END = "end"


class Reach(StrEnum):
    """Which appointments of the own organization; where a token names an application, of that application only."""

    OWN = "own"
    """Whose organizer the caller is."""
    PART = "part"
    """The same, and those to which the caller is invited."""
    CONFERENCE = "conference"
    """The one whose conference the token names, while its room is open; of its participants, the customers."""
    ALL = "all"


_STAFF_CHANGES: Final = {Role.SUPERVISOR: Reach.ALL, Role.AGENT: Reach.PART}
_CHANGES: Final = {**_STAFF_CHANGES, Role.CLIENT_SERVICE: Reach.ALL}
_VISITS: Final = {**_STAFF_CHANGES, Role.CUSTOMER: Reach.CONFERENCE}

PERMISSIONS: Final[Mapping[Deed, Mapping[Role, Reach]]] = {
    Deed.LIST: {Role.SUPERVISOR: Reach.ALL, Role.AGENT: Reach.OWN, Role.CLIENT_SERVICE: Reach.OWN},
    Deed.READ: {**_CHANGES, Role.CUSTOMER: Reach.CONFERENCE},
    Deed.SCHEDULE: {Role.AGENT: Reach.ALL, Role.CLIENT_SERVICE: Reach.ALL},
    Deed.UPDATE: _CHANGES,
    Deed.RESCHEDULE: _CHANGES,
    Deed.REASSIGN: _STAFF_CHANGES,
    Deed.DELETE: _CHANGES,
    Deed.ADD_PARTICIPANT: _STAFF_CHANGES,
    Deed.REMOVE_PARTICIPANT: _STAFF_CHANGES,
    Deed.READ_PARTICIPANT: _VISITS,
    Deed.SET_STATE: _VISITS,
    Deed.ACTIVATE: {Role.CLIENT_SERVICE: Reach.ALL},
    Deed.FIND_ELIGIBLE: {Role.CLIENT_SERVICE: Reach.ALL},
    Deed.END: {Role.AGENT: Reach.PART, Role.CUSTOMER: Reach.CONFERENCE},
}


class UnknownAppointment(NotFound):
    """None with that id, or none that the caller may know of."""

    code = "appointment_unknown"
    default_detail = "No such appointment"


def roles_for(deed: Deed) -> frozenset[Role]:
    """The roles that may do it to any appointment at all."""
    return frozenset(PERMISSIONS[deed])


def reaches_all(deed: Deed, caller: Principal) -> bool:
    """Whether the caller may do it to appointments of others as well."""
    return any(reach is Reach.ALL for reach in _reaches(deed, caller))


def require_application(caller: Principal, application: str) -> None:
    """Raises Forbidden where the token is for another application."""
    if caller.application not in {None, application}:
        raise Forbidden("The token is for another application")


def require(deed: Deed, caller: Principal, appointment: Appointment, now: float) -> None:
    """Raises Forbidden where the caller may not do it to this one. Raises UnknownAppointment in its place for whoever
    must not learn that there is one: other organizations, and customers.
    """
    if appointment.organization != caller.organization or appointment.status == "cancelled":
        raise UnknownAppointment
    reaches = _reaches(deed, caller)
    if any(_is_within(reach, caller, appointment, now) for reach in reaches):
        return
    raise UnknownAppointment if set(reaches) <= {Reach.CONFERENCE} else Forbidden


def require_participant(deed: Deed, caller: Principal, participant: Participant) -> None:
    """Raises Forbidden for one whom the caller's roles do not concern, in an appointment that they do."""
    if set(_reaches(deed, caller)) <= {Reach.CONFERENCE} and participant.type != "CUSTOMER":
        raise Forbidden


def _reaches(deed: Deed, caller: Principal) -> list[Reach]:
    return [reach for role, reach in PERMISSIONS[deed].items() if role in caller.roles]


def _is_within(reach: Reach, caller: Principal, appointment: Appointment, now: float) -> bool:
    is_own = (appointment.organizer.id, appointment.organizer.type) == (caller.user, "AGENT")
    of_application = caller.application in {None, appointment.application}
    match reach:
        case Reach.OWN:
            return of_application and is_own
        case Reach.PART:
            return of_application and (is_own or caller.user in appointment.agents)
        case Reach.CONFERENCE:
            room = appointment.room
            return room is not None and caller.conference == room.conference and now < room.expires
        case Reach.ALL:
            return of_application
        case _:
            assert_never(reach)
