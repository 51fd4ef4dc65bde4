"""An appointment from its making to its end, as those outside see it: mails, texts and webhooks over real sockets."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from hub.kernel.applications import Application, Basic, MailSender, SmsSender, WebhookSubscription
from hub.kernel.secret import Secret
from tests.api.appointments.outside import Outside, outside
from tests.api.world import CONFIGURATION, opened
from tests.support import calendar_reader
from tests.support.calendar_reader import calendar_library
from tests.support.http_receiver import Receiver, http_receiver
from tests.support.mail_server import mail_server

__all__ = ["calendar_library"]

APPOINTMENTS = "/api/appointments/"
KEY = "the key of the signatures"
MARIA = {
    "contact": {"primaryEmail": "Maria@Example.com", "primaryPhone": "+306931234567"},
    "name": {"firstName": "Μαρία", "lastName": "Παπαδοπούλου"},
}
SCHEDULE = {
    "applicationId": "clinic",
    "customer": MARIA,
    "duration": "PT30M",
    "start": "2027-03-28T07:00:00Z",  # 10:00 in Athens, on the day on which clocks go forward
    "timezone": "Europe/Athens",
    "locale": "el_GR",
    "title": "Δάνειο",
    "notificationHeaders": {"x-channel": "widget", "X-Source": "widget"},
}


@pytest.fixture
async def hook() -> AsyncIterator[Receiver]:
    async with http_receiver() as receiver:
        yield receiver


@pytest.fixture
async def away(tmp_path: Path, hook: Receiver, either_url: str | None) -> AsyncIterator[Outside]:
    subscription = WebhookSubscription(
        url=f"{hook.url}/hook",
        secret=Secret(KEY),
        headers={"x-source": "hub"},
        basic=Basic(user="hub", password=Secret("pw")),
        allow_private=True,
    )
    clinic = Application(
        organization="acme",
        name="Acme Clinic",
        url_base="https://meet.acme.example",
        notifications_active=True,
        channels=frozenset({"EMAIL", "SMS", "WEBHOOKS"}),
        email=MailSender(domain="acme.example", from_name="Acme", verified=True),
        sms=SmsSender(from_number="+15550001111", verified=True),
        webhooks=(subscription,),
    )
    settings = msgspec.structs.replace(CONFIGURATION, applications={"clinic": clinic})
    async with (
        mail_server() as mail,
        http_receiver() as gateway,
        opened(tmp_path, url=either_url, configuration=settings) as world,
        outside(world, mail, gateway, hook) as made,
    ):
        yield made


async def ask(away: Outside, method: str, path: str, body: object = None, *, role: str = "ROLE_AGENT") -> Any:
    token = away.world.token("alice", role, ttl=90 * 86_400)
    reply = await away.world.ask(method, APPOINTMENTS + path, body, token=token)
    assert reply.status_code in {200, 204}, reply.text
    return reply.json() if reply.content else None


def texts(away: Outside) -> list[str]:
    """The SMS since the last look."""
    found = [parse_qs(each.body.decode()) for each in away.gateway.requests]
    away.gateway.requests.clear()
    assert all((each["To"], each["From"]) == (["+306931234567"], ["+15550001111"]) for each in found)
    return [each["Body"][0] for each in found]


def mails(away: Outside) -> list[EmailMessage]:
    """The mails since the last look."""
    found = list(away.mail.mails)
    away.mail.mails.clear()
    assert all((each["To"], each["From"]) == ("maria@example.com", "Acme <no-reply@acme.example>") for each in found)
    return found


def events(away: Outside) -> list[dict[str, Any]]:
    """The envelopes of the webhooks since the last look; they are from the hub."""
    found: list[dict[str, Any]] = []
    for each in away.hook.requests:
        time, _, signature = each.headers["x-hub-signature"].removeprefix("t=").partition(",v1=")
        assert signature == hmac.new(KEY.encode(), f"{time}.".encode() + each.body, hashlib.sha256).hexdigest()
        payload = bytes(msgspec.json.decode(each.body, type=dict[str, msgspec.Raw])["payload"])
        assert each.headers["x-signature"] == hmac.new(KEY.encode(), payload, hashlib.sha256).hexdigest()
        assert (each.headers["x-channel"], each.headers["x-source"]) == ("widget", "hub")
        assert each.headers["host"] == f"127.0.0.1:{away.hook.port}"
        assert each.headers["authorization"] == "Basic aHViOnB3"
        found.append(msgspec.json.decode(each.body))
    away.hook.requests.clear()
    return found


def nothing(away: Outside) -> bool:
    return (mails(away), texts(away), events(away)) == ([], [], [])


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n").strip()


async def calendar_of(mail: EmailMessage) -> dict[str, Any]:
    """What the reader's calendar learns from the mail."""
    (part,) = (each for each in mail.walk() if each.get_content_type() == "text/calendar")
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    [seen] = await asyncio.to_thread(calendar_reader.read, content.decode())
    assert part.get_param("method") == seen["method"]
    return seen


