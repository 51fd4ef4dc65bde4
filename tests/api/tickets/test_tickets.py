"""Tickets from their making to their end, and as whoever has none tries them."""

import asyncio
import hashlib
import logging
import re
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from msgspec import structs

from api.http.idempotency import AlreadyDone
from api.http.quotas import UNKNOWN_TICKETS_OF_ADDRESS
from api.tickets import actions, rules
from api.tickets.rules import SpentTicket, Ticket
from api.tickets.texts import LANGUAGES
from hub.kernel.errors import TokenInvalid
from hub.store.database import Database
from tests.api.world import ROOM, START, World

TICKET, EXCHANGE, REVOKE = "/security/ticket", "/security/ticket/exchange", "/security/ticket/revoke"
MULTI = {"type": "MULTI_USE_TICKET"}
HOUR = 3600


def at(seconds: float) -> str:
    return datetime.fromtimestamp(START + seconds, UTC).isoformat()


async def create(world: World, *, token: str | None = None, **more: Any) -> httpx2.Response:
    body = {"properties": {"conference_id": "room-7", "applicationId": "shop", "theme": "dark"}} | more
    return await world.ask("POST", TICKET, body, token=token or world.token())


async def made(world: World, **more: Any) -> str:
    reply = await create(world, **more)
    assert reply.status_code == 200, reply.text
    secret: str = reply.json()["id"]
    return secret


async def scheduled(world: World, opens: float, ttl: int = HOUR, **more: Any) -> str:
    properties = {"conference_id": "room-7", "scheduled_date": at(opens)}
    return await made(world, **{"type": "SCHEDULE_TICKET", "properties": properties, "ttl": ttl} | more)


async def exchange(world: World, secret: str) -> httpx2.Response:
    return await world.ask("POST", EXCHANGE, {"id": secret})


async def revoke(world: World, secret: str, token: str | None = None) -> httpx2.Response:
    return await world.ask("POST", REVOKE, {"id": secret}, token=token or world.token())


