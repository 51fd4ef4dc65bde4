import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from api.http.operations import Operation, place
from api.http.problems import Family
from api.http.reply import Reply
from api.http.request import Call
from channels.access import Role
from hub.kernel import metrics
from hub.kernel.errors import NotFound, Overloaded
from tests.api.world import EVENTS, START, World


class Ask(msgspec.Struct, forbid_unknown_fields=True):
    number: int


def operation(handler: Callable[[Call[Any]], Awaitable[object]], **more: Any) -> Operation:
    settings = {
        "name": "try",
        "method": "POST",
        "path": "/api/v2/things/{id}",
        "summary": "Try",
        "tag": "test",
        "family": Family.GWS,
        "roles": None,
        "handler": handler,
    }
    return Operation(**(settings | more))


async def echo(call: Call[Any]) -> dict[str, Any]:
    return {
        "id": call.path_params.get("id"),
        "query": call.query,
        "number": call.body.number if call.body else None,
        "user": call.caller.user if call.caller else None,
        "now": call.now,
        "key": call.idempotency_key,
    }


async def test_the_handler_gets_everything_decoded(world: World) -> None:
    tried = operation(echo, body=Ask, roles=frozenset(), idempotent=True, success=202)
    reply = await world.ask(
        "POST",
        "/api/v2/things/a%20b?x=1&x=2&empty=&u=%C3%A9",
        {"number": 4},
        token=world.token("bob", "ROLE_CUSTOMER"),
        headers={"Idempotency-Key": "k"},
        operations=[tried],
    )
    assert reply.status_code == 202
    assert reply.json() == {
        "id": "a b",
        "query": {"x": "2", "empty": "", "u": "é"},
        "number": 4,
        "user": "bob",
        "now": START,
        "key": "k",
    }


async def test_a_request_that_outlasts_the_process_is_503(world: World) -> None:
    async def cut_off(call: Call[Any]) -> None:
        raise asyncio.CancelledError

    reply = await world.ask("POST", "/api/v2/things/1", {}, token=world.token("bob"), operations=[operation(cut_off)])
    assert (reply.status_code, reply.json()["statusCode"]) == (503, 4)
    assert "same Idempotency-Key" in reply.json()["statusMessage"]
    assert reply.headers["retry-after"]


async def test_an_unexpected_exception_is_500_without_a_word_about_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(call: Call[Any]) -> None:
        raise ZeroDivisionError("secret detail")

    with caplog.at_level(logging.ERROR):
        reply = await world.ask("POST", "/api/v2/things/1", operations=[operation(fail)])
    assert (reply.status_code, reply.json()) == (500, {"statusCode": 4, "statusMessage": "Internal error"})
    [record] = caplog.records
    assert isinstance(record.msg, dict)
    assert record.msg["request_id"] == reply.headers["X-Request-Id"]
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


async def test_a_refusal_of_the_handler_is_rendered_for_its_family(world: World) -> None:
    async def refuse(call: Call[Any]) -> None:
        raise Overloaded(retry_after=2.5)

    reply = await world.ask("POST", "/api/v2/things/1", operations=[operation(refuse)])
    assert (reply.status_code, reply.json()["statusCode"], reply.headers["Retry-After"]) == (503, 4, "3")


