"""Appointments in calendars: what is written, what somebody else's library reads, and what strangers get."""

import asyncio
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from msgspec.structs import replace

from api.appointments.rules import calendars
from api.appointments.rules.appointment import Appointment, Organizer
from api.appointments.rules.calendars import Guest
from tests.api.appointments.desk import HOUR, Desk, refusal
from tests.support import calendar_reader
from tests.support.calendar_reader import calendar_library

__all__ = ["calendar_library"]

pytestmark = pytest.mark.usefixtures("calendar_library")

EVENTS = "/api/cal/events"
START = 1_800_000_000
LINK = "https://meet.acme.example/q/abc?x=1,2;3"
ANNA = Appointment(
    id="f46f165d",
    organization="acme",
    application="shop",
    organizer=Organizer(id="alice", type="AGENT"),
    start=START,
    end=START + 1800.5,
    timezone="Europe/Berlin",
    locale="en-GB",
    title='Café; "Zoë", A\\B\r\nX-EVIL:1 ' + "ä" * 60,
    notes="nobody else's business",
    created_at=0,
    created_by="alice",
    sequence=3,
)
GUEST = Guest(
    address="maria@example.com",
    name='Maria "M"; Jones',
    organizer="no-reply@acme.example",
    organizer_name="Acme: Clinic",
)


def lines(text: str) -> list[str]:
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    return text.replace("\r\n ", "").split("\r\n")


def test_an_invitation_is_understood_by_others() -> None:
    text = calendars.ical(ANNA, "REQUEST", START - 0.4, name="Acme", link=LINK, guest=GUEST)
    written = lines(text)
    assert written.index("METHOD:REQUEST") < written.index("BEGIN:VEVENT")
    assert not [line for line in written if line.startswith(("X-EVIL", "DURATION", "DESCRIPTION", "BEGIN:VTIMEZONE"))]
    assert f"URL:{LINK}" in written
    [seen] = calendar_reader.read(text)
    assert seen == {
        "components": ["vevent"],
        "version": "2.0",
        "product": "-//hub//appointments//EN",
        "method": "REQUEST",
        "uid": "f46f165d@appointments",
        "sequence": 3,
        "stamp": "2027-01-15T08:00:00Z",
        "start": "2027-01-15T08:00:00.000Z",
        "end": "2027-01-15T08:30:00.000Z",
        "zone": "UTC",
        "summary": 'Café; "Zoë", A\\B X-EVIL:1 ' + "ä" * 60,
        "location": LINK,
        "url": LINK,
        "description": None,
        "status": "CONFIRMED",
        "class": "PRIVATE",
        "organizer": ["mailto:no-reply@acme.example", "Acme: Clinic"],
        "attendee": ["mailto:maria@example.com", 'Maria "M"; Jones'],
    }


def test_a_cancellation_keeps_the_uid_and_says_cancelled_twice() -> None:
    """METHOD:REQUEST with STATUS:CANCELLED would leave the entry where it is."""
    first = calendars.ical(ANNA, "REQUEST", START, name="Acme", link=LINK, guest=GUEST)
    last = calendars.ical(ANNA, "CANCEL", START, name="Acme", link=LINK, guest=GUEST)
    before, after = calendar_reader.read(first, last)
    assert after["uid"] == before["uid"]
    assert (after["method"], after["status"], after["location"]) == ("CANCEL", "CANCELLED", None)
    assert lines(last).count("METHOD:CANCEL") == 1


CLOCKS = [
    ("Europe/Berlin", "2027-03-28T01:30:00.000Z"),
    ("Europe/Berlin", "2027-10-31T00:30:00.000Z"),
    ("America/New_York", "2027-03-14T07:30:00.000Z"),
    ("Australia/Lord_Howe", "2027-04-03T15:15:00.000Z"),
    ("Pacific/Apia", "2027-06-01T11:00:00.000Z"),
    ("Asia/Kathmandu", "2027-06-01T18:15:00.000Z"),
]


