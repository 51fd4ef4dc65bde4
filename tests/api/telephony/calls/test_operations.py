"""Every operation, by what it makes the desktops hear; after each of them `Office.settle` compares with REST."""

import pytest

from tests.api.telephony.desks import Desk, Json, Office

OUTSIDE = "+4930123456"
ANSWERED_AFTER = 2.0
USER_DATA = {"DeleteUserDataPair", "UpdateUserData", "AttachUserData", "DeleteUserData"}
ELSEWHERE = {"InitiateConference", "InitiateTransfer", "SingleStepConference", "SingleStepTransfer"}


async def outside(desk: Desk, number: str = OUTSIDE) -> Json:
    """A call of the desk to somebody outside, who has answered."""
    call = await desk.dial(number)
    await desk.office.later(ANSWERED_AFTER)
    desk.take()
    assert desk.now(call)["state"] == "Established"
    return desk.now(call)


async def between(caller: Desk, callee: Desk, **more: object) -> tuple[Json, Json]:
    """A call between two desks."""
    call = await caller.dial(callee.number, **more)
    await callee.do(callee.only(), "Answer")
    caller.take(), callee.take()
    return caller.now(call), callee.only()


def permitted(desk: Desk, call: Json) -> set[str]:
    return set(desk.now(call)["capabilities"])


async def test_somebody_outside_answers(office: Office) -> None:
    alice = await office.seat("alice", "1001")
    call = await alice.dial("+49 (30) 12 34-56")
    assert (call["participants"], call["callType"], call["dnis"]) == ([OUTSIDE], "Outbound", OUTSIDE)
    assert call["participantsInfo"] == [
        {
            "formattedPhoneNumber": "+49 30 123456",
            "location": None,
            "country": {"name": "Germany", "code": "DE", "callingCode": "49"},
            "isValidNumber": True,
            "E164digits": "4930123456",
        }
    ]
    await office.later(1.9)
    assert alice.take() == ["Dialing"]
    await office.later(0.2)
    assert alice.take() == ["Established"]
    assert (
        permitted(alice, call)
        == {"Hangup", "Hold", "SendDtmf", "MuteCall", "StartCallRecording"} | ELSEWHERE | USER_DATA
    )
    assert await alice.do(call, "Hangup") == ["Released"]
    assert await office.planned() == 0


@pytest.mark.parametrize(
    ("number", "seconds", "why"),
    [("+15550001", 1.0, "The number is busy"), ("+15550011", 20.0, "There was no answer")],
    ids=["busy", "no answer"],
)
async def test_somebody_outside_cannot_be_had(office: Office, number: str, seconds: float, why: str) -> None:
    alice = await office.seat("alice", "1001")
    call = await alice.dial(number)
    await office.later(seconds - 0.1)
    assert alice.take() == ["Dialing"]
    await office.later(0.2)
    assert alice.take() == ["Error", "Released"]
    assert alice.heard[-2] == {
        "messageType": "CallStateChangeMessage",
        "notificationType": "Error",
        "phoneNumber": "1001",
        "deviceUri": call["deviceUri"],
        "errorMessage": why,
        "connectionId": call["id"],
        "callUuid": call["callUuid"],
    }
    assert (alice.calls, await office.planned()) == ({}, 0)


async def test_somebody_outside_hangs_up(office: Office) -> None:
    alice = await office.seat("alice", "1001")
    await alice.dial("+15550021")
    await office.later(3.0)
    assert alice.take() == ["Dialing", "Established"]
    await office.later(60.0)
    assert alice.take() == ["Released"]


async def test_a_call_is_rejected(office: Office) -> None:
    alice, bob = await office.seat("alice", "1001"), await office.seat("bob", "1002")
    await alice.dial("1002")
    assert set(bob.only()["capabilities"]) == {"Answer", "Reject", "Redirect"} | USER_DATA
    assert await bob.do(bob.only(), "Reject") == ["Released"]
    assert alice.take() == ["Dialing", "Error", "Released"]
    assert alice.heard[1]["errorMessage"] == "The call was rejected"


async def test_nobody_answers(office: Office) -> None:
    alice, bob = await office.seat("alice", "1001"), await office.seat("bob", "1002")
    await alice.dial("1002")
    await office.later(30.0)
    assert (alice.take(), bob.take()) == (["Dialing", "Error", "Released"], ["Ringing", "Released"])


