"""When an appointment may be. Pure.

Appointments are half-open intervals of instants: one may begin when another ends. What is said in days and local times
(the horizon, working hours) is looked up in the zone it was said in.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from api.appointments.rules.appointment import LONGEST
from api.services import office_hours
from hub.kernel import hours, wire
from hub.kernel.applications import Application, WorkingHours, is_zone
from hub.kernel.errors import BadInput
from hub.kernel.hours import OfficeHours
from hub.kernel.periods import Period


class Slot(Struct, frozen=True):
    """From `start` to just before `end`, for people who live in `timezone`."""

    start: float
    end: float
    timezone: str


class SlotTaken(BadInput):
    """As many appointments of the application as it permits are at that time already."""

    code = "slot_taken"
    default_detail = "The time is taken"

    def __init__(self) -> None:
        super().__init__(fields={"code": "SLOT_TAKEN"})


def slot(start: float, duration: Period, timezone: str) -> Slot:
    """Raises BadInput for a duration of nothing or of more than a day, and for a zone that there is not."""
    if not timedelta() < duration.length <= LONGEST:
        raise BadInput("duration: must be longer than nothing and at most a day", pointer="/duration")
    if not is_zone(timezone):
        raise BadInput("timezone: there is no such time zone", pointer="/timezone")
    return Slot(start, start + duration.length.total_seconds(), timezone)


def require_offered(wanted: Slot, application: Application, now: float) -> None:
    """Raises BadInput for a time that the application does not offer, however many are there already."""
    if wanted.end - wanted.start not in {offered.length.total_seconds() for offered in application.durations}:
        offered = ", ".join(map(str, application.durations))
        raise BadInput(f"duration: must be one of {offered}", pointer="/duration")
    at, zone = wire.instant(now), ZoneInfo(wanted.timezone)
    if wanted.start < now:
        raise BadInput("start: must not be in the past", pointer="/start")
    if wanted.start < application.minimum_lead_time.after(at, zone).timestamp():
        raise BadInput(f"start: must be {application.minimum_lead_time} ahead or more", pointer="/start")
    if wanted.start > application.maximum_horizon.after(at, zone).timestamp():
        raise BadInput(f"start: must be {application.maximum_horizon} ahead at most", pointer="/start")
    if application.working_hours is not None and not _is_open(application.working_hours, wanted):
        raise BadInput("start: not all of it is within the working hours", pointer="/start")


def require_free(taken: Iterable[tuple[float, float]], wanted: Slot, most: int) -> None:
    """`taken` are the times of others that share an instant with it; `most` 0 is no limit. Raises SlotTaken."""
    if most and busiest(taken, wanted.start, wanted.end) >= most:
        raise SlotTaken


def open_times(application: Application, start: float, end: float) -> list[tuple[float, float]]:
    """When it has working hours between two instants, in order; always, where it has none."""
    if application.working_hours is None:
        return [(start, end)]
    found = office_hours.periods(_office_hours(application.working_hours), wire.instant(start), wire.instant(end))
    return [(period.start.timestamp(), period.end.timestamp()) for period in found]


def busiest(taken: Iterable[tuple[float, float]], start: float, end: float) -> int:
    """How many of them are at the same time, at the busiest instant of the interval."""
    steps = sorted(step for opens, closes in taken for step in ((max(opens, start), 1), (min(closes, end), -1)))
    at_once = most = 0
    for _, step in steps:  # at the same instant those that end come first
        at_once += step
        most = max(most, at_once)
    return most


def _is_open(working: WorkingHours, wanted: Slot) -> bool:
    times: tuple[datetime, datetime] = (wire.instant(wanted.start), wire.instant(wanted.end))
    return office_hours.periods(_office_hours(working), *times) == (times,)


def _office_hours(working: WorkingHours) -> OfficeHours:
    return OfficeHours(
        zone=hours.zone(working.timezone),
        regular=tuple(map(hours.weekly, working.regular)),
        added=tuple(map(hours.added, working.add)),
        closed=tuple(map(hours.day, working.closed)),
    )
