"""SMS and webhooks: what goes over the wire, what an answer means, and where a webhook may not go."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs

import httpx2
import msgspec
import pytest

from hub.store.deliveries import Sms, Webhook
from scheduler.senders import http
from scheduler.senders.addresses import Address, Resolve, is_public, resolve
from scheduler.senders.port import Accepted, Outcome, RefusedForGood, RefusedForNow, Uncertain
from scheduler.senders.reasons import reason
from scheduler.senders.sms import SmsGateway
from scheduler.senders.webhook import WebhookCaller
from tests.support import certificates
from tests.support.clock import START, FakeClock
from tests.support.http_receiver import Receiver, answer, http_receiver
from tests.support.hub_process import ROOT

SMS = Sms(to="+306931221199", text="Γεια & χαρά")
HOOK = Webhook(
    url="http://receiver.test/hook?x=1",
    type="APPOINTMENT_CREATED",
    payload=msgspec.Raw(b'{"b": 1.0,"a":"\xce\xb1"}'),
    at=1_800_000_000_500_000,
    secret="key",
    headers={"X-Channel": "widget"},
)


class Names:
    """A name service of the test: answers in turn, the last answer for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.asked: list[tuple[str, int]] = []
        self._answers = list(answers)

    async def __call__(self, host: str, port: int) -> list[Address]:
        self.asked.append((host, port))
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [ip_address(text) for text in found]


LOOPBACK = Names(["127.0.0.1"])


@asynccontextmanager
async def gateway(receiver: Receiver, seconds: float = 20.0) -> AsyncIterator[SmsGateway]:
    async with await http.client() as client:
        url = f"http://AC1:t%40ken@127.0.0.1:{receiver.port}/Messages.json"
        yield SmsGateway(client, url, "+15550001", seconds=seconds)


@asynccontextmanager
async def caller(resolve: Resolve = LOOPBACK, *, private: bool = True) -> AsyncIterator[WebhookCaller]:
    async with await http.client() as client:
        yield WebhookCaller(client, FakeClock().now, private=private, resolve=resolve)


def hook(receiver: Receiver, **changes: Any) -> Webhook:
    url = f"{receiver.scheme}://receiver.test:{receiver.port}/hook?x=1"
    return msgspec.structs.replace(HOOK, **({"url": url} | changes))


async def test_an_sms_is_a_form_with_credentials() -> None:
    async with http_receiver() as receiver, gateway(receiver) as sender:
        receiver.answers = [answer(201, b'{"sid":"SM123","status":"queued"}')]
        assert await sender.send(SMS, "id1") == Accepted("SM123")
        await sender.send(msgspec.structs.replace(SMS, sender="Bank"), "id2")
    first, second = receiver.requests
    assert first.line == "POST /Messages.json HTTP/1.1"
    assert parse_qs(first.body.decode()) == {"To": [SMS.to], "From": ["+15550001"], "Body": [SMS.text]}
    assert first.headers["authorization"] == "Basic QUMxOnRAa2Vu"
    assert first.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(second.body.decode())["From"] == ["Bank"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Accepted("")),
        (302, RefusedForGood("answered 302")),
        (401, RefusedForGood("answered 401")),
        (404, RefusedForGood("answered 404")),
        (408, RefusedForNow("answered 408", 9)),
        (429, RefusedForNow("answered 429", 9)),
        (500, Uncertain("answered 500")),
        (503, RefusedForNow("answered 503", 9)),
        (504, Uncertain("answered 504")),
    ],
)
async def test_what_a_status_means(status: int, expected: Outcome) -> None:
    async with http_receiver() as receiver, gateway(receiver) as sender:
        receiver.answers = [answer(status, b"<html>", "Retry-After: 9", "Location: http://127.0.0.1:1/")]
        assert await sender.send(SMS, "id1") == expected
        assert len(receiver.requests) == 1


async def test_the_gateways_own_words_are_kept_without_the_number() -> None:
    body = b'{"code":21211,"message":"The number +30 693 122-1199 of maria@example.com is\\nnot valid"}'
    async with http_receiver() as receiver, gateway(receiver) as sender:
        receiver.answers = [answer(400, body)]
        outcome = await sender.send(SMS, "id1")
    assert outcome == RefusedForGood("answered 400: 21211 The number +…199 of …@example.com is not valid")


ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
TROUBLE: dict[str, tuple[list[bytes | None], type[Outcome]]] = {
    "a body without end": ([ENDLESS, None], Accepted),
    "a body that breaks off": ([ENDLESS, b"x"], Accepted),
    "a body that is too large": ([ENDLESS, b"x" * 1_000_000, None], Accepted),
    "a refusal without its body": ([b"HTTP/1.1 400 X\r\nContent-Length: 99\r\n\r\n", None], RefusedForGood),
    "no HTTP": ([b"220 smtp.example ESMTP\r\n"], Uncertain),
    "a head without end": ([b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000, None], Uncertain),
}


