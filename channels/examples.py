"""One example of every message, for the documents that are made from the catalogue."""

from typing import Final

from channels.appointments import (
    AppointmentInteraction,
    AppointmentParticipant,
    AppointmentRoom,
    AppointmentRouting,
    AppointmentSnapshot,
    AppointmentStateChangeMessage,
)
from channels.callbacks import Callback, CallbackStateChangeMessage, CallbackWatermarkMessage
from channels.calls import Call, CallStateChangeMessage, ParticipantInfo
from channels.devices import Country, Device, DeviceStateChangeMessage, UserState
from channels.envelope import Notification
from channels.users import PasswordChangeMessage, UserStateChangeMessage

_API: Final = "http://127.0.0.1:8080/api/v2"
_GENESYS: Final = "http://127.0.0.1:8080/genesys/1"
_DEVICE_ID: Final = "5aceae61-0b5c-4578-9477-cd352d43cb17"
_NOWHERE: Final = Country(name="", code="", calling_code="")
_READY: Final = UserState(id="9430250E-0A1B-421F-B372-F29E69366DED", display_name="Ready", state="Ready")

CALL: Final = CallStateChangeMessage(
    notification_type="StatusChange",
    phone_number="1",
    call=Call(
        id="010a0229f0cbd001",
        state="Dialing",
        call_uuid="RC5FN2QK1H3IFD3CV136FELT80000001",
        device_uri=f"{_API}/devices/{_DEVICE_ID}",
        uri=f"{_API}/me/calls/010a0229f0cbd001",
        participants=("2",),
        participants_info=(
            ParticipantInfo(
                location=None, country=_NOWHERE, formatted_phone_number="2", is_valid_number=False, e164_digits="2"
            ),
        ),
        ani="1",
        capabilities=(
            "DeleteUserDataPair",
            "UpdateUserData",
            "AttachUserData",
            "Hangup",
            "DeleteUserData",
            "SendDtmf",
        ),
        duration="0",
        mute="Off",
    ),
)

DEVICE: Final = DeviceStateChangeMessage(
    devices=(
        Device(
            device_state="Active",
            phone_number_uri=f"{_API}/phone-numbers/2b36d336-d502-4e46-bc92-b727913a7754",
            id=_DEVICE_ID,
            user_state=_READY,
            type="PSTNPhone",
            model="FakeDeviceModel",
            vendor="FakeDeviceVendor",
            phone_number="1",
            country=_NOWHERE,
            e164_number="1",
        ),
    )
)

PASSWORD: Final = PasswordChangeMessage(
    notification_type="PasswordChangeError",
    error_message="The password does not meet the security guidelines",
    error_code=1,
)

USER_STATE: Final = UserStateChangeMessage(
    notification_type="StateChange",
    user_uri=f"{_API}/users/alice",
    user_id="alice",
    user_state=_READY,
    connected=True,
)

CALLBACK: Final = CallbackStateChangeMessage(
    notification_type="Scheduled",
    callback=Callback(
        id="6b1d0d2c-6a3e-4a5f-9d0e-2f0c7d5a9b11",
        service_name="BasicCallback",
        state="SCHEDULED",
        desired_time="2026-12-01T14:30:00.000Z",
        customer_number="+15550001111",
        attempt=0,
        uri=f"{_GENESYS}/service/callback/BasicCallback/6b1d0d2c-6a3e-4a5f-9d0e-2f0c7d5a9b11",
        user_data={"topic": "invoice"},
    ),
)

WATERMARK: Final = CallbackWatermarkMessage(
    notification_type="HighWatermark", service_name="BasicCallback", queue="sales", waiting=50, mark=50
)

APPOINTMENT: Final = AppointmentStateChangeMessage(
    notification_type="ParticipantState",
    appointment=AppointmentSnapshot(
        application_id="demo-app",
        duration="PT30M",
        end="2026-12-01T15:00:00.0Z",
        id="2f1f6c0e-77a5-4b0e-8b3d-5a7f6d0a3c42",
        interaction=AppointmentInteraction(
            routing=AppointmentRouting(properties={"deploymentId": "d-1"}, type="GENESYS_CLOUD_FLOW"), state="PENDING"
        ),
        locale="en_US",
        notifications_active=True,
        organizer=AppointmentParticipant(id="alice", state="active", type="AGENT"),
        participant_ids=(
            AppointmentParticipant(id="alice", type="AGENT"),
            AppointmentParticipant(id="c-17", state="WAITING", type="CUSTOMER"),
        ),
        room_access=AppointmentRoom(
            expires="2026-12-01T19:00:00.0Z", type="MULTI_USE_TICKET", url="http://127.0.0.1:8080/room/2f1f6c0e"
        ),
        start="2026-12-01T14:30:00.0Z",
        timezone="Europe/Berlin",
        title="Product review",
    ),
    participant=AppointmentParticipant(id="c-17", state="WAITING", type="CUSTOMER"),
)

EXAMPLES: Final[dict[type[Notification], Notification]] = {
    type(example): example for example in (CALL, DEVICE, PASSWORD, USER_STATE, CALLBACK, WATERMARK, APPOINTMENT)
}
