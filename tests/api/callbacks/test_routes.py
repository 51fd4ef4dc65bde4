"""The operations as customers' sites and supervisors meet them, in the shapes of the product's own documentation."""

import asyncio
import logging
import re
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import msgspec
import pytest

from api.http.quotas import CALLBACKS_OF_NUMBER, REQUESTS_OF_STRANGERS
from hub.kernel.errors import TooManyRequests
from tests.api.callbacks.house import TUESDAY, configured
from tests.api.world import World, opened

PACKAGE = "com.genesyslab.gsg.services.callback."
BASIC = "/genesys/1/service/callback/BasicCallback"
ALWAYS = "/genesys/1/service/callback/always"
QUEUES = "/genesys/1/admin/callback/queues"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
BOB = {
    "_customer_number": "5115",
    "_usr_customer_name": "Bob Markel",
    "_usr_reason": "billing question",
    "_device_notification_id": "b16416334828b1d26ef14f329628b55b5a8c631d8928a371a5584722dd7fb673",
    "_device_os": "comet",
    "_desired_time": "2027-01-26T10:25:00.000Z",
}


async def start(world: World, path: str = BASIC, **fields: Any) -> httpx2.Response:
    return await world.ask("POST", path, BOB | fields)


async def started(world: World, path: str = BASIC, **fields: Any) -> str:
    reply = await start(world, path, **fields)
    assert reply.status_code == 200, reply.text
    id_: str = reply.json()["_id"]
    return id_


async def rows(world: World) -> int:
    def read(tx: Any) -> int:
        tx.cursor.execute("SELECT COUNT(*) FROM callback")
        count: int = tx.cursor.fetchall()[0][0]
        return count

    return await world.services.db.read(read)


def refusal(reply: httpx2.Response) -> tuple[int, Any]:
    return reply.status_code, reply.json()


# Start --------------------------------------------------------------------------------------------------------------


async def test_a_scheduled_callback_is_answered_by_its_id(both: World) -> None:
    reply = await start(both)
    assert reply.status_code == 200
    assert reply.json().keys() == {"_id"}
    assert re.fullmatch(UUID, reply.json()["_id"])


async def test_an_immediate_one_is_answered_by_a_dialog(world: World) -> None:
    reply = await start(world, _desired_time=None)
    body = reply.json()
    assert re.fullmatch(rf"\d{{3}}-{UUID}", body.pop("_id"))
    assert body == {
        "ID": "0",
        "Action": "ConfirmationDialog",
        "Text": "You will receive the call shortly",
        "OkTitle": "Ok",
    }


@pytest.mark.parametrize("form", ["json", "urlencoded", "multipart"])
async def test_a_body_may_have_three_forms(world: World, form: str) -> None:
    async with world.client() as client:
        match form:
            case "json":
                reply = await client.post(BASIC, json=BOB)
            case "urlencoded":
                kind = {"Content-Type": "application/x-www-form-urlencoded"}
                reply = await client.post(BASIC, content=urlencode(BOB).encode(), headers=kind)
            case _:
                reply = await client.post(BASIC, files={name: (None, value) for name, value in BOB.items()})
    assert reply.status_code == 200, reply.text
    ((_, told),) = await world.log("", "/v2/users")
    callback = msgspec.json.decode(told)["callback"]
    assert callback["userData"] == {"_usr_customer_name": "Bob Markel", "_usr_reason": "billing question"}
    assert callback["customerNumber"] == "5115"


async def test_bad_json_is_answered_as_the_product_does(world: World) -> None:
    reply = await world.ask("POST", BASIC, b"{", headers={"Content-Type": "application/json"})
    assert reply.status_code == 500
    assert reply.json()["message"].startswith("Could not read JSON: ")
    assert await rows(world) == 0


async def test_the_same_key_and_body_make_one_callback(both: World) -> None:
    async def ask(**fields: Any) -> httpx2.Response:
        return await both.ask("POST", BASIC, BOB | fields, headers={"Idempotency-Key": "once"})

    first = await ask()
    again = await ask()
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (await ask(_usr_reason="other")).status_code == 422
    assert await rows(both) == 1


async def test_a_name_may_have_a_blank_for_an_underscore(tmp_path: Path) -> None:
    text = "[callback_services.sales_callback]\norganization = 'acme'\nqueue = 'sales'\n"
    async with opened(tmp_path, configuration=configured(text)) as world:
        reply = await world.ask("POST", "/genesys/1/service/callback/sales%20callback", {"_customer_number": "5115"})
        assert reply.status_code == 200


