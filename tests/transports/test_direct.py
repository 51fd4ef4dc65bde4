"""Ordinary polls are answered past ASGI; nobody outside can tell the two ways apart."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from hub.transports.direct import Direct, Exchange
from tests.support.raw_http import exchange, request
from tests.transports.served import PATH, Message, Served, until

HANDSHAKE: list[Message] = [{"channel": "/meta/handshake", "version": "1.0", "id": "1"}]
CHANGING = {"date", "x-request-id", "content-length"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each request to the endpoint, whether it was taken past ASGI."""
    taken: list[bool] = []
    begin = Direct.begin

    def noted(self: Direct, protocol: Any) -> Exchange | None:
        found = begin(self, protocol)
        if protocol.url.startswith(PATH.encode()):
            taken.append(found is not None)
        return found

    monkeypatch.setattr(Direct, "begin", noted)
    return taken


async def in_chunks(hub: Served, body: bytes, **headers: str) -> httpx2.Response:
    """The same request as `Served.post` makes, in a form that is not ordinary."""

    async def pieces() -> AsyncIterator[bytes]:
        yield body[:3]
        yield body[3:]

    return await hub.http.post(PATH, content=pieces(), headers={**JSON, **headers})


def alike(answer: httpx2.Response) -> tuple[int, dict[str, str], Any]:
    """What has to be the same of two answers; ids made by chance are left out."""
    headers = {name: value for name, value in answer.headers.items() if name not in CHANGING}
    headers["set-cookie"] = headers.get("set-cookie", "").partition("=")[0]
    body = answer.json()
    for message in body if isinstance(body, list) else []:
        message.pop("clientId", None)
    return answer.status_code, headers, body


NOBODYS = [{"channel": "/meta/connect", "clientId": "nobody", "connectionType": "long-polling"}]
BODIES = {
    json.dumps(HANDSHAKE).encode(): 200,
    urlencode({"message": json.dumps(HANDSHAKE)}).encode(): 200,
    json.dumps(NOBODYS).encode(): 200,
    b"[]": 400,
    b"nonsense": 400,
    b"[" * 40 + b"]" * 40: 400,
}


async def test_both_ways_give_the_same_answer(hub: Served, direct: list[bool]) -> None:
    for body, status in BODIES.items():
        for token in (f"Bearer {hub.token()}", "Bearer a.b.c", ""):
            for origin in ("", "http://127.0.0.1:8080", "https://elsewhere.example"):
                headers = {"X-Request-Id": "mine", "Cookie": "other=1", "Authorization": token, "Origin": origin}
                sent = {name: value for name, value in headers.items() if value}
                ordinary = await hub.post(body, **sent)
                other = await in_chunks(hub, body, **sent)
                assert alike(ordinary) == alike(other), (body, token, origin)
                assert ordinary.status_code == status
                assert ordinary.headers["x-request-id"] == other.headers["x-request-id"] == "mine"
    assert direct == [True, False] * (len(BODIES) * 9)


async def test_a_request_without_an_id_gets_one(hub: Served, direct: list[bool]) -> None:
    answers = [await hub.post(HANDSHAKE, token=hub.token()) for _ in range(2)]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 2
    assert direct == [True, True]


async def test_requests_in_a_row_are_answered_in_their_order(hub: Served) -> None:
    """The second waits until the first, a connect that is held, is answered."""
    alice = await hub.poller()
    connect = [alice.message("/meta/connect", connectionType="long-polling")]
    both = b"".join(
        request("POST", f"Authorization: Bearer {alice.token}", body=json.dumps(body).encode()).replace(
            b"Connection: close\r\n", b"" if body is connect else b"Connection: close\r\n"
        )
        for body in (connect, HANDSHAKE)
    )
    answering = asyncio.create_task(asyncio.to_thread(exchange, hub.port, both))
    await until(lambda: hub.held(alice.client_id))
    await hub.publish("/v2/me/calls", 1)
    hub.turn(30)
    answer = await answering
    first, _, second = answer.body.partition(b"HTTP/1.1 200 OK")
    assert json.loads(first)[-1]["channel"] == "/meta/connect"
    assert json.loads(second.partition(b"\r\n\r\n")[2])[0]["channel"] == "/meta/handshake"


async def test_a_connection_stays_open_unless_the_client_wants_otherwise(hub: Served) -> None:
    token = hub.token()
    body = json.dumps(HANDSHAKE).encode()
    kept = await hub.post(body, token=token)
    assert "connection" not in kept.headers
    closed = await asyncio.to_thread(exchange, hub.port, request("POST", f"Authorization: Bearer {token}", body=body))
    assert closed.headers["connection"] == "close"


async def test_a_fault_of_ours_is_said_to_be_one_and_harms_nobody_else(
    hub: Served, direct: list[bool], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("a fault of the test's making")

    with monkeypatch.context() as patched:
        patched.setattr(hub.hub.node, "receive", fails)
        answer = await hub.post(HANDSHAKE, token=hub.token())
    assert (answer.status_code, answer.json()) == (500, {"error": "internal_error"})
    assert (await hub.post(HANDSHAKE, token=hub.token())).status_code == 200
    assert all(direct)


async def test_what_takes_waiting_goes_the_other_way(hub: Served, direct: list[bool]) -> None:
    cookie = {"Cookie": "HUB_SESSION=" + "x" * 43, "Origin": "http://127.0.0.1:8080"}
    for headers in (cookie, {"Authorization": "Basic YWxpY2U6d3Jvbmc="}, {"Expect": "100-continue"}):
        assert (await hub.post([], **headers)).status_code == 400
    assert direct == [False] * 3
