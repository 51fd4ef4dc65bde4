"""Office hours as they are written, `Mon-Fri 09:00-17:00`, and the values that stand for them.

When an office is open is decided in `api.services.office_hours`.
"""

import re
from collections.abc import Callable, Container, Mapping
from datetime import date
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct
from msgspec.structs import replace

from hub.kernel.faults import Fault, unknown

T = TypeVar("T")

DAY_MINUTES: Final = 24 * 60
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_REPEATED: Final = ("_bh_regular", "_bh_add", "_bh_closed", "_holiday", "_effective_dates", "_use_alternative")
_NUMBERED = re.compile(rf"({'|'.join(_REPEATED)})[0-9]{{1,6}}")
_IGNORED: Final = ("_type", "_service", "_ttl")  # what the product writes into every section
_ZONES_WITHOUT_PLACE: Final = frozenset({"UTC", "GMT"})


class Weekly(Struct, frozen=True):
    """Hours of days of the week, Monday being 0, in minutes from midnight. `closes` may reach into the next day."""

    days: frozenset[int]
    opens: int
    closes: int


class Day(Struct, frozen=True):
    """A date; without `year` that of every year."""

    month: int
    day: int
    year: int | None = None

    def is_on(self, on: date) -> bool:
        """Whether that is the date."""
        return (self.month, self.day) == (on.month, on.day) and self.year in {None, on.year}


class Added(Struct, frozen=True):
    """Hours of one date, in minutes from midnight. `closes` may reach into the next day."""

    on: Day
    opens: int
    closes: int


class Dates(Struct, frozen=True):
    """From the first date to the last one, both included."""

    first: date
    last: date

    def contain(self, on: date) -> bool:
        """Whether the date is one of them."""
        return self.first <= on <= self.last


class Season(Struct, frozen=True):
    """On these dates other hours are kept."""

    dates: Dates
    hours: "OfficeHours"


class OfficeHours(Struct, frozen=True, kw_only=True):
    """The hours of one office, in its own zone. With `effective` dates it exists on these only."""

    zone: ZoneInfo
    regular: tuple[Weekly, ...] = ()
    added: tuple[Added, ...] = ()
    closed: tuple[Day, ...] = ()
    effective: tuple[Dates, ...] = ()
    seasons: tuple[Season, ...] = ()


def zone(text: str) -> ZoneInfo:
    """The zone of an IANA name. Raises ValueError, also for the three letters that mean several zones or none."""
    try:
        if "/" in text or text in _ZONES_WITHOUT_PLACE:
            return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ValueError("must be a time zone such as Europe/Berlin or UTC")


def weekly(text: str) -> Weekly:
    """`Mon-Fri 09:00-17:00`, `Sat 10:00-14:00`. Days may run over the end of the week, hours over that of the day.
    Raises ValueError.
    """
    days, _, hours = text.strip().partition(" ")
    first, dash, last = days.partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        raise ValueError("must be like Mon-Fri 09:00-17:00")
    begin, end = DAYS.index(first), DAYS.index(last or first)
    span = range(begin, end + 1 if begin <= end else end + 1 + len(DAYS))
    return Weekly(frozenset(day % len(DAYS) for day in span), *_hours(hours))


def added(text: str) -> Added:
    """`2026-12-19 10:00-14:00`, or `12-19 10:00-14:00` for every year. Raises ValueError."""
    on, _, hours = text.strip().partition(" ")
    return Added(day(on), *_hours(hours))


def day(text: str) -> Day:
    """`2026-12-25`, or `12-25` for every year. Raises ValueError."""
    parts = text.strip().split("-")
    if not all(part.isascii() and part.isdigit() for part in parts) or len(parts) not in {2, 3}:
        raise ValueError("must be a date like 2026-12-25, or 12-25 for every year")
    numbers = [int(part) for part in parts]
    month, day = numbers[-2:]
    year = numbers[0] if len(numbers) == 3 else None
    date(year or 2000, month, day)  # 2000 has a 29 February
    return Day(month, day, year)