@pytest.mark.parametrize(
    ("fields", "message", "exception"),
    [
        ({"_customer_number": ""}, "Mandatory parameter [_customer_number] is missing", "CallbackServiceException"),
        (
            {"_customer_number": "12345"},
            (
                "Customer Number [12345] is not allowed. Check option 'exceptions' : "
                "details={Callback_exceptions=exception2}"
            ),
            "CallbackServiceException",
        ),
        (
            {"_desired_time": "2027-01-31T10:00:00.000Z"},
            '{"status":"closed","reason":"closed_day_of_week"}',
            "CallbackServiceException",
        ),
        (
            {"_desired_time": "2027-01-26T18:00:00.000Z"},
            '{"status":"closed","reason":"closed_no_match"}',
            "CallbackServiceException",
        ),
        (
            {"_desired_time": "2027-01-26T10:00:00"},
            "Parameter [_desired_time] must be an instant like 2013-05-28T15:30:00.000Z",
            "CallbackServiceException",
        ),
    ],
)
async def test_a_refusal_names_the_products_exception(
    world: World, fields: dict[str, Any], message: str, exception: str
) -> None:
    reply = await start(world, **fields)
    assert refusal(reply) == (400, {"message": message, "exception": PACKAGE + exception})
    assert await rows(world) == 0
    assert await world.log("", "/v2/users") == []


async def test_a_full_slot_is_refused_with_what_is_left_around_it(world: World) -> None:
    for number in range(7):
        desired = "2027-01-26T15:30:00.000Z" if number < 5 else "2027-01-26T15:45:00.000Z"
        await started(world, _customer_number=f"700{number}", _desired_time=desired)
    reply = await start(world, _customer_number="7008", _desired_time="2027-01-26T15:31:00.000Z")
    assert refusal(reply) == (
        400,
        {
            "message": "Too many requests at desired time [2027-01-26T15:30:00.000Z, 2027-01-26T15:45:00.000Z]. "
            "Proposing time slots.",
            "exception": PACKAGE + "CallbackAvailabilityException",
            "availability": {
                "2027-01-26T14:30:00.000Z": 5,
                "2027-01-26T14:45:00.000Z": 5,
                "2027-01-26T15:00:00.000Z": 5,
                "2027-01-26T15:15:00.000Z": 5,
                "2027-01-26T15:45:00.000Z": 3,
            },
        },
    )


async def test_two_requests_for_the_last_place_at_the_same_moment(both: World) -> None:
    for number in range(4):
        await started(both, _customer_number=f"700{number}")
    replies = await asyncio.gather(*(start(both, _customer_number=f"701{n}") for n in range(6)))
    assert sorted(reply.status_code for reply in replies) == [200, 400, 400, 400, 400, 400]
    assert await rows(both) == 5


async def test_an_unknown_service_is_not_found(world: World) -> None:
    for method, path in (("POST", ""), ("GET", "?customer_number=1"), ("GET", "/availability"), ("DELETE", "/x")):
        body = BOB if method == "POST" else None
        reply = await world.ask(method, f"/genesys/1/service/callback/nowhere{path}", body)
        assert refusal(reply) == (
            404,
            {"message": "No such callback service : [nowhere]", "exception": PACKAGE + "CallbackServiceException"},
        )


# Cancel, reschedule -------------------------------------------------------------------------------------------------


async def test_a_callback_is_taken_back_once(both: World) -> None:
    id_ = await started(both)
    reply = await both.ask("DELETE", f"{BASIC}/{id_}")
    assert (reply.status_code, reply.content) == (200, b"")
    expected = {"message": f"No such request to cancel : [{id_}]", "exception": PACKAGE + "CallbackException"}
    assert refusal(await both.ask("DELETE", f"{BASIC}/{id_}")) == (400, expected)
    kinds = [msgspec.json.decode(data)["notificationType"] for _, data in await both.log("", "/v2/users")]
    assert kinds == ["Scheduled", "Cancelled"]


