from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from hub.kernel.periods import Period

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "period", "plain"),
    [
        ("PT5M", Period(seconds=300), "PT5M"),
        ('"PT5M"', Period(seconds=300), "PT5M"),
        ("PT5M0s", Period(seconds=300), "PT5M"),
        ("PT5M0s (5 minutes)", Period(seconds=300), "PT5M"),
        ("pt90m", Period(seconds=5400), "PT1H30M"),
        ("P1D (1 day before)", Period(days=1), "P1D"),
        ("P1W", Period(days=7), "P7D"),
        ("P1DT2H3S", Period(days=1, seconds=7203), "P1DT2H3S"),
        ("PT24H", Period(seconds=86_400), "PT24H"),
        ("PT0S", Period(), "PT0S"),
    ],
)
def test_a_period_is_read_as_it_is_written_in_the_field_and_written_plainly(
    text: str, period: Period, plain: str
) -> None:
    assert Period.parse(text) == period
    assert str(period) == plain
    assert Period.parse(plain) == period


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "5M", "PT5", "P1M", "P1Y", "-PT5M", "PT5M5H", "PT5M x", "PT٣M", "P" * 99]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be an ISO 8601 period"):
        Period.parse(text)


@pytest.mark.parametrize(
    ("zone", "at", "period", "before"),
    [
        # Clocks go forward on 28 March 2027 in Berlin: the day before has the same time of day, 23 hours earlier.
        ("Europe/Berlin", "2027-03-28T10:00:00+02:00", "P1D", "2027-03-27T10:00:00+01:00"),
        ("Europe/Berlin", "2027-03-28T10:00:00+02:00", "PT24H", "2027-03-27T09:00:00+01:00"),
        ("Europe/Berlin", "2027-10-31T10:00:00+01:00", "P1D", "2027-10-30T10:00:00+02:00"),
        ("America/New_York", "2027-03-14T12:00:00-04:00", "P1D", "2027-03-13T12:00:00-05:00"),
        ("Australia/Lord_Howe", "2027-04-04T12:00:00+10:30", "P1D", "2027-04-03T12:00:00+11:00"),
        ("Asia/Kathmandu", "2027-01-02T00:30:00+05:45", "P1DT1H", "2026-12-31T23:30:00+05:45"),
    ],
)
def test_days_are_days_of_the_calendar_and_hours_are_hours(zone: str, at: str, period: str, before: str) -> None:
    start, wanted = datetime.fromisoformat(at), datetime.fromisoformat(before)
    found = Period.parse(period).before(start, ZoneInfo(zone))
    assert found == wanted
    assert found.tzinfo is UTC
    assert Period.parse(period).after(found, ZoneInfo(zone)) == start


def test_a_time_of_day_that_clocks_leave_out_is_moved() -> None:
    start = datetime.fromisoformat("2027-03-29T02:30:00+02:00")
    assert Period(days=1).before(start, BERLIN) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
