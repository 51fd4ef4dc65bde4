"""Administrators prove what their applications send under, and try texts out."""

from email.utils import parseaddr
from typing import Any

import httpx2
import msgspec
import pytest

from api.http.quotas import NOTICE_TESTS_OF_ORGANIZATION
from tests.api.world import World

ADMIN = ("adam", "ROLE_ADMIN")
EMAILS, SMS = "/api/notifications/emails", "/api/notifications/sms"
TO, NUMBER, FROM = "adam@acme.example", "+306931221199", "+15550002222"
EMAIL_SERVICE = {
    "applicationId": "bare",
    "domain": "Appointments.Acme.example",
    "fromName": '"Acme No-Reply"',
    "toEmail": TO,
}
SMS_SERVICE = {"applicationId": "bare", "fromNumber": FROM, "toNumber": NUMBER}
EMAIL_TEST = {
    "applicationId": "clinic",
    "channel": "EMAIL",
    "htmlBody": '"<html>Hello {{lastName}} {{oops}}</html>"',
    "locale": "en-GB",
    "period": '"P1D"',
    "subject": '"Video appointment reminder"',
    "textBody": "Dear {{firstName}},\n\nThis is for {{dd-MM-yyyy}} {{time24}} {{zone}}",
    "timezone": "Europe/Berlin",
    "toEmail": TO,
    "type": "REMINDER",
}
SMS_TEST = {
    "applicationId": "clinic",
    "channel": "SMS",
    "locale": "en-GB",
    "period": "P1D (1 day before)",
    "textBody": "Dear {{firstName}}, {{EEEE dd-MMM-yy}} {{time12hr}} {{zone}}",
    "timezone": "Europe/Berlin",
    "toNumber": NUMBER,
    "type": "REMINDER",
}


async def ask(world: World, path: str, body: object, *, organization: str = "acme") -> httpx2.Response:
    return await world.ask("POST", path, body, token=world.token(*ADMIN, organization=organization))


async def messages(world: World) -> list[dict[str, Any]]:
    """What is to leave the house."""

    def read(tx: Any) -> list[Any]:
        tx.cursor.execute("SELECT payload FROM timer WHERE kind LIKE 'deliver.%' ORDER BY id")
        return list(tx.cursor.fetchall())

    return [msgspec.json.decode(row[0]) for row in await world.services.db.read(read)]


async def code_sent(world: World) -> str:
    text: str = (await messages(world))[-1]["text"]
    return next(word for word in text.split() if len(word) == 6 and word.isdigit())


async def application(world: World, id: str = "bare") -> dict[str, Any]:
    reply = await world.ask("GET", f"/api/applications/{id}", token=world.token(*ADMIN))
    found: dict[str, Any] = reply.json()
    return found


# Proving -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_domain_that_is_proved_by_a_code_is_used(both: World, slash: str) -> None:
    assert (await ask(both, f"{EMAILS}/test", EMAIL_TEST | {"applicationId": "bare"})).status_code == 404
    reply = await ask(both, f"{EMAILS}/verify{slash}", EMAIL_SERVICE)
    assert (reply.status_code, reply.json()) == (200, {"applicationId": "bare", "validFor": "PT1M"})
    (mail,) = await messages(both)
    assert (mail["to"], mail["sender"]) == (TO, "Acme No-Reply <no-reply@appointments.acme.example>")
    code = await code_sent(both)
    assert "good for 1 minute, once" in mail["text"]
    assert "email" not in await application(both)
    confirmed = await ask(both, f"{EMAILS}/confirm{slash}", {"applicationId": "bare", "code": code})
    assert (confirmed.status_code, confirmed.content) == (204, b"")
    assert (await application(both))["email"] == {
        "domain": "appointments.acme.example",
        "fromName": "Acme No-Reply",
        "verified": True,
    }
    assert (await ask(both, f"{EMAILS}/test", EMAIL_TEST | {"applicationId": "bare"})).status_code == 204
    assert parseaddr((await messages(both))[-1]["sender"])[1] == "no-reply@appointments.acme.example"