async def test_a_callback_is_moved(both: World) -> None:
    id_ = await started(both)
    reply = await both.ask("PUT", f"{BASIC}/{id_}", {"_new_desired_time": "2027-01-26T15:05:00.000Z"})
    assert (reply.status_code, reply.content) == (200, b"")
    (found,) = (await both.ask("GET", f"{BASIC}?customer_number=5115")).json()
    assert found["desired_time"] == "2027-01-26T15:05:00.000Z"
    for number in range(5):
        await started(both, _customer_number=f"700{number}", _desired_time="2027-01-26T14:00:00Z")
    full = await both.ask("PUT", f"{BASIC}/{id_}", {"_new_desired_time": "2027-01-26T14:00:00Z"})
    assert full.status_code == 400
    assert full.json()["exception"] == PACKAGE + "CallbackExceptionAvailability"
    assert "2027-01-26T13:45:00.000Z" in full.json()["availability"]
    assert "2027-01-26T14:00:00.000Z" not in full.json()["availability"]


@pytest.mark.parametrize(
    ("body", "message", "exception"),
    [
        ({}, "Mandatory parameter [_new_desired_time] is missing", "CallbackServiceException"),
        (
            {"_new_desired_time": "soon"},
            "Parameter [_new_desired_time] must be an instant like 2013-05-28T15:30:00.000Z",
            "CallbackServiceException",
        ),
        (
            {"_new_desired_time": "2027-01-26T08:00:00Z"},
            "Desired time [2027-01-26T08:00:00.000Z] is in the past",
            "CallbackServiceException",
        ),
        (
            {"_new_desired_time": "2027-01-26T23:00:00Z"},
            '{"status":"closed","reason":"closed_no_match"}',
            "CallbackServiceException",
        ),
    ],
)
async def test_a_move_that_cannot_be_changes_nothing(
    world: World, body: dict[str, str], message: str, exception: str
) -> None:
    id_ = await started(world)
    reply = await world.ask("PUT", f"{BASIC}/{id_}", body)
    assert refusal(reply) == (400, {"message": message, "exception": PACKAGE + exception})
    assert len(await world.log("", "/v2/users")) == 1


async def test_a_callback_does_not_grow_with_every_move(world: World) -> None:
    id_ = await started(world)
    moves = [
        {f"a{number}": "x" for number in range(90)},
        {f"b{number}": "x" for number in range(90)},
        {"a1": "x" * 60_000},
        {"a2": "x" * 60_000},
        {"": "x"},
    ]
    body = {"_new_desired_time": "2027-01-26T15:05:00.000Z"}
    codes = [(await world.ask("PUT", f"{BASIC}/{id_}", body | more)).status_code for more in moves]
    assert codes == [200, 400, 200, 400, 400]
    assert max(len(data) for _, data in await world.log("", "/v2/users")) < 70_000


async def test_an_unknown_request_is_told_apart_by_its_verb(world: World) -> None:
    body = {"_new_desired_time": "2027-01-26T15:05:00.000Z"}
    assert refusal(await world.ask("PUT", f"{BASIC}/nothing", body)) == (
        400,
        {"message": "No such request to reschedule : [nothing]", "exception": PACKAGE + "CallbackException"},
    )


# Query --------------------------------------------------------------------------------------------------------------


async def test_a_customers_callbacks_are_found_until_they_are_over(both: World) -> None:
    id_ = await started(both, _customer_number="555-5461206", _desired_time="2027-01-26T15:10:00Z")
    await started(both, _customer_number="7000")
    url = f"/1/service/callback/BasicCallback/{id_}"
    for name in ("customer_number", "_customer_number"):
        reply = await both.ask("GET", f"{BASIC}?{name}=555-5461206")
        assert (reply.status_code, reply.json()) == (
            200,
            [
                {
                    "_id": id_,
                    "desired_time": "2027-01-26T15:10:00.000Z",
                    "url": url,
                    "_desired_time": "2027-01-26T15:10:00.000Z",
                    "_service_name": "BasicCallback",
                    "_callback_state": "SCHEDULED",
                    "_expiration_time": "2027-01-27T15:10:00.000Z",
                    "_customer_number": "555-5461206",
                    "_url": url,
                }
            ],
        )
    assert (await both.ask("GET", f"/genesys{url}")).json()["_url"] == url
    assert (await both.ask("GET", f"{BASIC}?customer_number=1")).json() == []
    await both.ask("DELETE", f"{BASIC}/{id_}")
    assert (await both.ask("GET", f"{BASIC}?customer_number=555-5461206")).json() == []
    over = (await both.ask("GET", f"{BASIC}/{id_}")).json()
    assert (over["_callback_state"], over["_callback_reason"]) == ("COMPLETED", "CANCELLED")


