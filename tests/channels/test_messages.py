"""The typed messages of all topics against the published samples and the definitions of their fields."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from channels.appointments import AppointmentParticipant, AppointmentStateChangeMessage
from channels.callbacks import CallbackStateChangeMessage
from channels.calls import Call, CallStateChangeMessage, Participant, ParticipantInfo
from channels.devices import Country, DeviceStateChangeMessage, UserState
from channels.envelope import Notification, decode, encode, message_type
from channels.examples import CALL, DEVICE, EXAMPLES
from channels.users import PasswordChangeMessage, UserStateChangeMessage

SAMPLES = Path(__file__).parent / "samples"

# The response of the appointments API as its text prints it, oddities included.
PUBLISHED_APPOINTMENT = {
    "applicationId": "bf8215e5-a39e-490a-a0e2-07df6a3d8c1f",
    "duration": "PT5M0s (5 minutes)",
    "end": "2022-01-31T19:05:00.0Z",
    "id": "f46f165d-383a-4432-9a3e-9c805a152e0c",
    "interaction": {
        "customFields": {"property1": "string", "property2": "string"},
        "routing": {"properties": {"deploymentId": "c461a74"}, "type": "GENESYS_CLOUD_FLOW"},
        "state": "PENDING",
    },
    "locale": "en_US",
    "metadata": {"prop1": {}},
    "notes": "CRM ref: 3nv-1gt-4rt",
    "notificationHeaders": '{"x-channel": widget"}',
    "notificationsActive": True,
    "organizer": {"id": "c59a1ee2", "state": "active", "type": "CUSTOMER"},
    "participantIds": [{"id": "2460b086", "type": "CUSTOMER"}, {"id": "36c1r718", "type": "AGENT"}],
    "roomAccess": {
        "expires": "2022-01-31T19:00:00.0Z",
        "type": "MULTI_USE_TICKET",
        "url": "https://video.example.com/q/pij-gws",
    },
    "start": "2022-01-31T19:00:00.0Z",
    "timezone": "Europe/Berlin",
    "title": "Product installation review",
}
CALLBACK = {
    "id": "361-58ce",
    "serviceName": "BasicCallback",
    "state": "QUEUED",
    "customerNumber": "+15550001111",
    "attempt": 0,
    "uri": "http://127.0.0.1:8080/genesys/1/service/callback/BasicCallback/361-58ce",
    "userData": {},
}
STATE = {"state": "NotReady", "workMode": "AuxWork", "reason": "Lunch"}


def sample(name: str) -> tuple[bytes, Any]:
    data = json.loads((SAMPLES / name).read_bytes())["data"]
    return json.dumps(data).encode(), data


def read(kind: type[Notification], **fields: object) -> Notification:
    return decode(kind, json.dumps({"messageType": message_type(kind), **fields}).encode())


@pytest.mark.parametrize(
    ("name", "kind", "example"),
    [
        pytest.param("call.json", CallStateChangeMessage, CALL, id="call"),
        pytest.param("device.json", DeviceStateChangeMessage, DEVICE, id="device"),
    ],
)
def test_the_published_samples_survive_and_are_our_examples(
    name: str, kind: type[Notification], example: Notification
) -> None:
    data, value = sample(name)
    message = decode(kind, data)
    assert message == example
    assert json.loads(encode(message)) == value


def test_the_sample_call_is_read_field_by_field() -> None:
    message = decode(CallStateChangeMessage, sample("call.json")[0])
    assert isinstance(message.call, Call)
    assert message.call.participants == ("2",)
    assert message.call.participants_info == (
        ParticipantInfo(
            location=None,
            country=Country(name="", code="", calling_code=""),
            formatted_phone_number="2",
            is_valid_number=False,
            e164_digits="2",
        ),
    )
    assert (message.call.duration, message.call.mute, message.call.user_data) == ("0", "Off", UNSET)


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=[message_type(kind) for kind in EXAMPLES])
def test_every_example_is_valid_and_survives(example: Notification) -> None:
    assert decode(type(example), encode(example)) == example


WIRE: dict[str, tuple[type[Notification], dict[str, Any]]] = {
    "call with all that newer servers send": (
        CallStateChangeMessage,
        {
            "notificationType": "CallRecordingStateChange",
            "phoneNumber": "1001",
            "call": {
                "id": "1",
                "state": "Established",
                "callUuid": "U",
                "connId": "010a0229f0cbd001",
                "deviceUri": "http://h/d",
                "uri": "http://h/c",
                "path": "/calls/1",
                "parentCallUri": "http://h/p",
                "participants": [
                    {"digits": "2", "phoneNumber": "2", "formattedPhoneNumber": "2", "e164Number": "+2"},
                    "3",
                ],
                "ani": "1",
                "dnis": "2",
                "callType": "Consult",
                "capabilities": [],
                "userData": {"case": "17"},
                "duration": "1174",
                "mute": "On",
                "recordingState": "Paused",
                "supervisorListeningIn": True,
                "monitoredUserMuted": False,
                "monitoring": True,
            },
        },
    ),
    "failed call operation": (
        CallStateChangeMessage,
        {
            "notificationType": "Error",
            "deviceUri": "http://h/d",
            "errorMessage": "No such call",
            "connectionId": "010a0229f0cbd001",
            "callUuid": "U",
        },
    ),
    "device with everything": (
        DeviceStateChangeMessage,
        {
            "devices": [
                {
                    "deviceState": "Inactive",
                    "id": "d",
                    "userState": STATE,
                    "doNotDisturb": "On",
                    "forwardTo": "1002",
                    "telephonyNetwork": "Private",
                    "voiceEnvironmentUri": "http://h/v",
                    "localNumber": "1",
                    "location": "Berlin",
                    "capabilities": ["DoNotDisturbOff"],
                    "supervisorMonitoringState": {
                        "state": "ListenIn",
                        "mode": "NextCall",
                        "scope": "Call",
                        "targetDeviceUri": "http://h/t",
                    },
                }
            ]
        },
    ),
    "no devices": (DeviceStateChangeMessage, {"devices": []}),
    "password changed": (PasswordChangeMessage, {"notificationType": "PasswordChangeSuccessful"}),
    "password not changed": (
        PasswordChangeMessage,
        {
            "notificationType": "PasswordChangeError",
            "errorMessage": "too weak",
            "errorCode": 1,
            "userUri": "http://h/u",
            "userId": "alice",
        },
    ),
    "user came": (
        UserStateChangeMessage,
        {
            "notificationType": "Connected",
            "userUri": "http://h/u",
            "userId": "alice",
            "userState": STATE,
            "connected": True,
        },
    ),
    "callback without options": (CallbackStateChangeMessage, {"notificationType": "Queued", "callback": CALLBACK}),
    "callback with options": (
        CallbackStateChangeMessage,
        {
            "notificationType": "Completed",
            "callback": CALLBACK
            | {
                "reason": "AGENT_CONNECTED",
                "desiredTime": "2026-12-01T14:30:00.000Z",
                "agentId": "alice",
                "callUuid": "U",
                "userData": {"a": {"b": 1}},
            },
            "userUri": "http://h/u",
            "userId": "alice",
        },
    ),
    "appointment as published": (
        AppointmentStateChangeMessage,
        {"notificationType": "Created", "appointment": PUBLISHED_APPOINTMENT},
    ),
    "smallest appointment": (
        AppointmentStateChangeMessage,
        {
            "notificationType": "ParticipantState",
            "appointment": {"applicationId": "a"},
            "participant": {"id": "c", "state": "WAITING", "type": "CUSTOMER"},
        },
    ),
    "appointment of nulls": (
        AppointmentStateChangeMessage,
        {
            "notificationType": "Updated",
            "appointment": dict.fromkeys(PUBLISHED_APPOINTMENT) | {"applicationId": "a"},
        },
    ),
    "appointment with headers as an object": (
        AppointmentStateChangeMessage,
        {"notificationType": "Reminder", "appointment": {"applicationId": "a", "notificationHeaders": {"x-a": "b"}}},
    ),
}


@pytest.mark.parametrize(("kind", "fields"), WIRE.values(), ids=WIRE.keys())
def test_the_wire_form_survives(kind: type[Notification], fields: dict[str, Any]) -> None:
    assert json.loads(encode(read(kind, **fields))) == {"messageType": kind.__name__, **fields}


def test_participants_may_be_numbers_and_objects() -> None:
    call = {"id": "1", "state": "Held", "participants": ["2", {"digits": "3"}]}
    message = read(CallStateChangeMessage, notificationType="ParticipantsUpdated", call=call)
    assert isinstance(message, CallStateChangeMessage)
    assert isinstance(message.call, Call)
    assert message.call.participants == ("2", Participant(digits="3"))


BAD_CALL = {"id": "1", "state": "Held"}
REFUSED: dict[str, tuple[type[Notification], dict[str, Any], str]] = {
    "call without reason": (CallStateChangeMessage, {"call": BAD_CALL}, "notificationType"),
    "call of another reason": (
        CallStateChangeMessage,
        {"notificationType": "Scheduled", "call": BAD_CALL},
        r"\$\.notificationType",
    ),
    "change without call": (CallStateChangeMessage, {"notificationType": "StatusChange"}, "`call`"),
    "error without text": (CallStateChangeMessage, {"notificationType": "Error"}, "`errorMessage`"),
    "call in no state": (
        CallStateChangeMessage,
        {"notificationType": "DtmfSent", "call": {"id": "1", "state": "Queued"}},
        r"\$\.call\.state",
    ),
    "duration as number": (
        CallStateChangeMessage,
        {"notificationType": "DtmfSent", "call": BAD_CALL | {"duration": 0}},
        r"\$\.call\.duration",
    ),
    "user data of numbers": (
        CallStateChangeMessage,
        {"notificationType": "DtmfSent", "call": BAD_CALL | {"userData": {"a": 1}}},
        r"\$\.call\.userData",
    ),
    "E164digits as number": (
        CallStateChangeMessage,
        {"notificationType": "DtmfSent", "call": BAD_CALL | {"participantsInfo": [{"E164digits": 2}]}},
        r"\$\.call\.participantsInfo\[0\]\.E164digits",
    ),
    "one device outside an array": (
        DeviceStateChangeMessage,
        {"devices": {"id": "d", "deviceState": "Active"}},
        r"\$\.devices",
    ),
    "device without id": (DeviceStateChangeMessage, {"devices": [{"deviceState": "Active"}]}, "`id`"),
    "error code outside the table": (
        PasswordChangeMessage,
        {"notificationType": "PasswordChangeError", "errorCode": 4},
        r"\$\.errorCode",
    ),
    "error code as text": (
        PasswordChangeMessage,
        {"notificationType": "PasswordChangeError", "errorCode": "1"},
        r"\$\.errorCode",
    ),
    "negative attempt": (
        CallbackStateChangeMessage,
        {"notificationType": "Queued", "callback": CALLBACK | {"attempt": -1}},
        r"\$\.callback\.attempt",
    ),
    "attempt as true": (
        CallbackStateChangeMessage,
        {"notificationType": "Queued", "callback": CALLBACK | {"attempt": True}},
        r"\$\.callback\.attempt",
    ),
    "astronomic attempt": (
        CallbackStateChangeMessage,
        {"notificationType": "Queued", "callback": CALLBACK | {"attempt": 10**30}},
        r"\$\.callback\.attempt",
    ),
    "appointment of no application": (
        AppointmentStateChangeMessage,
        {"notificationType": "Created", "appointment": {"id": "x"}},
        "`applicationId`",
    ),
    "nobody's state": (
        UserStateChangeMessage,
        {"notificationType": "Connected", "userState": STATE, "connected": True},
        "`userUri`",
    ),
}


@pytest.mark.parametrize(("kind", "fields", "place"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(kind: type[Notification], fields: dict[str, Any], place: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=place):
        read(kind, **fields)


def test_optional_fields_stay_absent() -> None:
    message = UserStateChangeMessage(
        notification_type="Disconnected",
        user_uri="http://h/u",
        user_id="alice",
        user_state=UserState(state="LoggedOut"),
        connected=False,
    )
    assert json.loads(encode(message))["userState"] == {"state": "LoggedOut"}
    assert msgspec.json.encode(AppointmentParticipant(id="c", type="AGENT")) == b'{"id":"c","type":"AGENT"}'