async def told(away: Outside) -> list[str]:
    """What Alice's desktop has heard."""
    found = await away.world.log("alice", "/v2/me")
    return [msgspec.json.decode(data)["notificationType"] for _, data in found]


@pytest.mark.usefixtures("calendar_library")
async def test_a_customer_is_told_everything_once_in_time_and_in_their_language(away: Outside) -> None:
    await away.at("2027-03-24T12:00:00+02:00")
    made = await ask(away, "POST", "", SCHEDULE)
    first = await is_told_that_it_is_made(away, made)
    await is_reminded_a_day_of_the_calendar_before(away, made)
    second = await is_told_that_everything_moves(away, made, first)
    await ask(away, "DELETE", made["id"])
    await is_told_that_it_is_cancelled(away, first, second)
    await away.at("2027-03-30T12:00:00+03:00")
    assert nothing(away)
    assert await told(away) == ["Created", "Reminder", "Rescheduled", "Reminder", "Reminder", "Cancelled"]


async def is_told_that_it_is_made(away: Outside, made: dict[str, Any]) -> dict[str, Any]:
    await away.work()
    [mail], [sms], [event] = mails(away), texts(away), events(away)
    assert mail["Subject"] == "Το ραντεβού σας: Κυριακή 28 Μαρτίου 2027"
    room, base = made["roomAccess"]["url"], "http://127.0.0.1:8080/api/cal/events"
    assert text_of(mail) == (
        "Αγαπητέ/ή Μαρία,\n\nτο ραντεβού σας είναι: Κυριακή 28 Μαρτίου 2027, ώρα 10:00 (EEST).\nΘέμα: Δάνειο\n"
        f"Διάρκεια: 30 λεπτά\n\nΣυνδεθείτε εδώ εκείνη την ώρα: {room}\n"
        f"Προσθήκη στο ημερολόγιο: {base}/ical/{made['id']}/event\n"
        f"Google Calendar: {base}/google/{made['id']}/event"
    )
    assert sms == f"Το ραντεβού σας: Κυρ 28 Μαρ, 10:00 (EEST).\nΣύνδεση: {room}"
    seen = await calendar_of(mail)
    assert (seen["method"], seen["start"], seen["summary"]) == ("REQUEST", "2027-03-28T07:00:00.000Z", "Δάνειο")
    assert seen["attendee"] == ["mailto:maria@example.com", "Μαρία Παπαδοπούλου"]
    assert seen["organizer"] == ["mailto:no-reply@acme.example", "Acme"]
    assert seen["location"] == room
    assert event["type"] == "APPOINTMENT_CREATED"
    assert event["payload"] == {"appointment": made}
    assert event["timestamp"] == "2027-03-24T10:00:00Z"
    return seen


