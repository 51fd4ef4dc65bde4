"""What is asked for in vain: the right code, nothing changed, nobody told."""

from typing import Any

import pytest

from api.telephony.calls.legs import MOST_CALLS
from tests.api.telephony.desks import CALLS, Desk, Office

DIAL = {"operationName": "Dial", "destination": {"phoneNumber": "+4930123456"}}


async def refusal(desk: Desk, path: str, body: Any) -> tuple[int, int]:
    """HTTP status and statusCode of a POST after which everything is as before."""
    before, published = await desk.snapshot(), len(desk.office.world.published)
    reply = await desk.ask("POST", path, body)
    await desk.office.settle()
    assert (await desk.snapshot(), len(desk.office.world.published)) == (before, published)
    assert set(reply.json()) == {"statusCode", "statusMessage"}, reply.text
    return reply.status_code, reply.json()["statusCode"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"operationName": "Dial"}, (400, 1)),
        ({"operationName": "Dial", "destination": {}}, (400, 1)),
        ({"destination": {"phoneNumber": "1002"}}, (400, 1)),
        ({"operationName": "Call", "destination": {"phoneNumber": "1002"}}, (400, 10)),
        ({"operationName": "Dial", "destination": "1002"}, (400, 10)),
        ({"operationName": "Dial", "destination": {"phoneNumber": ""}}, (400, 10)),
        ({"operationName": "Dial", "destination": {"phoneNumber": "alice"}}, (400, 10)),
        ({"operationName": "Dial", "destination": {"phoneNumber": "1" * 40}}, (400, 10)),
        ({**DIAL, "userData": {"a": 1}}, (400, 10)),
        ({**DIAL, "userData": {"": "empty key"}}, (400, 10)),
        ({**DIAL, "userData": {str(n): "" for n in range(101)}}, (400, 10)),
        ({**DIAL, "userData": {str(n): "x" * 4000 for n in range(5)}}, (400, 10)),
    ],
)
async def test_bad_dialling(office: Office, body: Any, expected: tuple[int, int]) -> None:
    alice = await office.seat("alice", "1001")
    for path in (f"/api/v2/me/devices/{alice.phone.id}/calls", CALLS):
        assert await refusal(alice, path, body) == expected


async def test_dialling_from_where_one_is_not(office: Office) -> None:
    alice, bob = await office.seat("alice", "1001"), await office.seat("bob", "1002", active=False)
    elsewhere = await office.seat("bob", "1002", "globex")
    for device in (alice.phone.id, elsewhere.phone.id, "no-such-device"):
        assert await refusal(bob, f"/api/v2/me/devices/{device}/calls", DIAL) == (404, 6)
    assert await refusal(bob, f"/api/v2/me/devices/{bob.phone.id}/calls", DIAL) == (400, 2)
    assert await refusal(bob, CALLS, DIAL) == (400, 2)


async def test_one_call_too_many(office: Office) -> None:
    alice, bob = await office.seat("alice", "1001"), await office.seat("bob", "1002")
    for _ in range(MOST_CALLS):
        await alice.dial("+4930123456")
    assert await refusal(alice, CALLS, DIAL) == (400, 2)
    await bob.dial("1001")
    assert bob.take() == ["Dialing", "Error", "Released"]
    await office.later(2.0)
    call = next(iter(alice.calls.values()))
    assert await alice.refused(call, "InitiateTransfer", destination={"phoneNumber": "1002"}) == (400, 2)


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("Explode", {}, (400, 10)),
        ("Dial", {"destination": {"phoneNumber": "1002"}}, (400, 10)),
        ("Answer", {}, (400, 2)),
        ("Retrieve", {}, (400, 2)),
        ("CompleteTransfer", {}, (400, 2)),
        ("SwapCalls", {}, (400, 2)),
        ("RemoveParticipant", {"participant": "1002"}, (400, 2)),
        ("RemoveParticipant", {}, (400, 1)),
        ("UnmuteCall", {}, (400, 2)),
        ("StopCallRecording", {}, (400, 2)),
        ("SendDtmf", {}, (400, 1)),
        ("SendDtmf", {"digits": ""}, (400, 10)),
        ("SendDtmf", {"digits": "12a"}, (400, 10)),
        ("SendDtmf", {"digits": "1" * 65}, (400, 10)),
        ("AttachUserData", {}, (400, 1)),
        ("UpdateUserData", {"userData": ["a"]}, (400, 10)),
        ("UpdateUserData", {"userData": {str(n): "x" * 4000 for n in range(5)}}, (400, 10)),
        ("DeleteUserDataPair", {}, (400, 1)),
        ("InitiateTransfer", {}, (400, 1)),
        ("InitiateTransfer", {"destination": {}}, (400, 1)),
        ("InitiateConference", {"destination": {"phoneNumber": "not a number"}}, (400, 10)),
        ("SingleStepTransfer", {}, (400, 1)),
        ("SingleStepConference", {"destination": {"phoneNumber": "+"}}, (400, 10)),
        ("Redirect", {}, (400, 1)),
        ("Redirect", {"destination": {"phoneNumber": "1002"}}, (400, 2)),
    ],
)
async def test_bad_operations(
    office: Office, operation: str, parameters: dict[str, Any], expected: tuple[int, int]
) -> None:
    alice = await office.seat("alice", "1001")
    call = await alice.dial("+4930123456")
    await office.later(2.0)
    assert await alice.refused(call, operation, **parameters) == expected


