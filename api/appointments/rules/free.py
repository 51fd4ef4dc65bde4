"""The times that an application offers on a day and that are free. Pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from api.appointments.rules import booking
from api.appointments.rules.booking import Slot
from hub.kernel.applications import Application
from hub.kernel.errors import BadInput

_SHORTEST_STEP: Final = timedelta(minutes=15)
_LONGEST_STEP: Final = timedelta(hours=1)


def bounds(day: date, zone: ZoneInfo) -> tuple[float, float]:
    """From the beginning of a day to that of the next one."""
    first, last = (datetime.combine(each, time(), zone).timestamp() for each in (day, day + timedelta(days=1)))
    return first, last


def offered(application: Application, length: timedelta, timezone: str, day: date, now: float) -> list[Slot]:
    """The times that begin on the day, in order: one after the other from when the application opens, at least a
    quarter of an hour and at most an hour apart.
    """
    since, until = bounds(day, ZoneInfo(timezone))
    step = min(max(length, _SHORTEST_STEP), _LONGEST_STEP).total_seconds()
    found: list[Slot] = []
    for opens, closes in booking.open_times(application, since, until + length.total_seconds()):
        start = opens
        while start < until and start + length.total_seconds() <= closes:
            found.append(Slot(start, start + length.total_seconds(), timezone))
            start += step
    return [slot for slot in found if _is_offered(slot, application, now)]


def remaining(slots: Iterable[Slot], taken: Iterable[tuple[float, float]], most: int) -> list[Slot]:
    """Those at which fewer than `most` are already; 0 is no limit."""
    full = list(_full(taken, most)) if most else []
    return [slot for slot in slots if not any(opens < slot.end and closes > slot.start for opens, closes in full)]


def _full(taken: Iterable[tuple[float, float]], most: int) -> Iterator[tuple[float, float]]:
    """When as many as `most` of them are at the same time."""
    at_once, since = 0, 0.0
    for instant, step in sorted(step for opens, closes in taken for step in ((opens, 1), (closes, -1))):
        if step > 0 and at_once + 1 == most:
            since = instant
        elif step < 0 and at_once == most:
            yield since, instant
        at_once += step


def _is_offered(slot: Slot, application: Application, now: float) -> bool:
    try:
        booking.require_offered(slot, application, now)
    except BadInput:
        return False
    return True


def today(now: float, timezone: str) -> date:
    """The date there."""
    return datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(timezone)).date()