async def test_a_handler_may_answer_in_its_own_words(world: World) -> None:
    async def teapot(call: Call[Any]) -> Reply:
        return Reply(418, b"short", media_type="text/plain", headers=(("X-Kind", "stout"),))

    reply = await world.ask("GET", "/api/v2/things/1", operations=[operation(teapot, method="GET")])
    assert (reply.status_code, reply.content, reply.headers["X-Kind"]) == (418, b"short", "stout")
    head = await world.ask("HEAD", "/api/v2/things/1", operations=[operation(teapot, method="GET")])
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (418, b"", "5")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (None, 200),
        ("application/json", 200),
        ("application/JSON; charset=utf-8", 200),
        ("application/vnd.acme+json", 200),
        ("application/x-www-form-urlencoded", 415),
        ("text/plain", 415),
        ("", 415),
    ],
)
async def test_bodies_are_json_by_whatever_name(world: World, sent: str | None, status: int) -> None:
    headers = {} if sent is None else {"Content-Type": sent}
    reply = await world.ask(
        "POST", "/api/v2/things/1", {"number": 1}, headers=headers, operations=[operation(echo, body=Ask)]
    )
    assert reply.status_code == status


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "caf\u00e9"])
async def test_idempotency_keys_are_printable_and_short(world: World, key: str) -> None:
    async with world.client([operation(echo, idempotent=True)]) as client:
        reply = await client.post("/api/v2/things/1", headers={b"Idempotency-Key": key.encode()})
    assert reply.status_code == 400
    assert "Idempotency-Key" in reply.json()["statusMessage"]


async def test_a_key_means_nothing_where_nothing_is_idempotent(world: World) -> None:
    reply = await world.ask(
        "POST", "/api/v2/things/1", headers={"Idempotency-Key": "x" * 999}, operations=[operation(echo)]
    )
    assert reply.json()["key"] is None


@pytest.mark.parametrize(
    ("roles", "status"),
    [(frozenset(), 200), (frozenset({Role.AGENT}), 200), (frozenset({Role.ADMIN, Role.SUPERVISOR}), 403)],
)
async def test_roles_are_asked_before_the_body_is_read(world: World, roles: frozenset[Role], status: int) -> None:
    tried = operation(echo, roles=roles, body=Ask)
    body = {"number": 1} if status == 200 else b"x" * 100_000
    token = world.token("alice", "ROLE_AGENT")
    reply = await world.ask("POST", "/api/v2/things/1", body, token=token, operations=[tried])
    assert reply.status_code == status


async def test_methods_of_a_path_share_it(world: World) -> None:
    async def remove(call: Call[Any]) -> None:
        raise NotFound

    both = [operation(echo), operation(remove, method="DELETE")]
    assert (await world.ask("POST", "/api/v2/things/1", operations=both)).status_code == 200
    assert (await world.ask("DELETE", "/api/v2/things/1", operations=both)).status_code == 404
    refused = await world.ask("PATCH", "/api/v2/things/1", operations=both)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "DELETE, POST")
    assert refused.json() == {"statusCode": 3, "statusMessage": "Method not allowed"}


async def test_requests_are_counted_by_route_and_never_by_what_clients_invent(world: World) -> None:
    def count(method: str, status: str) -> float:
        labels = {"route": EVENTS, "method": method, "status": status}
        return metrics.REGISTRY.get_sample_value("hub_http_requests_total", labels) or 0.0

    before = count("POST", "401"), count("other", "405")
    await world.ask("POST", EVENTS, {})
    await world.ask("BREW", EVENTS)
    assert (count("POST", "401"), count("other", "405")) == (before[0] + 1, before[1] + 1)
    assert "BREW" not in (await world.ask("GET", "/metrics")).text


@pytest.mark.parametrize(
    ("pointer", "text"),
    [
        ("", ""),
        ("/userId", "userId"),
        ("/3", "events[3]"),
        ("/3/data/call/id", "events[3].data.call.id"),
        ("/list/0/a~1b~0c", "list[0].a/b~c"),
    ],
)
def test_a_place_reads_like_a_path(pointer: str, text: str) -> None:
    assert place(pointer, "events") == text


async def test_too_large_bodies_are_refused_by_announcement_and_by_count(world: World) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b"x" * 1024

    tried = [operation(echo, body=Ask)]
    async with world.client(tried) as client:
        streamed = await client.post("/api/v2/things/1", content=endless())
    announced = await world.ask("POST", "/api/v2/things/1", b" " * 65_537, operations=tried)
    assert (streamed.status_code, announced.status_code) == (413, 413)
    assert json.loads(streamed.content)["statusCode"] == 4
