"""The free times of a day: the rules alone."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from api.appointments.rules import booking, free
from api.appointments.rules.booking import Slot
from hub.kernel.applications import Application, WorkingHours
from hub.kernel.periods import Period

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Application(
    organization="acme",
    working_hours=WorkingHours(timezone="Europe/Berlin", regular=("Mon-Fri 09:00-12:00",), closed=("2027-01-18",)),
    minimum_lead_time=Period(seconds=3600),
)
FRIDAY = date(2027, 1, 15)
NOW = datetime(2027, 1, 15, 8, 40, tzinfo=BERLIN).timestamp()


def times(
    application: Application, day: date, *, minutes: int = 30, now: float = NOW, zone: str = "Europe/Berlin"
) -> list[str]:
    found = free.offered(application, timedelta(minutes=minutes), zone, day, now)
    return [f"{datetime.fromtimestamp(slot.start, ZoneInfo(zone)):%H:%M}" for slot in found]


def test_times_follow_each_other_within_the_working_hours_and_not_too_soon() -> None:
    assert times(OFFICE, FRIDAY) == ["10:00", "10:30", "11:00", "11:30"]
    assert times(OFFICE, FRIDAY, minutes=60) == ["10:00", "11:00"]
    assert times(OFFICE, FRIDAY, minutes=5, now=NOW + 2 * 3600) == ["11:45"]


@pytest.mark.parametrize("day", [date(2027, 1, 16), date(2027, 1, 18), date(2027, 1, 14), date(2027, 6, 1)])
def test_on_other_days_nothing_is_offered(day: date) -> None:
    """The weekend, a closed day, one that is over, one beyond the horizon."""
    assert times(OFFICE, day) == []


def test_what_the_application_does_not_offer_any_more_has_no_times() -> None:
    assert times(OFFICE, FRIDAY, minutes=45) == []


def test_days_are_those_of_the_customer() -> None:
    """Berlin's morning is the night before in Los Angeles."""
    assert times(OFFICE, date(2027, 1, 19), zone="America/Los_Angeles") == [
        "00:00",
        "00:30",
        "01:00",
        "01:30",
        "02:00",
        "02:30",
    ]


@pytest.mark.parametrize(("day", "hours"), [(date(2027, 3, 28), 23), (date(2027, 10, 31), 25)])
def test_on_days_on_which_clocks_change_there_are_other_numbers_of_hours(day: date, hours: int) -> None:
    always = Application(organization="acme", maximum_horizon=Period(days=366))
    found = free.offered(always, timedelta(hours=1), "Europe/Berlin", day, NOW)
    assert len({slot.start for slot in found}) == hours
    assert {slot.end - slot.start for slot in found} == {3600.0}


@pytest.mark.parametrize("most", [1, 2])
def test_what_remains_is_what_booking_finds_free(most: int) -> None:
    taken = [(0.0, 60.0), (30.0, 90.0), (60.0, 70.0), (120.0, 150.0), (120.0, 150.0), (120.0, 130.0), (150.0, 160.0)]
    slots = [Slot(float(start), start + 30.0, "UTC") for start in range(0, 200, 10)]
    found = free.remaining(slots, taken, most)
    assert [slot.start for slot in found] == [
        slot.start
        for slot in slots
        if booking.busiest(
            [each for each in taken if each[0] < slot.end and each[1] > slot.start], slot.start, slot.end
        )
        < most
    ]
    assert free.remaining(slots, taken, 0) == slots
    assert found not in ([], slots)
