"""Looking at appointments, one and many. Nothing is changed."""

from api.appointments import records
from api.appointments.records import Group
from api.appointments.rules import formats, permissions
from api.appointments.rules.appointment import Appointment
from api.appointments.rules.permissions import Deed, UnknownAppointment
from api.appointments.rules.search import Search
from api.appointments.rules.site import Site
from hub.auth.principal import Principal
from hub.store.transaction import Snapshot

MOST_GROUPS = 10_000
MOST_ELIGIBLE = 10_000


def read(tx: Snapshot, caller: Principal, id: str, now: float) -> Appointment:
    """The one with that id."""
    found = records.find(tx, id) if formats.is_id(id) else None
    if found is None:
        raise UnknownAppointment
    permissions.require(Deed.READ, caller, found, now)
    return found


def search(tx: Snapshot, wanted: Search) -> tuple[list[Appointment], int]:
    """One page, and how many there are in all."""
    return records.page(tx, wanted)


def eligible(tx: Snapshot, caller: Principal, start: tuple[float, float] | None) -> list[Appointment]:
    """Those that were not activated and that begin within the half-open interval, at most MOST_ELIGIBLE; they come
    without their participants.
    """
    return records.not_activated(tx, caller.organization, caller.application, start, MOST_ELIGIBLE)


def count(tx: Snapshot, site: Site, start: tuple[float, float]) -> list[Group]:
    """How many begin within the half-open interval, by when they are; at most MOST_GROUPS times."""
    return records.groups(tx, site.application.organization, site.id, start, MOST_GROUPS)


def overlaps(tx: Snapshot, site: Site, start: float, end: float) -> int:
    """How many share an instant with the half-open interval."""
    return records.count_overlapping(tx, site.application.organization, site.id, start, end)
