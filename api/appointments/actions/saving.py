"""Where every change goes through."""

from collections.abc import Collection

from api.appointments import messages, notices, records
from api.appointments.rules import formats, permissions
from api.appointments.rules.appointment import Appointment, Participant
from api.appointments.rules.permissions import Deed, UnknownAppointment
from api.appointments.rules.site import Sites
from channels.appointments import AppointmentNotificationType
from hub.auth.principal import Principal
from hub.store.transaction import Tx


def locked(tx: Tx, deed: Deed, caller: Principal, id: str, now: float) -> Appointment:
    """The appointment to which the caller may do that, locked until the transaction ends."""
    found = records.lock(tx, id) if formats.is_id(id) else None
    if found is None:
        raise UnknownAppointment
    permissions.require(deed, caller, found, now)
    return found


def create(tx: Tx, new: Appointment, now: float, sites: Sites) -> Appointment:
    """Write and tell a new one; its id is new."""
    records.insert(tx, new)
    site = sites.of(new)
    messages.tell(tx, "Created", new, now, site.base)
    notices.changed(tx, None, new, "Created", now, site)
    return new


def save(
    tx: Tx,
    before: Appointment,
    after: Appointment,
    kind: AppointmentNotificationType,
    now: float,
    sites: Sites,
    *,
    participant: Participant | None = None,
) -> Appointment:
    """Write and tell what has become of a locked one. Agents whom it does not concern any more hear of it, too."""
    records.put(tx, before, after)
    site = sites.of(after)
    messages.tell(tx, kind, after, now, site.base, participant=participant, parted=_parted(before, after))
    notices.changed(tx, before, after, kind, now, site, participant)
    return after


def erase(tx: Tx, before: Appointment, tombstone: Appointment, now: float, sites: Sites) -> None:
    """Write and tell that there is none any more, of which the `tombstone` is what stays."""
    records.put(tx, before, tombstone)
    site = sites.of(before)
    messages.tell(tx, "Cancelled", before, now, site.base)
    notices.changed(tx, before, None, "Cancelled", now, site)


def _parted(before: Appointment, after: Appointment) -> Collection[str]:
    return [agent for agent in before.agents if agent not in after.agents]
