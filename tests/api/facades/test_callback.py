"""`POST /security/genesys/callback`: a callback as any other, with a conference; for back ends, staff and customers."""

from typing import Any

import httpx2
import msgspec
import pytest

from api.http.idempotency import AlreadyDone
from api.http.quotas import WRONG_CODES_OF_ADDRESS
from tests.api.callbacks.house import TUESDAY
from tests.api.world import World

PATH = "/security/genesys/callback"
QUEUES = "/genesys/1/admin/callback/queues"
MARIA = "+4930901820"
AT = "2027-01-26T13:00:00.000Z"
HEADERS = {"X-ApplicationId": "shop", "X-UrlBase": "https://shop.example"}
BODY = {
    "callbackNumbers": [MARIA],
    "callbackScheduledTime": AT,
    "callbackUserName": "Maria",
    "countryCode": "DE",
    "data": {"topic": "invoice"},
    "queueName": "sales",
    "validateCallbackNumbers": True,
}


async def create(
    world: World, headers: dict[str, str] = HEADERS, *, token: str | None = "", **more: Any
) -> httpx2.Response:
    body = {name: value for name, value in (BODY | more).items() if value is not None}
    return await world.ask("POST", PATH, body, headers=headers, token=world.token() if token == "" else token)


async def created(world: World, **more: Any) -> dict[str, Any]:
    reply = await create(world, **more)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def code_for(world: World, to: str) -> dict[str, str]:
    """A one-time code as the headers that use it; its message is read where it waits to be sent."""

    def text(tx: Any) -> str:
        tx.cursor.execute("SELECT payload FROM timer WHERE kind LIKE 'deliver.%' ORDER BY id DESC")
        return str(msgspec.json.decode(tx.cursor.fetchall()[0][0])["text"])

    asked = await world.ask("POST", "/security/otp", {"to": to, "organizationId": "acme"})
    words = (await world.services.db.read(text)).split()
    code = next(word for word in words if len(word) == 6 and word.isdigit())
    return HEADERS | {"X-OtpVerificationId": asked.json()["id"], "X-OtpCode": code}


async def listed(world: World) -> list[dict[str, Any]]:
    reply = await world.ask("GET", QUEUES, token=world.token("sue", "ROLE_SUPERVISOR"))
    return [each for queue in reply.json().values() for each in queue]


async def told(world: World) -> list[dict[str, Any]]:
    """What supervisors heard."""
    return [msgspec.json.decode(data) for _, data in await world.log("", "/v2/users")]


async def tickets(world: World) -> int:
    def count(tx: Any) -> int:
        tx.cursor.execute("SELECT COUNT(*) FROM ticket")
        return int(tx.cursor.fetchall()[0][0])

    return await world.services.db.read(count)


async def test_a_callback_is_made_once_under_a_key_and_a_refused_one_leaves_the_key_free(both: World) -> None:
    key = HEADERS | {"Idempotency-Key": "k"}
    assert (await create(both, key, callbackNumbers=["1"])).status_code == 400
    assert (await create(both, key)).status_code == 200
    again = await create(both, key)
    assert (again.status_code, again.json()["message"]) == (409, AlreadyDone.default_detail)
    assert (await create(both, key, callbackUserName="Eva")).status_code == 422
    assert (len(await listed(both)), await tickets(both)) == (1, 1)


async def test_a_customer_does_it_once_with_a_code_whatever_the_key(world: World) -> None:
    code = await code_for(world, MARIA) | {"Idempotency-Key": "k"}
    assert (await create(world, code, token=None)).status_code == 200
    assert (await create(world, code, token=None)).status_code == 401
    assert await tickets(world) == 1


