"""Instants on the wire, how far ahead a callback may be booked, and when customers may be rung.

Instants are Unix seconds. On the wire they are ISO 8601 with a zone; ours are UTC with milliseconds.
"""

import calendar
from collections.abc import Sequence
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from hub.kernel import wire

DEFAULT_EARLIEST: Final = 9
DEFAULT_LATEST: Final = 20
"""Hours between which a customer is rung again unasked, where the service says nothing."""

_UNITS: Final = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_LONGEST_WAIT: Final = 8 * 24 * 4
"""Quarters of an hour to look ahead for a permitted one."""
_QUARTER: Final = 900


class CallingHours(NamedTuple):
    """Customers are rung from `earliest` until before `latest` o'clock where they are, and at most `late` seconds after
    the time they wanted; None: however late.
    """

    earliest: int
    latest: int
    late: float | None = None


def read(text: str) -> float | None:
    """The instant that `text` is; None where it is none, names no zone, or is so far away that there are no days around
    it.
    """
    try:
        parsed = datetime.fromisoformat(text.strip())
        at = parsed.astimezone(UTC) if parsed.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
    return at.timestamp() if at is not None and MINYEAR < at.year < MAXYEAR else None


def shown(at: float) -> str:
    """The instant as it is written: `2013-05-27T15:05:00.000Z`."""
    return wire.instant(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def horizon(text: str, now: float) -> float:
    """The last instant that is not too far ahead: `1M` is a month, `90d` ninety days; months and years are those of the
    calendar.
    """
    count, unit, start = int(text[:-1]), text[-1], wire.instant(now)
    try:
        if unit in _UNITS:
            return (start + count * _UNITS[unit]).timestamp()
        months = start.year * 12 + start.month - 1 + count * (12 if unit == "y" else 1)
        year, month = divmod(months, 12)
        day = min(start.day, calendar.monthrange(year, month + 1)[1])
        return start.replace(year=year, month=month + 1, day=day).timestamp()
    except (ValueError, OverflowError):  # beyond the year 9999 nothing is too far
        return datetime.max.replace(tzinfo=UTC).timestamp()


def calling_hours(do_not_call_items: str | None, *, asked_for: bool) -> CallingHours | None:
    """When a service rings customers; None: at any time. What the customer has `asked_for` is rung at their time,
    unless the service says otherwise; further attempts, which nobody asked for, keep to decent hours.
    """
    if do_not_call_items is not None:
        late, earliest, latest = (int(part) for part in do_not_call_items.split(","))
        return CallingHours(earliest, latest, late)
    return None if asked_for else CallingHours(DEFAULT_EARLIEST, DEFAULT_LATEST)


def ringing_at(hours: CallingHours | None, zones: Sequence[ZoneInfo], at: float, wanted: float) -> float | None:
    """When a customer may be rung, at `at` or later; None where that would be later than makes sense.

    A number that may be in several zones is rung when it is decent in all of them; where that is never, in the first.
    """
    if hours is None or not zones:
        found: float | None = at
    else:
        found = _first(hours, zones, at) or _first(hours, zones[:1], at)
    if found is None or (hours is not None and hours.late is not None and found - wanted > hours.late):
        return None
    return found


def _first(hours: CallingHours, zones: Sequence[ZoneInfo], at: float) -> float | None:
    if _is_decent(hours, zones, at):
        return at
    quarter = at - at % _QUARTER
    for number in range(1, _LONGEST_WAIT):
        if _is_decent(hours, zones, quarter + number * _QUARTER):
            return quarter + number * _QUARTER
    return None


def _is_decent(hours: CallingHours, zones: Sequence[ZoneInfo], at: float) -> bool:
    instant = wire.instant(at)
    return all(hours.earliest <= instant.astimezone(zone).hour < hours.latest for zone in zones)