def refusal(reply: httpx2.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["message"]


async def test_a_ticket_is_made_once_under_a_key_and_its_secret_is_not_kept(world: World) -> None:
    async def ask(key: str, token: str | None = None, **more: Any) -> httpx2.Response:
        body = {"properties": {"conference_id": "room-7"}} | more
        return await world.ask("POST", TICKET, body, headers={"Idempotency-Key": key}, token=token or world.token())

    def kept(tx: Any) -> tuple[int, list[Any]]:
        tx.cursor.execute("SELECT COUNT(*) FROM ticket")
        count = tx.cursor.fetchall()[0][0]
        tx.cursor.execute("SELECT status, headers, body FROM idempotency")
        return count, tx.cursor.fetchall()

    first = await ask("k")
    assert first.status_code == 200
    again = await ask("k")
    assert (again.status_code, again.json()["message"]) == (409, AlreadyDone.default_detail)
    assert first.json()["id"] not in again.text
    assert (await ask("k", ttl=60)).status_code == 422
    count, answers = await world.services.db.read(kept)
    assert (count, [(status, bytes(body)) for status, _, body in answers]) == (1, [(409, b"")])
    assert (await ask("another")).status_code == 200
    assert (await ask("k", world.token("web"))).status_code == 200
    world.clock.at += 86_401
    assert (await ask("k")).status_code == 200


# Made and exchanged -------------------------------------------------------------------------------------------------


async def test_a_ticket_says_what_it_is(world: World) -> None:
    reply = await create(world, ttl=60)
    assert reply.headers["Cache-Control"] == "no-store"
    body = reply.json()
    secret = body.pop("id")
    assert re.fullmatch("[0-9a-z]{26}", secret)
    assert body == {
        "url": f"{world.services.settings.public_url}/t/{secret}",
        "type": "SINGLE_USE_TICKET",
        "userId": "crm",
        "organizationId": "acme",
        "properties": {"conference_id": "room-7", "applicationId": "shop", "theme": "dark"},
        "createdAt": "2027-01-15T08:00:00Z",
        "opensAt": "2027-01-15T08:00:00Z",
        "expiresAt": "2027-01-15T08:01:00Z",
        "expired": False,
        "disabled": False,
        "revoked": False,
        "version": 0,
    }


async def test_ids_are_as_long_as_is_safe_or_longer(world: World) -> None:
    assert len(await made(world, length=6)) == 26
    assert len(await made(world, length=40)) == 40


async def test_a_ticket_is_exchanged_once_for_a_token_of_one_conference(both: World) -> None:
    secret = await made(both)
    reply = await exchange(both, secret)
    assert (reply.status_code, reply.headers["Cache-Control"]) == (200, "no-store")
    body = reply.json()
    assert (body["tokenType"], body["expiresIn"], body["conferenceId"]) == ("Bearer", 3600, "room-7")
    principal = both.tokens.verify(body["accessToken"], both.clock.now())
    assert principal.roles == {"ROLE_CUSTOMER"}
    assert (principal.organization, principal.conference, principal.application) == ("acme", "room-7", "shop")
    assert principal.user == body["userId"]
    assert refusal(await exchange(both, secret)) == (410, "The ticket is used")


async def test_a_ticket_for_many_uses_is_always_the_same_customer(both: World) -> None:
    secret = await made(both, **MULTI)
    customers = {(await exchange(both, secret)).json()["userId"] for _ in range(3)}
    assert len(customers) == 1
    assert (await exchange(both, await made(both, **MULTI))).json()["userId"] not in customers
    assert (await revoke(both, secret)).json()["version"] == 4


async def test_no_token_outlives_its_ticket(world: World) -> None:
    secret = await made(world, ttl=90, **MULTI)
    world.clock.at += 30
    token = (await exchange(world, secret)).json()["accessToken"]
    assert world.tokens.verify(token, world.clock.now()).expires_at == START + 90


async def test_a_ticket_expires(both: World) -> None:
    secret = await made(both, ttl=60)
    both.clock.at += 60
    assert refusal(await exchange(both, secret)) == (410, "The ticket is expired")


async def test_a_scheduled_ticket_is_good_from_its_time_on(both: World) -> None:
    secret = await scheduled(both, HOUR)
    early = await exchange(both, secret)
    assert refusal(early) == (409, "The ticket is not good yet")
    assert early.headers["Retry-After"] == "3600"
    both.clock.at = START + HOUR
    assert [(await exchange(both, secret)).status_code for _ in range(2)] == [200, 200]
    both.clock.at = START + 2 * HOUR
    assert refusal(await exchange(both, secret)) == (410, "The ticket is expired")


async def test_of_several_exchanges_at_the_same_time_in_two_processes_one_succeeds(both: World) -> None:
    secret, now = await made(both), both.clock.now()
    async with Database(both.url, clock=both.clock) as second:
        outcomes = await asyncio.gather(
            *(db.write(lambda tx: actions.exchange(tx, secret, now)) for db in (both.services.db, second) * 4),
            return_exceptions=True,
        )
    assert len([outcome for outcome in outcomes if isinstance(outcome, Ticket)]) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, SpentTicket)} == {"ticket_used"}


async def test_where_others_make_the_tokens_a_ticket_is_not_used_up(world: World) -> None:
    secret, services = await made(world), world.services
    settings = structs.replace(services.settings, jwks_url="https://idp.example/keys")
    object.__setattr__(services, "settings", settings)
    assert (await exchange(world, secret)).status_code == 409
    assert (await services.db.read(lambda tx: actions.find(tx, secret))).uses == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "FOREVER"},
        {"ttl": 0},
        {"ttl": 31 * 86_400},
        {"length": 65},
        {"properties": {}},
        {"properties": {"conference_id": ""}},
        {"properties": {"conference_id": "x", "applicationId": 5}},
        {"properties": {"conference_id": "x", "more": "x" * 5_000}},
        {"type": "SCHEDULE_TICKET"},
        {"type": "SCHEDULE_TICKET", "properties": {"conference_id": "x", "scheduled_date": "tomorrow"}},
        {"type": "SCHEDULE_TICKET", "properties": {"conference_id": "x", "scheduled_date": "2020-01-01T00:00:00Z"}},
        {"type": "SCHEDULE_TICKET", "properties": {"conference_id": "x", "scheduled_date": "2999-01-01T00:00:00Z"}},
    ],
)
async def test_bad_wishes_make_no_ticket(world: World, wrong: dict[str, Any]) -> None:
    assert (await create(world, **wrong)).status_code == 400
    assert await stored(world) == "[]"


