"""Appointments from their scheduling to their end."""

import re
from typing import Any

import pytest

from tests.api.appointments.desk import DEPLOYMENT, HOUR, Desk, at, body, refusal

UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


# Scheduling ---------------------------------------------------------------------------------------------------------


async def test_an_appointment_has_the_form_of_the_contract(either: Desk) -> None:
    made = await either.schedule(
        duration='"PT30M"',
        start='"2027-01-15T10:00:00.0+01:00"',
        locale="en-gb",
        notes='"CRM ref: 3nv-1gt-4rt"',
        metadata={"prop1": {}},
        notificationHeaders='{"x-channel": "widget"}',
        interaction={"routing": {}, "customFields": {"reason": "leak"}},
    )
    assert UUID.fullmatch(made["id"])
    customer = made["participantIds"][0]["id"]
    assert UUID.fullmatch(customer)
    url = made["roomAccess"]["url"]
    assert re.fullmatch(r"https://meet\.acme\.example/q/[0-9a-z]{26}", url)
    assert made == {
        "applicationId": "shop",
        "duration": "PT30M",
        "end": "2027-01-15T09:30:00.0Z",
        "id": made["id"],
        "interaction": {
            "customFields": {"reason": "leak"},
            "routing": {
                "properties": {
                    "chatMode": "genesys-web-messaging",
                    "deploymentId": DEPLOYMENT,
                    "pcEnvironment": "mypurecloud.de",
                },
                "type": "GENESYS_CLOUD_FLOW",
            },
            "state": "PENDING",
        },
        "locale": "en_GB",
        "metadata": {"prop1": {}},
        "notes": "CRM ref: 3nv-1gt-4rt",
        "notificationHeaders": {"x-channel": "widget"},
        "notificationsActive": True,
        "organizer": {"id": "alice", "state": "active", "type": "AGENT"},
        "participantIds": [{"id": customer, "type": "CUSTOMER"}, {"id": "alice", "type": "AGENT"}],
        "roomAccess": {"expires": "2027-01-15T13:30:00.0Z", "type": "MULTI_USE_TICKET", "url": url},
        "start": "2027-01-15T09:00:00.0Z",
        "timezone": "Europe/Berlin",
        "title": "Installation review",
    }
    assert await either.read(made["id"]) == made


async def test_what_was_not_said_is_not_there(desk: Desk) -> None:
    made = await desk.schedule(token=desk.crm, applicationId="manual", customer=..., title=...)
    assert made == {
        "applicationId": "manual",
        "duration": "PT30M",
        "end": at(HOUR + 1800),
        "id": made["id"],
        "locale": "en_US",
        "notificationsActive": False,
        "organizer": {"id": "crm", "state": "active", "type": "AGENT"},
        "participantIds": [],
        "start": at(HOUR),
        "timezone": "Europe/Berlin",
    }


async def test_the_same_key_schedules_once(desk: Desk) -> None:
    key = {"Idempotency-Key": "one"}
    first = await desk.ask("POST", "", body(), headers=key)
    again = await desk.ask("POST", "", body(), headers=key)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (await desk.ask("POST", "", body(title="Another"), headers=key)).status_code == 422
    assert (await desk.good("GET", ""))["total"] == 1


@pytest.mark.parametrize(
    ("interaction", "application", "properties"),
    [
        ({"routing": {"type": "GENESYS_CLOUD_QUEUE"}}, "manual", {"chatMode": "genesys-cloud"}),
        ({"routing": {"properties": '{"deploymentId": "d"}'}}, "shop", {"deploymentId": "d"}),
        ({"routing": {"properties": {"pcEnvironment": "elsewhere"}}}, "shop", {"pcEnvironment": "mypurecloud.de"}),
        ({"routing": {}}, "desk", {"touchpointId": "touch-1"}),
        ({"routing": {"type": '"TALKDESK_DIGITAL_CONNECT"', "properties": {"touchpointId": "t"}}}, "shop", {}),
    ],
)
async def test_interactions_are_filled_up(
    desk: Desk, interaction: dict[str, Any], application: str, properties: dict[str, str]
) -> None:
    made = await desk.schedule(interaction=interaction, applicationId=application)
    assert properties.items() <= made["interaction"]["routing"]["properties"].items()
    default = "TALKDESK_DIGITAL_CONNECT" if application == "desk" else "GENESYS_CLOUD_FLOW"
    assert made["interaction"]["routing"]["type"] == interaction["routing"].get("type", default).strip('"')


