"""When an office is open: a table of cases, and the same told in three ways for whatever office."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.services.office_hours import Closed, closed, periods
from hub.kernel import hours
from hub.kernel.hours import DAY_MINUTES, DAYS, OfficeHours

MINUTE = timedelta(minutes=1)


def office(zone: str = "Europe/Berlin", **options: str) -> OfficeHours:
    found, faults = hours.read({"it": {"_timezone": zone} | options}, "office_hours")
    assert faults == []
    return found["it"]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


WEEKDAYS = office(
    _bh_regular1="Mon-Fri 09:00-17:00",
    _bh_add1="2026-12-19 10:00-14:00",
    _bh_add2="12-25 10:00-14:00",
    _bh_closed1="12-25",
)
NIGHTS = office(_bh_regular1="Mon-Fri 19:00-7:00", _bh_closed1="2026-12-25", _bh_closed2="2026-12-30")
SUMMER = office(_bh_regular1="Mon-Sun 09:00-17:00", _effective_dates1="2026-06-01 to 2026-08-31")


@pytest.mark.parametrize(
    ("those", "instant", "reason"),
    [
        (WEEKDAYS, "2026-12-18T08:00", None),  # Friday, 9:00 in Berlin
        (WEEKDAYS, "2026-12-18T07:59:59", Closed.NO_MATCH),
        (WEEKDAYS, "2026-12-18T15:59:59", None),
        (WEEKDAYS, "2026-12-18T16:00", Closed.NO_MATCH),
        (WEEKDAYS, "2026-12-19T09:00", None),  # the Saturday that was added
        (WEEKDAYS, "2026-12-19T08:59", Closed.NO_MATCH),
        (WEEKDAYS, "2026-12-26T09:00", Closed.DAY_OF_WEEK),
        (WEEKDAYS, "2026-12-25T09:00", Closed.HOLIDAY),  # closed beats added
        (WEEKDAYS, "2031-12-25T09:00", Closed.HOLIDAY),
        (WEEKDAYS, "2026-07-01T07:00", None),  # summer time
        (WEEKDAYS, "2026-07-01T06:59", Closed.NO_MATCH),
        (NIGHTS, "2026-12-19T05:59", None),  # the end of Friday's
        (NIGHTS, "2026-12-19T18:00", Closed.DAY_OF_WEEK),
        (NIGHTS, "2026-12-24T22:59", None),
        (NIGHTS, "2026-12-24T23:00", Closed.HOLIDAY),  # midnight
        (NIGHTS, "2026-12-25T19:00", Closed.HOLIDAY),
        (NIGHTS, "2026-12-26T03:00", Closed.DAY_OF_WEEK),  # the shift of a closed date does not take place
        (SUMMER, "2026-05-31T12:00", Closed.EFFECTIVE_DATES),
        (SUMMER, "2026-06-01T12:00", None),
        (SUMMER, "2026-09-01T12:00", Closed.EFFECTIVE_DATES),
    ],
)
def test_open_or_why_not(those: OfficeHours, instant: str, reason: Closed | None) -> None:
    assert closed(those, at(instant)) == reason


def test_a_season_has_hours_of_its_own() -> None:
    found, faults = hours.read(
        {
            "usual": {
                "_timezone": "UTC",
                "_bh_regular1": "Mon-Fri 09:00-17:00",
                "_effective_dates1": "2026-07-01 to 2026-07-31",
                "_use_alternative1": "july",
            },
            "july": {"_timezone": "UTC", "_bh_regular1": "Mon-Fri 09:00-13:00", "_bh_closed1": "07-14"},
        },
        "office_hours",
    )
    assert faults == []
    assert closed(found["usual"], at("2026-06-30T14:00")) is None
    assert closed(found["usual"], at("2026-07-01T14:00")) is Closed.NO_MATCH
    assert closed(found["usual"], at("2026-07-01T10:00")) is None
    assert closed(found["usual"], at("2026-07-14T10:00")) is Closed.HOLIDAY


def shown(those: OfficeHours, start: str, end: str) -> list[str]:
    return [f"{opens:%dT%H:%M}-{closes:%dT%H:%M}" for opens, closes in periods(those, at(start), at(end))]


def test_periods_between_two_instants() -> None:
    assert shown(WEEKDAYS, "2026-12-18T10:00", "2026-12-29T00:00") == [
        "18T10:00-18T16:00",
        "19T09:00-19T13:00",
        *(f"{day}T08:00-{day}T16:00" for day in (21, 22, 23, 24, 28)),
    ]
    assert shown(NIGHTS, "2026-12-24T12:00", "2026-12-26T12:00") == ["24T18:00-24T23:00"]
    assert shown(WEEKDAYS, "2026-12-19T20:00", "2026-12-20T20:00") == []
    around_the_clock = office(_bh_regular1="Mon-Sun 00:00-24:00")
    assert shown(around_the_clock, "2026-10-20T00:00", "2026-10-28T07:30") == ["20T00:00-28T07:30"]


@pytest.mark.parametrize(
    ("zone", "day", "hours_", "expected"),
    [
        # Spring: what is skipped does not exist.
        ("Europe/Berlin", "2027-03-28", "Sun 02:00-03:00", []),
        ("Europe/Berlin", "2027-03-28", "Sun 01:30-03:30", ["28T00:30-28T01:30"]),
        ("America/New_York", "2027-03-14", "Sun 01:00-04:00", ["14T06:00-14T08:00"]),
        # Autumn: what comes twice counts twice.
        ("Europe/Berlin", "2027-10-31", "Sun 02:00-03:00", ["31T00:00-31T02:00"]),
        ("Europe/Berlin", "2027-10-31", "Sun 02:15-02:30", ["31T00:15-31T00:30", "31T01:15-31T01:30"]),
        ("Australia/Lord_Howe", "2027-04-04", "Sun 01:30-02:00", ["03T14:30-03T15:30"]),
        ("Asia/Kathmandu", "2027-04-04", "Sun 09:00-10:00", ["04T03:15-04T04:15"]),
    ],
)
def test_clocks_are_changed(zone: str, day: str, hours_: str, expected: list[str]) -> None:
    middle = at(f"{day}T12:00")
    found = periods(office(zone, _bh_regular1=hours_), middle - timedelta(days=1), middle + timedelta(days=1))
    assert [f"{opens:%dT%H:%M}-{closes:%dT%H:%M}" for opens, closes in found] == expected


def test_a_day_that_a_country_skipped_has_no_hours() -> None:
    samoa = office("Pacific/Apia", _bh_regular1="Mon-Sun 09:00-10:00")
    days = [f"{opens.astimezone(samoa.zone):%d}" for opens, _ in periods(samoa, at("2011-12-28"), at("2012-01-02"))]
    assert days == ["28", "29", "31", "01", "02"]


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC"]
TIMES = st.integers(0, 23).map(lambda hour: f"{hour:02}:00") | st.sampled_from(["02:15", "02:30", "24:00"])
CHANGES = [date(2027, 3, 28), date(2027, 10, 31), date(2027, 3, 14), date(2027, 11, 7), date(2027, 4, 4)]


@st.composite
def offices(draw: st.DrawFn) -> OfficeHours:
    def span() -> str:
        opens = draw(TIMES.filter("24:00".__ne__))
        return f"{opens}-{draw(TIMES.filter(opens.__ne__))}"

    def some(limit: int, make: Any) -> list[str]:
        return [make() for _ in range(draw(st.integers(0, limit)))]

    days = st.sampled_from(DAYS)
    near = st.sampled_from(CHANGES).flatmap(lambda day: st.integers(-3, 3).map(lambda n: day + timedelta(days=n)))
    options: dict[str, str] = {}
    lists = {
        "_bh_regular": some(3, lambda: f"{draw(days)}-{draw(days)} {span()}"),
        "_bh_add": some(2, lambda: f"{draw(near)} {span()}"),
        "_bh_closed": some(2, lambda: f"{draw(near)}"),
        "_effective_dates": some(1, lambda: f"2027-01-01 to {draw(near)}"),
    }
    for name, values in lists.items():
        options |= {f"{name}{number}": value for number, value in enumerate(values)}
    return office(draw(st.sampled_from(ZONES)), **options)


def is_open(those: OfficeHours, instant: datetime) -> bool:
    """The definition, told anew: what the clock on the wall shows, looked up among all that is written down."""
    local = instant.astimezone(those.zone)
    today, minute = local.date(), 60 * local.hour + local.minute

    def takes_place(day: date) -> bool:
        effective = not those.effective or any(each.first <= day <= each.last for each in those.effective)
        return effective and not any(closed_day.is_on(day) for closed_day in those.closed)

    def covers(day: date, minutes: int) -> bool:
        written = [(each.opens, each.closes) for each in those.regular if day.weekday() in each.days]
        written += [(each.opens, each.closes) for each in those.added if each.on.is_on(day)]
        return any(opens <= minutes < closes for opens, closes in written)

    yesterday = today - timedelta(days=1)
    return takes_place(today) and (
        covers(today, minute) or (takes_place(yesterday) and covers(yesterday, minute + DAY_MINUTES))
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(offices(), st.sampled_from(CHANGES), st.integers(0, 86_399), st.integers(1, 3 * 1440))
def test_periods_are_exactly_the_open_minutes(those: OfficeHours, day: date, second: int, minutes: int) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1) + second * timedelta(seconds=1)
    end = start + minutes * MINUTE
    found = periods(those, start, end)
    assert all(opens < closes for opens, closes in found)
    assert all(before.end < after.start for before, after in pairwise(found))
    assert not found or (start <= found[0].start and found[-1].end <= end)
    for number in range(0, minutes, 15):
        instant = start + number * MINUTE
        is_in_a_period = any(opens <= instant < closes for opens, closes in found)
        assert is_in_a_period is (closed(those, instant) is None) is is_open(those, instant), instant


@settings(max_examples=60, deadline=None, derandomize=True)
@given(offices(), st.sampled_from(CHANGES), st.lists(st.integers(0, 3 * 1440), min_size=2, max_size=5))
def test_looking_in_pieces_finds_the_same(those: OfficeHours, day: date, cuts: list[int]) -> None:
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    marks = [begin + cut * MINUTE for cut in sorted(cuts)]
    pieces = [piece for start, end in pairwise(marks) for piece in periods(those, start, end)]
    joined = sum((closes - opens for opens, closes in periods(those, marks[0], marks[-1])), timedelta())
    assert sum((closes - opens for opens, closes in pieces), timedelta()) == joined
