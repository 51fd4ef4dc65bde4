"""One suite over all ways out of the house: how a call ends, whatever the receiver does."""

import asyncio
import io
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from email.message import EmailMessage
from typing import Any, assert_never

import msgspec
import pytest

from hub.store.deliveries import Mail, Sms, Webhook
from scheduler.senders import http, smtp
from scheduler.senders.console import Console
from scheduler.senders.port import Accepted, Outcome, RefusedForGood, RefusedForNow, Sender, Uncertain
from scheduler.senders.sms import SmsGateway
from scheduler.senders.smtp import Mailer, Server
from scheduler.senders.webhook import WebhookCaller
from tests.support import certificates
from tests.support.clock import FakeClock
from tests.support.http_receiver import Receiver, answer, http_receiver
from tests.support.mail_server import MailServer, mail_server

ADDRESS, NUMBER, TEXT, SECRET = (
    "maria.papadopoulou@example.com",
    "+306931221199",
    "Dear Maria, see you at ten",
    "s3cr3t",
)
PATIENCE, HURRY = 20.0, 1.0
"""Seconds that a sender under test gives its receiver: usually, and when it hangs."""


class Way(ABC):
    """A sender with its receiver."""

    def receiver_says(self, behaviour: str) -> None:
        """accept, refuse for good, refuse for now, hang, close."""
        self.give(HURRY if behaviour == "hang" else PATIENCE)
        self.behave(behaviour)

    @abstractmethod
    def behave(self, behaviour: str) -> None: ...

    @abstractmethod
    def give(self, seconds: float) -> None:
        """From now on, so many seconds for the receiver."""

    @abstractmethod
    async def send(self, id: str) -> Outcome: ...

    @abstractmethod
    def received(self) -> list[tuple[str, str]]:
        """Id and text of each message that arrived whole, whatever was answered; without text where it is not kept."""

    @abstractmethod
    async def asked(self) -> None:
        """Return when a message is with the receiver that hangs."""

    @abstractmethod
    def unreachable(self) -> "Way":
        """The same sender, for a receiver that is down."""


class MailWay(Way):
    def __init__(self, server: MailServer, port: int) -> None:
        self.server = server
        self.mailer = Mailer(
            Server("127.0.0.1", port, tls=False, user=None, password=None),
            "Hub <hub@hub.test>",
            FakeClock(),
            certificates.trusting(),
        )

    def give(self, seconds: float) -> None:
        smtp.CONTENT_SECONDS = seconds  # type: ignore[misc]  # the fixture puts it back

    def behave(self, behaviour: str) -> None:
        named = ADDRESS
        answers = {
            "accept": {},
            "refuse for good": {"RCPT": f"550 5.1.1 <{named}>: user unknown"},
            "refuse for now": {"RCPT": f"451 4.7.1 <{named}>: try again later"},
            "hang": {"DATA": "hang"},
            "close": {"DATA": "close"},
        }
        self.server.answers = answers[behaviour]

    async def send(self, id: str) -> Outcome:
        return await self.mailer.send(Mail(to=ADDRESS, subject="Appointment", text=TEXT), id)

    def received(self) -> list[tuple[str, str]]:
        return [(str(mail["Message-ID"]).strip("<>").partition("@")[0], _text(mail)) for mail in self.server.mails]

    async def asked(self) -> None:
        await self.server.asked()

    def unreachable(self) -> Way:
        return MailWay(self.server, _closed_port())


class SmsWay(Way):
    def __init__(self, receiver: Receiver, port: int, client: Any) -> None:
        self.receiver, self.client = receiver, client
        url = f"http://AC1:{SECRET}@127.0.0.1:{port}/2010-04-01/Accounts/AC1/Messages.json"
        self.gateway = SmsGateway(client, url, "+15550001")

    def give(self, seconds: float) -> None:
        self.gateway._seconds = seconds

    def behave(self, behaviour: str) -> None:
        refused = msgspec.json.encode({"code": 21211, "message": f"The 'To' number {NUMBER} is not valid"})
        match behaviour:
            case "accept":
                self.receiver.answers = [answer(201, b'{"sid":"SM1"}')]
            case "refuse for good":
                self.receiver.answers = [answer(400, refused)]
            case "refuse for now":
                self.receiver.answers = [answer(429, refused, "Retry-After: 7")]
            case _:
                self.receiver.answers = _trouble(behaviour)

    async def send(self, id: str) -> Outcome:
        return await self.gateway.send(Sms(to=NUMBER, text=TEXT), id)

    def received(self) -> list[tuple[str, str]]:
        return [
            (
                each.headers["idempotency-key"],
                each.body.decode().split("Body=")[1].replace("+", " ").replace("%2C", ","),
            )
            for each in self.receiver.requests
        ]

    async def asked(self) -> None:
        await self.receiver.asked()

    def unreachable(self) -> Way:
        return SmsWay(self.receiver, _closed_port(), self.client)


