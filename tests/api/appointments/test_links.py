"""Customers' links: what their pages say, and that they do what the API does, once."""

import asyncio
import hashlib
import re
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
import pytest
from msgspec.structs import replace

from api.appointments.texts import LANGUAGES, WORDS
from hub.auth.guesses import network
from hub.kernel.applications import Application, MailSender, WebhookSubscription, WorkingHours
from hub.kernel.config import Configuration
from hub.kernel.errors import TooManyRequests
from hub.kernel.periods import Period
from hub.store import signing
from tests.api.appointments.desk import HOUR, Desk, at
from tests.api.appointments.outside import colleague, firing, planned, rows, waiting
from tests.api.world import CONFIGURATION, START, opened

LINKED = Application(
    organization="acme",
    name="Acme <Shop>",
    notifications_active=True,
    customer_links=True,
    channels=frozenset({"EMAIL", "WEBHOOKS"}),
    reminders=(Period(seconds=HOUR),),
    email=MailSender(domain="acme.example", verified=True),
    webhooks=(WebhookSubscription(url="https://crm.example.org/hook"),),
    working_hours=WorkingHours(timezone="Europe/Berlin", regular=("Mon-Fri 08:00-12:00",)),
    max_parallel=1,
)
APPLICATIONS = {"linked": LINKED, "plain": replace(LINKED, customer_links=False)}
SETTINGS: Configuration = replace(CONFIGURATION, applications=APPLICATIONS)
# As browsers send it from a page that refers to nothing. It is a Friday, 09:00 in Berlin.
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "null"}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, configuration=SETTINGS) as world:
        yield Desk(world)


@pytest.fixture
async def either(either_url: str | None, tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, url=either_url, configuration=SETTINGS) as world:
        yield Desk(world)


async def booked(desk: Desk, seconds: float = HOUR, **more: Any) -> dict[str, Any]:
    return await desk.schedule(seconds, **{"applicationId": "linked"} | more)


async def links(desk: Desk) -> dict[str, str]:
    """The paths in the last mail: to move, and to cancel."""
    text = (await waiting(desk.world, "mail"))[-1]["text"]
    found = [urlsplit(each).path for each in re.findall(r"https?://\S*/q/a/\S+", text)]
    return dict(zip(("move", "cancel"), found, strict=True))


async def get(desk: Desk, path: str, language: str = "en") -> httpx2.Response:
    return await desk.world.ask("GET", path, headers={"Accept-Language": language})


async def post(desk: Desk, path: str, **form: str) -> httpx2.Response:
    return await desk.world.ask("POST", path, urlencode(form).encode(), headers=FORM)


def heading(reply: httpx2.Response) -> tuple[int, str]:
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    found = re.search("<h1>(.*)</h1>", reply.text)
    assert found is not None
    return reply.status_code, found[1]


def choices(reply: httpx2.Response) -> dict[str, str]:
    """Times of day, and what stands for them in the form."""
    return {time: start for start, time in re.findall(r'value="(\d+)" required> ([\d:]+)<', reply.text)}


async def everything(desk: Desk) -> list[Any]:
    """What a change would leave behind."""
    tables = ("appointment", "appointment_participant", "appointment_notice", "timer", "event", "ticket", "revocation")
    return [await rows(desk.world, f"SELECT * FROM {table}") for table in tables]


# What messages say ---------------------------------------------------------------------------------------------------


async def test_mails_to_customers_have_both_links_where_the_application_wants_them(desk: Desk) -> None:
    made = await booked(desk, 2 * HOUR, locale="de-DE")
    [mail] = await waiting(desk.world, "mail")
    found = await links(desk)
    base = desk.world.services.settings.public_url
    assert f"Anderen Termin wählen: {base}{found['move']}\n" in mail["text"] + "\n"
    assert f"Absagen: {base}{found['cancel']}" in mail["text"]
    assert all(len(path) == len("/q/a/") + 48 for path in found.values())
    desk.world.clock.at += HOUR
    await firing(desk.world).work()
    assert (await waiting(desk.world, "mail"))[-1]["subject"].startswith("Erinnerung")
    assert await links(desk) == found
    again = {"id": made["id"], "start": at(2.5 * HOUR), "duration": "PT30M", "timezone": "Europe/Berlin"}
    await desk.good("PUT", "reschedule/", again)
    assert (await waiting(desk.world, "mail"))[-1]["subject"].startswith("Neue")
    assert not set((await links(desk)).values()) & set(found.values())


async def test_without_it_there_are_none(desk: Desk) -> None:
    await booked(desk, applicationId="plain")
    [mail] = await waiting(desk.world, "mail")
    assert "/q/a/" not in mail["text"]


