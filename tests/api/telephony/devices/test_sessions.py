"""Sessions, states and devices over HTTP: what is answered, what is told, and what is refused."""

from typing import Any

import pytest

from api.telephony.devices import actions
from tests.api.telephony.devices.office import (
    AFTER_CALL_WORK,
    BASE,
    LOGGED_OUT,
    LUNCH,
    NOT_READY,
    READY,
    Office,
)

START = {"operationName": "StartContactCenterSession", "channels": ["voice"]}
FORWARD = {"operationName": "ForwardCallsOn"}
TOGGLES = ["DoNotDisturbOn", "ForwardCallsOn"]
DEVICE = {
    "deviceState": "Active",
    "phoneNumberUri": f"{BASE}/api/v2/phone-numbers/phone-1001",
    "id": "phone-1001",
    "userState": NOT_READY,
    "doNotDisturb": "Off",
    "type": "PSTNPhone",
    "model": "",
    "vendor": "",
    "phoneNumber": "1001",
    "country": {"name": "", "code": "", "callingCode": ""},
    "e164Number": "1001",
    "telephonyNetwork": "Private",
    "capabilities": [*TOGGLES, "Ready", "AfterCallWork", "AuxWork", "Lunch"],
}
CHAT_OFF = {"channel": "chat", "userState": LOGGED_OUT, "capabilities": []}


async def started(office: Office, user: str, **more: Any) -> Any:
    return (await office.ask(user, "POST", "/me", START | more)).json()


@pytest.fixture
async def at_work(office: Office) -> Office:
    """Alice has a session at her own device, bob has none at his, and a third device stands free."""
    await office.hire("alice", "1001", queues=("sales",))
    await office.hire("bob", "1002")
    await office.place("1003")
    assert await started(office, "alice") == {"statusCode": 0}
    return office


async def snapshot(office: Office, user: str = "alice") -> dict[str, Any]:
    found: dict[str, Any] = (await office.ask(user, "GET", "/me?subresources=*")).json()["user"]
    return found


async def test_a_session_makes_the_device_active_and_the_agent_not_ready(at_work: Office) -> None:
    assert (await at_work.told("alice"))[-1] == {
        "messageType": "DeviceStateChangeMessage",
        "devices": [DEVICE],
        "channels": [
            {
                "channel": "voice",
                "userState": NOT_READY,
                "dndState": "Off",
                "capabilities": ["Ready", "AfterCallWork", "AuxWork", "Lunch"],
            }
        ],
    }
    assert await at_work.supervisors_told() == [
        {
            "messageType": "UserStateChangeMessage",
            "notificationType": "StateChange",
            "userUri": f"{BASE}/api/v2/users/alice",
            "userId": "alice",
            "userState": NOT_READY,
            "connected": False,
        }
    ]
    user = await snapshot(at_work)
    assert (user["userState"], user["devices"]) == (NOT_READY, [DEVICE])
    assert [each["userState"] for each in user["channels"]] == [NOT_READY, LOGGED_OUT, LOGGED_OUT, LOGGED_OUT]


async def test_what_is_listed_is_what_is_told(at_work: Office) -> None:
    listed = await at_work.ask("alice", "GET", "/me/devices")
    assert listed.json() == {"statusCode": 0, "uris": [f"{BASE}/api/v2/me/devices/phone-1001"]}
    whole = await at_work.ask("alice", "GET", "/me/devices?fields=*")
    assert whole.json() == {"statusCode": 0, "devices": [DEVICE]}
    one = await at_work.ask("alice", "GET", "/me/devices/phone-1001")
    assert one.json() == {"statusCode": 0, "device": DEVICE}
    media = await at_work.ask("alice", "GET", "/me/channels")
    assert media.json()["uris"][:2] == [f"{BASE}/api/v2/me/channels/voice", f"{BASE}/api/v2/me/channels/chat"]
    assert (await at_work.ask("alice", "GET", "/me/channels?fields=*")).json()["channels"][1] == CHAT_OFF
    assert (await at_work.ask("alice", "GET", "/me/channels/chat")).json() == {"statusCode": 0, "channel": CHAT_OFF}
    sue = at_work.world.token("sue", "ROLE_SUPERVISOR")
    of_alice = await at_work.ask("sue", "GET", "/users/alice/devices?fields=*", token=sue)
    assert of_alice.json() == {"statusCode": 0, "devices": [DEVICE]}
    of_all = (await at_work.ask("sue", "GET", "/devices?fields=*&limit=2", token=sue)).json()
    assert ([each["phoneNumber"] for each in of_all["devices"]], of_all["totalCount"]) == (["1001", "1002"], 3)
    assert of_all["devices"][0] == DEVICE
    uris = (await at_work.ask("sue", "GET", "/devices?offset=2", token=sue)).json()
    assert uris == {"statusCode": 0, "uris": [f"{BASE}/api/v2/devices/phone-1003"], "totalCount": 3}
    assert (await at_work.ask("alice", "GET", "/devices/phone-1001")).json()["device"] == DEVICE
    number = await at_work.ask("alice", "GET", "/phone-numbers/phone-1001")
    assert number.json()["phoneNumber"] == {
        "id": "phone-1001",
        "phoneNumber": "1001",
        "deviceUri": f"{BASE}/api/v2/devices/phone-1001",
        "uri": f"{BASE}/api/v2/phone-numbers/phone-1001",
        "path": "/phone-numbers/phone-1001",
    }