class WebhookWay(Way):
    def __init__(self, receiver: Receiver, port: int, client: Any) -> None:
        self.receiver, self.client, self.port = receiver, client, port
        self.caller = WebhookCaller(client, FakeClock().now, private=True)

    def give(self, seconds: float) -> None:
        self.caller.outside.seconds = seconds

    def behave(self, behaviour: str) -> None:
        match behaviour:
            case "accept":
                self.receiver.answers = [answer(204)]
            case "refuse for good":
                self.receiver.answers = [answer(410, ADDRESS.encode())]
            case "refuse for now":
                self.receiver.answers = [answer(503, NUMBER.encode(), "Retry-After: 7")]
            case _:
                self.receiver.answers = _trouble(behaviour)

    async def send(self, id: str) -> Outcome:
        payload = msgspec.Raw(msgspec.json.encode(TEXT))
        url = f"http://127.0.0.1:{self.port}/hook?token={SECRET}"
        return await self.caller.send(Webhook(url=url, type="T", payload=payload, at=0, secret=SECRET), id)

    def received(self) -> list[tuple[str, str]]:
        bodies = [msgspec.json.decode(each.body) for each in self.receiver.requests]
        return [(body["id"], body["payload"]) for body in bodies]

    async def asked(self) -> None:
        await self.receiver.asked()

    def unreachable(self) -> Way:
        return WebhookWay(self.receiver, _closed_port(), self.client)


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).strip()


def _trouble(behaviour: str) -> list[list[bytes | None]]:
    begun = b"HTTP/1.1 200 OK\r\nContent-"
    answers: dict[str, list[list[bytes | None]]] = {"hang": [[begun, None]], "close": [[begun]]}
    return answers[behaviour]


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def mail_way() -> AsyncIterator[Way]:
    async with mail_server() as server:
        way = MailWay(server, server.port)
        try:
            yield way
        finally:
            await way.mailer.aclose()


@asynccontextmanager
async def sms_way() -> AsyncIterator[Way]:
    async with http_receiver() as receiver, await http.client() as client:
        yield SmsWay(receiver, receiver.port, client)


@asynccontextmanager
async def webhook_way() -> AsyncIterator[Way]:
    async with http_receiver() as receiver, await http.client() as client:
        yield WebhookWay(receiver, receiver.port, client)


WAYS: dict[str, Callable[[], AbstractAsyncContextManager[Way]]] = {
    "smtp": mail_way,
    "sms": sms_way,
    "webhook": webhook_way,
}


@pytest.fixture(params=WAYS)
async def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Way]:
    monkeypatch.setattr(smtp, "CONTENT_SECONDS", PATIENCE)
    async with WAYS[request.param]() as made:
        yield made


def reason_of(outcome: Outcome) -> str:
    match outcome:
        case Accepted():
            return ""
        case RefusedForGood(reason) | RefusedForNow(reason) | Uncertain(reason):
            return reason
        case _:
            assert_never(outcome)


async def test_what_is_accepted_has_arrived_once_under_its_id(way: Way) -> None:
    way.receiver_says("accept")
    for number in range(3):
        assert isinstance(await way.send(f"id{number}"), Accepted)
    assert way.received() == [(f"id{number}", TEXT) for number in range(3)]


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ("refuse for good", RefusedForGood),
        ("refuse for now", RefusedForNow),
        ("hang", Uncertain),
        ("close", Uncertain),
    ],
)
async def test_how_it_ends_when_it_does_not_end_well(way: Way, behaviour: str, expected: type[Outcome]) -> None:
    way.receiver_says(behaviour)
    outcome = await way.send("id1")
    assert type(outcome) is expected
    reason = reason_of(outcome)
    assert reason
    assert reason.isprintable()
    assert len(reason) <= 200
    assert not [personal for personal in (ADDRESS, NUMBER, NUMBER[1:], SECRET, "maria") if personal in reason]


async def test_a_receiver_that_is_down_refuses_for_now(way: Way) -> None:
    outcome = await way.unreachable().send("id1")
    assert isinstance(outcome, RefusedForNow), outcome
    assert "no connection" in outcome.reason


async def test_after_a_bad_end_the_next_one_goes_well(way: Way) -> None:
    for behaviour in ("refuse for now", "close", "hang", "refuse for good"):
        way.receiver_says(behaviour)
        assert not isinstance(await way.send("id1"), Accepted)
        way.receiver_says("accept")
        assert isinstance(await way.send("id2"), Accepted), behaviour


async def test_a_repetition_comes_under_the_same_id(way: Way) -> None:
    way.receiver_says("refuse for now")
    await way.send("id1")
    way.receiver_says("accept")
    await way.send("id1")
    assert way.received()[-1][0] == "id1"


async def test_it_may_be_cancelled_at_any_time(way: Way) -> None:
    way.receiver_says("hang")
    sending = asyncio.create_task(way.send("id1"))
    await way.asked()
    sending.cancel()
    assert (await asyncio.gather(sending, return_exceptions=True))[0].__class__ is asyncio.CancelledError
    way.receiver_says("accept")
    assert isinstance(await way.send("id2"), Accepted)


async def test_many_may_be_sent_at_once(way: Way) -> None:
    way.receiver_says("accept")
    ids = [f"id{number}" for number in range(10)]
    assert {type(outcome) for outcome in await asyncio.gather(*map(way.send, ids))} == {Accepted}
    assert sorted(way.received()) == sorted((each, TEXT) for each in ids)


@pytest.mark.parametrize("message", [Mail(to=ADDRESS, subject="Hi", text=TEXT), Sms(to=NUMBER, text=TEXT)], ids=repr)
async def test_the_console_accepts_everything(message: Mail | Sms) -> None:
    out = io.StringIO()
    console: Sender[Mail | Sms] = Console(out)
    assert await console.send(message, "id1") == Accepted("id1")
    assert message.to in out.getvalue()
    assert f"\n    {TEXT}\n" in out.getvalue()