def test_the_instant_is_the_instant_whatever_clocks_do() -> None:
    ats = [datetime.fromisoformat(start).timestamp() for _, start in CLOCKS]
    moved = [replace(ANNA, timezone=zone, start=at, end=at + 1800) for (zone, _), at in zip(CLOCKS, ats, strict=True)]
    files = [calendars.ical(each, "PUBLISH", START, name="Acme", link=None) for each in moved]
    assert [seen["start"] for seen in calendar_reader.read(*files)] == [start for _, start in CLOCKS]
    for (zone, start), each in zip(CLOCKS, moved, strict=True):
        query = dict(parse_qsl(urlsplit(calendars.google(each, name="Acme", link=None)).query))
        assert query["dates"].split("/")[0] == start.replace("-", "").replace(":", "").replace(".000", "")
        assert query["ctz"] == zone


# Over the wire -------------------------------------------------------------------------------------------------------


async def ical(desk: Desk, id: str) -> dict[str, Any]:
    reply = await desk.world.ask("GET", f"{EVENTS}/ical/{id}/event")
    assert reply.status_code == 200, reply.text
    assert reply.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert reply.headers["Content-Disposition"] == 'attachment; filename="appointment.ics"'
    [seen] = await asyncio.to_thread(calendar_reader.read, reply.text)
    return seen


async def test_whoever_has_the_id_gets_the_file_and_a_cancelled_one_is_taken_back(either: Desk) -> None:
    made = await either.schedule(HOUR, notes="private", title=None)
    seen = await ical(either, made["id"])
    assert (seen["method"], seen["uid"], seen["summary"]) == ("PUBLISH", f"{made['id']}@appointments", "shop")
    assert (seen["start"], seen["end"]) == ("2027-01-15T09:00:00.000Z", "2027-01-15T09:30:00.000Z")
    assert (seen["location"], seen["description"], seen["attendee"]) == (made["roomAccess"]["url"], None, None)
    body = {"id": made["id"], "start": "2027-01-16T09:00:00Z", "duration": "PT30M", "timezone": "Europe/Berlin"}
    await either.good("PUT", "reschedule/", body)
    moved = await ical(either, made["id"])
    assert (moved["uid"], moved["start"]) == (seen["uid"], "2027-01-16T09:00:00.000Z")
    assert moved["sequence"] > seen["sequence"]
    await either.good("DELETE", made["id"])
    gone = await ical(either, made["id"])
    assert (gone["uid"], gone["method"], gone["status"]) == (seen["uid"], "CANCEL", "CANCELLED")
    assert gone["sequence"] > moved["sequence"]
    assert gone["location"] is None
    assert refusal(await either.world.ask("GET", f"{EVENTS}/google/{made['id']}/event"))[:2] == (404, "StatusNotFound")


@pytest.mark.parametrize("slash", ["", "/"])
async def test_google_is_one_redirect_away(desk: Desk, slash: str) -> None:
    made = await desk.schedule(HOUR, notes="private")
    reply = await desk.world.ask("GET", f"{EVENTS}/google/{made['id']}/event{slash}")
    assert (reply.status_code, reply.content) == (302, b"")
    location = urlsplit(reply.headers["Location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == "https://calendar.google.com/calendar/render"
    url = made["roomAccess"]["url"]
    assert dict(parse_qsl(location.query)) == {
        "action": "TEMPLATE",
        "text": "Installation review",
        "dates": "20270115T090000Z/20270115T093000Z",
        "details": url,
        "location": url,
        "ctz": "Europe/Berlin",
    }


@pytest.mark.parametrize("kind", ["google", "ical"])
async def test_other_ids(desk: Desk, kind: str) -> None:
    unknown = await desk.world.ask("GET", f"{EVENTS}/{kind}/f46f165d-383a-4432-9a3e-9c805a152e0c/event")
    assert refusal(unknown)[:2] == (404, "StatusNotFound")
    for strange in ("a_b", "x" * 65, "%0d%0a"):
        assert refusal(await desk.world.ask("GET", f"{EVENTS}/{kind}/{strange}/event"))[:2] == (400, "StatusBadRequest")