@pytest.mark.parametrize("query", ["", "?reason=billing", "?customer_number="])
async def test_callbacks_are_found_by_lookup_keys_only(world: World, query: str) -> None:
    assert refusal(await world.ask("GET", BASIC + query)) == (
        400,
        {
            "message": "Parameter [property=value] must be one of customer_number",
            "exception": PACKAGE + "CallbackServiceException",
        },
    )


async def test_places_left_around_a_time(both: World) -> None:
    for number, minute in enumerate(("09:00", "09:15")):
        await started(both, _customer_number=f"700{number}", _desired_time=f"2027-01-27T{minute}:30Z")
    reply = await both.ask("GET", f"{BASIC}/availability?timestamp=2027-01-27T09:00:00.000Z")
    assert reply.status_code == 200
    quarters = ("08:00", "08:15", "08:30", "08:45", "09:00", "09:15", "09:30", "09:45")
    expected = {f"2027-01-27T{quarter}:00.000Z": 5 for quarter in quarters}
    expected |= {"2027-01-27T09:00:00.000Z": 4, "2027-01-27T09:15:00.000Z": 4}
    assert list(reply.json().items()) == list(expected.items())
    now = await both.ask("GET", f"{BASIC}/availability")
    assert next(iter(now.json())) == "2027-01-26T09:00:00.000Z"


async def test_a_closed_office_offers_nothing(world: World) -> None:
    reply = await world.ask("GET", f"{BASIC}/availability?timestamp=2027-01-26T20:00:00.000Z")
    assert refusal(reply) == (
        400,
        {
            "message": "Office is closed at 2027-01-26T20:00:00.000Z. No time slots proposed.",
            "exception": PACKAGE + "CallbackExceptionAvailability",
            "availability": {},
        },
    )
    assert (await world.ask("GET", f"{BASIC}/availability?timestamp=noon")).status_code == 400


async def test_an_open_office_that_is_full_offers_nothing_either(tmp_path: Path) -> None:
    text = (
        "[callback_services.BasicCallback]\norganization = 'acme'\nqueue = 'sales'\n"
        "request-time-bucket = 120\nmax-request-by-time-bucket = 1\n"
    )
    async with opened(tmp_path, configuration=configured(text)) as world:
        world.clock.at = TUESDAY
        await started(world, _desired_time="2027-01-26T10:30:00Z")
        reply = await world.ask("GET", f"{BASIC}/availability?timestamp=2027-01-26T10:00:00Z")
        assert (reply.status_code, reply.json()) == (200, {})


# Supervisors --------------------------------------------------------------------------------------------------------


async def test_supervisors_see_the_queues_of_their_organization(both: World) -> None:
    id_ = await started(both)
    other = await started(both, ALWAYS, _customer_number="+15550001111", _desired_time="2027-01-28T10:00:00Z")
    await started(both, "/genesys/1/service/callback/other", _desired_time=None)
    token = both.token("sue", "ROLE_SUPERVISOR")
    reply = await both.ask("GET", QUEUES, token=token)
    row = {
        "_id": id_,
        "_service_name": "BasicCallback",
        "_desired_time": "2027-01-26T10:25:00.000Z",
        "_callback_state": "SCHEDULED",
        "_expiration_time": "2027-01-27T10:25:00.000Z",
        "_customer_number": "5115",
        "_url": f"/1/service/callback/BasicCallback/{id_}",
        "_attempt": 0,
    }
    assert (reply.status_code, reply.json()) == (200, {"BasicCallback": [row], "always": []})
    assert msgspec.json.decode(reply.headers["X-Event-Positions"])["positions"]["/v2/users"] == 2
    later = await both.ask("GET", f"{QUEUES}?target=always&end_time=2027-01-29T00:00:00Z", token=token)
    assert [each["_id"] for each in later.json()["always"]] == [other]
    assert later.json().keys() == {"always"}
    assert (await both.ask("GET", f"{QUEUES}?target=nowhere", token=token)).json() == {}
    assert (await both.ask("GET", f"{QUEUES}?_callback_state=QUEUED", token=token)).json()["BasicCallback"] == []
    foreign = await both.ask("GET", QUEUES, token=both.token("adam", "ROLE_ADMIN", organization="globex"))
    assert [len(each) for each in foreign.json().values()] == [1]