def dates(text: str) -> Dates:
    """`2026-04-01`, or `2026-04-01 to 2026-10-31`. Raises ValueError."""
    first, _, last = (part.strip() for part in text.partition(" to "))
    try:
        begin, end = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        raise ValueError("must be like 2026-04-01 to 2026-10-31, or one date") from None
    if end < begin:
        raise ValueError("ends before it begins")
    return Dates(begin, end)


def _hours(text: str) -> tuple[int, int]:
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        raise ValueError("must have hours like 09:00-17:00")
    numbers = [int(group) for group in found.groups()]
    opens, closes = 60 * numbers[0] + numbers[1], 60 * numbers[2] + numbers[3]
    if max(numbers[1], numbers[3]) > 59 or opens >= DAY_MINUTES or closes > DAY_MINUTES:
        raise ValueError("must have hours from 00:00 to 24:00")
    if opens == closes:
        raise ValueError("closes when it opens; the whole day is 00:00-24:00")
    return opens, closes if closes > opens else closes + DAY_MINUTES


def read(tables: Mapping[str, object], path: str) -> tuple[dict[str, OfficeHours], list[Fault]]:
    """All tables `[PATH.NAME]` of a file, and what is wrong with them, each under its path."""
    pages = {name: _Page(f"{path}.{name}", table) for name, table in tables.items()}
    plain = {name: page.hours() for name, page in pages.items()}
    whole = {name: replace(plain[name], seasons=page.seasons(plain[name], plain)) for name, page in pages.items()}
    return whole, [fault for page in pages.values() for fault in page.faults]


class _Page:
    """One table, most of whose options come numbered. Reads what can be read and notes each fault."""

    def __init__(self, path: str, table: object) -> None:
        self.faults: list[Fault] = []
        self._path = path
        self._table: dict[str, str] = {}
        if not isinstance(table, dict):
            self.faults.append(Fault(path, "must be a table"))
            return
        for key, value in table.items():
            if key != "_timezone" and not _NUMBERED.fullmatch(key):
                if key not in _IGNORED:
                    self._fault(key, unknown(key, ["_timezone", *(f"{name}1" for name in _REPEATED)]))
            elif not isinstance(value, str):
                self._fault(key, "must be a text")
            else:
                self._table[key] = value
        if "_timezone" not in table:
            self._fault("_timezone", "is missing")

    def hours(self) -> OfficeHours:
        """What the table itself says, without the seasons."""
        other = {"_effective_dates" + _number(key) for key in self._keys("_use_alternative")}
        return OfficeHours(
            zone=self._value("_timezone", zone) or ZoneInfo("UTC"),
            regular=self._values("_bh_regular", weekly),
            added=self._values("_bh_add", added),
            closed=self._values("_bh_closed", day) + self._values("_holiday", day),
            effective=self._values("_effective_dates", dates, but=other),
        )

    def seasons(self, own: OfficeHours, every: Mapping[str, OfficeHours]) -> tuple[Season, ...]:
        """The seasons of the table, whose hours are `own`; `every` has those of all tables."""
        found: list[Season] = []
        for key in self._keys("_use_alternative"):
            dates_key = "_effective_dates" + _number(key)
            other = every.get(self._table[key])
            if other is None or other.zone.key != own.zone.key:
                self._fault(key, "must be the name of office hours in the same time zone")
            elif dates_key not in self._table:
                self._fault(dates_key, f"is missing, {key} needs it")
            elif (when := self._value(dates_key, dates)) is not None:
                found.append(Season(when, other))
        return tuple(found)

    def _keys(self, name: str) -> list[str]:
        return [key for key in self._table if key.rstrip("0123456789") == name]

    def _values(self, name: str, parse: Callable[[str], T], but: Container[str] = ()) -> tuple[T, ...]:
        parsed = (self._value(key, parse) for key in self._keys(name) if key not in but)
        return tuple(value for value in parsed if value is not None)

    def _value(self, key: str, parse: Callable[[str], T]) -> T | None:
        if key not in self._table:
            return None
        try:
            return parse(self._table[key])
        except ValueError as error:
            self._fault(key, str(error))
            return None

    def _fault(self, key: str, message: str) -> None:
        self.faults.append(Fault(f"{self._path}.{key}", message))


def _number(key: str) -> str:
    return key[len(key.rstrip("0123456789")) :]