async def is_reminded_a_day_of_the_calendar_before(away: Outside, made: dict[str, Any]) -> None:
    """It is the night in which clocks go forward: 23 hours."""
    await away.at("2027-03-27T09:59:59+02:00")
    assert nothing(away)
    await away.at("2027-03-27T10:00:00+02:00")
    [mail], [sms], [event] = mails(away), texts(away), events(away)
    assert mail["Subject"] == "Υπενθύμιση: το ραντεβού σας Κυριακή 28 Μαρτίου 2027, 10:00"
    assert sms.startswith("Υπενθύμιση: ραντεβού Κυρ 28 Μαρ, 10:00 (EEST).")
    assert (event["type"], event["payload"]) == ("APPOINTMENT_REMINDER", {"appointment": made, "offset": "P1D"})
    assert await told(away) == ["Created", "Reminder"]


async def is_told_that_everything_moves(away: Outside, made: dict[str, Any], first: dict[str, Any]) -> dict[str, Any]:
    move = {"id": made["id"], "start": "2027-03-29T07:00:00Z", "duration": "PT30M", "timezone": "Europe/Athens"}
    moved = await ask(away, "PUT", "reschedule/", move)
    await away.work()
    [mail], [sms], [event] = mails(away), texts(away), events(away)
    assert mail["Subject"] == "Νέα ώρα για το ραντεβού σας: Δευτέρα 29 Μαρτίου 2027"
    assert sms.startswith("Το ραντεβού σας μεταφέρθηκε: Δευ 29 Μαρ, 10:00 (EEST).")
    seen = await calendar_of(mail)
    assert (seen["uid"], seen["method"]) == (first["uid"], "REQUEST")
    assert (seen["start"], seen["sequence"] > first["sequence"]) == ("2027-03-29T07:00:00.000Z", True)
    assert event["type"] == "APPOINTMENT_RESCHEDULED"
    previous = {"start": made["start"], "end": made["end"], "timezone": "Europe/Athens"}
    assert event["payload"] == {"appointment": moved, "previous": previous}
    await away.at("2027-03-28T09:30:00+03:00")  # an hour before it was to be has gone by
    assert nothing(away)
    await away.at("2027-03-28T10:00:00+03:00")
    assert [mail["Subject"] for mail in mails(away)] == ["Υπενθύμιση: το ραντεβού σας Δευτέρα 29 Μαρτίου 2027, 10:00"]
    assert len(texts(away)) == len(events(away)) == 1
    await away.at("2027-03-29T09:00:00+03:00")
    assert (len(mails(away)), len(texts(away))) == (1, 1)
    assert [event["payload"]["offset"] for event in events(away)] == ["PT1H"]
    return seen


async def is_told_that_it_is_cancelled(away: Outside, first: dict[str, Any], second: dict[str, Any]) -> None:
    await away.work()
    [mail], [sms], [event] = mails(away), texts(away), events(away)
    assert mail["Subject"] == "Το ραντεβού σας ακυρώθηκε: Δευτέρα 29 Μαρτίου 2027"
    assert sms == "Το ραντεβού σας ακυρώθηκε: Δευ 29 Μαρ, 10:00 (EEST)."
    seen = await calendar_of(mail)
    assert (seen["uid"], seen["method"], seen["status"]) == (first["uid"], "CANCEL", "CANCELLED")
    assert seen["sequence"] > second["sequence"]
    assert event["type"] == "APPOINTMENT_CANCELLED"


async def test_nothing_that_was_told_before_a_cancellation_and_has_not_left_is_told_after_it(away: Outside) -> None:
    await away.at("2027-03-24T12:00:00+02:00")
    away.mail.answers, away.gateway.answers = {"RCPT": "451 not now"}, [[b"HTTP/1.1 503 X\r\n\r\n"]]
    made = await ask(away, "POST", "", SCHEDULE)
    await away.work()
    await ask(away, "DELETE", made["id"])
    away.mail.answers, away.gateway.answers = {}, [[b"HTTP/1.1 201 X\r\n\r\n"]]
    away.gateway.requests.clear()
    await away.at("2027-03-24T13:00:00+02:00")
    assert [str(mail["Subject"]).split(":")[0] for mail in mails(away)] == ["Το ραντεβού σας ακυρώθηκε"]
    assert len(texts(away)) == 1
    assert [event["type"] for event in events(away)] == ["APPOINTMENT_CREATED", "APPOINTMENT_CANCELLED"]
