"""Codes as customers meet them: asked for, read in a message, used once; and as whoever guesses at them meets them."""

import asyncio
import logging
from typing import Any

import httpx2
import msgspec
import pytest

from api.codes import actions, rules
from api.http import proven
from api.http.operations import Operation
from api.http.problems import Family
from api.http.quotas import CODES_OF_ADDRESS, WRONG_CODES_OF_ADDRESS
from api.http.request import Call
from hub.kernel.errors import BadInput, WrongState
from hub.kernel.secret import Secret
from hub.store import deliveries
from hub.store.database import Database
from tests.api.world import World

OTP, VERIFY = "/security/otp", "/security/otp/verify"
MARIA = "+306931234567"
WRONG = {"code": "StatusUnauthorized", "message": "The code is not right, or not any more"}


async def request(world: World, to: str = MARIA, **more: Any) -> httpx2.Response:
    token = more.pop("token", None)
    return await world.ask("POST", OTP, {"to": to, "organizationId": "acme"} | more, token=token)


async def rows(world: World, sql: str) -> list[Any]:
    def read(tx: Any) -> list[Any]:
        tx.cursor.execute(sql)
        return list(tx.cursor.fetchall())

    return await world.services.db.read(read)


async def messages(world: World) -> list[dict[str, Any]]:
    """What is to leave the house."""
    found = await rows(world, "SELECT payload FROM timer WHERE kind LIKE 'deliver.%' ORDER BY id")
    return [msgspec.json.decode(row[0]) for row in found]


async def sent(world: World, to: str = MARIA, **more: Any) -> tuple[str, str]:
    """Verification id and code of a code that was sent."""
    reply = await request(world, to, **more)
    assert reply.status_code == 200, reply.text
    text: str = (await messages(world))[-1]["text"]
    return reply.json()["id"], next(word for word in text.split() if len(word) == 6 and word.isdigit())


async def verify(world: World, key: str, code: str, **more: str) -> httpx2.Response:
    return await world.ask("POST", VERIFY, {"verificationId": key, "code": code} | more)


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def is_wrong(reply: httpx2.Response) -> bool:
    body = reply.json()
    return reply.status_code == 401 and {name: body[name] for name in WRONG} == WRONG


# Sent and used ------------------------------------------------------------------------------------------------------


async def test_a_code_is_sent_by_sms_and_used_once(both: World) -> None:
    reply = await request(both)
    assert reply.json().keys() == {"id", "expiresIn"}
    assert reply.json()["expiresIn"] == 300
    (sms,) = await messages(both)
    assert sms["to"] == MARIA
    code = sms["text"].split()[0]
    assert sms["text"] == f"{code} is your code, good for 5 minutes.\nFrom Acme. Give it to nobody who calls you."
    used = await verify(both, reply.json()["id"], code, to="+30 693 123 4567")
    assert (used.status_code, used.json()) == (200, {"id": reply.json()["id"], "verified": True})
    assert is_wrong(await verify(both, reply.json()["id"], code))


async def test_a_code_is_mailed_in_the_readers_language(world: World) -> None:
    key, code = await sent(world, "Maria@Example.com", channel="EMAIL", locale="de_DE")
    (mail,) = await messages(world)
    assert mail["to"] == "maria@example.com"
    assert mail["subject"] == f"Ihr Code: {code}"
    assert "Um ihn gebeten wurde: Acme." in mail["text"]
    assert (await verify(world, key, code, to="maria@EXAMPLE.com")).status_code == 200


async def test_a_code_is_not_sent_after_its_time(world: World) -> None:
    await sent(world)
    ((due, until),) = await rows(world, "SELECT due_at, not_after FROM timer WHERE kind LIKE 'deliver.%'")
    assert until - due == 300_000_000


async def test_a_code_ends_after_five_minutes(world: World) -> None:
    key, code = await sent(world)
    world.clock.at += 300
    assert is_wrong(await verify(world, key, code))


async def test_another_code_comes_after_a_pause_and_replaces_the_first_and_its_message(both: World) -> None:
    first = await sent(both)
    soon = await request(both)
    assert (soon.status_code, soon.headers["Retry-After"]) == (429, "30")
    both.clock.at += 30
    second = await sent(both)
    assert len(await messages(both)) == 1
    assert is_wrong(await verify(both, *first))
    assert (await verify(both, *second)).status_code == 200


async def test_one_recipient_is_not_flooded(world: World) -> None:
    for _ in range(rules.BURST):
        await sent(world)
        world.clock.at += 30
    reply = await request(world)
    assert reply.status_code == 429
    assert int(reply.headers["Retry-After"]) > 400
    world.clock.at += int(reply.headers["Retry-After"])
    await sent(world)