async def test_agents_get_none(desk: Desk) -> None:
    await colleague(desk.world, "alice")
    await booked(desk)
    mails = {mail["to"]: mail["text"].count("/q/a/") for mail in await waiting(desk.world, "mail")}
    assert mails == {"maria@example.com": 2, "alice@acme.example": 0}


async def test_machines_get_the_links_that_mails_have_as_long_as_they_are_good(desk: Desk) -> None:
    async def last() -> tuple[str, dict[str, Any]]:
        hook = (await waiting(desk.world, "webhook"))[-1]
        found = {name: urlsplit(url).path for name, url in hook["payload"].items() if name.endswith("Url")}
        return hook["type"], found

    async def as_in_the_mail() -> dict[str, str]:
        found = await links(desk)
        return {"rescheduleUrl": found["move"], "cancelUrl": found["cancel"]}

    made = await booked(desk, 2 * HOUR)
    first = await as_in_the_mail()
    assert await last() == ("APPOINTMENT_CREATED", first)
    desk.world.clock.at += HOUR
    await firing(desk.world).work()
    assert await last() == ("APPOINTMENT_REMINDER", first)
    again = {"id": made["id"], "start": at(2.5 * HOUR), "duration": "PT30M", "timezone": "Europe/Berlin"}
    await desk.good("PUT", "reschedule/", again)
    assert await last() == ("APPOINTMENT_RESCHEDULED", await as_in_the_mail())
    assert not set((await last())[1].values()) & set(first.values())
    await desk.good("DELETE", made["id"])
    assert await last() == ("APPOINTMENT_CANCELLED", {})
    await booked(desk, applicationId="plain")
    assert await last() == ("APPOINTMENT_CREATED", {})


# Looking -------------------------------------------------------------------------------------------------------------


