"""Periods of ISO 8601: days of the calendar, and hours, minutes and seconds of the clock.

A day before an appointment is the same time of day on the day before, whatever clocks did in between; 24 hours before
are 24 hours.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_ISO: Final = re.compile(
    r"P(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,7})M)?(?:(?P<seconds>\d{1,8})S)?)?",
    re.ASCII | re.IGNORECASE,
)
_REMARK: Final = re.compile(r"\s*\([^()]*\)\s*\Z")
_LONGEST: Final = 80


class Period:
    """So many days and so many seconds. Not negative."""

    __slots__ = ("days", "seconds")

    def __init__(self, *, days: int = 0, seconds: int = 0) -> None:
        self.days = days
        self.seconds = seconds

    @classmethod
    def parse(cls, text: str) -> "Period":
        """The period in `PT5M`, also with quotes around it, a remark in brackets behind it, in small letters, or with
        parts that are zero: `"PT5M0s (5 minutes)"`. Raises ValueError.
        """
        bare = _REMARK.sub("", unquoted(text[:_LONGEST])).strip()
        found = _ISO.fullmatch(bare)
        if found is None or len(text) > _LONGEST or not any(found.groups()):
            raise ValueError("must be an ISO 8601 period like P1D or PT30M")
        part = {name: int(value or 0) for name, value in found.groupdict().items()}
        seconds = part["hours"] * 3600 + part["minutes"] * 60 + part["seconds"]
        return cls(days=part["weeks"] * 7 + part["days"], seconds=seconds)

    @property
    def length(self) -> timedelta:
        """How long it is where every day has 24 hours."""
        return timedelta(days=self.days, seconds=self.seconds)

    def before(self, at: datetime, zone: ZoneInfo) -> datetime:
        """The instant this long before `at`, days counted on the calendar of `zone`; UTC."""
        return _on_calendar(at - timedelta(seconds=self.seconds), -self.days, zone)

    def after(self, at: datetime, zone: ZoneInfo) -> datetime:
        """The instant this long after `at`, days counted on the calendar of `zone`; UTC."""
        return _on_calendar(at, self.days, zone) + timedelta(seconds=self.seconds)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Period) and (self.days, self.seconds) == (other.days, other.seconds)

    def __hash__(self) -> int:
        return hash((self.days, self.seconds))

    def __repr__(self) -> str:
        return f"Period({self})"

    def __str__(self) -> str:
        """As plain ISO 8601: `PT5M`, `P1DT2H`."""
        hours, rest = divmod(self.seconds, 3600)
        minutes, seconds = divmod(rest, 60)
        clock = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
        days = f"{self.days}D" if self.days else ""
        return f"P{days}T{clock}" if clock else f"P{days}" if days else "PT0S"


def unquoted(text: str) -> str:
    """The text without one pair of quotes around it, which generated clients send along."""
    stripped = text.strip()
    return stripped[1:-1] if len(stripped) > 1 and stripped[0] == stripped[-1] == '"' else stripped


def _on_calendar(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The same time of day so many days on; where clocks leave that time out, the one that they show instead."""
    if not days:
        return at.astimezone(UTC)
    return (at.astimezone(zone) + timedelta(days=days)).astimezone(UTC)