@pytest.mark.parametrize(
    "body",
    [
        {"to": "maria", "organizationId": "acme"},
        {"to": MARIA, "channel": "EMAIL", "organizationId": "acme"},
        {"to": "maria@example.com", "channel": "SMS", "organizationId": "acme"},
        {"to": "a@example.com\r\nBcc: b@example.com", "organizationId": "acme"},
        {"to": MARIA, "channel": "FAX", "organizationId": "acme"},
        {"to": MARIA, "organizationId": "no organization"},
        {"to": MARIA},
        {"organizationId": "acme"},
    ],
)
async def test_bad_requests_change_nothing(world: World, body: dict[str, str]) -> None:
    assert (await world.ask("POST", OTP, body)).status_code == 400
    assert await messages(world) == []
    assert await rows(world, "SELECT id FROM one_time_code") == []


# In whose name ------------------------------------------------------------------------------------------------------


async def test_strangers_have_nothing_sent_for_organizations_that_do_not_permit_it_and_cannot_tell(
    world: World,
) -> None:
    replies = [await request(world, organizationId=name) for name in ("acme", "globex", "nobody")]
    assert [(reply.status_code, reply.json().keys()) for reply in replies] == [(200, {"id", "expiresIn"})] * 3
    assert len(await messages(world)) == 1
    assert [(await request(world, organizationId=name)).status_code for name in ("acme", "globex", "nobody")] == [
        429
    ] * 3
    guesses = [await verify(world, reply.json()["id"], "000000") for reply in replies]
    assert {(guess.status_code, guess.json()["message"]) for guess in guesses} == {(401, WRONG["message"])}


async def test_with_a_token_codes_are_sent_in_the_name_of_its_organization_only(world: World) -> None:
    token = world.token("crm", organization="globex")
    reply = await world.ask("POST", OTP, {"to": MARIA, "customName": "Globex\n Care"}, token=token)
    assert reply.status_code == 200
    ((organization,),) = await rows(world, "SELECT organization FROM one_time_code")
    assert organization == "globex"
    assert "From Globex Care." in (await messages(world))[0]["text"]
    assert (await request(world, token=token)).status_code == 403
    customer = world.token("someone", "ROLE_CUSTOMER", organization="globex")
    assert (await world.ask("POST", OTP, {"to": "+4930123456"}, token=customer)).status_code == 403
    assert (await world.ask("POST", OTP, {"to": "+4930123456"}, token="x.y.z")).status_code == 401
    assert len(await messages(world)) == 1


async def test_an_application_names_its_organization(world: World) -> None:
    async def ask(application: str, **body: str) -> httpx2.Response:
        return await world.ask("POST", OTP, {"to": MARIA} | body, headers={"X-ApplicationId": application})

    assert (await ask("clinic")).status_code == 200
    (sms,) = await messages(world)
    assert "From Acme clinic." in sms["text"]
    assert await rows(world, "SELECT organization FROM one_time_code") == [("acme",)]
    # An application of an organization that permits nothing, one that does not exist, one of somebody else.
    replies = [
        await ask("foreign"),
        await ask("nothing"),
        await ask("clinic", organizationId="globex", to="+4930123456"),
    ]
    assert [(reply.status_code, reply.json().keys()) for reply in replies] == [(200, {"id", "expiresIn"})] * 3
    assert len(await messages(world)) == 1
    assert (await ask("", to="+4930123457")).status_code == 400


async def test_with_a_token_only_applications_of_its_organization_are_named(world: World) -> None:
    async def ask(application: str) -> httpx2.Response:
        return await world.ask(
            "POST", OTP, {"to": MARIA}, headers={"X-ApplicationId": application}, token=world.token()
        )

    assert [(await ask(name)).status_code for name in ("foreign", "nothing", "clinic")] == [403, 403, 200]
    (sms,) = await messages(world)
    assert "From Acme clinic." in sms["text"]


async def test_strangers_put_no_words_of_theirs_into_messages(world: World) -> None:
    await sent(world, customName="Your bank, call +15550001111")
    (sms,) = await messages(world)
    assert "bank" not in sms["text"]


# Guessing -----------------------------------------------------------------------------------------------------------


async def test_after_five_wrong_tries_the_right_code_is_wrong_too(both: World) -> None:
    key, code = await sent(both)
    for _ in range(4):
        assert is_wrong(await verify(both, key, other(code)))
    assert is_wrong(await verify(both, key, code, to="+4930123456"))  # of another recipient: a try as well
    assert is_wrong(await verify(both, key, code))