@pytest.mark.parametrize("case", TROUBLE)
async def test_answers_of_which_the_status_is_all_that_counts(case: str) -> None:
    parts, expected = TROUBLE[case]
    async with http_receiver() as receiver, gateway(receiver, seconds=1.5) as sender:
        receiver.answers = [parts]
        assert type(await sender.send(SMS, "id1")) is expected


async def test_an_answer_that_comes_slowly_and_in_time_counts() -> None:
    async with http_receiver() as receiver, gateway(receiver) as sender:
        receiver.answers = [[b"HTTP/1.1 ", b"201 Created\r\nConte", b"nt-Length: 14\r\n\r\n", b'{"sid":"SM123"', b"}"]]
        assert type(await sender.send(SMS, "id1")) is Accepted


async def test_a_webhook_is_an_envelope_with_two_signatures() -> None:
    async with http_receiver() as receiver, caller() as sender:
        assert await sender.send(hook(receiver), "k7f3") == Accepted()
    [request] = receiver.requests
    assert request.line == "POST /hook?x=1 HTTP/1.1"
    assert request.body == (
        b'{"id":"k7f3","type":"APPOINTMENT_CREATED","timestamp":"2027-01-15T08:00:00.500000Z",'
        b'"payload":{"b": 1.0,"a":"\xce\xb1"}}'
    )
    sent = request.headers
    assert sent["host"] == f"receiver.test:{receiver.port}"
    assert (sent["content-type"], sent["x-channel"], sent["x-hub-delivery"]) == ("application/json", "widget", "k7f3")
    time, _, whole = sent["x-hub-signature"].partition(",v1=")
    assert time == f"t={START:.0f}"
    assert whole == hmac.new(b"key", f"{START:.0f}.".encode() + request.body, hashlib.sha256).hexdigest()
    assert sent["x-signature"] == hmac.new(b"key", bytes(HOOK.payload), hashlib.sha256).hexdigest()


async def test_the_documented_check_accepts_it_and_nothing_else() -> None:
    page = await asyncio.to_thread((ROOT / "docs" / "webhooks.md").read_text, "utf-8")
    names: dict[str, Any] = {"hmac": hmac, "hashlib": hashlib}
    exec(page.split("```python tested\n")[1].split("```")[0], names)
    is_genuine = names["is_genuine"]
    async with http_receiver() as receiver, caller() as sender:
        await sender.send(hook(receiver), "k7f3")
    [request] = receiver.requests
    header = request.headers["x-hub-signature"]
    assert is_genuine(b"key", header, request.body, START + 60)
    assert not is_genuine(b"other", header, request.body, START + 60)
    assert not is_genuine(b"key", header, request.body + b" ", START + 60)
    assert not is_genuine(b"key", header, request.body, START + 3600)


async def test_without_a_secret_there_is_no_signature() -> None:
    async with http_receiver() as receiver, caller() as sender:
        await sender.send(hook(receiver, secret=None), "x")
    assert not [name for name in receiver.requests[0].headers if "signature" in name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "x"),
        ("content-LENGTH", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Authorization", "Basic x"),
        ("X-Signature", "x"),
        ("x-hub-delivery", "x"),
        ("X\r\nY", "x"),
        ("", "x"),
        ("X", "a\r\nY: b"),
        ("X", "é"),
        ("X", "y" * 1001),
    ],
)
async def test_headers_that_belong_to_others_are_refused(name: str, value: str) -> None:
    async with http_receiver() as receiver, caller() as sender:
        outcome = await sender.send(hook(receiver, headers={name: value}), "x")
        assert isinstance(outcome, RefusedForGood), outcome
        assert receiver.requests == []