BAD: list[tuple[dict[str, Any], str]] = [
    ({"applicationId": ...}, "Object missing required field `applicationId`"),
    ({"applicationId": "nothing"}, "applicationId: no such application"),
    ({"applicationId": "foreign"}, "applicationId: no such application"),
    ({"applicationId": "phones"}, "applicationId: its customers are called back"),
    ({"duration": "5"}, "duration: must be an ISO 8601 period"),
    ({"duration": "PT20M"}, "duration: must be one of PT5M, PT15M, PT30M, PT1H"),
    ({"duration": "PT0M"}, "duration: must be longer than nothing"),
    ({"duration": "P2D"}, "duration: must be longer than nothing and at most a day"),
    ({"start": "2027-01-15T09:00:00"}, "start: must be an instant with its offset"),
    ({"start": "2027-02-30T09:00:00Z"}, "start: must be an instant with its offset"),
    ({"start": at(-1)}, "start: must not be in the past"),
    ({"start": at(61 * 86_400)}, "start: must be P60D ahead at most"),
    ({"timezone": "Europe/Atlantis"}, "timezone: there is no such time zone"),
    ({"timezone": "../etc"}, "timezone: must be the name of a time zone"),
    ({"locale": "english please"}, "locale: must be a language"),
    ({"title": "\0"}, "title"),
    ({"title": "x" * 256}, "title"),
    ({"metadata": {"x": "x" * 9_000}}, "metadata: at most 8192 bytes"),
    ({"metadata": []}, "metadata"),
    ({"notificationHeaders": "widget"}, "notificationHeaders: must be an object of texts"),
    ({"notificationHeaders": {"Host": "x"}}, "notificationHeaders: the header Host cannot be set"),
    ({"notificationHeaders": {f"x-{n}": "" for n in range(21)}}, "notificationHeaders: at most 20"),
    ({"customer": {"contact": {"primaryEmail": "maria"}}}, "customer.contact.primaryEmail: must be a mail address"),
    ({"customer": {"contact": {"primaryPhone": "call me"}}}, "customer.contact.primaryPhone: must be a phone number"),
    ({"interaction": {}}, "interaction"),
    ({"interaction": {"routing": {"type": "PIGEON"}}}, "interaction.routing.type: must be one of"),
    (
        {"interaction": {"routing": {}}, "applicationId": "manual"},
        "interaction.routing.properties.deploymentId: is required",
    ),
]


async def test_bad_wishes_schedule_nothing(desk: Desk) -> None:
    for wrong, why in BAD:
        status, name, message = refusal(await desk.ask("POST", "", body(**wrong)))
        assert (status, name, why in message) == (400, "StatusBadRequest", True), (wrong, message)
    assert (await desk.good("GET", ""))["total"] == 0
    assert desk.world.published == []


# Listing ------------------------------------------------------------------------------------------------------------


async def test_lists_have_pages(either: Desk) -> None:
    made = [await either.schedule(HOUR * n, title=f"No. {n}") for n in (3, 1, 2)]
    page = await either.good("GET", "?pageSize=2&pageNumber=1")
    for each in made:
        del each["roomAccess"]
    third, first, second = made
    assert page == {
        "content": [first, second],
        "pageCount": 2,
        "pageNumber": 1,
        "pageSize": 2,
        "sortField": "start",
        "sortOrder": "asc",
        "total": 3,
    }
    assert (await either.good("GET", "?pageSize=2&pageNumber=2"))["content"] == [third]
    beyond = await either.good("GET", "?pageSize=2&pageNumber=7")
    assert (beyond["content"], beyond["pageCount"], beyond["total"]) == ([], 2, 3)
    empty = await either.good("GET", "", token=either.bob)
    assert (empty["content"], empty["pageCount"], empty["pageSize"], empty["total"]) == ([], 0, 25, 0)


