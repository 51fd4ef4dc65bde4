"""When an office is open. Pure.

An office is open at an instant exactly if the clock on its wall shows a time of its hours. So a local time that a
change of clocks skips does not exist, and one that comes twice counts twice. Outside of the effective dates nothing
happens, and on a closed date neither; on all others the office is open during the hours added for that date and during
the regular ones. Hours that reach over midnight belong to the date on which they begin, and end at the beginning of a
date on which nothing happens.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from hub.kernel.hours import DAY_MINUTES, OfficeHours

LONGEST: Final = timedelta(days=400)
"""Of a look into the calendar."""
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)


class Closed(StrEnum):
    """Why an office is closed."""

    DAY_OF_WEEK = "closed_day_of_week"
    """It never opens on that day."""
    NO_MATCH = "closed_no_match"
    """It opens on that day, at another time."""
    HOLIDAY = "closed_holiday"
    EFFECTIVE_DATES = "closed_effective_dates"


class Period(NamedTuple):
    """From `start` until just before `end`; local times without a zone inside this module, UTC outside."""

    start: datetime
    end: datetime


def closed(hours: OfficeHours, at: datetime) -> Closed | None:
    """Why the office is closed at an instant; None while it is open."""
    local = at.astimezone(hours.zone).replace(tzinfo=None)
    today = local.date()
    if any(start <= local < end for day in (today - _DAY, today) for start, end in _shifts(hours, day)):
        return None
    if _is_out_of_effect(hours, today):
        return Closed.EFFECTIVE_DATES
    if _is_holiday(hours, today):
        return Closed.HOLIDAY
    return Closed.NO_MATCH if _shifts(hours, today) else Closed.DAY_OF_WEEK


def periods(hours: OfficeHours, start: datetime, end: datetime) -> tuple[Period, ...]:
    """When it is open between two instants, which are at most `LONGEST` apart: in order, and none touches the next."""
    found: list[Period] = []
    for segment, offset in _segments(hours, start, end):
        for shift in _between(hours, segment.start + offset, segment.end + offset):
            opens, closes = ((local - offset).replace(tzinfo=UTC) for local in shift)
            if found and found[-1].end == opens:
                found[-1] = Period(found[-1].start, closes)
            else:
                found.append(Period(opens, closes))
    return tuple(found)


def _segments(hours: OfficeHours, start: datetime, end: datetime) -> Iterator[tuple[Period, timedelta]]:
    """The time between two instants, cut where the clocks are changed, each piece with its offset. UTC, no zone."""
    begin, end = (at.astimezone(UTC).replace(tzinfo=None) for at in (start, end))
    since = begin
    while since < end:
        offset = _offset(hours, since)
        until = since
        while until < end and _offset(hours, min(until + _DAY, end)) == offset:
            until = min(until + _DAY, end)
        if until < end:
            until = _change(hours, until, min(until + _DAY, end))
        yield Period(since, until), offset
        since = until


def _change(hours: OfficeHours, before: datetime, after: datetime) -> datetime:
    """The second at which the clocks are changed between two instants with different offsets."""
    offset = _offset(hours, before)
    low, high = 0, -((before - after) // _SECOND)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(hours, before + middle * _SECOND) == offset else (low, middle)
    return min((before + high * _SECOND).replace(microsecond=0), after)


def _offset(hours: OfficeHours, utc: datetime) -> timedelta:
    return utc.replace(tzinfo=UTC).astimezone(hours.zone).utcoffset() or timedelta()


def _between(hours: OfficeHours, start: datetime, end: datetime) -> Iterator[Period]:
    """The hours between two local times, overlapping ones joined."""
    days = ((start.date() - _DAY) + number * _DAY for number in range((end.date() - start.date()).days + 2))
    last: Period | None = None
    for opens, closes in sorted(shift for day in days for shift in _shifts(hours, day)):
        piece = Period(max(opens, start), min(closes, end))
        if piece.start >= piece.end:
            continue
        if last is not None and piece.start <= last.end:
            last = Period(last.start, max(last.end, piece.end))
        else:
            if last is not None:
                yield last
            last = piece
    if last is not None:
        yield last


def _shifts(hours: OfficeHours, on: date) -> list[Period]:
    """The hours that begin on a date, in local time."""
    if _is_out_of_effect(hours, on) or _is_holiday(hours, on):
        return []
    kept = _kept(hours, on)
    found = [(each.opens, each.closes) for each in kept.added if each.on.is_on(on)]
    found += [(each.opens, each.closes) for each in kept.regular if on.weekday() in each.days]
    midnight = datetime.combine(on, time())
    if any(closes > DAY_MINUTES for _, closes in found):
        tomorrow = on + _DAY
        if _is_out_of_effect(hours, tomorrow) or _is_holiday(hours, tomorrow):
            found = [(opens, min(closes, DAY_MINUTES)) for opens, closes in found]
    return [
        Period(midnight + timedelta(minutes=opens), midnight + timedelta(minutes=closes)) for opens, closes in found
    ]


def _kept(hours: OfficeHours, on: date) -> OfficeHours:
    """The hours that count on a date: those of its season, if it has one."""
    return next((season.hours for season in hours.seasons if season.dates.contain(on)), hours)


def _is_holiday(hours: OfficeHours, on: date) -> bool:
    return any(day.is_on(on) for day in (*hours.closed, *_kept(hours, on).closed))


def _is_out_of_effect(hours: OfficeHours, on: date) -> bool:
    if not hours.effective:
        return False
    return not any(each.contain(on) for each in (*hours.effective, *(season.dates for season in hours.seasons)))
