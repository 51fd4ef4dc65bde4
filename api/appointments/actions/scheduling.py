"""Booking a time: for a new appointment, or for one that there is."""

from msgspec.structs import replace

from api.appointments import records
from api.appointments.actions import rooms
from api.appointments.actions.saving import create, locked, save
from api.appointments.rules import booking, routing
from api.appointments.rules.appointment import Appointment, Customer, Interaction, Organizer, Participant
from api.appointments.rules.booking import Slot
from api.appointments.rules.permissions import Deed
from api.appointments.rules.proposal import Proposal, Routed, Times
from api.appointments.rules.site import Site, Sites
from channels.access import Role
from hub.auth.principal import Principal
from hub.kernel import ids
from hub.kernel.applications import Application
from hub.kernel.errors import BadInput, WrongState
from hub.store.transaction import Tx


def schedule(tx: Tx, caller: Principal, proposal: Proposal, site: Site, now: float, sites: Sites) -> Appointment:
    """An appointment of the caller's, an agent being invited to it. Raises BadInput, SlotTaken among them."""
    organizer = Organizer(id=caller.user, type="AGENT")
    invited = [_invited(proposal.customer)] if proposal.customer else []
    if Role.AGENT in caller.roles:
        invited.append(Participant(id=caller.user, type="AGENT"))
    return _schedule(tx, organizer, invited, proposal, site, now, sites, caller.user)


def schedule_for(tx: Tx, customer: Customer, proposal: Proposal, site: Site, now: float, sites: Sites) -> Appointment:
    """An appointment that the customer makes without anybody's help. Raises as `schedule`."""
    invited = _invited(customer)
    organizer = Organizer(id=invited.id, type="CUSTOMER")
    return _schedule(tx, organizer, [invited], proposal, site, now, sites, invited.id)


def reschedule(tx: Tx, caller: Principal, id: str, times: Times, now: float, sites: Sites) -> Appointment:
    """Another time for it. The old one is free from the commit on, when the new one is sure. Raises BadInput, SlotTaken
    among them, and WrongState for one that is over.
    """
    return move(tx, locked(tx, Deed.RESCHEDULE, caller, id, now), times, now, sites, caller.user)


def move(tx: Tx, before: Appointment, times: Times, now: float, sites: Sites, by: str) -> Appointment:
    """The same for a locked one, by somebody who may."""
    if before.status == "completed":
        raise WrongState("The appointment is over")
    wanted = booking.slot(times.start, times.duration, times.timezone)
    locale = times.locale or before.locale
    if (wanted.start, wanted.end, wanted.timezone) == (before.start, before.end, before.timezone):
        after = replace(before, locale=locale)
        return before if before == after else save(tx, before, after, "Updated", now, sites)
    site = sites.of(before)
    _book(tx, wanted, site, before.organization, now, other_than=before.id)
    after = replace(
        before,
        start=wanted.start,
        end=wanted.end,
        timezone=wanted.timezone,
        locale=locale,
        schedule_version=before.schedule_version + 1,
        sequence=before.sequence + 1,
    )
    return save(tx, before, rooms.moved(tx, after, site, now, by), "Rescheduled", now, sites)


def _schedule(
    tx: Tx,
    organizer: Organizer,
    invited: list[Participant],
    proposal: Proposal,
    site: Site,
    now: float,
    sites: Sites,
    by: str,
) -> Appointment:
    times, application = proposal.times, site.application
    if application.scheduling != "appointments":
        raise BadInput("applicationId: its customers are called back, it has no appointments", pointer="/applicationId")
    wanted = booking.slot(times.start, times.duration, times.timezone)
    interaction = _interaction(proposal.interaction, application)
    _book(tx, wanted, site, application.organization, now)
    new = Appointment(
        id=ids.uuid(),
        organization=application.organization,
        application=site.id,
        organizer=organizer,
        start=wanted.start,
        end=wanted.end,
        timezone=wanted.timezone,
        locale=proposal.locale,
        title=proposal.title,
        notes=proposal.notes,
        metadata=proposal.metadata,
        notification_headers=proposal.notification_headers,
        notifications_active=application.notifications_active,
        interaction=interaction,
        participants=tuple(invited),
        created_at=now,
        created_by=by,
    )
    if application.auto_activate:
        new = replace(rooms.opened(tx, new, site, now, by), sequence=0)
    return create(tx, new, now, sites)


def _book(tx: Tx, wanted: Slot, site: Site, organization: str, now: float, *, other_than: str | None = None) -> None:
    """See that the time is offered and free. What was found free stays so: until the commit, others wait."""
    booking.require_offered(wanted, site.application, now)
    if most := site.application.max_parallel:
        records.queue_up(tx, organization, site.id)
        taken = records.overlapping(tx, organization, site.id, wanted.start, wanted.end, other_than=other_than)
        booking.require_free(taken, wanted, most)


def _interaction(routed: Routed | None, application: Application) -> Interaction | None:
    if routed is None:
        return None
    return routing.interaction(routed.type, routed.properties, routed.custom_fields, application)


def _invited(customer: Customer) -> Participant:
    return Participant(id=ids.uuid(), type="CUSTOMER", customer=customer)