async def test_tries_at_the_same_time_are_counted_one_by_one(both: World) -> None:
    key, code = await sent(both)
    await asyncio.gather(*(verify(both, key, other(code)) for _ in range(5)))
    ((left,),) = await rows(both, "SELECT tries_left FROM one_time_code")
    assert left == 0
    assert is_wrong(await verify(both, key, code))


async def test_of_two_uses_at_the_same_time_in_two_processes_one_counts(both: World) -> None:
    key, code = await sent(both)
    given, now = rules.Given(key, Secret(code)), both.clock.now()
    async with Database(both.url, clock=both.clock) as second:
        outcomes = await asyncio.gather(
            *(db.write(lambda tx: actions.redeem(tx, given, now)) for db in (both.services.db, second) * 3)
        )
    assert [outcome for outcome in outcomes if outcome is not None] == [rules.Verified("acme", MARIA)]


async def test_an_address_that_guesses_is_held_up_whatever_it_guesses_at(world: World) -> None:
    key, code = await sent(world)
    for index in range(WRONG_CODES_OF_ADDRESS[0]):
        assert (await verify(world, f"made up {index}", "123456")).status_code == 401
    held_up = await verify(world, key, code)
    assert (held_up.status_code, held_up.json()["code"]) == (429, "StatusTooManyRequests")
    world.clock.at += int(held_up.headers["Retry-After"])
    assert (await verify(world, key, code)).status_code == 200


async def test_an_address_has_only_so_many_codes_sent(world: World) -> None:
    replies = [await request(world, f"+3069312345{index:02}") for index in range(CODES_OF_ADDRESS[0] + 1)]
    assert [reply.status_code for reply in replies] == [200] * CODES_OF_ADDRESS[0] + [429]
    assert len(await messages(world)) == CODES_OF_ADDRESS[0]


# What is stored and logged ------------------------------------------------------------------------------------------


async def test_neither_code_nor_id_is_stored_or_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key, code = await sent(world)
    await verify(world, key, other(code))
    stored = repr(await rows(world, "SELECT * FROM one_time_code"))
    assert key not in stored
    assert code not in stored
    await verify(world, key, code)
    assert key not in caplog.text
    assert code not in caplog.text


async def test_a_code_that_has_had_its_time_is_deleted_once_its_recipient_may_be_asked_anew(world: World) -> None:
    await sent(world)
    db = world.services.db
    assert await db.write(lambda tx: actions.expire(tx, world.clock.now() + 599, 10)) == 0
    assert await db.write(lambda tx: actions.expire(tx, world.clock.now() + 600, 10)) == 1
    assert await rows(world, "SELECT id FROM one_time_code") == []


# What a code permits ------------------------------------------------------------------------------------------------


async def tell(call: Call[None]) -> dict[str, str]:
    """An operation that a code permits: it has something done for its recipient."""
    given = proven.given_of(call)
    if given is None:
        raise BadInput("no code")

    def act(tx: Any, verified: rules.Verified) -> dict[str, str]:
        deliveries.plan(tx, deliveries.Sms(to=verified.recipient, text="done"), call.now)
        if call.query.get("fails"):
            raise WrongState
        return {"organization": verified.organization, "recipient": verified.recipient}

    return await proven.once(call, given, act, organization=call.query.get("organization"))


PERMITTED = (
    Operation(
        name="tell",
        method="POST",
        path="/security/t",
        summary="",
        tag="t",
        family=Family.AUVIOUS,
        roles=None,
        handler=tell,
    ),
)


async def test_a_code_in_the_headers_permits_one_thing_once(world: World) -> None:
    key, code = await sent(world)

    async def ask(path: str = "/security/t", **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await world.ask("POST", path, headers=named, operations=PERMITTED)

    assert (await ask(X_OtpVerificationId=key)).status_code == 400
    assert is_wrong(await ask(X_OtpVerificationId=key, X_OtpCode=other(code)))
    of_another = await ask("/security/t?organization=globex", X_OtpVerificationId=key, X_OtpCode=code)
    assert is_wrong(of_another)
    # What fails does not use the code, and leaves nothing behind.
    assert (await ask("/security/t?fails=1", X_OtpVerificationId=key, X_OtpCode=code)).status_code == 400
    assert [message["text"] for message in await messages(world)].count("done") == 0
    done = await ask(X_OtpVerificationId=key, X_OtpCode=code)
    assert (done.status_code, done.json()) == (200, {"organization": "acme", "recipient": MARIA})
    assert is_wrong(await ask(X_OtpVerificationId=key, X_OtpCode=code))
    assert [message["text"] for message in await messages(world)].count("done") == 1
