import json

import pytest
from openapi_spec_validator import validate

from api.routes import document
from tests.api.world import World


async def test_health_and_version(world: World) -> None:
    assert (await world.ask("GET", "/healthz")).json() == {"status": "ok"}
    assert (await world.ask("GET", "/version")).json() == {"name": "hub", "version": "1.2.3"}


async def test_ready_until_a_check_gives_a_reason(world: World) -> None:
    assert (await world.ask("GET", "/readyz")).json() == {"status": "ready", "checks": ["database"]}
    world.readiness["database"] = "writer stopped"
    reply = await world.ask("GET", "/readyz")
    assert (reply.status_code, reply.headers["content-type"]) == (503, "application/problem+json")
    assert reply.headers["Retry-After"] == "1"
    assert reply.json()["reasons"] == {"database": "writer stopped"}
    assert (await world.ask("GET", "/healthz")).status_code == 200
    world.readiness["database"] = None
    assert (await world.ask("GET", "/readyz")).status_code == 200


async def test_metrics_show_what_was_ingested(world: World) -> None:
    def value(text: str, name: str) -> float:
        [line] = [line for line in text.splitlines() if line.startswith(name + " ")]
        return float(line.rpartition(" ")[2])

    before = (await world.ask("GET", "/metrics")).text
    await world.publish([{"channel": "/demo/a", "data": {}}] * 3)
    reply = await world.ask("GET", "/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    for name in ("hub_ingest_events_total", "hub_unknown_messages_total"):
        assert value(reply.text, name) == value(before, name) + 3


async def test_the_descriptions_are_those_of_this_hub(world: World) -> None:
    rest = (await world.ask("GET", "/openapi.json")).json()
    assert rest == json.loads(json.dumps(document(url="http://127.0.0.1:8080", version="1.2.3")))
    validate(rest)
    bayeux = (await world.ask("GET", "/asyncapi.json")).json()
    assert bayeux["asyncapi"].startswith("3.")
    assert "/walls/sales" in str(bayeux["channels"])


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/version", "/openapi.json", "/asyncapi.json"])
async def test_operators_read_only_and_need_no_token(world: World, path: str) -> None:
    assert (await world.ask("GET", path, headers={"Authorization": "Bearer nonsense"})).status_code == 200
    head = await world.ask("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    refused = await world.ask("POST", path)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert refused.headers["content-type"] == "application/problem+json"