async def test_queues_are_for_supervisors_and_have_limits(world: World) -> None:
    for number in range(3):
        await started(world, _customer_number=f"700{number}")
    assert (await world.ask("GET", QUEUES)).status_code == 401
    for roles in (("ROLE_AGENT",), ("ROLE_CLIENT_SERVICE",), ("ROLE_CUSTOMER",)):
        assert (await world.ask("GET", QUEUES, token=world.token("x", *roles))).status_code == 403
    token = world.token("adam", "ROLE_ADMIN")
    assert len((await world.ask("GET", f"{QUEUES}?max=2", token=token)).json()["BasicCallback"]) == 2
    for query in ("max=0", "max=many", "end_time=tomorrow"):
        reply = await world.ask("GET", f"{QUEUES}?{query}", token=token)
        assert reply.status_code == 400
        assert reply.json()["exception"] == PACKAGE + "CallbackServiceException"


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"])
async def test_instants_at_the_end_of_all_years_are_none(world: World, at: str) -> None:
    reply = await world.ask("GET", f"{ALWAYS}/availability?timestamp={at}")
    message = "Parameter [timestamp] must be an instant like 2013-05-28T15:30:00.000Z"
    assert refusal(reply) == (400, {"message": message, "exception": PACKAGE + "CallbackServiceException"})


# Strangers ----------------------------------------------------------------------------------------------------------


async def test_a_number_is_asked_for_only_so_often(world: World) -> None:
    for _ in range(CALLBACKS_OF_NUMBER[0]):
        await start(world, ALWAYS, _customer_number="+1 555 000 1111", _desired_time="bad")
    reply = await start(world, ALWAYS, _customer_number="+1-555-000-1111")
    assert reply.status_code == 429
    assert int(reply.headers["Retry-After"]) > 60
    assert (await start(world, ALWAYS, _customer_number="+15550001112")).status_code == 200


async def test_one_number_counts_as_one_however_it_is_written(world: World) -> None:
    spellings = [f"+1 555 000 1111 ext. {each}" for each in range(CALLBACKS_OF_NUMBER[0] - 2)]
    for number in [*spellings, "(555) 000-1111", "+1555000111\u0661"]:
        assert (await start(world, ALWAYS, _customer_number=number, _desired_time="bad")).status_code == 400
    assert (await start(world, ALWAYS, _customer_number="+15550001111")).status_code == 429


async def test_a_header_does_not_speak_for_the_number_that_is_called(world: World) -> None:
    async def ask(each: int) -> httpx2.Response:
        body = {"_customer_number": f"+4930901820 x{each}"}
        reply = await world.ask("POST", BASIC, body, headers={"_customer_number": f"somebody {each}"})
        await world.services.db.write(lambda tx: tx.cursor.execute("UPDATE callback SET state = 'COMPLETED'"))
        return reply

    assert [(await ask(each)).status_code for each in range(6)] == [200] * 6
    refused = await ask(6)
    assert refused.status_code == 400
    assert "_throttle_request_parameters_limit" in refused.json()["message"]


async def test_an_address_asks_only_so_often_unless_it_is_known(world: World) -> None:
    assert (await world.ask("GET", f"{BASIC}?customer_number=1")).status_code == 200
    with suppress(TooManyRequests):
        for _ in range(REQUESTS_OF_STRANGERS[0]):
            world.services.quotas.strangers.take("127.0.0.1")
    assert (await world.ask("GET", f"{BASIC}?customer_number=1")).status_code == 429
    assert (await world.ask("GET", f"{BASIC}?customer_number=1", token=world.token())).status_code == 200
    foreign = world.token(organization="globex")
    assert (await world.ask("GET", f"{BASIC}?customer_number=1", token=foreign)).status_code == 429


async def test_numbers_are_masked_in_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await start(world, _customer_number="+49900123456")
    assert "callback refused" in caplog.text
    assert "…456" in caplog.text
    assert "900123456" not in caplog.text


async def test_a_service_may_want_a_key_of_strangers(tmp_path: Path) -> None:
    text = "[callback_services.BasicCallback]\norganization = 'acme'\nqueue = 'sales'\napi_key = 'sesame'\n"
    async with opened(tmp_path, configuration=configured(text)) as world:
        body = {"_customer_number": "5115"}
        for headers in ({}, {"X-API-Key": "guess"}):
            reply = await world.ask("POST", BASIC, body, headers=headers)
            assert (reply.status_code, reply.json()["message"]) == (401, "X-API-Key is missing or wrong")
        assert await rows(world) == 0
        assert (await world.ask("POST", BASIC, body, headers={"X-API-Key": "sesame"})).status_code == 200
        assert (await world.ask("POST", BASIC, body, token=world.token())).status_code == 200