async def ids(desk: Desk, query: str, **more: Any) -> list[str]:
    return [each["id"] for each in (await desk.good("GET", f"?{query}", **more))["content"]]


async def test_lists_are_filtered(either: Desk) -> None:
    short = await either.schedule(HOUR, duration="PT5M")
    long = await either.schedule(2 * HOUR, duration="PT60M")
    manual = await either.schedule(4 * HOUR, applicationId="manual", token=either.bob)
    everything = [short["id"], long["id"], manual["id"]]
    sue = {"token": either.sue}
    assert await ids(either, "", **sue) == everything
    assert await ids(either, "applicationId=manual", **sue) == everything[2:]
    assert await ids(either, "organizerId=alice", **sue) == everything[:2]
    assert await ids(either, "organizerId=alice,bob", **sue) == everything
    assert await ids(either, "organizerId=alice&organizerId=bob", **sue) == everything
    assert await ids(either, "organizerId=carol", **sue) == []
    assert await ids(either, "organizerId=bob") == everything[:2]  # agents see their own, whatever they ask for
    assert await ids(either, "duration=PT5M", **sue) == everything[:1]
    assert await ids(either, "duration=%22PT5M%22", **sue) == everything[:1]
    assert await ids(either, "duration=PT300S,PT1H", **sue) == everything[:2]
    # What touches the range does not lie in it: both are half-open.
    assert await ids(either, f"range={at(HOUR + 300)},{at(2 * HOUR)}", **sue) == []
    assert await ids(either, f"range={at(HOUR + 299)},{at(2 * HOUR + 1)}", **sue) == everything[:2]
    assert await ids(either, f"range=,{at(2 * HOUR)}", **sue) == everything[:1]
    assert await ids(either, f"range={at(3 * HOUR)},", **sue) == everything[2:]


async def test_lists_are_sorted(either: Desk) -> None:
    b = await either.schedule(HOUR, title="b", duration="PT60M")
    either.world.clock.at += 1
    a = await either.schedule(2 * HOUR, title="a", duration="PT5M")
    either.world.clock.at += 1
    none = await either.schedule(3 * HOUR, title=..., duration="PT30M")
    names = {b["id"]: "b", a["id"]: "a", none["id"]: "-"}
    orders = {
        "start": "ba-",
        "end": "ba-",
        "title": "-ab",
        "duration": "a-b",
        "createdAt": "ba-",
        "id": "".join(names[each] for each in sorted(names)),
    }
    for field, order in orders.items():
        assert "".join([names[each] for each in await ids(either, f"sortField={field}")]) == order, field
        descending = await ids(either, f"sortField={field}&sortOrder=desc")
        assert "".join([names[each] for each in descending]) == order[::-1], field


async def test_bad_questions_get_no_list(desk: Desk) -> None:
    for query in (
        *("pageSize=0", "pageSize=101", "pageSize=x", "pageNumber=0", "pageNumber=99999999999999999999"),
        *("sortField=colour", "sortOrder=up", "duration=5", "range=yesterday", "range=2027-01-15T09:00:00Z"),
        *("range=2027-01-15T09:00:00Z,2027-01-15T08:00:00Z", "organizerId=%00", "&".join(["a=b"] * 101)),
    ):
        assert refusal(await desk.ask("GET", f"?{query}", token=desk.sue))[:2] == (400, "StatusBadRequest"), query