async def test_so_is_a_number(both: World) -> None:
    assert (await ask(both, f"{SMS}/test", SMS_TEST | {"applicationId": "bare"})).status_code == 404
    reply = await ask(both, f"{SMS}/verify", SMS_SERVICE)
    assert (reply.status_code, reply.json()) == (200, {"applicationId": "bare", "validFor": "PT1M"})
    (sms,) = await messages(both)
    assert (sms["to"], sms["sender"]) == (NUMBER, FROM)
    code = await code_sent(both)
    assert (await ask(both, f"{SMS}/confirm", {"applicationId": "bare", "code": f'"{code}"'})).status_code == 204
    assert (await application(both))["sms"] == {"fromNumber": FROM, "verified": True}
    assert (await ask(both, f"{SMS}/test", SMS_TEST | {"applicationId": "bare"})).status_code == 204
    assert (await messages(both))[-1]["sender"] == FROM


async def test_what_is_proved_counts_more_than_the_configuration(world: World) -> None:
    await ask(world, f"{EMAILS}/verify", EMAIL_SERVICE | {"applicationId": "clinic", "fromName": None})
    await ask(world, f"{EMAILS}/confirm", {"applicationId": "clinic", "code": await code_sent(world)})
    assert (await application(world, "clinic"))["email"] == {
        "domain": "appointments.acme.example",
        "fromName": None,
        "verified": True,
    }


async def test_a_code_is_good_once_for_a_minute_and_five_tries(both: World) -> None:
    async def confirm(code: str, way: str = EMAILS, id: str = "bare") -> tuple[int, str]:
        reply = await ask(both, f"{way}/confirm", {"applicationId": id, "code": code})
        return reply.status_code, "" if reply.status_code == 204 else reply.json()["message"]

    gone = (404, "No code is waited for, or not any more")
    assert await confirm("123456") == gone
    await ask(both, f"{EMAILS}/verify", EMAIL_SERVICE)
    code = await code_sent(both)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    assert await confirm(code, way=SMS) == gone
    assert await confirm(code, id="clinic") == gone
    for _ in range(4):
        assert await confirm(wrong) == (400, "code: is not the one that was sent")
    assert await confirm(code) == (204, "")
    assert await confirm(code) == gone
    both.clock.at += 30
    await ask(both, f"{EMAILS}/verify", EMAIL_SERVICE)
    code = await code_sent(both)
    for _ in range(5):
        assert (await confirm(wrong))[0] == 400 if wrong != code else True
    assert await confirm(code) == gone
    both.clock.at += 30
    await ask(both, f"{EMAILS}/verify", EMAIL_SERVICE)
    both.clock.at += 60
    assert await confirm(await code_sent(both)) == gone


async def test_another_code_replaces_the_last_and_comes_half_a_minute_later_at_the_earliest(world: World) -> None:
    await ask(world, f"{SMS}/verify", SMS_SERVICE)
    first = await code_sent(world)
    world.clock.at += 29
    refused = await ask(world, f"{SMS}/verify", SMS_SERVICE)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    world.clock.at += 1
    assert (await ask(world, f"{SMS}/verify", SMS_SERVICE)).status_code == 200
    assert len(await messages(world)) == 1  # the first has not left yet, and does not any more
    second = await code_sent(world)
    if first != second:
        assert (await ask(world, f"{SMS}/confirm", {"applicationId": "bare", "code": first})).status_code == 400
    assert (await ask(world, f"{SMS}/confirm", {"applicationId": "bare", "code": second})).status_code == 204


async def test_the_table_does_not_tell_a_code(world: World) -> None:
    await ask(world, f"{SMS}/verify", SMS_SERVICE)

    def read(tx: Any) -> list[Any]:
        tx.cursor.execute("SELECT * FROM application_sender")
        return list(tx.cursor.fetchall())

    assert await code_sent(world) not in str(await world.services.db.read(read))


# Trying out ----------------------------------------------------------------------------------------------------------


async def test_a_test_mail_is_what_a_customer_would_get(world: World) -> None:
    """It is 15 January 2027, 8:00 UTC; the appointment would be a day later."""
    reply = await ask(world, f"{EMAILS}/test", EMAIL_TEST)
    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["X-Template-Warnings"] == "unknown: oops"
    (mail,) = await messages(world)
    assert mail == {
        "to": TO,
        "subject": "Video appointment reminder",
        "text": "Dear Maria,\n\nThis is for 16-01-2027 09:00 CET",
        "html": "<html>Hello Jones {{oops}}</html>",
        "sender": "Acme <no-reply@appointments.acme.example>",
        "calendar": None,
    }


