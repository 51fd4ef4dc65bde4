"""A switch tells about devices: the snapshots follow."""

from typing import Any

from api.telephony.devices import actions
from channels.devices import Device, DeviceStateChangeMessage, UserState
from tests.api.telephony.devices.office import LOGGED_OUT, READY, Office

LUNCH = UserState(state="NotReady", reason="Lunch")


def told(**changes: Any) -> Device:
    return Device(**({"id": "phone-1001", "device_state": "Active", "phone_number": "1001"} | changes))


async def observe(office: Office, *devices: Device, user: str = "alice") -> None:
    message = DeviceStateChangeMessage(devices=devices)
    await office.write(lambda tx: actions.observe(tx, office.floor, "acme", user, message, office.now))


async def seen(office: Office, user: str = "alice") -> Any:
    return (await office.ask(user, "GET", "/me?subresources=*")).json()["user"]


async def test_the_snapshot_follows_and_supervisors_hear_of_states(either: Office) -> None:
    await either.hire("alice", "1001")
    before = len(await either.told("alice"))
    await observe(either, told(user_state=UserState(state="Ready"), forward_to="1002", do_not_disturb="On"))
    device = (await seen(either))["devices"][0]
    assert (device["deviceState"], device["userState"], device["doNotDisturb"], device["forwardTo"]) == (
        "Active",
        READY,
        "On",
        "1002",
    )
    await observe(either, told(user_state=LUNCH))
    device = (await seen(either))["devices"][0]
    assert (device["userState"]["reason"], device["doNotDisturb"], "forwardTo" in device) == ("Lunch", "On", False)
    await observe(either, told(device_state="Inactive"))
    assert (await seen(either))["userState"] == LOGGED_OUT
    states = [(each["userState"]["state"], each["userState"].get("reason")) for each in await either.supervisors_told()]
    assert states == [("Ready", None), ("NotReady", "Lunch"), ("LoggedOut", None)]
    assert len(await either.told("alice")) == before, "the user has been told by the switch"


async def test_what_is_told_twice_happens_once(office: Office) -> None:
    await office.hire("alice", "1001")
    for _ in range(2):
        await observe(office, told(user_state=UserState(state="Ready")))
    assert len(await office.supervisors_told()) == 1


async def test_an_unknown_device_is_added_unless_it_is_somebody_elses(office: Office) -> None:
    await office.hire("alice")
    await office.hire("bob", "1002")
    new = told(id="5aceae61", phone_number="1009", user_state=UserState(state="Ready"))
    await observe(office, new, told(id="phone-1002", phone_number="1002"), told(id="other", phone_number="1002"))
    await observe(office, told(id="../x", phone_number="1"), told(id="y", phone_number="not a number"))
    assert [(each["id"], each["phoneNumber"]) for each in (await seen(office))["devices"]] == [("5aceae61", "1009")]
    assert (await seen(office))["userState"] == READY
    assert (await seen(office, "bob"))["devices"][0]["deviceState"] == "Inactive"


async def test_a_switch_cannot_add_devices_without_end(office: Office) -> None:
    await office.hire("alice")
    await observe(office, *(told(id=f"d{n}", phone_number=f"{3000 + n}", device_state="Inactive") for n in range(20)))
    assert len((await seen(office))["devices"]) == 16