@pytest.mark.parametrize(
    ("operation", "state"),
    [("Ready", READY), ("AfterCallWork", AFTER_CALL_WORK), ("Lunch", LUNCH), ("NotReady", NOT_READY)],
)
@pytest.mark.parametrize("path", ["/me", "/me/channels/voice", "/me/devices/phone-1001"])
async def test_states_are_asked_for_in_three_places(at_work: Office, path: str, operation: str, state: object) -> None:
    before = len(await at_work.told("alice"))
    assert await at_work.post("alice", path, operation) == {"statusCode": 0}
    user = await snapshot(at_work)
    assert (user["userState"], user["devices"][0]["userState"]) == (state, state)
    assert operation not in user["devices"][0]["capabilities"]
    told = (await at_work.told("alice"))[before:]
    assert [event["devices"] for event in told] == ([] if state == NOT_READY else [user["devices"]])


async def test_do_not_disturb_and_forwarding_are_switched_on_and_off(at_work: Office) -> None:
    path = "/me/devices/phone-1001"
    for operation, more, changes in (
        ("DoNotDisturbOn", {}, {"doNotDisturb": "On", "capabilities": ["DoNotDisturbOff", "ForwardCallsOn"]}),
        ("DoNotDisturbOff", {}, {"doNotDisturb": "Off", "capabilities": TOGGLES}),
        (
            "ForwardCallsOn",
            {"destination": {"phoneNumber": "+49 (89) 123-45"}},
            {"forwardTo": "+498912345", "capabilities": ["DoNotDisturbOn", "ForwardCallsOff"]},
        ),
        ("ForwardCallsOff", {}, {"capabilities": TOGGLES}),
    ):
        assert await at_work.post("alice", path, operation, **more) == {"statusCode": 0}
        changes["capabilities"] = [*changes["capabilities"], *DEVICE["capabilities"][2:]]  # type: ignore[index]
        assert (await at_work.told("alice"))[-1]["devices"] == [DEVICE | changes]
        assert (await snapshot(at_work))["devices"] == [DEVICE | changes]
        refused = await at_work.post("alice", path, operation, **more)
        assert refused["statusCode"] == 2
    assert len(await at_work.supervisors_told()) == 1, "none of it is a state"


async def test_a_free_device_is_borrowed_for_a_session(at_work: Office) -> None:
    await at_work.hire("carol")
    assert await started(at_work, "carol", devicePath="/devices/phone-1003") == {"statusCode": 0}
    assert [each["id"] for each in (await snapshot(at_work, "carol"))["devices"]] == ["phone-1003"]
    taken = await started(at_work, "bob", place="1003")
    assert taken == {"statusCode": 19, "statusMessage": "The device belongs to another user"}
    assert await at_work.post("carol", "/me", "EndContactCenterSession") == {"statusCode": 0}
    last = (await at_work.told("carol"))[-1]["devices"][0]
    assert (last["deviceState"], last["userState"], last["capabilities"]) == ("Inactive", LOGGED_OUT, [])
    assert (await snapshot(at_work, "carol"))["devices"] == []
    again = await started(at_work, "bob", place="1003")
    assert again == {"statusCode": 0}


async def test_some_media_may_be_refused(at_work: Office) -> None:
    start = {"channels": ["voice", "chat", "fax", "chat"], "place": "1001"}
    answer = await at_work.post("bob", "/me", "StartContactCenterSession", **start)
    assert answer == {
        "statusCode": 7,
        "statusMessage": "Partial success",
        "channels": [
            {"channel": "voice", "statusCode": 19, "statusMessage": "The device belongs to another user"},
            {"channel": "chat", "statusCode": 0},
            {"channel": "fax", "statusCode": 10, "statusMessage": "channels: there is no channel fax"},
        ],
    }
    assert (await at_work.told("bob"))[-1]["devices"] == []
    assert [each["channel"] for each in (await at_work.told("bob"))[-1]["channels"]] == ["chat"]
    assert await at_work.post("bob", "/me/channels/chat", "Ready") == {"statusCode": 0}
    assert (await snapshot(at_work, "bob"))["userState"] == READY