async def test_the_warnings_are_a_header_whatever_the_text(world: World) -> None:
    tags = "".join(f"{{{{oops\r{number}: x}}}}" for number in range(1_000))
    reply = await ask(world, f"{EMAILS}/test", EMAIL_TEST | {"htmlBody": tags})
    warnings = reply.headers["X-Template-Warnings"]
    assert warnings.startswith("unknown: oops\\r0: x, oops\\r1: x, ")
    assert warnings.isprintable()
    assert len(warnings) < 1_000


async def test_a_test_mail_without_texts_has_those_of_the_application(world: World) -> None:
    less = {name: value for name, value in EMAIL_TEST.items() if name not in {"htmlBody", "subject", "textBody"}}
    reply = await ask(world, f"{EMAILS}/test", less | {"locale": "el_GR", "type": "UPDATE", "period": None})
    assert reply.status_code == 204
    assert "X-Template-Warnings" not in reply.headers
    (mail,) = await messages(world)
    assert mail["subject"] == "Νέα ώρα για το ραντεβού σας: Σάββατο 16 Ιανουαρίου 2027"


async def test_a_test_sms_is_what_a_customer_would_get(world: World) -> None:
    reply = await ask(world, f"{SMS}/test", SMS_TEST)
    assert (reply.status_code, reply.content) == (204, b"")
    (sms,) = await messages(world)
    assert sms == {"to": NUMBER, "text": "Dear Maria, Saturday 16-Jan-27 9:00 am CET", "sender": "+15550001111"}


@pytest.mark.parametrize("type_", ["CREATE", "UPDATE", "REMINDER", "ROOM", "RESCHEDULE", "CANCELLED", "FOLLOW_UP"])
async def test_every_type_can_be_tried(world: World, type_: str) -> None:
    assert (await ask(world, f"{SMS}/test", SMS_TEST | {"type": type_})).status_code == 204
    assert (await ask(world, f"{EMAILS}/test", EMAIL_TEST | {"type": type_})).status_code == 204


async def test_tests_are_limited(world: World) -> None:
    burst, per_second = NOTICE_TESTS_OF_ORGANIZATION
    for _ in range(burst):
        assert (await ask(world, f"{SMS}/test", SMS_TEST)).status_code == 204
    assert (await ask(world, f"{SMS}/test", SMS_TEST)).status_code == 429
    world.clock.at += 1 / per_second
    assert (await ask(world, f"{SMS}/test", SMS_TEST)).status_code == 204


# What there is -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_locales_are_listed(world: World, slash: str) -> None:
    reply = await world.ask("GET", f"/api/notifications/locales{slash}", token=world.token(*ADMIN))
    assert reply.status_code == 200
    assert reply.json() == {
        "content": [
            {"description": "German (Germany)", "locale": "de_DE"},
            {"description": "Greek (Greece)", "locale": "el_GR"},
            {"description": "English (United Kingdom)", "locale": "en_GB"},
            {"description": "English (United States)", "locale": "en_US"},
        ]
    }


@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_tags_are_listed(world: World, slash: str) -> None:
    reply = await world.ask("GET", f"/api/notifications/tags{slash}", token=world.token(*ADMIN))
    assert reply.status_code == 200
    listed = {tag["format"]: tag["example"] for tag in reply.json()["content"]}
    assert all(tag.keys() == {"format", "example"} for tag in reply.json()["content"])
    assert (listed["EEEE dd-MMM-yy"], listed["time12hr"], listed["zone"]) == ("Monday 07-Jan-30", "3:04 pm", "MST")
    assert {"firstName", "lastName", "fullName", "title", "notes", "duration", "roomUrl", "time24"} <= listed.keys()


# Refused -------------------------------------------------------------------------------------------------------------

