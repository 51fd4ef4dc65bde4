from zoneinfo import ZoneInfo

import pytest

from api.callbacks.rules import times
from api.callbacks.rules.times import CallingHours
from tests.api.callbacks.house import at

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
SYDNEY, AUCKLAND = ZoneInfo("Australia/Sydney"), ZoneInfo("Pacific/Auckland")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2013-05-27T15:05:00.000Z", "2013-05-27T15:05:00.000Z"),
        ("2013-05-27T15:05:00Z", "2013-05-27T15:05:00.000Z"),
        ("2013-05-27T15:05Z", "2013-05-27T15:05:00.000Z"),
        ("2013-05-27T15:05:01.5+02:00", "2013-05-27T13:05:01.500Z"),
        ("2013-05-27T15:05:00.123456789-0100", "2013-05-27T16:05:00.123Z"),
        (" 2013-05-27 15:05:00Z ", "2013-05-27T15:05:00.000Z"),
    ],
)
def test_any_instant_with_a_zone_is_read(text: str, shown: str) -> None:
    instant = times.read(text)
    assert instant is not None
    assert times.shown(instant) == shown


@pytest.mark.parametrize(
    "text",
    ["", "now", "2013-05-27T15:05:00", "2013-05-27", "2013-13-27T15:05:00Z", "1369666800", "0001-01-01T00:00+23:00"],
)
def test_what_is_no_instant_is_none(text: str) -> None:
    assert times.read(text) is None


@pytest.mark.parametrize(
    ("horizon", "last"),
    [
        ("1M", "2027-02-28T10:00:00.000Z"),
        ("2M", "2027-03-31T10:00:00.000Z"),
        ("12M", "2028-01-31T10:00:00.000Z"),
        ("1y", "2028-01-31T10:00:00.000Z"),
        ("1w", "2027-02-07T10:00:00.000Z"),
        ("90d", "2027-05-01T10:00:00.000Z"),
        ("36h", "2027-02-01T22:00:00.000Z"),
        ("5m", "2027-01-31T10:05:00.000Z"),
        ("99999y", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_the_horizon_counts_by_the_calendar(horizon: str, last: str) -> None:
    found = times.horizon(horizon, at("2027-01-31T10:00:00Z"))
    assert times.shown(min(found, 253402300799.999)) == last


def test_what_was_asked_for_is_rung_at_any_time_and_the_rest_at_decent_hours() -> None:
    assert times.calling_hours(None, asked_for=True) is None
    assert times.calling_hours(None, asked_for=False) == CallingHours(9, 20)
    for asked_for in (True, False):
        assert times.calling_hours("3600, 8,21", asked_for=asked_for) == CallingHours(8, 21, 3600)


@pytest.mark.parametrize(
    ("zones", "when", "expected"),
    [
        ((BERLIN,), "2027-01-26T08:00:00Z", "2027-01-26T08:00:00Z"),  # nine sharp
        ((BERLIN,), "2027-01-26T07:59:59Z", "2027-01-26T08:00:00Z"),
        ((BERLIN,), "2027-01-26T19:00:00Z", "2027-01-27T08:00:00Z"),  # twenty sharp
        ((BERLIN,), "2027-03-27T19:30:00Z", "2027-03-28T07:00:00Z"),  # the clocks go forward in that night
        ((BERLIN,), "2027-10-30T19:30:00Z", "2027-10-31T08:00:00Z"),  # and back in this one
        ((NEW_YORK,), "2027-01-26T08:00:00Z", "2027-01-26T14:00:00Z"),
        ((BERLIN, NEW_YORK), "2027-01-26T09:00:00Z", "2027-01-26T14:00:00Z"),  # decent in both
        ((NEW_YORK, SYDNEY), "2027-01-26T00:00:00Z", "2027-01-26T00:00:00Z"),
        ((BERLIN, SYDNEY), "2027-01-26T10:00:00Z", "2027-01-27T08:00:00Z"),
        ((BERLIN, AUCKLAND), "2027-01-26T10:00:00Z", "2027-01-26T10:00:00Z"),  # never in both
        ((ZoneInfo("Asia/Kathmandu"),), "2027-01-26T00:00:00Z", "2027-01-26T03:15:00Z"),
        ((), "2027-01-26T00:00:00Z", "2027-01-26T00:00:00Z"),
    ],
)
def test_customers_are_rung_when_it_is_day_where_they_are(
    zones: tuple[ZoneInfo, ...], when: str, expected: str
) -> None:
    found = times.ringing_at(CallingHours(9, 20), zones, at(when), at(when))
    assert found is not None
    assert times.shown(found) == times.shown(at(expected))


def test_a_customer_is_not_rung_long_after_the_time_that_was_wanted() -> None:
    hours, wanted = CallingHours(9, 20, 3600), at("2027-01-26T09:00:00Z")
    assert times.ringing_at(hours, (BERLIN,), wanted + 3600, wanted) == wanted + 3600
    assert times.ringing_at(hours, (BERLIN,), wanted + 3601, wanted) is None
    evening = at("2027-01-26T19:30:00Z")
    assert times.ringing_at(hours, (BERLIN,), evening, evening) is None
    assert times.ringing_at(hours, (), wanted + 3601, wanted) is None