async def test_starting_again_changes_nothing_and_may_add_media(at_work: Office) -> None:
    await at_work.be("alice", "Ready")
    before = await snapshot(at_work)
    assert await started(at_work, "alice") == {"statusCode": 0}
    assert await snapshot(at_work) == before
    assert await started(at_work, "alice", channels=["voice", "email"]) == {"statusCode": 0}
    assert [each["userState"] for each in (await snapshot(at_work))["channels"]] == [
        READY,
        LOGGED_OUT,
        NOT_READY,
        LOGGED_OUT,
    ]


async def test_the_end_logs_out_of_the_login_as_well(at_work: Office) -> None:
    await at_work.world.user("dora", password="correct horse battery")
    login = await at_work.world.ask(
        "GET", "/api/v2/me", headers={"Authorization": "Basic ZG9yYTpjb3JyZWN0IGhvcnNlIGJhdHRlcnk="}
    )
    cookie = login.headers["set-cookie"].partition(";")[0]
    headers = {"Cookie": cookie, login.headers["x-csrf-header"]: login.headers["x-csrf-token"]}
    chat = {"operationName": "StartContactCenterSession", "channels": ["chat"]}
    assert (await at_work.world.ask("POST", "/api/v2/me", chat, headers=headers)).json() == {"statusCode": 0}
    over = {"operationName": "EndContactCenterSession"}
    assert (await at_work.world.ask("POST", "/api/v2/me", over, headers=headers)).json() == {"statusCode": 0}
    after = await at_work.world.ask("GET", "/api/v2/me", headers=headers)
    assert (after.status_code, after.json()["statusCode"]) == (401, 20)


REFUSED = [
    ("alice", "/me", {"operationName": "StartContactCenterSession"}, 1),
    ("alice", "/me", {"operationName": "StartContactCenterSession", "channels": []}, 1),
    ("alice", "/me", START | {"place": "1003"}, 2),
    ("bob", "/me", START | {"place": "1001"}, 19),
    ("bob", "/me", START | {"devicePath": f"{BASE}/api/v2/devices/phone-1001"}, 19),
    ("bob", "/me", START | {"place": "9999"}, 6),
    ("bob", "/me", START | {"channels": ["fax"]}, 10),
    ("bob", "/me", START | {"queue": "sales"}, 10),
    ("bob", "/me", {"operationName": "EndContactCenterSession"}, 2),
    ("bob", "/me", {"operationName": "Ready"}, 2),
    ("alice", "/me", {"operationName": "Sing"}, 10),
    ("alice", "/me", {"operationName": 5}, 10),
    ("alice", "/me", {}, 1),
    ("alice", "/me", {"operationName": "ChangePassword"}, 1),
    ("alice", "/me/channels/voice", {}, 1),
    ("alice", "/me/channels/voice", {"operationName": "DoNotDisturbOn"}, 10),
    ("alice", "/me/channels/voice", {"operationName": "lunch"}, 10),
    ("alice", "/me/channels/chat", {"operationName": "Ready"}, 2),
    ("alice", "/me/channels/fax", {"operationName": "Ready"}, 6),
    ("bob", "/me/devices/phone-1002", {"operationName": "Ready"}, 2),
    ("bob", "/me/devices/phone-1001", {"operationName": "Ready"}, 6),
    ("bob", "/me/devices/phone-1001", {"operationName": "DoNotDisturbOn"}, 6),
    ("bob", "/me/devices/phone-1003", {"operationName": "DoNotDisturbOn"}, 6),
    ("bob", "/me/devices/nothing", {"operationName": "ForwardCallsOff"}, 6),
    ("alice", "/me/devices/phone-1001", {"operationName": "DoNotDisturbOff"}, 2),
    ("alice", "/me/devices/phone-1001", {"operationName": "ForwardCallsOff"}, 2),
    ("alice", "/me/devices/phone-1001", FORWARD, 1),
    ("alice", "/me/devices/phone-1001", FORWARD | {"destination": {}}, 1),
    ("alice", "/me/devices/phone-1001", {"operationName": "ForwardCallsOn", "destination": {"phoneNumber": "x"}}, 10),
    (
        "alice",
        "/me/devices/phone-1001",
        {"operationName": "ForwardCallsOn", "destination": {"phoneNumber": "1001"}},
        10,
    ),
    ("alice", "/me/devices/phone-1001", {"operationName": "Sing"}, 10),
]


async def test_what_is_refused_changes_nothing_and_is_not_told(at_work: Office) -> None:
    before = [await snapshot(at_work, user) for user in ("alice", "bob")]
    published = len(at_work.world.published)
    for user, path, body, code in REFUSED:
        answer = (await at_work.ask(user, "POST", path, body)).json()
        assert (answer["statusCode"], answer.keys()) == (code, {"statusCode", "statusMessage"}), (path, body, answer)
    assert [await snapshot(at_work, user) for user in ("alice", "bob")] == before
    assert len(at_work.world.published) == published


