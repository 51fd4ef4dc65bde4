"""When an appointment may be: durations, lead time, horizon, working hours over changes of clocks; and nobody is booked
twice, whoever comes at the same moment by whichever process.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from api.appointments import records
from api.appointments.actions import scheduling
from api.appointments.rules import booking, formats
from api.appointments.rules.booking import SlotTaken
from api.appointments.rules.proposal import Proposal, Times
from api.appointments.rules.site import Sites
from hub.auth.principal import Principal
from hub.kernel.applications import Application, WorkingHours
from hub.kernel.errors import BadInput
from hub.kernel.periods import Period
from hub.store.database import Database
from tests.api.appointments.desk import APPLICATIONS, HOUR, Desk, at, body, refusal
from tests.api.world import START

ALICE = Principal(
    user="alice", organization="acme", roles=frozenset({"ROLE_AGENT"}), issued_at=START, expires_at=START + 3600
)


# What is offered ----------------------------------------------------------------------------------------------------


def refused(start: str, minutes: int, application: Application, now: str, zone: str = "UTC") -> str:
    """Why it is not offered, empty if it is."""
    begin = formats.instant(start, "start")
    wanted = booking.slot(begin, Period(seconds=60 * minutes), zone)
    try:
        booking.require_offered(wanted, application, formats.instant(now, "now"))
    except BadInput as error:
        return error.detail
    return ""


def office(zone: str, *regular: str, **more: Any) -> Application:
    hours = WorkingHours(timezone=zone, regular=regular, **more)
    return Application(organization="acme", working_hours=hours, maximum_horizon=Period(days=365))


BERLIN = office("Europe/Berlin", "Sun 01:00-04:00", "Mon-Fri 09:00-17:00")
OUTSIDE = "start: not all of it is within the working hours"


@pytest.mark.parametrize(
    ("start", "minutes", "application", "why"),
    [
        # Monday, winter time: 09:00 is 08:00 UTC. The last one ends when the office closes.
        ("2027-01-18T08:00:00Z", 60, BERLIN, ""),
        ("2027-01-18T07:59:59Z", 60, BERLIN, OUTSIDE),
        ("2027-01-18T15:00:00Z", 60, BERLIN, ""),
        ("2027-01-18T15:30:00Z", 60, BERLIN, OUTSIDE),
        # The Monday after the clocks went forward: 09:00 is 07:00 UTC.
        ("2027-03-29T07:00:00Z", 60, BERLIN, ""),
        ("2027-03-29T15:00:00Z", 60, BERLIN, OUTSIDE),
        # The night of the change: there is no 02:00 to 03:00, and 01:00 to 04:00 lasts two hours.
        ("2027-03-28T00:00:00Z", 60, BERLIN, ""),
        ("2027-03-28T01:00:00Z", 60, BERLIN, ""),
        ("2027-03-28T01:30:00Z", 60, BERLIN, OUTSIDE),
        # In the other night 01:00 to 04:00 lasts four hours, from 23:00 UTC of Saturday on.
        ("2027-10-30T23:00:00Z", 60, BERLIN, ""),
        ("2027-10-31T02:00:00Z", 60, BERLIN, ""),
        ("2027-10-31T02:30:00Z", 60, BERLIN, OUTSIDE),
        # Clocks of Lord Howe Island move by half an hour, those of Kathmandu are 5:45 ahead and stay so.
        ("2027-04-03T22:30:00Z", 60, office("Australia/Lord_Howe", "Sun 09:00-10:00"), ""),
        ("2027-04-03T22:00:00Z", 60, office("Australia/Lord_Howe", "Sun 09:00-10:00"), OUTSIDE),
        ("2027-06-06T03:15:00Z", 60, office("Asia/Kathmandu", "Sun 09:00-10:00"), ""),
        ("2027-06-06T03:00:00Z", 60, office("Asia/Kathmandu", "Sun 09:00-10:00"), OUTSIDE),
        # Over midnight, where the office is open all around the clock.
        ("2027-01-18T23:30:00Z", 60, office("UTC", "Mon-Sun 00:00-24:00"), ""),
        # Days beside the rule.
        ("2027-01-23T10:00:00Z", 60, office("UTC", "Mon-Fri 09:00-17:00", add=("2027-01-23 10:00-12:00",)), ""),
        ("2027-01-25T10:00:00Z", 60, office("UTC", "Mon-Fri 09:00-17:00", closed=("2027-01-25",)), OUTSIDE),
    ],
)
def test_working_hours_are_wall_time(start: str, minutes: int, application: Application, why: str) -> None:
    assert refused(start, minutes, application, "2027-01-15T08:00:00Z") == why


def test_lead_time_and_horizon_include_their_limits() -> None:
    application = Application(
        organization="acme", minimum_lead_time=Period(seconds=HOUR), maximum_horizon=Period(days=3)
    )
    now = "2027-01-15T08:00:00Z"
    assert refused("2027-01-15T09:00:00Z", 5, application, now) == ""
    assert refused("2027-01-15T08:59:59.9Z", 5, application, now) == "start: must be PT1H ahead or more"
    assert refused("2027-01-18T08:00:00Z", 5, application, now) == ""
    assert refused("2027-01-18T08:00:01Z", 5, application, now) == "start: must be P3D ahead at most"


def test_days_are_counted_on_the_calendar_of_the_appointment() -> None:
    application = Application(organization="acme", maximum_horizon=Period(days=3))
    now = "2027-03-26T08:00:00Z"  # Friday, 09:00 in Berlin; until Monday, 09:00, it is an hour less
    assert refused("2027-03-29T07:00:00Z", 5, application, now, "Europe/Berlin") == ""
    assert "P3D" in refused("2027-03-29T07:00:01Z", 5, application, now, "Europe/Berlin")
    assert refused("2027-03-29T08:00:00Z", 5, application, now, "UTC") == ""


def test_the_busiest_instant_counts_and_not_how_many_there_are() -> None:
    quarters = [(0.0, 15.0), (15.0, 30.0), (30.0, 45.0), (45.0, 60.0)]
    assert booking.busiest(quarters, 0, 60) == 1
    assert booking.busiest([*quarters, (10.0, 20.0)], 0, 60) == 2
    assert booking.busiest([*quarters, (10.0, 20.0)], 20, 60) == 1
    assert booking.busiest([(0.0, 90.0)] * 3, 30, 60) == 3
    assert booking.busiest([], 0, 60) == 0
    wanted = booking.slot(0, Period(seconds=60), "UTC")
    booking.require_free([*quarters, (10.0, 20.0)], wanted, 3)
    with pytest.raises(SlotTaken):
        booking.require_free([*quarters, (10.0, 20.0)], wanted, 2)
    booking.require_free([(0.0, 60.0)] * 100, wanted, 0)


async def test_an_application_bounds_its_appointments(desk: Desk) -> None:
    office: dict[str, Any] = {"applicationId": "office", "duration": "PT30M"}
    assert (await desk.ask("POST", "", body(2 * HOUR, **office))).status_code == 200
    soon = refusal(await desk.ask("POST", "", body(2 * HOUR - 1, **office)))
    assert soon == (400, "StatusBadRequest", "start: must be PT2H ahead or more")
    for start, status in (
        ("2027-01-16T09:00:00Z", 200),  # a Saturday that was added
        ("2027-01-18T10:00:00Z", 400),  # a Monday that is closed
        ("2027-01-19T10:00:00Z", 200),
        ("2027-01-19T16:00:00Z", 400),  # 17:00 in Berlin
    ):
        assert (await desk.ask("POST", "", body(**office, start=start))).status_code == status, start
    late = datetime(2027, 4, 27, tzinfo=UTC).timestamp() - START
    assert refusal(await desk.ask("POST", "", body(late, **office)))[2] == "start: must be P100D ahead at most"


# Nobody is booked twice -----------------------------------------------------------------------------------------------


def proposal(seconds: float = HOUR) -> Proposal:
    times = Times(start=START + seconds, duration=Period(seconds=1800), timezone="Europe/Berlin")
    return Proposal(times=times, locale="en-GB")


@pytest.mark.parametrize(("application", "places"), [("single", 1), ("double", 2)])
async def test_of_many_at_the_same_moment_in_two_processes_as_many_win_as_there_are_places(
    either: Desk, application: str, places: int
) -> None:
    world, sites = either.world, Sites(APPLICATIONS, "http://hub.test")
    site = sites.named("acme", application)

    def book(number: int) -> Any:
        wanted = proposal(HOUR + 60 * number)  # each overlaps all the others
        return lambda tx: scheduling.schedule(tx, ALICE, wanted, site, START, sites)

    async with Database(world.url, clock=world.clock) as second:
        outcomes = await asyncio.gather(
            *((world.services.db, second)[n % 2].write(book(n)) for n in range(12)), return_exceptions=True
        )
    losers = [outcome for outcome in outcomes if isinstance(outcome, SlotTaken)]
    assert len(losers) == 12 - places, outcomes
    assert (await either.good("GET", ""))["total"] == places
    assert len(await either.told("alice")) == places


async def test_the_loser_is_told_so(desk: Desk) -> None:
    single = {"applicationId": "single"}
    await desk.schedule(HOUR, **single)
    reply = await desk.ask("POST", "", body(HOUR + 1799, **single))
    assert refusal(reply) == (400, "SLOT_TAKEN", "The time is taken")
    # One begins when another ends, and other applications are other places.
    await desk.schedule(HOUR + 1800, **single)
    await desk.schedule(HOUR - 1800, **single)
    await desk.schedule(HOUR, applicationId="double")
    assert await desk.kinds("alice") == ["Created"] * 4


async def test_a_reschedule_keeps_its_place_until_it_has_another(desk: Desk) -> None:
    single = {"applicationId": "single"}
    first, second = await desk.schedule(HOUR, **single), await desk.schedule(2 * HOUR, **single)
    times = {"id": first["id"], "duration": "PT30M", "timezone": "Europe/Berlin"}
    taken = await desk.ask("PUT", "reschedule", times | {"start": second["start"]})
    assert refusal(taken) == (400, "SLOT_TAKEN", "The time is taken")
    assert await desk.read(first["id"]) == first
    # It does not stand in its own way, and what it leaves is free.
    moved = await desk.good("PUT", "reschedule", times | {"start": at(HOUR + 600)})
    assert moved["start"] == at(HOUR + 600)
    await desk.schedule(HOUR - 1200, **single)


async def test_what_was_deleted_or_is_over_leaves_its_place(desk: Desk) -> None:
    single = {"applicationId": "single"}
    deleted = await desk.schedule(HOUR, **single)
    await desk.good("DELETE", deleted["id"])
    ended = await desk.schedule(HOUR, **single)
    await desk.good("PUT", f"{ended['id']}/end")
    await desk.schedule(HOUR, **single)
    assert (await desk.ask("POST", "", body(HOUR, **single))).status_code == 400


async def test_looking_for_others_at_that_time_leaves_out_the_past(desk: Desk) -> None:
    shared = records._shared("acme", "single", START, START + HOUR)
    sql = select(func.count()).where(*shared).compile(compile_kwargs={"literal_binds": True})

    def plan(tx: Any) -> list[str]:
        tx.cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return [row[3] for row in tx.cursor.fetchall()]

    index = "ix_appointment_organization_application_start"
    (step,) = await desk.world.services.db.read(plan)
    assert step == f"SEARCH appointment USING INDEX {index} (organization=? AND application=? AND start>? AND start<?)"
    await desk.schedule(HOUR, applicationId="single", duration="PT60M")
    for start, end, found in ((HOUR + 3599, HOUR + 3600, 1), (HOUR + 3600, HOUR + 3601, 0)):
        times = (START + start, START + end)
        seen = await desk.world.services.db.read(
            lambda tx, times=times: records.count_overlapping(tx, "acme", "single", *times)  # type: ignore[misc]
        )
        assert seen == found


async def test_places_are_those_of_an_organization(desk: Desk) -> None:
    """Another organization may have an application of that name after a change of the configuration."""
    sites = Sites({"single": replace(APPLICATIONS["single"], organization="globex")}, "http://hub.test")
    eve = replace(ALICE, organization="globex")
    site = sites.named("globex", "single")
    await desk.world.services.db.write(lambda tx: scheduling.schedule(tx, eve, proposal(), site, START, sites))
    await desk.schedule(HOUR, applicationId="single")