async def test_a_caller_gives_up(office: Office) -> None:
    alice, bob = await office.seat("alice", "1001"), await office.seat("bob", "1002")
    call = await alice.dial("1002")
    assert await alice.do(call, "Hangup") == ["Released"]
    assert (bob.take(), await office.planned()) == (["Ringing", "Released"], 0)


async def test_a_call_is_held_and_retrieved(office: Office) -> None:
    alice, bob = await office.seat("alice", "1001"), await office.seat("bob", "1002")
    call, _ = await between(alice, bob)
    assert await alice.do(call, "Hold") == ["Held"]
    assert permitted(alice, call) == {"Retrieve", "Hangup"} | ELSEWHERE | USER_DATA
    assert bob.take() == []
    assert await alice.do(call, "Retrieve") == ["Established"]


async def test_tones_are_sent(office: Office) -> None:
    alice = await office.seat("alice", "1001")
    call = await alice.dial(OUTSIDE)
    assert await alice.do(call, "SendDtmf", digits="12*#AD") == ["DtmfSent"]
    assert alice.heard[-1]["call"] == alice.now(call)


async def test_attached_data_is_the_same_for_everybody_in_the_call(office: Office) -> None:
    alice, bob = await office.seat("alice", "1001"), await office.seat("bob", "1002")
    call, other = await between(alice, bob, userData={"customer": "17"})
    assert (call["userData"], other["userData"]) == ({"customer": "17"}, {"customer": "17"})
    assert await alice.do(call, "AttachUserData", userData={"customer": "18", "topic": "bill"}) == [
        "AttachedDataChanged"
    ]
    assert bob.take() == ["AttachedDataChanged"]
    assert bob.now(other)["userData"] == {"customer": "17", "topic": "bill"}
    await bob.do(other, "UpdateUserData", userData={"customer": "18", "mood": "fine"})
    assert alice.now(call)["userData"] == {"customer": "18", "topic": "bill", "mood": "fine"}
    await alice.do(call, "DeleteUserDataPair", key="topic")
    assert bob.now(other)["userData"] == {"customer": "18", "mood": "fine"}
    assert await alice.do(call, "DeleteUserDataPair", key="nothing") == ["AttachedDataChanged"]
    await alice.do(call, "DeleteUserData")
    assert "userData" not in alice.now(call)
    assert "userData" not in bob.now(other)


async def test_a_call_is_muted(office: Office) -> None:
    alice = await office.seat("alice", "1001")
    call = await outside(alice)
    assert await alice.do(call, "MuteCall") == ["Established"]
    assert alice.now(call)["mute"] == "On"
    assert {"UnmuteCall"} == permitted(alice, call) & {"MuteCall", "UnmuteCall"}
    await alice.do(call, "Unmute")
    assert alice.now(call)["mute"] == "Off"
    await alice.do(call, "Mute")
    assert alice.now(call)["mute"] == "On"


async def test_a_call_is_recorded(office: Office) -> None:
    alice = await office.seat("alice", "1001")
    call = await outside(alice)
    steps = {
        "StartCallRecording": ("Recording", {"StopCallRecording", "PauseCallRecording"}),
        "PauseCallRecording": ("Paused", {"StopCallRecording", "ResumeCallRecording"}),
        "ResumeCallRecording": ("Recording", {"StopCallRecording", "PauseCallRecording"}),
        "StopCallRecording": ("Stopped", {"StartCallRecording"}),
    }
    for operation, (state, next_ones) in steps.items():
        heard = await alice.do(call, operation)
        assert heard == ["CallRecordingStateChange"]
        assert alice.now(call)["recordingState"] == state
        assert {name for name in permitted(alice, call) if "Recording" in name} == next_ones