async def test_who_may_do_what(at_work: Office) -> None:
    world, new = at_work.world, {"phoneNumber": "1004", "userId": "bob"}
    foreign = world.token("eve", "ROLE_ADMIN", organization="globex")
    customer = world.token("kim", "ROLE_CUSTOMER")
    adam, sue = world.token("adam", "ROLE_ADMIN"), world.token("sue", "ROLE_SUPERVISOR")
    published = len(world.published)
    for token, method, path, body, status in (
        (customer, "POST", "/me", START, 403),
        (adam, "POST", "/me", START, 403),
        (customer, "POST", "/me/channels/voice", {"operationName": "Ready"}, 403),
        (adam, "POST", "/me/devices/phone-1001", {"operationName": "Ready"}, 403),
        (sue, "POST", "/devices", new, 403),
        (sue, "DELETE", "/devices/phone-1003", None, 403),
        (foreign, "GET", "/devices/phone-1001", None, 404),
        (foreign, "GET", "/devices/nothing", None, 404),
        (foreign, "GET", "/users/alice/devices", None, 404),
        (foreign, "DELETE", "/devices/phone-1003", None, 404),
        (foreign, "POST", "/devices", new, 404),
        (None, "GET", "/devices", None, 403),
        (None, "GET", "/devices/phone-1002", None, 403),
        (None, "GET", "/devices/nothing", None, 403),
        (None, "GET", "/phone-numbers/phone-1002", None, 403),
        (None, "GET", "/users/bob/devices", None, 403),
        (adam, "DELETE", "/devices/phone-1001", None, 400),
        (adam, "POST", "/devices", {"phoneNumber": "1001"}, 409),
        (adam, "POST", "/devices", {"phoneNumber": "12a"}, 400),
        (adam, "POST", "/devices", {"phoneNumber": "1005", "userId": "nobody"}, 404),
        (adam, "POST", "/devices", {}, 400),
    ):
        reply = await at_work.ask("alice", method, path, body, token=token)
        assert reply.status_code == status, (method, path, reply.text)
    assert (await at_work.ask("eve", "GET", "/devices", token=foreign)).json()["totalCount"] == 0
    assert len(world.published) == published


async def test_devices_come_and_go(at_work: Office) -> None:
    adam = at_work.world.token("adam", "ROLE_ADMIN")
    new, key = {"phoneNumber": "10-04", "userId": "bob", "vendor": "Acme"}, {"Idempotency-Key": "once"}
    added = await at_work.ask("adam", "POST", "/devices", new, token=adam, headers=key)
    device = added.json()["device"]
    assert (device["phoneNumber"], device["vendor"], device["deviceState"]) == ("1004", "Acme", "Inactive")
    assert (await at_work.told("bob"))[-1]["devices"] == [device]
    assert (await snapshot(at_work, "bob"))["devices"][1] == device
    again = await at_work.ask("adam", "POST", "/devices", new, token=adam, headers=key)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (added.json(), "true")
    gone = await at_work.ask("adam", "DELETE", f"/devices/{device['id']}", token=adam)
    assert gone.json() == {"statusCode": 0}
    assert (await at_work.told("bob"))[-1]["devices"][0]["capabilities"] == []
    assert len((await snapshot(at_work, "bob"))["devices"]) == 1


async def test_a_number_of_a_country_says_of_which(office: Office) -> None:
    await office.hire("alice", "+493012345678")
    device = (await snapshot(office))["devices"][0]
    assert device["country"] == {"name": "Germany", "code": "DE", "callingCode": "49"}
    assert (device["phoneNumber"], device["e164Number"]) == ("+493012345678", "493012345678")


async def test_a_session_with_calls_does_not_end(at_work: Office) -> None:
    await at_work.write(lambda tx: actions.call_began(tx, at_work.floor, "acme", "phone-1001", at_work.now))
    before = await snapshot(at_work)
    assert (await at_work.post("alice", "/me", "EndContactCenterSession"))["statusCode"] == 2
    assert await snapshot(at_work) == before


async def test_a_first_password_has_to_be_changed_before_work(at_work: Office) -> None:
    await at_work.world.user("fred", password="correct horse battery", must_change=True)
    basic = {"Authorization": "Basic ZnJlZDpjb3JyZWN0IGhvcnNlIGJhdHRlcnk="}
    reply = await at_work.world.ask("POST", "/api/v2/me", START, headers=basic)
    assert (reply.status_code, reply.json()["statusCode"]) == (403, 8)