async def test_a_back_end_gets_a_callback_with_a_conference(both: World) -> None:
    reply = await create(both)
    assert (reply.status_code, reply.headers["Cache-Control"]) == (200, "no-store")
    body = reply.json()
    conference, ticket = body["conferenceId"], body["ticketId"]
    callback = body["genesys"]["conversation"]["id"]
    assert body == {
        "agentUrl": f"https://shop.example/a?aid=shop&roomId={conference}",
        "conferenceId": conference,
        "genesys": {
            "callbackIdentifiers": [{"id": callback, "type": "ACD"}],
            "conversation": {
                "id": callback,
                "name": "Maria",
                "selfUri": f"http://127.0.0.1:8080/genesys/1/service/callback/BasicCallback/{callback}",
            },
        },
        "ticketId": ticket,
        "ticketUrl": f"https://shop.example/t/{ticket}",
    }
    # It is a callback as any other: in the line of the supervisors, and told to them.
    [row] = await listed(both)
    assert (row["_id"], row["_customer_number"], row["_desired_time"]) == (callback, MARIA, AT)
    [event] = await told(both)
    assert (event["messageType"], event["notificationType"]) == ("CallbackStateChangeMessage", "Scheduled")
    assert event["callback"]["userData"] == {
        "topic": "invoice",
        "_usr_customer_name": "Maria",
        "agentUrl": body["agentUrl"],
        "conferenceId": conference,
    }
    assert ticket not in str(event)


async def test_the_customers_link_opens_the_conference_until_four_hours_after_the_time(world: World) -> None:
    body = await created(world)
    world.clock.at = TUESDAY + 4 * 3600 + 14_400 - 1
    reply = await world.ask("POST", "/security/ticket/exchange", {"id": body["ticketId"]})
    assert reply.status_code == 200
    given = reply.json()
    assert given["conferenceId"] == body["conferenceId"]
    assert given["properties"] == {
        "conference_id": body["conferenceId"],
        "applicationId": "shop",
        "cdestination": "callback",
        "interaction_id": body["genesys"]["conversation"]["id"],
        "scheduled_date": AT.replace(".000", ""),
    }
    again = await world.ask("POST", "/security/ticket/exchange", {"id": body["ticketId"]})
    assert again.json()["userId"] == given["userId"]
    world.clock.at += 1
    assert (await world.ask("POST", "/security/ticket/exchange", {"id": body["ticketId"]})).status_code == 410


async def test_the_life_of_the_link_can_be_said(world: World) -> None:
    body = await created(world, headers=HEADERS | {"X-Ticket-Expiration-Seconds": "60"}, callbackScheduledTime=None)
    world.clock.at += 60
    assert (await world.ask("POST", "/security/ticket/exchange", {"id": body["ticketId"]})).status_code == 410
    body = await created(world, headers={**HEADERS, "X-ApplicationId": "plain", "X-UrlBase": "http://127.0.0.1:8080"})
    assert body["ticketUrl"] == f"http://127.0.0.1:8080/t/{body['ticketId']}"
    world.clock.at = TUESDAY + 4 * 3600 + 600
    assert (await world.ask("POST", "/security/ticket/exchange", {"id": body["ticketId"]})).status_code == 410


async def test_without_a_time_it_is_at_once(world: World) -> None:
    await created(world, callbackScheduledTime=None)
    [event] = await told(world)
    assert (event["notificationType"], event["callback"]["state"]) == ("Queued", "QUEUED")


async def test_the_gms_api_takes_it_back(world: World) -> None:
    body = await created(world)
    path = body["genesys"]["conversation"]["selfUri"].partition("8080")[2]
    assert (await world.ask("DELETE", path)).status_code == 200
    assert [event["notificationType"] for event in await told(world)] == ["Scheduled", "Cancelled"]
    assert await listed(world) == []


async def test_further_numbers_and_the_script_are_for_the_agent(world: World) -> None:
    await created(world, callbackNumbers=["030 901820", "+4930901821"], scriptId="s-1")
    [event] = await told(world)
    assert event["callback"]["customerNumber"] == MARIA
    assert event["callback"]["userData"]["callbackNumbers"] == f"{MARIA}, +4930901821"
    assert event["callback"]["userData"]["scriptId"] == "s-1"


# Customers with a code ----------------------------------------------------------------------------------------------


