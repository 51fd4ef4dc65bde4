"""Messages of `/v2/me/calls`: the calls of a user, and operations on them that failed."""

from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from channels.devices import Country, OnOff
from channels.envelope import Notification

CallState: TypeAlias = Literal["Ringing", "Dialing", "Established", "Held", "Released"]
CallType: TypeAlias = Literal["Internal", "Inbound", "Outbound", "Consult", "Unknown"]
CallNotificationType: TypeAlias = Literal[
    "StatusChange", "ParticipantsUpdated", "AttachedDataChanged", "DtmfSent", "CallRecordingStateChange", "Error"
]


class Participant(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The other side of a call as newer servers write it in `participants`."""

    digits: str | UnsetType = UNSET
    phone_number: str | UnsetType = UNSET
    formatted_phone_number: str | UnsetType = UNSET
    e164_number: str | UnsetType = UNSET


class ParticipantInfo(Participant, frozen=True, kw_only=True):
    """The other side of a call in `participantsInfo`. `location` may be null; the spelling `E164digits` is theirs."""

    location: Any = UNSET
    country: Country | UnsetType = UNSET
    is_valid_number: bool | UnsetType = UNSET
    e164_digits: str | UnsetType = msgspec.field(default=UNSET, name="E164digits")


class Call(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A call as its owner sees it, identical to the one that `GET /me/calls` returns.

    `duration` is a string of whole seconds. The order of `capabilities` means nothing; after Released it is empty.
    """

    id: str
    state: CallState
    call_uuid: str | UnsetType = UNSET
    conn_id: str | UnsetType = UNSET
    device_uri: str | UnsetType = UNSET
    uri: str | UnsetType = UNSET
    path: str | UnsetType = UNSET
    parent_call_uri: str | UnsetType = UNSET
    participants: tuple[str | Participant, ...] | UnsetType = UNSET
    participants_info: tuple[ParticipantInfo, ...] | UnsetType = UNSET
    ani: str | UnsetType = UNSET
    dnis: str | UnsetType = UNSET
    call_type: CallType | UnsetType = UNSET
    capabilities: tuple[str, ...] | UnsetType = UNSET
    user_data: dict[str, str] | UnsetType = UNSET
    duration: str | UnsetType = UNSET
    mute: OnOff | UnsetType = UNSET
    recording_state: Literal["Stopped", "Recording", "Paused"] | UnsetType = UNSET
    supervisor_listening_in: bool | UnsetType = UNSET
    monitored_user_muted: bool | UnsetType = UNSET
    monitoring: bool | UnsetType = UNSET


class CallStateChangeMessage(Notification, frozen=True, kw_only=True):
    """A call changed (`notificationType` says in what), or an operation on it failed (`Error`).

    `call` is present unless an operation failed; then the last four fields say which call it was and why, as far as
    the sender knows. `phone_number` is the number of the device that the call is on.
    """

    notification_type: CallNotificationType
    phone_number: str | UnsetType = UNSET
    call: Call | UnsetType = UNSET
    device_uri: str | UnsetType = UNSET
    error_message: str | UnsetType = UNSET
    connection_id: str | UnsetType = UNSET
    call_uuid: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.notification_type == "Error":
            if self.error_message is UNSET:
                raise ValueError("Object missing required field `errorMessage`")
        elif self.call is UNSET:
            raise ValueError("Object missing required field `call`")