async def test_a_call_is_transferred_after_a_consultation(office: Office) -> None:
    alice, bob, carol = [
        await office.seat(user, number) for user, number in [("alice", "1"), ("bob", "2"), ("carol", "3")]
    ]
    original, bobs = await between(alice, bob, userData={"customer": "17"})
    assert await alice.do(original, "InitiateTransfer", destination={"phoneNumber": "3"}) == ["Held", "Dialing"]
    assert permitted(alice, original) == {"SwapCalls", "CompleteTransfer", "Hangup"} | ELSEWHERE | USER_DATA
    consult = next(call for call in alice.calls.values() if call["id"] != original["id"])
    assert (consult["callType"], consult["parentCallUri"], consult["participants"]) == (
        "Consult",
        original["uri"],
        ["3"],
    )
    assert consult["userData"] == {"customer": "17"}
    assert permitted(alice, consult) == {"Hangup", "SwapCalls", "SendDtmf"} | USER_DATA
    assert (carol.only()["callType"], carol.only()["participants"]) == ("Consult", ["1"])
    assert await alice.do(original, "SwapCalls") == ["Error"]
    await carol.do(carol.only(), "Answer")
    assert alice.take()[-1:] == ["Established"]
    assert permitted(alice, consult) == {"Hangup", "SwapCalls", "CompleteTransfer", "SendDtmf"} | USER_DATA
    assert await alice.do(consult, "SwapCalls") == ["Held", "Established"]
    assert (alice.now(original)["state"], alice.now(consult)["state"]) == ("Established", "Held")
    assert await alice.do(original, "Alternate") == ["Held", "Established"]
    bob.take(), carol.take()
    assert await alice.do(consult, "CompleteTransfer") == ["Released", "Released"]
    assert alice.calls == {}
    assert bob.take() == ["ParticipantsUpdated"]
    assert carol.take() == ["Established", "ParticipantsUpdated"]
    assert (bob.only()["participants"], carol.only()["participants"]) == (["3"], ["2"])
    assert bob.only()["callUuid"] == carol.only()["callUuid"] == bobs["callUuid"]
    assert await bob.do(bob.only(), "Hangup") == ["Released"]
    assert carol.take() == ["Released"]


async def test_a_transfer_may_be_completed_while_it_still_rings(office: Office) -> None:
    alice, bob, carol = [
        await office.seat(user, number) for user, number in [("alice", "1"), ("bob", "2"), ("carol", "3")]
    ]
    original, _ = await between(alice, bob)
    await alice.do(original, "InitiateTransfer", destination={"phoneNumber": "3"})
    assert await alice.do(original, "CompleteTransfer") == ["Released", "Released"]
    assert (bob.only()["participants"], carol.only()["state"]) == (["3"], "Ringing")
    await carol.do(carol.only(), "Answer")
    assert (bob.only()["state"], carol.only()["state"]) == ("Established", "Established")


async def test_whoever_was_asked_for_advice_hangs_up(office: Office) -> None:
    alice, bob, carol = [
        await office.seat(user, number) for user, number in [("alice", "1"), ("bob", "2"), ("carol", "3")]
    ]
    original, _ = await between(alice, bob)
    await alice.do(original, "InitiateTransfer", destination={"phoneNumber": "3"})
    await carol.do(carol.only(), "Answer")
    alice.take()
    await carol.do(carol.only(), "Hangup")
    assert alice.take() == ["Released", "Held"]
    assert permitted(alice, original) == {"Retrieve", "Hangup"} | ELSEWHERE | USER_DATA


async def test_the_original_caller_hangs_up_during_a_consultation(office: Office) -> None:
    alice, bob, carol = [
        await office.seat(user, number) for user, number in [("alice", "1"), ("bob", "2"), ("carol", "3")]
    ]
    await between(alice, bob)
    await alice.do(alice.only(), "InitiateConference", destination={"phoneNumber": "3"})
    await carol.do(carol.only(), "Answer")
    alice.take()
    await bob.do(bob.only(), "Hangup")
    assert alice.take() == ["Released", "Established"]
    assert "parentCallUri" not in alice.only()
    assert "Hold" in permitted(alice, alice.only())


async def test_a_conference_is_made_after_a_consultation(office: Office) -> None:
    alice, bob = await office.seat("alice", "1001"), await office.seat("bob", "1002")
    original, bobs = await between(alice, bob)
    assert await alice.do(original, "InitiateConference", destination={"phoneNumber": OUTSIDE}) == ["Held", "Dialing"]
    assert "CompleteConference" in permitted(alice, original)
    await office.later(ANSWERED_AFTER)
    consult = next(call for call in alice.calls.values() if call["id"] != original["id"])
    assert await alice.do(original, "CompleteConference", consultCallUri=consult["uri"]) == [
        "Released",
        "Established",
        "ParticipantsUpdated",
    ]
    assert (alice.only()["id"], alice.only()["participants"]) == (original["id"], ["1002", OUTSIDE])
    assert (bob.only()["id"], bob.only()["participants"]) == (bobs["id"], ["1001", OUTSIDE])
    alice.take(), bob.take()
    assert await alice.do(original, "RemoveParticipant", participant=OUTSIDE) == ["ParticipantsUpdated"]
    assert (alice.only()["participants"], bob.only()["participants"]) == (["1002"], ["1001"])


