"""`POST /security/genesys/room`, and where the links of agents lead."""

from typing import Any

import httpx2
import pytest

from api.http.idempotency import AlreadyDone
from tests.api.callbacks.house import TUESDAY
from tests.api.world import ROOM, World

PATH = "/security/genesys/room"
BODY = {"applicationId": "shop", "cdestination": "callback", "customerId": "C-17", "interactionId": "I-4"}


async def create(world: World, *, token: str | None = "", **more: Any) -> httpx2.Response:
    return await world.ask("POST", PATH, BODY | more, token=world.token() if token == "" else token)


async def exchange(world: World, url: str) -> httpx2.Response:
    return await world.ask("POST", "/security/ticket/exchange", {"id": url.rpartition("/")[2]})


async def test_a_room_has_links_for_everybody(both: World) -> None:
    reply = await create(both)
    assert (reply.status_code, reply.headers["Cache-Control"]) == (200, "no-store")
    body = reply.json()
    assert body.keys() == {"agentUrl", "recordingUrl", "ticketUrl"}
    given = (await exchange(both, body["ticketUrl"])).json()
    conference = given["conferenceId"]
    assert body["agentUrl"] == f"https://shop.example/a?aid=shop&roomId={conference}"
    assert body["recordingUrl"] == f"https://shop.example/r?aid=shop&roomId={conference}"
    assert given["properties"] == {
        "conference_id": conference,
        "applicationId": "shop",
        "cdestination": "callback",
        "customer_id": "C-17",
        "interaction_id": "I-4",
    }
    assert (await create(both)).json()["ticketUrl"] != body["ticketUrl"]


async def test_a_room_is_made_once_under_a_key(both: World) -> None:
    key = {"Idempotency-Key": "k"}
    replies = [await both.ask("POST", PATH, BODY, headers=key, token=both.token()) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 409]
    assert replies[1].json()["message"] == AlreadyDone.default_detail


async def test_the_customers_link_is_good_for_four_hours_or_as_said(world: World) -> None:
    url = (await create(world, ticketExpirationSeconds=0)).json()["ticketUrl"]
    short = (await create(world, ticketExpirationSeconds=60)).json()["ticketUrl"]
    world.clock.at += 60
    assert (await exchange(world, short)).status_code == 410
    world.clock.at = TUESDAY + 14_399
    assert (await exchange(world, url)).status_code == 200
    world.clock.at += 1
    assert (await exchange(world, url)).status_code == 410


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"cdestination": "nowhere"}, 400),
        ({"ticketExpirationSeconds": -1}, 400),
        ({"ticketExpirationSeconds": 30 * 86_400 + 1}, 400),
        ({"urlBase": "https://evil.example"}, 400),
        ({"applicationId": None}, 400),
        ({"applicationId": "theirs"}, 404),
        ({"applicationId": "nowhere"}, 404),
        ({"organizationId": "globex"}, 403),
        ({"customerId": "x" * 256}, 400),
    ],
)
async def test_bad_input_is_refused(world: World, more: dict[str, Any], status: int) -> None:
    reply = await create(world, **more)
    assert reply.status_code == status
    assert reply.json().keys() == {"code", "message", "requestId"}


async def test_the_own_organization_may_be_said(world: World) -> None:
    assert (await create(world, organizationId="acme", urlBase="https://shop.example.gr")).status_code == 200


@pytest.mark.parametrize("role", ["ROLE_AGENT", "ROLE_SUPERVISOR", "ROLE_ADMIN", "ROLE_CUSTOMER"])
async def test_rooms_are_for_back_ends(world: World, role: str) -> None:
    assert (await create(world, token=world.token("x", role))).status_code == 403
    assert (await create(world, token=None)).status_code == 401


async def test_agents_are_led_to_where_conferences_are_held(world: World) -> None:
    for path, what in (("/a", "conference"), ("/r", "recording")):
        reply = await world.ask("GET", f"{path}?aid=shop&roomId=3k9x0q2m")
        assert (reply.status_code, reply.headers["Location"]) == (302, f"{ROOM}#{what}=3k9x0q2m&application=shop")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("aid=theirs&roomId=x", 404),  # whose organization holds no conferences
        ("aid=nowhere&roomId=x", 404),
        ("aid=shop", 400),
        ("aid=shop&roomId=", 400),
        ("aid=shop&roomId=a%0D%0ASet-Cookie:x=y", 400),
        ("aid=shop&roomId=https://evil.example", 400),
        ("aid=https://evil.example&roomId=x", 404),
    ],
)
async def test_nobody_is_led_elsewhere(world: World, query: str, status: int) -> None:
    reply = await world.ask("GET", f"/a?{query}")
    assert reply.status_code == status
    assert "Location" not in reply.headers