async def test_a_token_for_one_application_sees_no_other(desk: Desk) -> None:
    shop, manual = await desk.schedule(HOUR), await desk.schedule(2 * HOUR, applicationId="manual")
    sue = desk.token("sue", "ROLE_SUPERVISOR", application="shop")
    assert await ids(desk, "", token=sue) == [shop["id"]]
    assert (await desk.ask("GET", manual["id"], token=sue)).status_code == 403
    assert (await desk.ask("GET", "?applicationId=manual", token=sue)).status_code == 403
    carol = desk.token("carol", "ROLE_AGENT", application="manual")
    assert (await desk.ask("POST", "", body(), token=carol)).status_code == 403


async def test_unknown_and_foreign_applications_are_the_same(desk: Desk) -> None:
    unknown = refusal(await desk.ask("GET", "?applicationId=nothing"))
    assert unknown == (404, "StatusNotFound", "No such application")
    assert refusal(await desk.ask("GET", "?applicationId=foreign")) == unknown


async def test_a_list_says_where_the_channels_stand(desk: Desk) -> None:
    await desk.schedule()
    reply = await desk.ask("GET", "", token=desk.sue)
    assert '"/v2/users":1' in reply.headers["X-Event-Positions"]


@pytest.mark.parametrize("path", ["", "eligible/", "reschedule/", "reassign/", "participants/agents/"])
async def test_paths_are_served_with_a_slash_at_the_end_and_without(desk: Desk, path: str) -> None:
    for form in (path, path.rstrip("/") if path else "?"):
        reply = await desk.ask("PATCH", form)
        assert reply.status_code == 405, form
    reply = await desk.world.ask("GET", "/api/appointments", token=desk.alice)
    assert reply.status_code == 200


# Updating -----------------------------------------------------------------------------------------------------------


async def test_what_is_left_out_stays_and_what_is_empty_goes(desk: Desk) -> None:
    made = await desk.schedule(notes="n", metadata={"a": 1}, notificationHeaders={"x-a": "1"})
    changed = await desk.good("PUT", "", {"id": made["id"], "title": '"Another"', "unknown": 1})
    assert changed == made | {"title": "Another"}
    emptied = {"id": made["id"], "title": None, "notes": "", "metadata": {}, "notificationHeaders": {}}
    cleared = await desk.good("PUT", "", emptied)
    gone = ("title", "notes", "metadata", "notificationHeaders")
    assert cleared == {name: value for name, value in changed.items() if name not in gone}
    assert await desk.kinds("alice") == ["Created", "Updated", "Updated"]
    assert await desk.good("PUT", "", emptied) == cleared  # nothing to tell
    assert await desk.kinds("alice") == ["Created", "Updated", "Updated"]


# Rescheduling -------------------------------------------------------------------------------------------------------


def times(id: str, seconds: float, **more: Any) -> dict[str, Any]:
    return {"id": id, "start": at(seconds), "duration": "PT15M", "timezone": "America/New_York"} | more


async def test_a_reschedule_moves_everything_and_keeps_the_address(either: Desk) -> None:
    made = await either.schedule()
    moved = await either.good("PUT", "reschedule", times(made["id"], 30 * HOUR, locale="de_AT"))
    assert moved == made | {
        "start": at(30 * HOUR),
        "end": at(30 * HOUR + 900),
        "duration": "PT15M",
        "timezone": "America/New_York",
        "locale": "de_AT",
        "roomAccess": made["roomAccess"] | {"expires": at(34 * HOUR + 900)},
    }
    assert await either.kinds("alice") == ["Created", "Rescheduled"]
    either.world.clock.at += 20 * HOUR  # the ticket would have expired by now
    assert await either.customer(moved)
    # The same again is no event; another language alone is no other time.
    assert await either.good("PUT", "reschedule", times(made["id"], 30 * HOUR)) == moved
    assert (await either.good("PUT", "reschedule", times(made["id"], 30 * HOUR, locale="el")))["locale"] == "el"
    assert await either.kinds("alice") == ["Created", "Rescheduled", "Updated"]


