"""Calls between agents and to the outside: what each desktop hears, and what it is told by REST."""

from tests.api.telephony.desks import ID, UUID, Office

NOWHERE = {"name": "", "code": "", "callingCode": ""}


async def test_a_call_between_two_agents_is_dialled_answered_and_hung_up(either_office: Office) -> None:
    alice, bob = await either_office.seat("alice", "1001"), await either_office.seat("bob", "1002")
    dialling = await alice.dial("1002")
    assert alice.take() == ["Dialing"]
    assert bob.take() == ["Ringing"]
    ringing = bob.only()
    assert dialling == {
        "id": dialling["id"],
        "state": "Dialing",
        "callUuid": dialling["callUuid"],
        "deviceUri": f"http://127.0.0.1:8080/api/v2/devices/{alice.phone.id}",
        "uri": f"http://127.0.0.1:8080/api/v2/me/calls/{dialling['id']}",
        "path": f"/calls/{dialling['id']}",
        "participants": ["1002"],
        "participantsInfo": [
            {
                "formattedPhoneNumber": "1002",
                "location": None,
                "country": NOWHERE,
                "isValidNumber": False,
                "E164digits": "1002",
            }
        ],
        "ani": "1001",
        "dnis": "1002",
        "callType": "Internal",
        "capabilities": [
            "DeleteUserDataPair",
            "UpdateUserData",
            "AttachUserData",
            "Hangup",
            "DeleteUserData",
            "SendDtmf",
        ],
        "duration": "0",
        "mute": "Off",
        "recordingState": "Stopped",
    }
    assert ID.fullmatch(dialling["id"])
    assert UUID.fullmatch(dialling["callUuid"])
    assert (ringing["callUuid"], ringing["participants"]) == (dialling["callUuid"], ["1001"])
    assert (ringing["ani"], ringing["dnis"]) == ("1001", "1002")
    assert ringing["id"] != dialling["id"]
    either_office.world.clock.at += 7.5
    assert await bob.do(ringing, "Answer") == ["Established"]
    assert alice.take() == ["Established"]
    assert (alice.only()["duration"], bob.only()["duration"]) == ("7", "7")
    assert await alice.do(dialling, "Hangup") == ["Released"]
    assert (alice.calls, bob.calls) == ({}, {})
    assert bob.heard[-1]["call"]["capabilities"] == []
    assert bob.heard[-1]["phoneNumber"] == "1002"
    assert await either_office.planned() == 0