async def test_looking_changes_nothing_and_shows_a_form_that_runs_nothing(desk: Desk) -> None:
    await booked(desk, 2 * HOUR)
    found, before = await links(desk), await everything(desk)
    for purpose, path in found.items():
        reply = await get(desk, path)
        style = re.search("<style>(.*)</style>", reply.text, re.DOTALL)
        assert style is not None
        digest = b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        assert reply.headers["Content-Security-Policy"] == (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'self'; "
            "frame-ancestors 'none'"
        )
        assert (reply.headers["Cache-Control"], reply.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
        assert '<html lang="en">' in reply.text
        assert '<form method="post">' in reply.text
        assert not re.search("<script|style=| on[a-z]+=|<Shop>|Maria|Installation", reply.text)
        assert "Acme &lt;Shop&gt;: " in reply.text
        assert heading(reply) == (
            200,
            "Cancel your appointment?" if purpose == "cancel" else "Choose another time",
        )
        assert (await desk.world.ask("HEAD", path)).status_code == 200
    assert await everything(desk) == before


async def test_free_times_are_those_of_the_application(desk: Desk) -> None:
    """Others have ten o'clock; the one that it has itself is no other time."""
    await booked(desk, HOUR)
    await booked(desk, 1.5 * HOUR)
    path = (await links(desk))["move"]
    reply = await get(desk, path)
    assert list(choices(reply)) == ["09:00", "09:30", "11:00", "11:30"]
    assert "<legend>Friday, 15 January 2027 (CET)</legend>" in reply.text
    later = re.search(r'href="(\?from=2027-01-16)"', reply.text)
    assert later is not None
    monday = await get(desk, path + later[1])
    assert list(choices(monday)) == [f"{hour:02}:{minute}" for hour in range(8, 12) for minute in ("00", "30")]
    assert '<a href="?">The first free days</a>' in monday.text
    for strange in ("2020-01-01", "x", "9999-99-99"):
        assert choices(await get(desk, f"{path}?from={strange}")) == choices(reply)
    assert heading(await get(desk, f"{path}?from=9999-12-31")) == (200, "No free times")


async def test_pages_speak_german_to_whom_the_appointment_does(desk: Desk) -> None:
    await booked(desk, locale="de-AT")
    found = await links(desk)
    assert heading(await get(desk, found["cancel"])) == (200, "Möchten Sie Ihren Termin absagen?")
    moving = await get(desk, found["move"])
    assert '<html lang="de">' in moving.text
    assert "<legend>Freitag, 15. Jänner 2027 (CET)</legend>" in moving.text
    assert heading(await get(desk, "/q/a/x", "de-DE,de;q=0.9")) == (404, "Dieser Link stimmt nicht")
    assert LANGUAGES["de"].keys() == LANGUAGES["en"].keys()
    assert WORDS.keys() == LANGUAGES.keys()


# Doing ---------------------------------------------------------------------------------------------------------------


def likened(found: Any, made: dict[str, Any]) -> str:
    """What was told of one appointment, as it would be of any other."""
    text = repr(found)
    room = made["roomAccess"]["url"]
    for value, name in ((made["id"], "ID"), (made["participantIds"][0]["id"], "CUSTOMER"), (room, "ROOM")):
        text = text.replace(value, name)
    return re.sub(r"/q/a/[\w-]{48}|\d{8}T\d{6}Z", "*", text)


async def news(desk: Desk, kind: str) -> Any:
    """What was told to desktops, machines and customers about the last change."""
    mail = (await waiting(desk.world, "mail"))[-1]
    hook = (await waiting(desk.world, "webhook"))[-1]
    last = (await desk.told("alice"))[-1], (await desk.told())[-1]
    assert {each["notificationType"] for each in last} == {kind}
    return last, mail["subject"], mail["text"], hook["type"], hook["payload"]


async def test_cancelling_by_link_is_what_deleting_is(either: Desk) -> None:
    made = [await booked(either, HOUR)]
    await either.good("DELETE", made[0]["id"])
    by_hand = await news(either, "Cancelled")
    made.append(await booked(either, HOUR))
    path, customer = (await links(either))["cancel"], await either.customer(made[1])
    either.world.clock.at += 1
    assert heading(await post(either, path)) == (200, "This appointment is cancelled")
    assert likened(await news(either, "Cancelled"), made[1]) == likened(by_hand, made[0])
    assert (await either.ask("GET", made[1]["id"])).status_code == 404
    assert (await either.ask("GET", made[1]["id"], token=customer)).status_code == 401
    assert await planned(either.world) == {}
    before = await everything(either)
    assert heading(await post(either, path)) == (200, "This appointment is cancelled")
    assert heading(await get(either, path)) == (200, "This appointment is cancelled")
    assert await everything(either) == before


async def test_moving_by_link_is_what_rescheduling_is(either: Desk) -> None:
    made = [await booked(either, HOUR)]
    again = {"id": made[0]["id"], "start": at(2.5 * HOUR), "duration": "PT30M", "timezone": "Europe/Berlin"}
    await either.good("PUT", "reschedule/", again)
    by_hand = await news(either, "Rescheduled")
    await either.good("DELETE", made[0]["id"])
    made.append(await booked(either, HOUR))
    found = await links(either)
    reply = await post(either, found["move"], start=choices(await get(either, found["move"]))["11:30"])
    assert heading(reply) == (200, "This appointment has a new time")
    assert "It is now on Friday, 15 January 2027, 11:30 (CET)." in reply.text
    assert likened(await news(either, "Rescheduled"), made[1]) == likened(by_hand, made[0])
    assert (await either.read(made[1]["id"]))["start"] == at(2.5 * HOUR)
    before = await everything(either)
    for path in found.values():
        assert heading(await post(either, path, start=f"{START + HOUR:.0f}")) == (
            200,
            "This appointment has a new time",
        )
    assert await everything(either) == before
    assert (await post(either, (await links(either))["cancel"])).status_code == 200


async def test_both_of_two_who_follow_a_link_at_once_find_it_done_and_it_is_done_once(either: Desk) -> None:
    await booked(either, HOUR)
    path = (await links(either))["cancel"]
    replies = await asyncio.gather(*(post(either, path) for _ in range(2)))
    assert [heading(reply) for reply in replies] == [(200, "This appointment is cancelled")] * 2
    assert await either.kinds("alice") == ["Created", "Cancelled"]


async def test_a_time_that_is_taken_meanwhile_or_never_was_offered_changes_nothing(desk: Desk) -> None:
    await booked(desk, HOUR)
    path = (await links(desk))["move"]
    start = choices(await get(desk, path))["11:00"]
    await desk.schedule(2 * HOUR, applicationId="linked")
    before = await everything(desk)
    for wrong, alert in (
        (start, "That time is not free any more."),
        (f"{START - HOUR:.0f}", "That time is not free any more."),
        ("99999999999", "That time is not free any more."),
        ("", "Please choose a time."),
        ("1e9", "Please choose a time."),
        ("\u0663", "Please choose a time."),
    ):
        reply = await post(desk, path, start=wrong)
        assert heading(reply) == (400, "Choose another time")
        assert f'<p role="alert">{alert}' in reply.text
        assert "11:00" not in choices(reply)
    assert (await post(desk, path, start="9" * 12)).status_code == 400
    assert (await desk.world.ask("POST", path, b"{}", headers={"Content-Type": "text/plain"})).status_code == 415
    assert await everything(desk) == before


# What is no link -----------------------------------------------------------------------------------------------------


def forged(path: str, byte: int, value: int | None = None) -> str:
    """The link with another byte at a place."""
    raw = bytearray(urlsafe_b64decode(path.rpartition("/")[2]))
    raw[byte] = raw[byte] ^ 1 if value is None else value
    return "/q/a/" + urlsafe_b64encode(raw).decode()


async def test_what_is_not_signed_here_for_just_that_is_no_link(desk: Desk, tmp_path: Path) -> None:
    made = await booked(desk, HOUR)
    path, before = (await links(desk))["cancel"], await everything(desk)
    other = tmp_path / "other"
    other.mkdir()
    async with opened(other, configuration=SETTINGS) as world:
        key = (b"k" * 32,)
        await world.services.db.write(lambda tx: tx.cursor.execute("UPDATE signing_key SET key = ?", key))
        text = urlsafe_b64decode(path.rpartition("/")[2])[:20]
        signature = await world.services.db.read(lambda tx: signing.sign(tx, "/q/a/", text))
    foreign = "/q/a/" + urlsafe_b64encode(text + signature).decode()
    mine = await desk.world.services.db.read(lambda tx: signing.sign(tx, "another purpose", text))
    wrong = [
        *(forged(path, byte) for byte in (0, 1, 16, 17, 19, 20, 35)),
        forged(path, 0, 9),
        foreign,
        "/q/a/" + urlsafe_b64encode(text + mine).decode(),
        path[:-1],
        path + "A",
        path[:-1] + "%0A",
        "/q/a/" + made["id"],
        "/q/a/" + "%C3%A4" * 48,
    ]
    for each in wrong:
        for reply in (await get(desk, each), await post(desk, each, start=f"{START + 2 * HOUR:.0f}")):
            assert heading(reply) == (404, "This link is not right")
            assert not re.search("Acme|Maria|2027|<form|<a ", reply.text)
            assert "form-action 'none'" in reply.headers["Content-Security-Policy"]
    assert await everything(desk) == before


async def test_links_outlive_their_key_for_a_while_and_are_refused_once_it_is_withdrawn(either: Desk) -> None:
    """The page of those that are refused speaks of nobody: whoever has the key can make links up."""

    async def rotate(keep: float) -> None:
        await either.world.services.db.write(lambda tx: signing.rotate(tx, either.world.clock.at, keep))

    await booked(either, 2 * HOUR)
    old = await links(either)
    await rotate(HOUR)
    await booked(either, HOUR)
    new, before = await links(either), await everything(either)
    assert heading(await get(either, old["cancel"])) == (200, "Cancel your appointment?")
    assert heading(await get(either, new["cancel"])) == (200, "Cancel your appointment?")
    either.world.clock.at += HOUR - 1
    await rotate(0)
    for path in (*old.values(), *new.values()):
        for reply in (await get(either, path), await post(either, path, start=f"{START + 2 * HOUR:.0f}")):
            assert heading(reply) == (410, "This link is not good any more")
            assert not re.search("Acme|Maria|2027|<form|<a ", reply.text)
            assert "form-action 'none'" in reply.headers["Content-Security-Policy"]
    assert heading(await get(either, old["move"], "de")) == (410, "Dieser Link gilt nicht mehr")
    assert await everything(either) == before


@pytest.mark.parametrize("late", [HOUR, HOUR + 60])
async def test_from_the_beginning_on_links_have_expired(desk: Desk, late: int) -> None:
    await booked(desk, HOUR)
    found, before = await links(desk), await everything(desk)
    desk.world.clock.at = START + late
    for path in found.values():
        for reply in (await get(desk, path), await post(desk, path, start=f"{START + 2 * HOUR:.0f}")):
            assert heading(reply) == (410, "This link has expired")
            assert not re.search("Acme|Maria|2027|<form|<a ", reply.text)
    assert await everything(desk) == before


async def test_links_of_an_application_that_wants_none_any_more_are_none(tmp_path: Path) -> None:
    async with opened(tmp_path, configuration=SETTINGS) as world:
        await booked(Desk(world))
        found = await links(Desk(world))
    changed = replace(SETTINGS, applications={"linked": replace(LINKED, customer_links=False)})
    async with opened(tmp_path, url=f"sqlite:///{tmp_path / 'hub.db'}", configuration=changed) as world:
        for path in found.values():
            assert (await get(Desk(world), path)).status_code == 404
            assert (await post(Desk(world), path)).status_code == 404


async def test_who_asks_too_often_is_told_to_wait(desk: Desk) -> None:
    assert heading(await get(desk, "/q/a/x")) == (404, "This link is not right")
    with suppress(TooManyRequests):
        while True:
            desk.world.services.quotas.strangers.take(network("127.0.0.1"))
    reply = await get(desk, "/q/a/x")
    assert heading(reply) == (429, "Too many attempts")
    assert int(reply.headers["Retry-After"]) >= 1
