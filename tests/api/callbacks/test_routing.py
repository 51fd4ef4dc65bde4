"""Callbacks on their way to an agent and through a call, over the real devices and the simulated switch."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from api.callbacks.actions import ending, routing, watermarks
from api.callbacks.rules import services
from hub.store.transaction import Snapshot
from tests.api.callbacks.centre import BUSY, CUSTOMER, SILENT, Centre, centre_of
from tests.api.callbacks.house import at
from tests.api.world import opened

PREVIEW = "_agent_preview = true\n_agent_preview_timeout = 20\n_agent_reject_retry_timeout = 15"
OFFICE = centre_of(
    now="_request_time_bucket = 15",
    preview=PREVIEW,
    fixed=PREVIEW + "\n_agent_preview_allow_reject = false",
    picky=PREVIEW + "\nagent_preview_max_rejects = 2",
    english="skills = {english = 3}\nlanguage = 'en'",
    chosen="_overwritable_options = '_priority,_preferred_agents'",
    single="_attach_udata = 'single_json'",
    stored="_attach_udata = 'gms_storage_id'",
    twice="_max_dial_attempts = 2\n_dial_retry_timeout = 600",
    legal="_do_not_call_items = '7200,9,12'",
    first="_userterminated_first_connect_party = 'CUSTOMER'",
    marked="watermark_high = 3\nwatermark_low = 1\n_ttl = 3600",
)


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[Centre]:
    async with opened(tmp_path, configuration=OFFICE) as world:
        yield Centre(world)


@pytest.fixture
async def both(either_url: str | None, tmp_path: Path) -> AsyncIterator[Centre]:
    async with opened(tmp_path, url=either_url, configuration=OFFICE) as world:
        yield Centre(world)


# The whole way ------------------------------------------------------------------------------------------------------


async def test_a_scheduled_callback_rings_a_free_agent_at_its_time(both: Centre) -> None:
    await both.agent("alice", "1001")
    id_ = await both.start(_desired_time="2027-01-26T09:30:00.000Z", topic="invoice", _usr_name="Bob")
    await both.later(1799)
    assert await both.calls("alice") == []
    assert await both.state(id_) == ("SCHEDULED", None, None, 0)
    await both.later(1)
    (call,) = await both.calls("alice")
    assert (call["state"], call["participants"], call["userData"]) == (
        "Dialing",
        [CUSTOMER],
        {"topic": "invoice", "_usr_name": "Bob"},
    )
    await both.later(3)
    assert await both.state(id_) == ("PROCESSING", None, "alice", 1)
    await both.later(60)
    await both.hang_up("alice")
    assert await both.state(id_) == ("COMPLETED", "AGENT_CONNECTED", "alice", 1)
    assert await both.steps() == ["Scheduled", "Queued", "Dialing", "Connected", "Completed:AGENT_CONNECTED"]
    assert await both.steps(user="alice") == ["Dialing", "Connected", "Completed:AGENT_CONNECTED"]
    shared = [each for each in await both.told() if each["notificationType"] == "Connected"]
    assert [(each["userId"], each["userUri"].rpartition("/")[2]) for each in shared] == [("alice", "alice")]
    own = [each for each in await both.told("alice") if each["notificationType"] == "Connected"]
    assert "userId" not in own[0]
    assert own[0]["callback"]["callUuid"] == call["callUuid"]
    assert own[0]["callback"] == shared[0]["callback"]


async def test_an_immediate_one_waits_until_somebody_is_free_and_then_not_a_moment(centre: Centre) -> None:
    id_ = await centre.start()
    await centre.later(600)
    assert await centre.state(id_) == ("QUEUED", None, None, 0)
    await centre.agent("alice", "1001")
    assert await centre.state(id_) == ("ROUTING", None, "alice", 1)
    assert await centre.steps(id_) == ["Queued", "Dialing"]


async def test_who_waits_longest_comes_first_and_goes_to_whoever_is_free_longest(centre: Centre) -> None:
    ids = []
    for _ in range(4):
        ids.append(await centre.start())
        await centre.later(1)
    await centre.agent("alice", "1001")
    await centre.later(1)
    await centre.agent("bob", "1002")
    assert [(await centre.state(id_))[2] for id_ in ids] == ["alice", "bob", None, None]
    await centre.later(5)
    await centre.hang_up("bob")
    assert (await centre.state(ids[2]))[2] == "bob"
    await centre.later(5)
    await centre.hang_up("alice")
    assert (await centre.state(ids[3]))[2] == "alice"


async def test_two_free_agents_share_the_work_by_how_long_they_are_free(centre: Centre) -> None:
    await centre.agent("alice", "1001")
    await centre.later(10)
    await centre.agent("bob", "1002")
    first, second, third = [await centre.start() for _ in range(3)]
    assert [(await centre.state(id_))[2] for id_ in (first, second, third)] == ["alice", "bob", None]


async def test_priority_comes_before_time_and_only_then(centre: Centre) -> None:
    low = await centre.start(service="chosen")
    await centre.later(10)
    high = await centre.start(service="chosen", _priority=5)
    await centre.agent("alice", "1001")
    assert (await centre.state(high, "chosen"))[0] == "ROUTING"
    assert (await centre.state(low, "chosen"))[0] == "QUEUED"


async def test_preferred_agents_are_asked_first_and_others_if_they_are_not_free(centre: Centre) -> None:
    for user, number in (("alice", "1001"), ("bob", "1002"), ("carol", "1003")):
        await centre.agent(user, number)
        await centre.later(1)
    wish = {"service": "chosen", "_preferred_agents": "carol,bob"}
    assert [(await centre.state(await centre.start(**wish), "chosen"))[2] for _ in range(3)] == [
        "carol",
        "bob",
        "alice",
    ]


async def test_only_agents_with_the_skills_and_the_language_are_rung(centre: Centre) -> None:
    await centre.agent("alice", "1001", skills={"english": 2}, languages=("en",))
    await centre.agent("bob", "1002", skills={"english": 3}, languages=("de",))
    await centre.agent("carol", "1003", queues=("support",), skills={"english": 3}, languages=("en",))
    id_ = await centre.start(service="english")
    assert (await centre.state(id_, "english"))[0] == "QUEUED"
    await centre.agent("dave", "1004", skills={"english": 4}, languages=("de", "en"))
    assert (await centre.state(id_, "english"))[2] == "dave"


async def test_nobody_is_rung_who_is_not_ready_at_a_call_or_away(centre: Centre) -> None:
    await centre.agent("alice", "1001")
    await centre.be("alice", "NotReady")
    id_ = await centre.start()
    assert (await centre.state(id_))[0] == "QUEUED"
    await centre.be("alice", "AfterCallWork")
    assert (await centre.state(id_))[0] == "QUEUED"
    await centre.be("alice", "Ready")
    assert (await centre.state(id_))[2] == "alice"
    other = await centre.start()
    assert (await centre.state(other))[0] == "QUEUED"


# Preview ------------------------------------------------------------------------------------------------------------


async def test_an_agent_looks_first_and_takes_it(centre: Centre) -> None:
    await centre.agent("alice", "1001")
    id_ = await centre.start(service="preview", topic="invoice")
    assert await centre.calls("alice") == []
    reply = await centre.ask("alice", "GET", "/me/callbacks?fields=*")
    (offered,) = await centre.told("alice")
    assert offered["notificationType"] == "Offered"
    assert reply.json() == {"statusCode": 0, "callbacks": [offered["callback"]]}
    assert offered["callback"]["userData"] == {"topic": "invoice"}
    assert msgspec.json.decode(reply.headers["X-Event-Positions"])["positions"]["/v2/me"] == 1
    uris = (await centre.ask("alice", "GET", "/me/callbacks")).json()["uris"]
    assert [uri.rpartition("/")[2] for uri in uris] == [id_]
    accepted = await centre.answer("alice", id_, "Accept")
    assert (accepted.status_code, accepted.json()) == (200, {"statusCode": 0})
    assert [call["state"] for call in await centre.calls("alice")] == ["Dialing"]
    again = await centre.answer("alice", id_, "Accept")
    assert (again.status_code, again.json()["statusCode"]) == (400, 2)
    assert await centre.steps(user="alice") == ["Offered", "Dialing"]


async def test_a_rejected_one_comes_again_after_a_pause_and_keeps_its_place(both: Centre) -> None:
    await both.agent("alice", "1001")
    first = await both.start(service="preview")
    second = await both.start(service="preview")
    assert (await both.answer("alice", first, "Reject")).json() == {"statusCode": 0}
    assert (await both.state(second, "preview"))[2] == "alice"
    await both.later(14)
    assert (await both.state(first, "preview"))[:3] == ("QUEUED", None, None)
    await both.later(1)
    await both.agent("bob", "1002")
    assert (await both.state(first, "preview"))[2] == "bob"
    assert await both.steps(first) == ["Queued", "Offered", "Rejected:AGENT_REJECT", "Queued", "Offered"]
    assert await both.steps(first, "alice") == ["Offered", "Rejected:AGENT_REJECT"]


async def test_who_misses_an_offer_is_not_offered_another_one(centre: Centre) -> None:
    await centre.agent("alice", "1001")
    id_ = await centre.start(service="preview")
    await centre.later(20)
    assert await centre.steps(id_) == ["Queued", "Offered", "AttemptFailed:AGENT_NO_ANSWER"]
    device = (await centre.ask("alice", "GET", "/me/devices?fields=*")).json()["devices"][0]
    assert device["userState"]["state"] == "NotReady"
    await centre.later(60)
    assert (await centre.state(id_, "preview"))[:3] == ("QUEUED", None, None)
    await centre.be("alice", "Ready")
    assert (await centre.state(id_, "preview"))[2] == "alice"


async def test_too_many_rejections_end_it(centre: Centre) -> None:
    await centre.agent("alice", "1001")
    id_ = await centre.start(service="picky")
    await centre.answer("alice", id_, "Reject")
    await centre.later(15)
    await centre.answer("alice", id_, "Reject")
    assert (await centre.state(id_, "picky"))[:2] == ("COMPLETED", "AGENT_PREVIEW_CANCEL_AFTER_2REJECTS")
    assert (await centre.state(await centre.start(service="picky"), "picky"))[2] == "alice"


async def test_an_offer_can_be_answered_by_whoever_it_was_made_to_only(centre: Centre) -> None:
    await centre.agent("alice", "1001")
    id_ = await centre.start(service="fixed")
    await centre.agent("bob", "1002")
    before = len(centre.world.published)
    for user, id_asked, body, expected in (
        ("bob", id_, {"operationName": "Accept"}, (404, 6)),
        ("alice", "nothing", {"operationName": "Accept"}, (404, 6)),
        ("alice", id_, {"operationName": "Reject"}, (403, 3)),
        ("alice", id_, {"operationName": "Sing"}, (400, 10)),
        ("alice", id_, {}, (400, 1)),
    ):
        reply = await centre.ask(user, "POST", f"/me/callbacks/{id_asked}", body)
        assert (reply.status_code, reply.json()["statusCode"]) == expected, reply.text
    token = centre.world.token("alice", "ROLE_AGENT", organization="globex")
    foreign = await centre.world.ask("POST", f"/api/v2/me/callbacks/{id_}", {"operationName": "Accept"}, token=token)
    assert foreign.status_code == 404
    assert len(centre.world.published) == before
    assert (await centre.state(id_, "fixed"))[:3] == ("ROUTING", None, "alice")


# Calls that fail ----------------------------------------------------------------------------------------------------


async def test_who_does_not_answer_is_tried_again_and_then_given_up(both: Centre) -> None:
    await both.agent("alice", "1001")
    id_ = await both.start(SILENT, "twice")
    await both.later(20)
    assert await both.state(id_, "twice") == ("QUEUED", None, None, 1)
    await both.later(599)
    assert (await both.state(id_, "twice"))[0] == "QUEUED"
    await both.later(1)
    assert await both.state(id_, "twice") == ("ROUTING", None, "alice", 2)
    await both.later(20)
    assert await both.state(id_, "twice") == ("COMPLETED", "FAIL_CALL_TO_CUSTOMER", "alice", 2)
    assert await both.steps(id_) == [
        "Queued",
        "Dialing",
        "AttemptFailed:NO_ANSWER",
        "Queued",
        "Dialing",
        "Completed:FAIL_CALL_TO_CUSTOMER",
    ]


async def test_a_busy_customer_is_told_from_a_silent_one(centre: Centre) -> None:
    await centre.agent("alice", "1001")
    id_ = await centre.start(BUSY)
    await centre.later(1)
    assert await centre.steps(id_) == ["Queued", "Dialing", "AttemptFailed:BUSY"]


async def test_an_agent_who_hangs_up_while_it_rings_has_not_reached_the_customer(centre: Centre) -> None:
    await centre.agent("alice", "1001")
    id_ = await centre.start()
    await centre.later(1)
    await centre.hang_up("alice")
    assert (await centre.state(id_))[0] == "QUEUED"
    assert (await centre.steps(id_))[-1].startswith("AttemptFailed:")


async def test_further_attempts_are_made_by_day_where_the_customer_is(centre: Centre) -> None:
    """In the evening in New York the next attempt, an hour later, would be at night."""
    centre.world.clock.at = at("2027-01-27T00:30:00Z")
    await centre.agent("alice", "1001")
    id_ = await centre.start(SILENT, _timezone="America/New_York")
    await centre.later(20)
    assert await centre.state(id_) == ("QUEUED", None, None, 1)
    await centre.later(at("2027-01-27T13:59:59Z") - centre.world.clock.at)
    assert (await centre.state(id_))[3] == 1
    await centre.later(1)
    assert await centre.state(id_) == ("ROUTING", None, "alice", 2)


async def test_nobody_is_rung_outside_of_legal_hours_or_long_after(centre: Centre) -> None:
    await centre.agent("alice", "1001")
    early = await centre.start("+4930123456", "legal", _desired_time="2027-01-27T07:30:00Z")  # 8:30 in Berlin
    late = await centre.start("+4930123457", "legal", _desired_time="2027-01-26T11:30:00Z")  # 12:30
    await centre.later(3 * 3600)
    assert (await centre.state(late, "legal"))[:2] == ("COMPLETED", "FAIL_TIMEOUT_TTL")
    assert (await centre.steps(late))[-1] == "Expired:FAIL_TIMEOUT_TTL"
    await centre.later(20 * 3600)
    assert (await centre.state(early, "legal"))[3] == 1


# Customers first ----------------------------------------------------------------------------------------------------


async def test_a_customer_who_has_answered_is_brought_to_the_agent_reserved(both: Centre) -> None:
    await both.agent("alice", "1001")
    id_ = await both.start(service="first", topic="invoice")
    assert await both.state(id_, "first") == ("ROUTING", None, "alice", 1)
    assert await both.calls("alice") == []
    assert (await both.state(await both.start(service="first"), "first"))[0] == "QUEUED"
    await both.later(3)
    (call,) = await both.calls("alice")
    assert (call["state"], call["userData"]) == ("Ringing", {"topic": "invoice"})
    reply = await both.ask("alice", "POST", f"/me/calls/{call['id']}", {"operationName": "Answer"})
    assert reply.status_code == 200
    await both.settle()
    assert (await both.state(id_, "first"))[0] == "PROCESSING"
    await both.hang_up("alice")
    assert (await both.state(id_, "first"))[:2] == ("COMPLETED", "AGENT_CONNECTED")
    assert await both.steps(id_) == ["Queued", "Dialing", "Connected", "Completed:AGENT_CONNECTED"]


async def test_a_customer_on_the_line_goes_to_somebody_else_if_the_agent_rejects(centre: Centre) -> None:
    await centre.agent("alice", "1001")
    await centre.later(1)
    await centre.agent("bob", "1002")
    id_ = await centre.start(service="first")
    await centre.later(3)
    (call,) = await centre.calls("alice")
    await centre.ask("alice", "POST", f"/me/calls/{call['id']}", {"operationName": "Reject"})
    await centre.settle()
    assert (await centre.state(id_, "first"))[2] == "bob"
    assert [call["state"] for call in await centre.calls("bob")] == ["Ringing"]
    await centre.later(31)
    assert await centre.calls("bob") == []
    device = (await centre.ask("bob", "GET", "/me/devices?fields=*")).json()["devices"][0]
    assert device["userState"]["state"] == "NotReady"


async def test_a_silent_customer_keeps_no_agent(centre: Centre) -> None:
    await centre.agent("alice", "1001")
    id_ = await centre.start(SILENT, "first")
    await centre.later(20)
    assert await centre.state(id_, "first") == ("QUEUED", None, None, 1)
    assert (await centre.steps(id_))[-1] == "AttemptFailed:NO_ANSWER"
    assert (await centre.state(await centre.start(service="first"), "first"))[2] == "alice"


# The rest -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("now", {"topic": "invoice", "items": "[1,2]"}),
        ("single", {"GMS_UserData": '{"topic":"invoice","items":[1,2]}'}),
        ("stored", None),
    ],
)
async def test_data_reaches_the_agents_screen_in_three_forms(
    centre: Centre, service: str, expected: dict[str, str] | None
) -> None:
    await centre.agent("alice", "1001")
    id_ = await centre.start(service=service, topic="invoice", items=[1, 2])
    (call,) = await centre.calls("alice")
    assert call["userData"] == (expected or {"GMS_UserData": id_})


async def test_what_is_cancelled_in_line_is_not_rung_and_what_rings_is_not_cancelled(centre: Centre) -> None:
    id_ = await centre.start()
    path = f"/genesys/1/service/callback/now/{id_}"
    assert (await centre.world.ask("DELETE", path)).status_code == 200
    await centre.agent("alice", "1001")
    assert await centre.calls("alice") == []
    ringing = await centre.start()
    reply = await centre.world.ask("DELETE", f"/genesys/1/service/callback/now/{ringing}")
    assert reply.json()["message"] == f"No such request to cancel : [{ringing}]"
    assert (await centre.state(ringing))[0] == "ROUTING"


async def test_nobody_waits_longer_than_the_time_to_live(centre: Centre) -> None:
    id_ = await centre.start(service="marked")
    await centre.later(3599)
    assert (await centre.state(id_, "marked"))[0] == "QUEUED"
    await centre.later(1)
    assert (await centre.state(id_, "marked"))[:2] == ("COMPLETED", "FAIL_TIMEOUT_TTL")
    await centre.agent("alice", "1001")
    assert await centre.calls("alice") == []
    assert await centre.steps() == ["Queued", "Expired:FAIL_TIMEOUT_TTL"]


async def test_supervisors_hear_once_that_too_many_wait_and_once_that_it_is_over(centre: Centre) -> None:
    marked = services.find(OFFICE, "marked")
    assert marked is not None
    db = centre.world.services.db

    async def look() -> None:
        await db.write(lambda tx: watermarks.look(tx, marked, centre.world.clock.now()))

    ids = []
    for _ in range(4):
        ids.append(await centre.start(service="marked"))
        await look()
    for id_ in ids:
        await centre.world.ask("DELETE", f"/genesys/1/service/callback/marked/{id_}")
        await look()
    alarms = [each for each in await centre.told() if each["messageType"] == "CallbackWatermarkMessage"]
    base = {"messageType": "CallbackWatermarkMessage", "serviceName": "marked", "queue": "sales"}
    assert alarms == [
        base | {"notificationType": "HighWatermark", "waiting": 3, "mark": 3},
        base | {"notificationType": "LowWatermark", "waiting": 1, "mark": 1},
    ]


async def test_an_agent_whose_queues_change_is_found_without_an_event(centre: Centre) -> None:
    await centre.agent("alice", "1001", queues=("support",))
    id_ = await centre.start()
    assert (await centre.state(id_))[0] == "QUEUED"
    await centre.office.qualify("alice", queues=("sales",))
    await centre.settle()
    await centre.world.services.db.write(lambda tx: routing.sweep(tx, centre.house, centre.world.clock.now()))
    assert (await centre.state(id_))[2] == "alice"


async def test_what_is_over_is_forgotten_with_all_that_was_known_of_the_customer(both: Centre) -> None:
    id_ = await both.start(topic="invoice")
    other = await both.start()
    await both.world.ask("DELETE", f"/genesys/1/service/callback/now/{id_}")
    db, now = both.world.services.db, both.world.clock.now()
    assert await db.write(lambda tx: ending.forget(tx, now - 1, 10)) == 0
    assert await db.write(lambda tx: ending.forget(tx, now, 10)) == 1
    assert await db.write(lambda tx: ending.forget_counts(tx, now + 86_399, 10)) == 0
    assert await db.write(lambda tx: ending.forget_counts(tx, now + 86_400, 10)) > 0

    def left(tx: Snapshot) -> list[str]:
        tx.cursor.execute(
            "SELECT id FROM callback UNION SELECT id FROM callback_key UNION SELECT id FROM callback_accepted"
        )
        return [row[0] for row in tx.cursor.fetchall()]

    assert await db.read(left) == [other]