async def test_the_address_stays_even_when_its_ticket_has_long_been_deleted(desk: Desk) -> None:
    made = await desk.schedule()
    desk.world.clock.at += 10 * 86_400

    def delete(tx: Any) -> None:
        tx.cursor.execute("DELETE FROM ticket")

    await desk.world.services.db.write(delete)
    moved = await desk.good("PUT", "reschedule", times(made["id"], 11 * 86_400))
    assert moved["roomAccess"]["url"] == made["roomAccess"]["url"]
    assert await desk.customer(moved)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"start": at(-HOUR)}, "start: must not be in the past"),
        ({"duration": "PT0S"}, "duration: must be longer than nothing"),
        ({"duration": "PT25H"}, "duration: must be longer than nothing and at most a day"),
        ({"duration": "PT16M"}, "duration: must be one of"),
        ({"timezone": "Nowhere"}, "timezone: there is no such time zone"),
        ({"id": "!"}, "id: must be 1 to 64"),
    ],
)
async def test_bad_times_move_nothing(desk: Desk, wrong: dict[str, Any], why: str) -> None:
    made = await desk.schedule()
    status, _, message = refusal(await desk.ask("PUT", "reschedule", times(made["id"], 2 * HOUR) | wrong))
    assert (status, why in message) == (400, True), message
    assert await desk.read(made["id"]) == made
    assert await desk.kinds("alice") == ["Created"]


async def test_what_is_over_is_not_moved(desk: Desk) -> None:
    made = await desk.schedule()
    await desk.good("PUT", f"{made['id']}/end")
    reply = await desk.ask("PUT", "reschedule", times(made["id"], 2 * HOUR))
    assert refusal(reply) == (400, "StatusBadRequest", "The appointment is over")


# Ending and deleting ------------------------------------------------------------------------------------------------


async def test_an_end_completes_the_interaction_once(desk: Desk) -> None:
    made = await desk.schedule()
    path = f"{made['id']}/participants/alice"
    await desk.good("PUT", path, {"state": "JOINED"})
    desk.world.clock.at += HOUR
    ended = await desk.good("PUT", f"{made['id']}/end")
    assert ended["interaction"] == {"state": "COMPLETE"}
    assert ended["participantIds"][1] == {"id": "alice", "state": "LEFT", "type": "AGENT"}
    assert ended["roomAccess"]["expires"] == at(5 * HOUR)  # four hours from now, sooner than from the end
    assert await desk.good("PUT", f"{made['id']}/end") == ended
    assert await desk.kinds("alice") == ["Created", "ParticipantState", "Completed"]


async def test_deleted_is_gone_for_everybody_and_its_room_is_closed(either: Desk) -> None:
    made = await either.schedule()
    token = await either.customer(made)
    assert (await either.ask("GET", made["id"], token=token)).status_code == 200
    either.world.clock.at += 1
    reply = await either.ask("DELETE", made["id"])
    assert (reply.status_code, reply.content) == (204, b"")
    assert "Content-Length" not in reply.headers
    for again in (await either.ask("DELETE", made["id"]), await either.ask("GET", made["id"], token=either.sue)):
        assert refusal(again) == (404, "StatusNotFound", "No such appointment")
    assert (await either.good("GET", ""))["total"] == 0
    assert (await either.ask("GET", made["id"], token=token)).status_code == 401  # the customer's token counts no more
    secret = made["roomAccess"]["url"].rpartition("/")[2]
    exchange = await either.world.ask("POST", "/security/ticket/exchange", {"id": secret})
    assert (exchange.status_code, exchange.json()["message"]) == (410, "The ticket is revoked")
    assert (await either.told("alice"))[-1] == {
        "messageType": "AppointmentStateChangeMessage",
        "notificationType": "Cancelled",
        "appointment": made,
    }


