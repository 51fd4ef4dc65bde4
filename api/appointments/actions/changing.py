"""What becomes of an appointment, its time and its people apart."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from api.appointments import records
from api.appointments.actions import rooms
from api.appointments.actions.rooms import Withdrawn
from api.appointments.actions.saving import erase, locked, save
from api.appointments.rules.appointment import Appointment, Interaction, Participant
from api.appointments.rules.permissions import Deed
from api.appointments.rules.site import Sites
from hub.auth.principal import Principal
from hub.store.transaction import Tx


def update(tx: Tx, caller: Principal, id: str, changes: Mapping[str, Any], now: float, sites: Sites) -> Appointment:
    """Other values for some of its fields, by name: title, notes, metadata, notification_headers."""
    before = locked(tx, Deed.UPDATE, caller, id, now)
    after = replace(before, **changes)
    return before if after == before else save(tx, before, after, "Updated", now, sites)


def end(tx: Tx, caller: Principal, id: str, now: float, sites: Sites) -> Appointment:
    """It is over: whoever had joined has left, and the room is open for a little longer only."""
    before = locked(tx, Deed.END, caller, id, now)
    if before.status == "completed":
        return before
    after = replace(
        before,
        status="completed",
        interaction=replace(before.interaction or Interaction(), is_complete=True),
        participants=tuple(_left(each) for each in before.participants),
    )
    return save(tx, before, rooms.ended(tx, after, sites.of(before), now, caller.user), "Completed", now, sites)


def delete(
    tx: Tx, caller: Principal, id: str, now: float, sites: Sites, clock: Callable[[], float]
) -> Withdrawn | None:
    """Nobody's any more, and nobody gets into its room. What stays says only when it would have been, for calendars
    that still show it.
    """
    return call_off(tx, locked(tx, Deed.DELETE, caller, id, now), now, sites, clock)


def call_off(tx: Tx, before: Appointment, now: float, sites: Sites, clock: Callable[[], float]) -> Withdrawn | None:
    """The same to a locked one, by somebody who may."""
    withdrawn = None if before.room is None else rooms.withdraw(tx, before.room, clock)
    tombstone = replace(
        before,
        status="cancelled",
        title=None,
        notes=None,
        metadata={},
        notification_headers={},
        interaction=None,
        participants=(),
        room=None,
        sequence=before.sequence + 1,
    )
    erase(tx, before, tombstone, now, sites)
    return withdrawn


def expire(tx: Tx, before: float, batch: int) -> int:
    """Delete at most `batch` that have ended before an instant, with all that is known of their people; returns how
    many.
    """
    return records.expire(tx, before, batch)


def _left(each: Participant) -> Participant:
    return replace(each, state="LEFT") if each.state == "JOINED" else each
