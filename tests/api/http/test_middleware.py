import logging
import re

import httpx2
import pytest
from starlette.types import Message, Receive, Scope, Send

from api.http.middleware import RequestIds
from tests.api.world import EVENTS, World


async def test_every_answer_has_a_request_id(world: World) -> None:
    for path in ("/healthz", EVENTS, "/nowhere"):
        reply = await world.ask("GET", path)
        assert re.fullmatch(r"[a-z0-9]{16}", reply.headers["X-Request-Id"])
        assert len(reply.headers.get_list("X-Request-Id")) == 1


async def test_two_requests_have_two_ids(world: World) -> None:
    first, second = [(await world.ask("GET", "/healthz")).headers["X-Request-Id"] for _ in range(2)]
    assert first != second


async def test_the_id_of_the_client_is_kept_and_repeated_in_the_body(world: World) -> None:
    reply = await world.ask("GET", "/nowhere", headers={"X-Request-Id": "crm-4711.a_b"})
    assert reply.headers["X-Request-Id"] == "crm-4711.a_b"
    assert reply.json()["requestId"] == "crm-4711.a_b"


@pytest.mark.parametrize("sent", ["", "a b", "x" * 65, "a\tb", "<script>"])
async def test_an_id_that_is_not_plain_is_replaced(world: World, sent: str) -> None:
    reply = await world.ask("GET", "/healthz", headers={"X-Request-Id": sent})
    assert re.fullmatch(r"[a-z0-9]{16}", reply.headers["X-Request-Id"])


async def test_browsers_of_an_allowed_origin_may_call(world: World) -> None:
    origin = "http://127.0.0.1:8080"
    preflight = await world.ask(
        "OPTIONS",
        EVENTS,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type, idempotency-key, x-otpcode",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == origin
    reply = await world.ask("POST", EVENTS, {}, headers={"Origin": origin})
    assert reply.status_code == 401
    assert reply.headers["Access-Control-Allow-Origin"] == origin
    exposed = reply.headers["Access-Control-Expose-Headers"]
    assert {"X-Event-Positions", "X-CSRF-HEADER", "X-CSRF-TOKEN"} <= set(exposed.split(", "))
    assert reply.headers["Access-Control-Allow-Credentials"] == "true"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:8081"])
async def test_other_origins_are_not_let_in(world: World, origin: str) -> None:
    preflight = await world.ask("OPTIONS", EVENTS, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 400
    reply = await world.publish({"channel": "/v2/users", "data": {}}, headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in preflight.headers
    assert "Access-Control-Allow-Origin" not in reply.headers


async def test_what_an_application_fails_to_handle_is_500_in_the_form_of_the_path(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError("secret detail")

    transport = httpx2.ASGITransport(RequestIds(broken))
    async with httpx2.AsyncClient(transport=transport, base_url="http://hub.test") as client:
        with caplog.at_level(logging.ERROR):
            reply = await client.get("/api/v2/notifications", headers={"X-Request-Id": "r1"})
    assert (reply.status_code, reply.json()) == (500, {"statusCode": 4, "statusMessage": "Internal error"})
    assert reply.headers["X-Request-Id"] == "r1"
    [record] = caplog.records
    assert isinstance(record.msg, dict)
    assert record.msg["request_id"] == "r1"


async def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    async def breaking_off(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    transport = httpx2.ASGITransport(RequestIds(breaking_off))
    async with httpx2.AsyncClient(transport=transport, base_url="http://hub.test") as client:
        with pytest.raises(ZeroDivisionError):
            await client.get("/healthz")


async def test_only_http_has_request_ids() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        pass

    await RequestIds(app)({"type": "lifespan"}, receive, send)
    assert seen == [{"type": "lifespan"}]