# Who may ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("ROLE_AGENT", 200),
        ("ROLE_SUPERVISOR", 200),
        ("ROLE_CLIENT_SERVICE", 200),
        ("ROLE_ADMIN", 403),
        ("ROLE_CUSTOMER", 403),
    ],
)
async def test_staff_and_back_ends_make_tickets(world: World, role: str, status: int) -> None:
    assert (await create(world, token=world.token("somebody", role))).status_code == status


async def test_nobody_makes_tickets_for_another_organization(world: World) -> None:
    assert (await create(world, organizationId="globex")).status_code == 403
    assert (await create(world, organizationId="acme")).status_code == 200
    assert (await world.ask("POST", TICKET, {"properties": {"conference_id": "x"}})).status_code == 401


async def test_a_customer_is_never_somebody_else(world: World) -> None:
    """A customer of that name would otherwise hear what alice hears."""
    secret = await made(world, properties={"conference_id": "x", "customer_id": "alice", "userId": "alice"})
    assert (await exchange(world, secret)).json()["userId"] != "alice"


async def test_a_ticket_is_taken_back_with_what_it_was_exchanged_for(both: World) -> None:
    secret = await made(both, **MULTI)
    token = (await exchange(both, secret)).json()["accessToken"]
    principal = both.tokens.verify(token, both.clock.now())
    both.clock.at += 1
    reply = await revoke(both, secret)
    assert (reply.status_code, reply.json()["revoked"]) == (200, True)
    assert refusal(await exchange(both, secret)) == (410, "The ticket is revoked")
    assert both.services.revoked.contains(principal)
    assert await both.revocations() == [("acme", principal.user, True)]
    assert (await revoke(both, secret)).status_code == 200
    assert len(await both.revocations()) == 1
    with pytest.raises(TokenInvalid):
        both.tokens.verify(secret, both.clock.now())


async def test_only_who_is_concerned_takes_tickets_back_and_others_learn_nothing(world: World) -> None:
    secret = await made(world, token=world.token("alice", "ROLE_AGENT"))
    unknown = refusal(await revoke(world, "nothing"))
    assert unknown == (404, "No such ticket")
    assert refusal(await revoke(world, secret, world.token("bob", "ROLE_AGENT"))) == unknown
    assert refusal(await revoke(world, secret, world.token("sue", "ROLE_ADMIN", organization="globex"))) == unknown
    assert refusal(await revoke(world, secret, world.token("alice", "ROLE_AGENT", organization="globex"))) == unknown
    assert (await revoke(world, secret, world.token("kim", "ROLE_CUSTOMER"))).status_code == 403
    assert (await exchange(world, secret)).status_code == 200
    assert (await revoke(world, secret, world.token("alice", "ROLE_AGENT"))).status_code == 200


# Guessing -----------------------------------------------------------------------------------------------------------


async def test_an_address_that_guesses_is_held_up_on_every_way_in(world: World) -> None:
    secret, burst = await made(world, **MULTI), UNKNOWN_TICKETS_OF_ADDRESS[0]
    for _ in range(burst * 2):
        assert (await exchange(world, secret)).status_code == 200  # what is right does not count
    for index in range(burst):
        guess = f"guess{index}"
        reply = await (exchange(world, guess) if index % 2 else world.ask("GET", f"/t/{guess}"))
        assert reply.status_code == 404
    held_up = await exchange(world, secret)
    assert held_up.status_code == 429
    page = await world.ask("GET", f"/t/{secret}")
    assert (page.status_code, page.headers["Content-Type"]) == (429, "text/html; charset=utf-8")
    assert "Too many attempts" in page.text
    world.clock.at += int(held_up.headers["Retry-After"])
    assert (await exchange(world, secret)).status_code == 200


async def stored(world: World) -> str:
    def read(tx: Any) -> str:
        tx.cursor.execute("SELECT * FROM ticket")
        return repr(tx.cursor.fetchall())

    return await world.services.db.read(read)