async def test_a_customer_with_a_code_is_called_back_once(both: World) -> None:
    headers = await code_for(both, MARIA)
    reply = await create(both, headers, token=None)
    assert reply.status_code == 200, reply.text
    assert reply.json()["agentUrl"].startswith("https://shop.example/a?")
    again = await create(both, headers, token=None)
    assert (again.status_code, again.json()["code"]) == (401, "StatusUnauthorized")
    assert len(await listed(both)) == 1


async def test_customers_need_not_say_where_they_come_from(world: World) -> None:
    headers = await code_for(world, MARIA)
    del headers["X-UrlBase"]
    assert (await create(world, headers, token=None)).json()["ticketUrl"].startswith("https://shop.example/t/")


async def test_a_code_for_one_number_calls_no_other(world: World) -> None:
    headers = await code_for(world, MARIA)
    reply = await create(world, headers, token=None, callbackNumbers=["+4930901822"])
    assert (reply.status_code, reply.json()["code"]) == (403, "StatusForbidden")
    assert await listed(world) == []
    # The code is as good as before.
    assert (await create(world, headers, token=None, callbackNumbers=["030 901820"])).status_code == 200


async def test_a_code_by_mail_permits_any_number(world: World) -> None:
    assert (await create(world, await code_for(world, "maria@example.com"), token=None)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"X-OtpCode": "000000"}, {"X-OtpVerificationId": "x" * 26}, {"X-ApplicationId": "theirs"}],
    ids=["code", "id", "organization"],
)
async def test_a_wrong_code_permits_nothing(world: World, headers: dict[str, str]) -> None:
    right = await code_for(world, MARIA)
    more = {"queueName": "other"} if "X-ApplicationId" in headers else {}
    if "X-ApplicationId" in headers:
        del right["X-UrlBase"]
    if right["X-OtpCode"] == headers.get("X-OtpCode"):
        headers = {"X-OtpCode": "000001"}
    reply = await create(world, right | headers, token=None, **more)
    assert (reply.status_code, reply.json()["message"]) == (401, "The code is not right, or not any more")
    assert (await told(world), await tickets(world)) == ([], 0)


@pytest.mark.parametrize(
    ("headers", "more"),
    [
        ({"X-ApplicationId": "nowhere"}, {}),
        ({"X-ApplicationId": "theirs"}, {}),
        ({"X-UrlBase": "https://evil.example"}, {}),
        ({}, {"queueName": "nowhere"}),
        ({}, {"queueName": None}),
        ({}, {"data": {"_priority": "9"}}),
        ({}, {"callbackNumbers": ["1"]}),
    ],
)
async def test_without_the_right_code_nobody_learns_what_there_is(
    world: World, headers: dict[str, str], more: dict[str, Any]
) -> None:
    guess = HEADERS | {"X-OtpVerificationId": "x" * 26, "X-OtpCode": "000000"} | headers
    reply = await create(world, guess, token=None, **more)
    assert (reply.status_code, reply.json()["message"]) == (401, "The code is not right, or not any more")


async def test_guessing_at_what_there_is_is_limited(world: World) -> None:
    guess = HEADERS | {"X-OtpVerificationId": "x" * 26, "X-OtpCode": "000000", "X-ApplicationId": "nowhere"}
    for _ in range(WRONG_CODES_OF_ADDRESS[0]):
        assert (await create(world, guess, token=None)).status_code == 401
    assert (await create(world, guess, token=None)).status_code == 429


async def test_what_is_wrong_is_told_to_whoever_has_the_right_code(world: World) -> None:
    headers = await code_for(world, MARIA)
    assert (await create(world, headers, token=None, queueName="nowhere")).status_code == 404
    del headers["X-ApplicationId"]
    assert (await create(world, headers, token=None)).status_code == 400


async def test_without_token_and_code_nobody_comes_in(world: World) -> None:
    assert (await create(world, token=None)).status_code == 401
    half = await create(world, HEADERS | {"X-OtpCode": "123456"}, token=None)
    assert (half.status_code, half.json()["message"]) == (400, "X-OtpVerificationId and X-OtpCode belong together")


async def test_a_token_counts_before_a_code(world: World) -> None:
    wrong = HEADERS | {"X-OtpVerificationId": "x", "X-OtpCode": "1"}
    assert (await create(world, wrong)).status_code == 200
    right = await code_for(world, MARIA)
    assert (await create(world, right, token="nonsense")).status_code == 401


