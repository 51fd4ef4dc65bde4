"""Mail: what goes over the wire, TLS and passwords, kept connections, and what each answer means."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from hub.store.deliveries import Calendar, Mail
from scheduler.senders import smtp
from scheduler.senders.port import Accepted, Outcome, RefusedForGood, RefusedForNow, Uncertain
from scheduler.senders.smtp import Letter, Mailer, Server, server_of
from tests.support import certificates
from tests.support.clock import START, FakeClock
from tests.support.mail_server import MailServer, mail_server

MAIL = Mail(to="Maria <maria@example.com>", subject="Καλημέρα", text="Γεια σου\nστις δέκα\n.", html="<p>Καλημέρα</p>")


@asynccontextmanager
async def mailer(server: MailServer, clock: FakeClock | None = None, **changes: Any) -> AsyncIterator[Mailer]:
    plain = Server("127.0.0.1", server.port, tls=False, user=None, password=None)
    made = Mailer(plain._replace(**changes), "Hub <hub@hub.test>", clock or FakeClock(), certificates.trusting())
    try:
        yield made
    finally:
        await made.aclose()


async def test_a_mail_has_both_texts_and_says_who_sent_it() -> None:
    async with mail_server() as server, mailer(server) as sender:
        assert isinstance(await sender.send(MAIL, "k7f3"), Accepted)
        [mail] = server.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == (
        "Hub <hub@hub.test>",
        "Maria <maria@example.com>",
        "Καλημέρα",
    )
    assert mail["Message-ID"] == "<k7f3@hub.test>"
    assert mail["Date"].datetime.timestamp() == START
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().splitlines() == MAIL.text.splitlines()
    assert html.get_content().strip() == MAIL.html
    assert server.envelopes == [("hub@hub.test", "maria@example.com")]


@pytest.mark.parametrize(
    "subject",
    [
        "Νέα ώρα για το ραντεβού σας: Δευτέρα 29 Μαρτίου 2027",
        "Ihr Termin am Montag, dem 29. März 2027, um 10:00 Uhr in München (Nordstraße) wurde verlegt, bitte kommen Sie",
        "plain words, " * 30 + "and an end",
        "x" * 300,
        "=?utf-8?q?no_code?=",
        "Beratung \U0001f469\u200d\U0001f4bb, Donau\u00addampf\u200bschiff",  # joined; where to break
    ],
)
async def test_a_subject_arrives_as_it_was(subject: str) -> None:
    async with mail_server() as server, mailer(server) as sender:
        assert isinstance(await sender.send(msgspec.structs.replace(MAIL, subject=subject), "x"), Accepted)
    assert server.mails[0]["Subject"] == subject


async def test_a_mail_may_bring_an_appointment() -> None:
    """As calendars expect it (RFC 6047): one of the alternatives, which names the method; and a file beside them."""
    text = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Γεια\r\nEND:VCALENDAR\r\n"
    invitation = msgspec.structs.replace(MAIL, calendar=Calendar(method="REQUEST", text=text))
    async with mail_server() as server, mailer(server) as sender:
        assert isinstance(await sender.send(invitation, "k7f3"), Accepted)
        [mail] = server.mails
    assert mail.get_content_type() == "multipart/mixed"
    alternatives, file = mail.iter_parts()
    plain, html, calendar = (part.get_content_type() for part in alternatives.iter_parts())
    assert (plain, html, calendar) == ("text/plain", "text/html", "text/calendar")
    part = list(alternatives.iter_parts())[2]
    assert (part.get_param("method"), part.get_param("charset")) == ("REQUEST", "utf-8")
    assert part.get_payload(decode=True) == text.encode()
    assert (file.get_content_type(), file.get_filename()) == ("application/ics", "appointment.ics")
    assert file.get_payload(decode=True) == text.encode()


async def test_a_mail_may_name_its_own_sender() -> None:
    async with mail_server() as server, mailer(server) as sender:
        await sender.send(msgspec.structs.replace(MAIL, sender="Bank <no-reply@bank.test>"), "x")
    assert server.envelopes[0][0] == "no-reply@bank.test"
    assert server.mails[0]["Message-ID"] == "<x@bank.test>"


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Hi\r\nBcc: everybody@example.com"},
        {"subject": "Hi\u2028there"},
        {"subject": "Hi\x00"},
        {"to": "maria@example.com\r\nBcc: everybody@example.com"},
        {"sender": "hub@hub.test\nX: y"},
        {"to": "nobody"},
        {"to": ""},
        {"to": "μαρία@example.com"},
        {"to": "@example.com"},
    ],
    ids=str,
)
async def test_what_no_mail_can_say_is_refused_before_anybody_is_asked(changes: dict[str, str]) -> None:
    async with mail_server() as server, mailer(server) as sender:
        outcome = await sender.send(msgspec.structs.replace(MAIL, **changes), "x")
        assert isinstance(outcome, RefusedForGood), outcome
        assert server.connections == 0


async def test_a_connection_is_kept_for_the_next_mail_and_not_for_ever() -> None:
    clock = FakeClock()
    async with mail_server() as server, mailer(server, clock) as sender:
        for _ in range(3):
            assert isinstance(await sender.send(MAIL, "x"), Accepted)
        assert server.connections == 1
        clock.advance(smtp.IDLE_SECONDS)
        assert isinstance(await sender.send(MAIL, "x"), Accepted)
        assert server.connections == 2


async def test_a_connection_that_the_server_has_closed_meanwhile_does_no_harm() -> None:
    async with mail_server() as server, mailer(server) as sender:
        await sender.send(MAIL, "a")
        server.hang_up()
        assert isinstance(await sender.send(MAIL, "b"), Accepted)
        server.answers = {"NOOP": "close"}
        assert isinstance(await sender.send(MAIL, "c"), Accepted)
        assert server.connections == 3
        server.answers = {"NOOP": "421 restarting"}
        assert isinstance(await sender.send(MAIL, "d"), Accepted)
    assert len(server.mails) == 4


async def test_a_refused_recipient_leaves_the_connection_usable() -> None:
    async with mail_server() as server, mailer(server) as sender:
        server.answers = {"RCPT": "550 no"}
        assert isinstance(await sender.send(MAIL, "a"), RefusedForGood)
        server.answers = {}
        assert isinstance(await sender.send(MAIL, "b"), Accepted)
        assert server.connections == 1


@pytest.mark.parametrize(
    ("command", "said", "expected"),
    [
        ("MAIL", "550 you may not", RefusedForGood),
        ("MAIL", "421 going down", RefusedForNow),
        ("RCPT", "452 mailbox full", RefusedForNow),
        ("RCPT", "close", RefusedForNow),
        ("RCPT", "hang", RefusedForNow),
        ("DATA", "554 spam", RefusedForGood),
        ("DATA", "451 later", RefusedForNow),
        ("DATA", "close", Uncertain),
        ("DATA", "hang", Uncertain),
    ],
)
async def test_what_an_answer_means(
    command: str, said: str, expected: type[Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with mail_server() as server, mailer(server) as sender:
        server.answers = {command: said}
        with monkeypatch.context() as hurry:
            for limit in ("ENVELOPE_SECONDS", "CONTENT_SECONDS") if said == "hang" else ():
                hurry.setattr(smtp, limit, 1.0)
            outcome = await sender.send(MAIL, "a")
        assert type(outcome) is expected, outcome
        server.answers = {}
        assert isinstance(await sender.send(MAIL, "b"), Accepted)


async def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "CONNECT_SECONDS", 1.0)

    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        gone.set()

    mute = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with mute, mail_server() as server, mailer(server, port=mute.sockets[0].getsockname()[1]) as sender:
        outcome = await sender.send(MAIL, "a")
        await gone.wait()
    assert isinstance(outcome, RefusedForNow), outcome


async def test_tls_is_used_where_it_is_offered() -> None:
    async with mail_server(certificates.serving("127.0.0.1")) as server, mailer(server) as sender:
        assert isinstance(await sender.send(MAIL, "a"), Accepted)
    assert server.tls == [True]


async def test_tls_from_the_beginning_with_a_password() -> None:
    context = certificates.serving("127.0.0.1")
    async with (
        mail_server(context, tls_at_once=True) as server,
        mailer(server, tls=True, user="hub", password="open sesame") as sender,
    ):
        assert isinstance(await sender.send(MAIL, "a"), Accepted)
    assert server.logins == [("hub", "open sesame")]


async def test_a_wrong_password_is_for_the_operator_to_mend() -> None:
    async with (
        mail_server(certificates.serving("127.0.0.1")) as server,
        mailer(server, user="hub", password="close sesame") as sender,
    ):
        outcome = await sender.send(MAIL, "a")
    assert isinstance(outcome, RefusedForNow), outcome
    assert "535" in outcome.reason or "uthentication" in outcome.reason
    assert "sesame" not in outcome.reason


async def test_a_certificate_of_another_name_is_not_accepted() -> None:
    async with mail_server(certificates.serving("elsewhere.test")) as server, mailer(server) as sender:
        assert isinstance(await sender.send(MAIL, "a"), RefusedForNow)
    assert server.mails == []


@pytest.mark.parametrize(
    ("url", "server", "start_tls"),
    [
        ("smtp://mail.test", Server("mail.test", 25, tls=False, user=None, password=None), None),
        ("smtp://u:p%40ss@mail.test", Server("mail.test", 587, tls=False, user="u", password="p@ss"), True),
        ("smtp://u:p@127.0.0.1:2525", Server("127.0.0.1", 2525, tls=False, user="u", password="p"), None),
        ("smtps://u:p@mail.test", Server("mail.test", 465, tls=True, user="u", password="p"), False),
    ],
)
def test_a_url_says_where_and_how(url: str, server: Server, start_tls: bool | None) -> None:
    assert server_of(url) == server
    assert server.start_tls is start_tls


def test_long_lines_and_lone_line_ends_do_not_break_the_protocol() -> None:
    mail = Mail(to="a@b.test", subject="x", text="y" * 5000 + "\r.\r\n.\rz")
    content = Letter.of(mail, "hub@hub.test", "id", 0.0).content
    assert max(map(len, content.split(b"\r\n"))) < 998