async def test_somebody_leaves_a_conference(office: Office) -> None:
    alice, bob, carol = [
        await office.seat(user, number) for user, number in [("alice", "1"), ("bob", "2"), ("carol", "3")]
    ]
    original, _ = await between(alice, bob)
    assert await alice.do(original, "SingleStepConference", destination={"phoneNumber": "3"}) == ["ParticipantsUpdated"]
    await carol.do(carol.only(), "Answer")
    assert [desk.only()["participants"] for desk in (alice, bob, carol)] == [["2", "3"], ["1", "3"], ["1", "2"]]
    await alice.do(original, "Hangup")
    assert (bob.only()["participants"], carol.only()["participants"]) == (["3"], ["2"])
    await bob.do(bob.only(), "Hangup")
    assert carol.calls == {}


async def test_nobody_comes_to_a_conference(office: Office) -> None:
    alice, bob = await office.seat("alice", "1001"), await office.seat("bob", "1002")
    original, _ = await between(alice, bob)
    await alice.do(original, "SingleStepConference", destination={"phoneNumber": "+15550001"})
    alice.take()
    await office.later(1.0)
    assert alice.take() == ["Error", "ParticipantsUpdated"]
    assert alice.now(original)["participants"] == ["1002"]


async def test_a_call_is_transferred_in_one_step(office: Office) -> None:
    alice, bob, carol = [
        await office.seat(user, number) for user, number in [("alice", "1"), ("bob", "2"), ("carol", "3")]
    ]
    original, _ = await between(alice, bob)
    data = {"note": "from alice"}
    assert await alice.do(original, "SingleStepTransfer", destination={"phoneNumber": "3"}, userData=data) == [
        "Released"
    ]
    assert (carol.only()["state"], carol.only()["userData"]) == ("Ringing", data)
    assert (bob.only()["participants"], bob.only()["userData"]) == (["3"], data)
    await carol.do(carol.only(), "Answer")
    assert (bob.only()["state"], carol.only()["participants"]) == ("Established", ["2"])


async def test_a_call_is_redirected_while_it_rings(office: Office) -> None:
    alice, bob, carol = [
        await office.seat(user, number) for user, number in [("alice", "1"), ("bob", "2"), ("carol", "3")]
    ]
    call = await alice.dial("2")
    assert await bob.do(bob.only(), "Redirect", destination={"phoneNumber": "3"}) == ["Released"]
    assert alice.take() == ["Dialing", "ParticipantsUpdated"]
    assert (carol.only()["ani"], carol.only()["participants"]) == ("1", ["1"])
    await carol.do(carol.only(), "Answer")
    assert alice.now(call)["state"] == "Established"


async def test_a_device_that_does_not_want_to_be_disturbed_is_busy(office: Office) -> None:
    alice, bob = await office.seat("alice", "1001"), await office.seat("bob", "1002")
    await bob.ask("POST", f"/api/v2/me/devices/{bob.phone.id}", {"operationName": "DoNotDisturbOn"})
    await alice.dial("1002")
    assert (alice.take(), bob.take()) == (["Dialing", "Error", "Released"], [])
    assert alice.heard[1]["errorMessage"] == "The number is busy"


async def test_calls_are_forwarded(office: Office) -> None:
    alice, bob, carol = [
        await office.seat(user, number) for user, number in [("alice", "1"), ("bob", "2"), ("carol", "3")]
    ]
    forward = {"operationName": "ForwardCallsOn", "destination": {"phoneNumber": "3"}}
    await bob.ask("POST", f"/api/v2/me/devices/{bob.phone.id}", forward)
    call = await alice.dial("2")
    assert (call["participants"], call["dnis"], carol.only()["dnis"]) == (["3"], "2", "2")
    assert bob.calls == {}


async def test_calls_that_are_forwarded_in_a_circle_end(office: Office) -> None:
    alice, bob, carol = [
        await office.seat(user, number) for user, number in [("alice", "1"), ("bob", "2"), ("carol", "3")]
    ]
    for desk, number in ((bob, "3"), (carol, "2")):
        forward = {"operationName": "ForwardCallsOn", "destination": {"phoneNumber": number}}
        await desk.ask("POST", f"/api/v2/me/devices/{desk.phone.id}", forward)
    await alice.dial("2")
    assert alice.take() == ["Dialing", "Error", "Released"]


async def test_a_desk_where_nobody_is_and_the_own_number_are_busy(office: Office) -> None:
    alice = await office.seat("alice", "1001")
    await office.seat("bob", "1002", active=False)
    for number in ("1002", "1001"):
        await alice.dial(number)
        assert alice.take() == ["Dialing", "Error", "Released"]