# Routing ------------------------------------------------------------------------------------------------------------

ROUTING = {"languageId": "el", "preferredAgentIds": ["bob"], "priority": 9, "skillIds": ["greek"], "queueId": "support"}


async def routed(world: World) -> tuple[Any, ...]:
    """What is kept of the routing of the only callback: demand, urgency, preferred agents."""

    def row(tx: Any) -> tuple[Any, ...]:
        tx.cursor.execute("SELECT demand, urgency, preferred FROM callback")
        [(demand, urgency, preferred)] = tx.cursor.fetchall()
        return msgspec.json.decode(demand), urgency, msgspec.json.decode(preferred)

    return await world.services.db.read(row)


async def test_staff_and_back_ends_decide_about_routing(world: World) -> None:
    await created(world, token=world.token("bob", "ROLE_AGENT"), queueName=None, routingData=ROUTING)
    assert await routed(world) == (["support", {"english": 3, "greek": 1}, "el"], -9, ["bob"])


async def test_of_customers_the_service_takes_what_it_permits(world: World) -> None:
    headers = await code_for(world, MARIA)
    reply = await create(world, headers, token=None, queueName=None, routingData=ROUTING)
    assert reply.status_code == 200, reply.text
    assert await routed(world) == (["support", {"english": 3}, "el"], -9, [])


async def test_the_queue_at_the_top_counts_and_may_be_the_name_of_a_service(world: World) -> None:
    await created(world, queueName="flexible", routingData={"queueName": "sales"})
    [row] = await listed(world)
    assert row["_service_name"] == "flexible"


@pytest.mark.parametrize(
    ("more", "status", "message"),
    [
        ({"queueName": None}, 400, "queueId or queueName is required"),
        ({"queueId": "support"}, 400, "queueId and queueName are two different queues"),
        ({"queueName": "nowhere"}, 404, "No such queue"),
        ({"queueName": "other"}, 404, "No such queue"),  # a service of another organization
        ({"callbackUserName": None}, 400, "callbackUserName: Object missing required field `callbackUserName`"),
        ({"callbackUserName": ""}, 400, "callbackUserName: Expected `str` of length >= 1"),
        ({"callbackNumbers": None}, 400, "callbackNumbers: Object missing required field `callbackNumbers`"),
        ({"callbackNumbers": []}, 400, "callbackNumbers: Expected `array` of length >= 1"),
        ({"callbackNumbers": [MARIA] * 6}, 400, "callbackNumbers: Expected `array` of length <= 5"),
        ({"callbackNumbers": ["5115"]}, 400, "callbackNumbers: 5115 is no phone number of DE"),
        ({"countryCode": "XX"}, 400, "countryCode: must be like US or 1"),
        ({"countryCode": "999"}, 400, "countryCode: must be like US or 1"),
        ({"callbackScheduledTime": "tomorrow"}, 400, "callbackScheduledTime: Invalid RFC3339 encoded datetime"),
        ({"data": {"_customer_number": "+4930999999"}}, 400, None),
        ({"data": {"_timezone": "Pacific/Apia"}}, 400, None),
        ({"data": {"": "x"}}, 400, None),
        ({"data": {"a": 5}}, 400, "data: Expected `str`, got `int`"),
        ({"data": {str(n): "x" for n in range(51)}}, 400, None),
        ({"routingData": {"priority": 10**7}}, 400, None),
        ({"routingData": {"skillIds": ["x"] * 21}}, 400, None),
    ],
)
async def test_bad_input_is_refused_and_leaves_nothing(
    world: World, more: dict[str, Any], status: int, message: str | None
) -> None:
    reply = await create(world, **more)
    assert reply.status_code == status, reply.text
    assert reply.json()["code"] == {400: "StatusBadRequest", 404: "StatusNotFound"}[status]
    assert reply.json().keys() == {"code", "message", "requestId"}
    assert message is None or reply.json()["message"] == message
    assert (await told(world), await tickets(world), await listed(world)) == ([], 0, [])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"callbackScheduledTime": "2027-01-30T13:00:00Z"}, '{"status":"closed","reason":"closed_day_of_week"}'),
        ({"callbackScheduledTime": "2027-01-26T08:00:00Z"}, "Desired time [2027-01-26T08:00:00.000Z] is in the past"),
        ({"callbackNumbers": ["+499012345"]}, None),
        ({"callbackNumbers": ["not a number"]}, None),
    ],
)
async def test_rules_of_the_service_count(world: World, more: dict[str, Any], message: str | None) -> None:
    reply = await create(world, **more)
    assert reply.status_code == 400
    assert reply.json().keys() == {"code", "message", "requestId"}
    assert message is None or reply.json()["message"] == message
    assert (await told(world), await tickets(world)) == ([], 0)


