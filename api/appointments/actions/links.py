"""What customers do who follow a link in a message. The link alone says that they may."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Final, NamedTuple

from api.appointments import records
from api.appointments.actions import changing, scheduling
from api.appointments.actions.rooms import Withdrawn
from api.appointments.rules import free, links
from api.appointments.rules.appointment import Appointment
from api.appointments.rules.booking import Slot
from api.appointments.rules.links import Link, Purpose, SpentLink, State
from api.appointments.rules.proposal import Times
from api.appointments.rules.site import Site, Sites
from hub.kernel.periods import Period
from hub.store import signing
from hub.store.signing import Standing
from hub.store.transaction import Snapshot, Tx

DAYS_LOOKED_AT: Final = 14
_FURTHEST: Final = timedelta(days=400)


class Followed(NamedTuple):
    """A link that somebody has followed, whose signature is right."""

    purpose: Purpose
    state: State
    appointment: Appointment
    site: Site


class Offer(NamedTuple):
    """The free times of one day, which are none where no day has any."""

    day: date
    slots: list[Slot]

    @property
    def next(self) -> date:
        """Where to look further."""
        return self.day + timedelta(days=1)


def follow(tx: Snapshot, token: str, now: float, sites: Sites) -> Followed | None:
    """What there is behind the link; None for one that is worth nothing. Raises SpentLink for one whose key was
    withdrawn: what it says may be made up by whoever has the key.
    """
    link = _genuine(tx, token, now)
    return None if link is None else _followed(link, records.find(tx, link.appointment), now, sites)


def look(
    tx: Snapshot, token: str, since: date | None, now: float, sites: Sites
) -> tuple[Followed | None, Offer | None]:
    """The same, and what can be chosen from where something can: the free times of the first day from `since` on."""
    found = follow(tx, token, now, sites)
    if found is None or (found.purpose, found.state) != ("reschedule", State.GOOD):
        return found, None
    return found, _offer(tx, found, since, now)


def _offer(tx: Snapshot, followed: Followed, since: date | None, now: float) -> Offer:
    appointment, site = followed.appointment, followed.site
    application, today = site.application, free.today(now, appointment.timezone)
    first = today if since is None else min(max(since, today), today + _FURTHEST)
    for day in (first + timedelta(days=number) for number in range(DAYS_LOOKED_AT)):
        slots = free.offered(application, appointment.duration, appointment.timezone, day, now)
        slots = [slot for slot in slots if slot.start != appointment.start]
        if slots and application.max_parallel:
            ends = (slots[0].start, slots[-1].end)
            taken = records.overlapping(tx, appointment.organization, site.id, *ends, other_than=appointment.id)
            slots = free.remaining(slots, taken, application.max_parallel)
        if slots:
            return Offer(day, slots)
    return Offer(first + timedelta(days=DAYS_LOOKED_AT - 1), [])


def cancel(
    tx: Tx, token: str, now: float, sites: Sites, clock: Callable[[], float]
) -> tuple[Followed | None, Withdrawn | None]:
    """Do it, if the link is good for that: its state is that from before. Raises SpentLink."""
    followed = _locked(tx, token, now, sites)
    if followed is None or (followed.purpose, followed.state) != ("cancel", State.GOOD):
        return followed, None
    return followed, changing.call_off(tx, followed.appointment, now, sites, clock)


def move(tx: Tx, token: str, start: float, now: float, sites: Sites) -> Followed | None:
    """The same. Raises BadInput, SlotTaken among them, and SpentLink."""
    followed = _locked(tx, token, now, sites)
    if followed is None or (followed.purpose, followed.state) != ("reschedule", State.GOOD):
        return followed
    before = followed.appointment
    length = Period(seconds=round(before.duration.total_seconds()))
    times = Times(start=start, duration=length, timezone=before.timezone)
    after = scheduling.move(tx, before, times, now, sites, before.organizer.id)
    return followed._replace(appointment=after)


def _locked(tx: Tx, token: str, now: float, sites: Sites) -> Followed | None:
    link = _genuine(tx, token, now)
    return None if link is None else _followed(link, records.lock(tx, link.appointment), now, sites)


def _genuine(tx: Snapshot, token: str, now: float) -> Link | None:
    if (signed := links.read(token)) is None:
        return None
    match signing.standing(tx, links.PATH, signed.link.text, signed.signature, now):
        case Standing.GOOD:
            return signed.link
        case Standing.WITHDRAWN:
            raise SpentLink
        case Standing.UNKNOWN:
            return None


def _followed(link: Link, appointment: Appointment | None, now: float, sites: Sites) -> Followed | None:
    if appointment is None:
        return None
    site = sites.of(appointment)
    state = links.state(link, appointment, site.application, now)
    return None if state is State.UNKNOWN else Followed(link.purpose, state, appointment, site)