async def test_calls_that_one_does_not_have(office: Office) -> None:
    alice, bob = await office.seat("alice", "1001"), await office.seat("bob", "1002")
    stranger = await office.seat("alice", "1001", "globex")
    call = await alice.dial("+4930123456")
    gone = await alice.dial("+4930123456")
    await alice.do(gone, "Hangup")
    for desk, call_id in ((bob, call["id"]), (stranger, call["id"]), (alice, "no-such-call"), (alice, gone["id"])):
        assert await desk.refused(call_id, "Hangup") == (404, 6)
        reply = await desk.ask("GET", f"{CALLS}/{call_id}")
        assert (reply.status_code, reply.json()) == (404, {"statusCode": 6, "statusMessage": "No such call"})
    singular = await alice.ask("POST", f"/api/v2/me/call/{call['id']}", {"operationName": "Hangup"})
    assert (singular.status_code, singular.json()["statusCode"]) == (404, 6)


async def test_a_call_of_a_consultation_that_there_is_not(office: Office) -> None:
    alice = await office.seat("alice", "1001")
    call = await alice.dial("+4930123456")
    await office.later(2.0)
    await alice.do(call, "InitiateTransfer", destination={"phoneNumber": "+4930123457"})
    uri = f"http://127.0.0.1:8080/api/v2/me/calls/{call['id']}"
    assert await alice.refused(call, "CompleteTransfer", consultCallUri=uri) == (400, 10)
    assert await alice.refused(call, "CompleteConference") == (400, 2)


async def test_a_call_that_another_switch_has_reported(office: Office) -> None:
    alice = await office.seat("alice", "1001")
    call = {"id": "7", "state": "Ringing"}
    data = {"messageType": "CallStateChangeMessage", "notificationType": "StatusChange", "call": call}
    await office.world.publish({"channel": "/v2/me/calls", "userId": "alice", "data": data})
    await office.settle()
    assert await alice.refused("7", "Answer") == (400, 2)
    assert alice.calls == {"7": call}


async def test_somebody_who_is_no_agent(office: Office) -> None:
    await office.seat("alice", "1001")
    for role in ("ROLE_CUSTOMER", "ROLE_ADMIN", "ROLE_CLIENT_SERVICE"):
        token = office.world.token("alice", role)
        for method, path, body in (("GET", CALLS, None), ("POST", CALLS, DIAL), ("POST", f"{CALLS}/1", {})):
            reply = await office.world.ask(method, path, body, token=token)
            assert (reply.status_code, reply.json()["statusCode"]) == (403, 5)
    reply = await office.world.ask("GET", CALLS)
    assert (reply.status_code, reply.json()["statusCode"]) == (401, 20)


async def test_an_operation_repeated_under_its_key_happens_once(office: Office) -> None:
    alice = await office.seat("alice", "1001")
    for replayed in (None, "true"):
        reply = await alice.ask("POST", CALLS, DIAL, headers={"Idempotency-Key": "the same"})
        assert (reply.status_code, reply.headers.get("Idempotent-Replayed")) == (200, replayed)
    await office.settle()
    assert alice.take() == ["Dialing"]


async def test_what_is_told_of_calls_is_what_was_asked_for(office: Office) -> None:
    alice = await office.seat("alice", "1001")
    call = await alice.dial("+4930123456")
    plain = await alice.ask("GET", CALLS)
    assert plain.json() == {"statusCode": 0, "uris": [call["uri"]]}
    assert '"/v2/me/calls":1' in plain.headers["X-Event-Positions"]
    some = await alice.ask("GET", f"{CALLS}?fields=id,state,nonsense")
    assert some.json() == {"statusCode": 0, "calls": [{"id": call["id"], "state": "Dialing"}]}
    one = await alice.ask("GET", f"{CALLS}/{call['id']}")
    assert one.json() == {"statusCode": 0, "call": call}