async def test_where_no_place_is_left_others_are_proposed_and_the_code_stays_good(world: World) -> None:
    numbers = [f"+49309018{n:02}" for n in range(5)]
    for number in numbers:
        await created(world, callbackNumbers=[number])
    headers = await code_for(world, MARIA)
    reply = await create(world, headers, token=None)
    assert reply.status_code == 400
    proposed = reply.json()["availability"]
    assert "2027-01-26T13:15:00.000Z" in proposed
    assert AT not in proposed
    assert await tickets(world) == 5
    assert (await create(world, headers, token=None, callbackScheduledTime="2027-01-26T13:15:00Z")).status_code == 200


# Applications and links ---------------------------------------------------------------------------------------------


async def test_applications_of_others_are_as_unknown_as_those_that_are_not(world: World) -> None:
    for application in ("theirs", "nowhere"):
        for token in (world.token(), world.token("bob", "ROLE_AGENT")):
            headers = HEADERS | {"X-ApplicationId": application}
            reply = await create(world, headers, token=token)
            assert (reply.status_code, reply.json()["message"]) == (404, "No such application")
    mine = world.tokens.mint(
        user="crm",
        organization="acme",
        roles=("ROLE_CLIENT_SERVICE",),
        ttl=60,
        now=world.clock.now(),
        application="plain",
    )
    assert (await create(world, token=mine)).status_code == 404
    assert (await create(world, {"X-UrlBase": "https://shop.example"})).status_code == 400


@pytest.mark.parametrize("role", ["ROLE_CUSTOMER", "ROLE_ADMIN"])
async def test_others_may_not(world: World, role: str) -> None:
    assert (await create(world, token=world.token("x", role))).status_code == 403


@pytest.mark.parametrize(
    "base",
    [
        "https://evil.example",
        "https://shop.example.evil.example",
        "https://shop.example@evil.example",
        "https://shop.example/../evil",
        "//shop.example",
        "javascript:alert(1)",
        "HTTPS://SHOP.EXAMPLE",
        "http://shop.example",
    ],
)
async def test_links_lead_only_where_the_application_permits(world: World, base: str) -> None:
    reply = await create(world, HEADERS | {"X-UrlBase": base})
    assert (reply.status_code, await tickets(world)) == (400, 0)
    assert "evil" not in reply.text


async def test_a_back_end_says_what_links_begin_with(world: World) -> None:
    reply = await create(world, {"X-ApplicationId": "shop"})
    assert (reply.status_code, reply.json()["message"]) == (400, "X-UrlBase is required")
    body = await created(world, headers=HEADERS | {"X-UrlBase": "https://shop.example.gr/"})
    assert body["ticketUrl"].startswith("https://shop.example.gr/t/")
    agent = await create(world, {"X-ApplicationId": "shop"}, token=world.token("bob", "ROLE_AGENT"))
    assert agent.json()["ticketUrl"].startswith("https://shop.example/t/")


@pytest.mark.parametrize("seconds", ["-1", "soon", "2592001", "1.5", "99999999999"])
async def test_the_life_of_a_link_has_bounds(world: World, seconds: str) -> None:
    headers = HEADERS | {"X-Ticket-Expiration-Seconds": seconds}
    assert (await create(world, headers)).status_code == 400