BAD: list[tuple[str, dict[str, Any], str, list[object]]] = [
    (f"{EMAILS}/verify", EMAIL_SERVICE, "domain", ["", "nodots", "-a.example", "a b.example", "a.example\nX: y", 5]),
    (f"{EMAILS}/verify", EMAIL_SERVICE, "fromName", ["a\nBcc: b@c.example", "<x>", "y" * 101]),
    (f"{EMAILS}/verify", EMAIL_SERVICE, "toEmail", ["", "nobody", "a@b", "a@x.test\nBcc: b@x.test", None]),
    (f"{SMS}/verify", SMS_SERVICE, "fromNumber", ["+3069132132xx", "2102234988", "", None]),
    (f"{SMS}/verify", SMS_SERVICE, "toNumber", ["+3069312211xx", "+0123456789"]),
    (f"{EMAILS}/confirm", {"applicationId": "bare", "code": "1"}, "code", ["abc", "", "١٢٣", 123456, None]),
    (f"{SMS}/confirm", {"applicationId": "bare", "code": "1"}, "code", ["12 34", "-1"]),
    (f"{EMAILS}/test", EMAIL_TEST, "channel", ["SMS", "WEBHOOKS", "", None]),
    (f"{EMAILS}/test", EMAIL_TEST, "type", ["DELETE", "create", None]),
    (f"{EMAILS}/test", EMAIL_TEST, "period", ["soon", "-P1D", "", None]),
    (f"{EMAILS}/test", EMAIL_TEST, "timezone", ["Mars/Base", "../etc/passwd", "+02:00"]),
    (f"{EMAILS}/test", EMAIL_TEST, "locale", ["english", "en_USA", "x\ny"]),
    (f"{EMAILS}/test", EMAIL_TEST, "toEmail", ["nobody"]),
    (f"{EMAILS}/test", EMAIL_TEST, "textBody", ["x" * 20_001, 5]),
    (f"{SMS}/test", SMS_TEST, "channel", ["EMAIL"]),
    (f"{SMS}/test", SMS_TEST, "toNumber", ["+3069312211xx"]),
    (f"{SMS}/test", SMS_TEST, "textBody", ["", '""', None]),
    (f"{SMS}/test", SMS_TEST, "type", ["NEVER"]),
]


@pytest.mark.parametrize(
    ("path", "good", "member", "value"),
    [(path, good, member, value) for path, good, member, values in BAD for value in values],
)
async def test_bad_requests_send_nothing(
    world: World, path: str, good: dict[str, object], member: str, value: object
) -> None:
    reply = await ask(world, path, good | {member: value})
    body = reply.json()
    assert (reply.status_code, body["code"]) == (400, "StatusBadRequest")
    assert member in body["message"]
    assert await messages(world) == []


POSTS = [
    (f"{EMAILS}/verify", EMAIL_SERVICE),
    (f"{EMAILS}/confirm", {"applicationId": "bare", "code": "123456"}),
    (f"{EMAILS}/test", EMAIL_TEST),
    (f"{SMS}/verify", SMS_SERVICE),
    (f"{SMS}/confirm", {"applicationId": "bare", "code": "123456"}),
    (f"{SMS}/test", SMS_TEST),
]


@pytest.mark.parametrize(("path", "good"), POSTS)
async def test_another_organizations_application_is_as_unknown_as_any(
    world: World, path: str, good: dict[str, object]
) -> None:
    replies = [await ask(world, path, good | {"applicationId": name}) for name in ("foreign", "nothing")]
    assert [(reply.status_code, reply.json()["message"]) for reply in replies] == [(404, "No such application")] * 2
    assert (await ask(world, path, {name: good[name] for name in good if name != "applicationId"})).status_code == 400
    assert (await ask(world, path, b"{")).status_code == 400
    assert await messages(world) == []


@pytest.mark.parametrize("path", [path for path, _ in POSTS] + [f"/api/notifications/{x}" for x in ("locales", "tags")])
async def test_nobody_but_administrators(world: World, path: str) -> None:
    method = "GET" if path.endswith(("locales", "tags")) else "POST"
    body: object = None if method == "GET" else {}
    assert (await world.ask(method, path, body)).status_code == 401
    for role in ("ROLE_AGENT", "ROLE_SUPERVISOR", "ROLE_CLIENT_SERVICE", "ROLE_CUSTOMER"):
        assert (await world.ask(method, path, body, token=world.token("x", role))).status_code == 403