async def test_nothing_personal_stays_of_what_was_deleted(desk: Desk) -> None:
    made = await desk.schedule(notes="private", metadata={"secret": 1}, interaction={"routing": {}})
    await desk.ask("DELETE", made["id"])

    def rows(tx: Any) -> str:
        tx.cursor.execute("SELECT * FROM appointment")
        kept = tx.cursor.fetchall()
        tx.cursor.execute("SELECT * FROM appointment_participant")
        return repr([*kept, *tx.cursor.fetchall()])

    kept = await desk.world.services.db.read(rows)
    assert made["id"] in kept
    for word in ("private", "secret", "Maria", "maria@example.com", "Installation", "https://"):
        assert word not in kept


# Activating ---------------------------------------------------------------------------------------------------------


async def test_activation_makes_one_room(desk: Desk) -> None:
    made = await desk.schedule(applicationId="manual")
    assert "roomAccess" not in made
    room = await desk.good("POST", f"activate/{made['id']}", token=desk.crm)
    assert room == {"expires": at(HOUR + 1800 + 4 * HOUR), "type": "MULTI_USE_TICKET", "url": room["url"]}
    assert re.fullmatch(rf"{desk.world.services.settings.public_url}/q/[0-9a-z]{{26}}", room["url"])
    assert await desk.good("POST", f"activate/{made['id']}", token=desk.crm) == room
    assert await desk.read(made["id"]) == made | {"roomAccess": room}
    assert await desk.kinds("alice") == ["Created", "Activated"]


async def test_a_customer_comes_into_the_conference_of_the_appointment(desk: Desk) -> None:
    made = await desk.schedule()
    secret = made["roomAccess"]["url"].rpartition("/")[2]
    got = (await desk.world.ask("POST", "/security/ticket/exchange", {"id": secret})).json()
    assert got["properties"] == {
        "video": "https://acme.example/waiting.mp4",
        "conference_id": got["conferenceId"],
        "applicationId": "shop",
        "appointment_id": made["id"],
        "scheduled_date": "2027-01-15T09:00:00Z",
    }
    assert await desk.read(made["id"], token=got["accessToken"]) == made


async def test_what_is_over_is_not_activated(desk: Desk) -> None:
    made = await desk.schedule(applicationId="manual")
    other = await desk.schedule(2 * HOUR, applicationId="manual")
    await desk.good("PUT", f"{other['id']}/end")
    desk.world.clock.at += 6 * HOUR
    for each in (made, other):
        reply = await desk.ask("POST", f"activate/{each['id']}", token=desk.crm)
        assert refusal(reply) == (400, "StatusBadRequest", "The appointment is over")


async def test_eligible_is_whatever_has_no_room(either: Desk) -> None:
    soon = await either.schedule(HOUR, applicationId="manual")
    later = await either.schedule(30 * HOUR, applicationId="manual")
    await either.schedule(2 * HOUR)  # has its room
    reply = await either.ask("GET", "eligible/", token=either.crm)
    assert reply.headers["Deprecation"] == "true"
    expected = [
        {"eligibleFrom": at(0), "id": each["id"], "start": each["start"], "timezone": "Europe/Berlin"}
        for each in (soon, later)
    ]
    assert reply.json() == expected
    assert await either.good("GET", "eligible?timeFrame=PT10H", token=either.crm) == expected[:1]
    elsewhere = either.token("crm", "ROLE_CLIENT_SERVICE", organization="globex")
    assert await either.good("GET", "eligible", token=elsewhere) == []


async def test_customers_see_their_appointment_until_the_room_expires(desk: Desk) -> None:
    made, other = await desk.schedule(), await desk.schedule(2 * HOUR)
    token = await desk.customer(made)
    unknown = (404, "StatusNotFound", "No such appointment")
    assert refusal(await desk.ask("GET", other["id"], token=token)) == unknown
    conference = desk.world.tokens.verify(token, desk.world.clock.now()).conference
    desk.world.clock.at += HOUR + 1800 + 4 * HOUR - 1
    token = desk.token("customer-1", "ROLE_CUSTOMER", conference=conference)
    assert (await desk.read(made["id"], token=token))["id"] == made["id"]
    desk.world.clock.at += 1
    assert refusal(await desk.ask("GET", made["id"], token=token)) == unknown
