"""A switch behind a connector: what is handed to it, what it reports, and what happens when it says nothing."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.kernel.secret import Secret
from hub.kernel.telephony import Connector, Telephony
from hub.store.transaction import Snapshot
from scheduler.jobs import housekeeping
from tests.api.telephony.desks import CALLS, Desk, Office
from tests.api.world import CONFIGURATION, opened
from tests.support.pbx import Pbx

CONNECTED = Telephony(
    switch="connector", connector=Connector(url="https://pbx.example/hub", secret=Secret("key"), answer_seconds=10)
)
NUMBER = "+4930123456"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    configuration = msgspec.structs.replace(CONFIGURATION, telephony=CONNECTED)
    async with opened(tmp_path, configuration=configuration) as world:
        yield Office(world, Pbx())


@pytest.fixture
async def alice(office: Office) -> Desk:
    return await office.seat("alice", "1001")


async def handed(office: Office) -> list[tuple[dict[str, Any], float | None]]:
    """The webhooks that wait, and until when they have a meaning."""

    def look(tx: Snapshot) -> list[tuple[bytes, int | None]]:
        tx.cursor.execute("SELECT payload, not_after FROM timer WHERE kind = 'deliver.webhook' ORDER BY id")
        return [(payload, until) for payload, until in tx.cursor.fetchall()]

    found = await office.world.services.db.read(look)
    return [(msgspec.json.decode(data), None if until is None else until / 1_000_000) for data, until in found]


async def report(desk: Desk, message: dict[str, Any]) -> None:
    data = {"messageType": "CallStateChangeMessage", "phoneNumber": desk.number, **message}
    reply = await desk.office.world.publish({"channel": "/v2/me/calls", "userId": desk.user, "data": data})
    assert reply.status_code == 200, reply.text
    await desk.office.settle()


async def test_an_operation_is_handed_over_with_all_that_the_connector_needs(alice: Desk, office: Office) -> None:
    body = {"operationName": "Dial", "destination": {"phoneNumber": NUMBER}, "userData": {"a": "1"}}
    assert (await alice.ask("POST", CALLS, body)).status_code == 200
    ((webhook, until),) = await handed(office)
    call_id, call_uuid = webhook["payload"]["callId"], webhook["payload"]["callUuid"]
    base = "http://127.0.0.1:8080/api/v2"
    assert webhook == {
        "url": "https://pbx.example/hub",
        "type": "telephony.operation",
        "at": round(office.world.clock.at * 1_000_000),
        "secret": "key",
        "headers": {},
        "payload": {
            "operationName": "Dial",
            "organizationId": "acme",
            "userId": "alice",
            "callId": call_id,
            "callUuid": call_uuid,
            "callUri": f"{base}/me/calls/{call_id}",
            "deviceId": alice.phone.id,
            "deviceUri": f"{base}/devices/{alice.phone.id}",
            "phoneNumber": "1001",
            "destination": NUMBER,
            "userData": {"a": "1"},
        },
    } | {
        name: value
        for name, value in webhook.items()
        if name not in {"url", "type", "at", "secret", "headers", "payload"}
    }
    assert until == office.world.clock.at + 10


async def test_nobody_sees_a_call_before_the_connector_has_reported_it(alice: Desk, office: Office) -> None:
    office.pbx.deaf = True  # type: ignore[union-attr]
    assert await alice.dial(NUMBER) == {}
    assert (alice.heard, await alice.snapshot()) == ([], {})
    await office.later(10.0)
    assert alice.take() == ["Error", "Released"]
    assert alice.heard[0]["errorMessage"] == "The switch has not answered"
    assert await office.planned() == 0


async def test_an_operation_that_is_not_answered_has_failed(alice: Desk, office: Office) -> None:
    call = await alice.dial(NUMBER)
    await office.later(2.0)
    alice.take()
    office.pbx.deaf = True  # type: ignore[union-attr]
    assert await alice.do(call, "Hold") == []
    await office.later(9.0)
    assert alice.take() == []
    await office.later(2.0)
    assert (alice.take(), alice.now(call)["state"]) == (["Error"], "Established")


async def test_a_call_that_the_hub_knows_nothing_of_is_there_as_it_is_reported(alice: Desk, office: Office) -> None:
    call = {"id": "7", "state": "Established", "something": {"new": [1, 2.5]}, "capabilities": ["Hangup"]}
    await report(alice, {"notificationType": "StatusChange", "call": call})
    reply = await alice.ask("GET", f"{CALLS}?fields=*")
    assert b'"something":{"new":[1,2.5]}' in reply.content.replace(b" ", b"")
    assert (await alice.ask("GET", f"{CALLS}/7")).json()["call"] == call
    assert await alice.refused("7", "Hold") == (400, 2)
    assert (await alice.ask("GET", f"{CALLS}?fields=id,state")).json()["calls"] == [{"id": "7", "state": "Established"}]
    await report(alice, {"notificationType": "StatusChange", "call": {**call, "state": "Released"}})
    assert (alice.calls, await alice.snapshot()) == ({}, {})


async def test_without_capabilities_those_of_the_state_count(alice: Desk, office: Office) -> None:
    await report(alice, {"notificationType": "StatusChange", "call": {"id": "7", "state": "Ringing"}})
    assert await alice.refused("7", "Hold") == (400, 2)
    reply = await alice.ask("POST", f"{CALLS}/7", {"operationName": "Answer"})
    assert reply.status_code == 200
    ((webhook, _),) = await handed(office)
    assert (webhook["payload"]["operationName"], webhook["payload"]["callId"]) == ("Answer", "7")


async def test_the_same_id_is_another_call_for_another_user(alice: Desk, office: Office) -> None:
    bob = await office.seat("bob", "1002")
    await report(alice, {"notificationType": "StatusChange", "call": {"id": "7", "state": "Dialing"}})
    await report(bob, {"notificationType": "StatusChange", "call": {"id": "7", "state": "Ringing"}})
    assert (alice.only()["state"], bob.only()["state"]) == ("Dialing", "Ringing")
    await report(bob, {"notificationType": "StatusChange", "call": {"id": "7", "state": "Released"}})
    assert (len(alice.calls), bob.calls) == (1, {})


async def test_the_end_of_an_unknown_call_leaves_nothing_behind(alice: Desk, office: Office) -> None:
    await report(alice, {"notificationType": "StatusChange", "call": {"id": "7", "state": "Released"}})
    await report(alice, {"notificationType": "Error", "errorMessage": "no", "connectionId": "8"})
    assert await office.rows() == 0


async def test_a_call_whose_end_was_not_reported_ends_after_a_day(alice: Desk, office: Office) -> None:
    await report(alice, {"notificationType": "StatusChange", "call": {"id": "7", "state": "Established"}})
    await office.world.services.db.write(lambda tx: housekeeping.begin(tx, office.world.clock.at))
    office.world.clock.at += 86_000
    await office.settle()
    assert alice.take() == ["Established"]
    office.world.clock.at += 1_000
    await office.settle()
    assert (alice.take(), alice.calls, await office.rows()) == (["Released"], {}, 0)


async def test_what_connectors_report_counts_at_the_device(alice: Desk, office: Office) -> None:
    async def calls() -> int:
        def look(tx: Snapshot) -> int:
            tx.cursor.execute("SELECT calls FROM device WHERE id = ?", (alice.phone.id,))
            return int(tx.cursor.fetchall()[0][0])

        return await office.world.services.db.read(look)

    for state, expected in (("Ringing", 1), ("Established", 1), ("Held", 1), ("Released", 0)):
        await report(alice, {"notificationType": "StatusChange", "call": {"id": "7", "state": state}})
        assert await calls() == expected