async def test_ids_are_neither_stored_nor_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = await made(world, **MULTI)
    token = (await exchange(world, secret)).json()["accessToken"]
    await world.ask("GET", f"/t/{secret}")
    await revoke(world, secret)
    assert secret not in await stored(world)
    # The client of the tests logs what it asks for; it is no part of the hub.
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith("httpx2")]
    assert not [line for line in logged if secret in line or token in line]


async def test_a_ticket_that_has_expired_says_so_for_a_day_and_is_deleted_then(world: World) -> None:
    secret = await made(world, ttl=60)
    db, end = world.services.db, START + 60 + rules.KEPT_SECONDS
    assert await db.write(lambda tx: actions.expire(tx, end - 1, 10)) == 0
    world.clock.at = end - 1
    assert (await exchange(world, secret)).status_code == 410
    assert await db.write(lambda tx: actions.expire(tx, end, 10)) == 1
    assert (await exchange(world, secret)).status_code == 404


# Pages --------------------------------------------------------------------------------------------------------------


async def page(world: World, secret: str, language: str = "en-GB,en;q=0.9", path: str = "/t/") -> httpx2.Response:
    return await world.ask("GET", path + secret, headers={"Accept-Language": language})


@pytest.mark.parametrize("path", ["/t/", "/q/"])
async def test_the_page_of_a_good_ticket_leads_to_the_room_and_uses_nothing(world: World, path: str) -> None:
    secret = await made(world)
    reply = await page(world, secret, path=path)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "This link is good until 2027-01-15, 12:00 UTC." in reply.text
    assert f'<a href="{ROOM}#ticket={secret}" rel="noreferrer">Join the conversation</a>' in reply.text
    assert (await exchange(world, secret)).status_code == 200


async def test_without_a_room_the_page_has_no_way_on(world: World) -> None:
    secret = await made(world, token=world.token(organization="globex"))
    reply = await page(world, secret)
    assert reply.status_code == 200
    assert "<a " not in reply.text
    assert secret not in reply.text


async def test_pages_say_what_went_wrong(world: World) -> None:
    used, revoked, expired = await made(world), await made(world), await made(world, ttl=1)
    early = await scheduled(world, 2 * HOUR)
    await exchange(world, used)
    await revoke(world, revoked)
    world.clock.at += HOUR
    told = {}
    for secret in (used, revoked, expired, early, "unknown", "x" * 1_000, "%00", "<script>"):
        reply = await page(world, secret)
        heading = re.search("<h1>(.*)</h1>", reply.text)
        assert heading is not None
        assert "<a " not in reply.text
        assert "room-7" not in reply.text
        told[secret] = (reply.status_code, heading[1])
    assert told == {
        used: (410, "This link has been used"),
        revoked: (410, "This link has been withdrawn"),
        expired: (410, "This link has expired"),
        early: (200, "You are early"),
        "unknown": (404, "This link is not right"),
        "x" * 1_000: (404, "This link is not right"),
        "%00": (404, "This link is not right"),
        "<script>": (404, "This link is not right"),
    }
    assert "2027-01-15, 10:00 UTC" in (await page(world, early)).text


async def test_pages_run_nothing_and_tell_nobody(world: World) -> None:
    reply = await page(world, await made(world))
    style = re.search("<style>(.*)</style>", reply.text, re.DOTALL)
    assert style is not None
    digest = b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; ")
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'none'" in policy
    assert (reply.headers["Referrer-Policy"], reply.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert "<script" not in reply.text
    assert "style=" not in reply.text


@pytest.mark.parametrize(
    ("accepted", "language"), [("de-AT,en", "de"), ("fr,el;q=0.5", "el"), ("fr", "en"), ("", "en"), (",;q", "en")]
)
async def test_pages_speak_the_readers_language_and_are_whole_documents(
    world: World, accepted: str, language: str
) -> None:
    reply = await page(world, "unknown", accepted)
    wording = LANGUAGES[language]["unknown"]
    assert reply.text.startswith(f'<!DOCTYPE html>\n<html lang="{language}">')
    assert f"<title>{wording.heading}</title>" in reply.text
    assert f"<main>\n<h1>{wording.heading}</h1>" in reply.text
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in reply.text


def test_every_language_has_all_pages() -> None:
    assert {tuple(pages) for pages in LANGUAGES.values()} == {tuple(LANGUAGES["en"])}
