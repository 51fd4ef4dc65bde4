"""The calendar of an office over HTTP. The world's clock stands on a Friday, 9:00 in Berlin."""

import threading
from typing import Any

import pytest

from api.services import office_hours
from tests.api.world import World

CALENDAR = "/genesys/1/service/weekdays"


async def shown(world: World, query: str = "") -> Any:
    reply = await world.ask("GET", f"{CALENDAR}?{query}")
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_without_parameters_it_says_whether_it_is_open_now(world: World) -> None:
    assert await shown(world) == {
        "error": None,
        "status": "open",
        "reason": None,
        "timezone": "Europe/Berlin",
        "periods": [
            {
                "start": "2027-01-15T08:00:00.000Z",
                "end": "2027-01-15T16:00:00.000Z",
                "localStart": "2027-01-15T09:00:00+01:00",
                "localEnd": "2027-01-15T17:00:00+01:00",
            }
        ],
    }
    world.clock.at += 8 * 3600
    body = await shown(world)
    assert (body["status"], body["reason"], body["periods"]) == ("closed", "closed_no_match", [])
    world.clock.at += 86_400
    assert (await shown(world))["reason"] == "closed_day_of_week"


async def test_periods_of_days_ahead(world: World) -> None:
    body = await shown(world, "number-of-days=4&timezone=America/New_York")
    assert body["timezone"] == "America/New_York"
    assert [(period["start"], period["localEnd"]) for period in body["periods"]] == [
        ("2027-01-15T08:00:00.000Z", "2027-01-15T11:00:00-05:00"),
        ("2027-01-18T08:00:00.000Z", "2027-01-18T11:00:00-05:00"),
    ]


async def test_days_ahead_are_days_of_the_calendar(world: World) -> None:
    # The clocks are changed on the 28th: seven days later is 9:00 again, not 10:00.
    body = await shown(world, "start=2027-03-26T08:00:00Z&number-of-days=7")
    assert body["periods"][-1]["end"] == "2027-04-01T15:00:00.000Z"


async def test_periods_between_two_instants(world: World) -> None:
    body = await shown(world, "start=2027-01-18T10:30:00.5Z&end=2027-01-18T12:00:00%2B01:00")
    assert (body["status"], [period["start"] for period in body["periods"]]) == ("open", ["2027-01-18T10:30:00.500Z"])
    assert body["periods"][0]["end"] == "2027-01-18T11:00:00.000Z"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("start=soon", "start: Invalid RFC3339 encoded datetime"),
        ("start=2027-01-18T10:30:00", "start: Expected `datetime` with a timezone component"),
        ("start=9998-01-01T00:00:00Z", "start: too far away"),
        ("start=9999-12-31T23:59:59-12:00", "The instant is before the year 1 or after the year 9999"),
        ("end=0001-01-01T00:00:00%2B12:00", "The instant is before the year 1 or after the year 9999"),
        ("end=2027-01-14T00:00:00Z", "end: must be within 400 days after the start"),
        ("end=2028-12-31T00:00:00Z", "end: must be within 400 days after the start"),
        ("number-of-days=0", "number-of-days: Expected `int` >= 1"),
        ("number-of-days=401", "number-of-days: Expected `int` <= 400"),
        ("number-of-days=x", "number-of-days: Expected `int | null`, got `str`"),
        ("timezone=EST", "timezone: must be a time zone such as Europe/Berlin or UTC"),
        ("timezone=..%2F..%2Fetc%2Fpasswd", "timezone: must be a time zone such as Europe/Berlin or UTC"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(world: World, query: str, message: str) -> None:
    reply = await world.ask("GET", f"{CALENDAR}?{query}")
    assert reply.status_code == 400
    assert reply.json() == {
        "message": message,
        "exception": "com.genesyslab.gsg.services.callback.CallbackServiceException",
    }


async def test_a_long_look_holds_nobody_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    periods, threads = office_hours.periods, set[threading.Thread]()

    def seen(*looked_at: Any) -> Any:
        threads.add(threading.current_thread())
        return periods(*looked_at)

    monkeypatch.setattr(office_hours, "periods", seen)
    assert len((await shown(world, "number-of-days=400"))["periods"]) > 280
    assert threads
    assert threading.current_thread() not in threads


async def test_a_name_without_office_hours_is_unknown(world: World) -> None:
    reply = await world.ask("GET", "/genesys/1/service/weekends")
    assert (reply.status_code, reply.json()["message"]) == (404, "No such service: [weekends]")