PRIVATE = (
    *("127.0.0.1", "127.8.9.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
    *("192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.88.99.1"),
    *("::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:0:53aa:64c:0:fff:80ff:fffe"),
)
PUBLIC = ("93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808")


@pytest.mark.parametrize("text", PRIVATE)
def test_an_address_that_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_an_address_that_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"])
async def test_no_spelling_leads_inside(host: str) -> None:
    async with http_receiver() as receiver, caller(private=False, resolve=resolve) as sender:
        outcome = await sender.send(hook(receiver, url=f"https://{host}:{receiver.port}/"), "x")
    assert outcome == RefusedForGood("the name of the receiver leads to no public address")
    assert receiver.requests == []


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """A name that is public when it is checked and private a moment later: nobody asks a second time."""
    names = Names(["93.184.216.34"], ["127.0.0.1"])
    connected: list[tuple[str, str, Any]] = []

    class Wire(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            connected.append((request.url.host, request.headers["host"], request.extensions["sni_hostname"]))
            return httpx2.Response(200, stream=httpx2.ByteStream(b""))

    async with httpx2.AsyncClient(transport=Wire()) as client:
        sender = WebhookCaller(client, FakeClock().now, resolve=names)
        assert await sender.send(msgspec.structs.replace(HOOK, url="https://receiver.test/"), "x") == Accepted()
    assert connected == [("93.184.216.34", "receiver.test", "receiver.test")]
    assert names.asked == [("receiver.test", 443)]


async def test_of_several_addresses_only_public_ones_are_called() -> None:
    names = Names(["127.0.0.1", "10.0.0.1"])
    async with http_receiver() as receiver, caller(names, private=False) as sender:
        outcome = await sender.send(hook(receiver, url=f"https://receiver.test:{receiver.port}"), "x")
    assert outcome == RefusedForGood("the name of the receiver leads to no public address")


async def test_the_next_address_is_tried_when_one_cannot_be_connected() -> None:
    async with http_receiver() as receiver, caller(Names(["127.0.0.2", "127.0.0.1"])) as sender:
        assert await sender.send(hook(receiver), "x") == Accepted()


async def test_tls_is_checked_against_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        http_receiver(certificates.serving("receiver.test")) as receiver,
        httpx2.AsyncClient(verify=certificates.trusting(), trust_env=False) as client,
    ):
        sender = WebhookCaller(client, FakeClock().now, private=True, resolve=LOOPBACK)
        assert await sender.send(hook(receiver), "x") == Accepted()
        assert receiver.names == ["receiver.test"]
        other = hook(receiver, url=f"https://another.test:{receiver.port}/")
        outcome = await sender.send(other, "x")
        assert isinstance(outcome, RefusedForNow), outcome
        assert len(receiver.requests) == 1


@pytest.mark.parametrize("url", ["ftp://x.test/", "x.test", "https://", "https://x.test:99999/", "http://x.test/", ""])
async def test_what_is_no_https_address_is_refused(url: str) -> None:
    async with caller(private=False) as sender:
        assert isinstance(await sender.send(msgspec.structs.replace(HOOK, url=url), "x"), RefusedForGood)


async def test_a_name_that_cannot_be_resolved_is_tried_again() -> None:
    async def nowhere(host: str, port: int) -> list[Address]:
        raise OSError("Temporary failure in name resolution")

    async with caller(resolve=nowhere) as sender:
        outcome = await sender.send(HOOK, "x")
    assert isinstance(outcome, RefusedForNow)
    assert "cannot be resolved" in outcome.reason


async def test_redirects_are_not_followed() -> None:
    async with http_receiver() as inside, http_receiver() as receiver, caller() as sender:
        receiver.answers = [answer(307, b"", f"Location: {inside.url}/")]
        assert await sender.send(hook(receiver), "x") == RefusedForGood("answered 307")
        assert inside.requests == []


async def test_connections_are_not_kept() -> None:
    closed = asyncio.Semaphore(0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await reader.read()
        writer.close()
        closed.release()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, caller() as sender:
        for _ in range(3):
            assert await sender.send(msgspec.structs.replace(HOOK, url=f"http://x.test:{port}/"), "x") == Accepted()
            async with asyncio.timeout(5):
                await closed.acquire()


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("550 <maria.p+x@example.com>: unknown", "550 <…@example.com>: unknown"),
        ("call +30 693-122 1199 now", "call +…199 now"),
        ("code 21211", "code 21211"),
        ("a\r\nb\tc\x00d", "a b c d"),
        ("password=hunter2 https://u:p@x.test", "password=*** https://***@x.test"),
        ("x" * 999, "x" * 200),
    ],
)
def test_reasons_are_one_line_and_name_nobody(said: str, kept: str) -> None:
    assert reason(said) == kept
