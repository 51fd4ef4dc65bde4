"""The wire forms of devices, media and sessions."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from channels.devices import Device, MediaChannel

MOST_DEVICES: Final = 10_000

Text = Annotated[str, Meta(max_length=64)]
Fields = Annotated[str, Meta(description="With * everything is told of each; without it only the uris are listed")]
Path = Annotated[str, Meta(max_length=256)]
Media = Annotated[tuple[Text, ...], Meta(max_length=16)]
OperationName = Annotated[str, Meta(min_length=1, max_length=64)]


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What to tell of each."""

    fields: Fields = ""


class PageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which devices to list, in the order of their numbers, and what to tell of each."""

    fields: Fields = ""
    offset: Annotated[int, Meta(ge=0, le=2**31 - 1, description="So many are left out")] = 0
    limit: Annotated[int, Meta(ge=1, le=MOST_DEVICES, description="At most so many are listed")] = MOST_DEVICES


class Devices(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Devices in the order of their numbers, each as in a DeviceStateChangeMessage, or where they are."""

    status_code: int = 0
    uris: list[str] | UnsetType = UNSET
    devices: tuple[Device, ...] | UnsetType = UNSET
    total_count: Annotated[int | UnsetType, Meta(description="Of an organization: how many there are in all")] = UNSET


class OneDevice(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One device, as in a DeviceStateChangeMessage."""

    status_code: int = 0
    device: Device


class Channels(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The media that there are, each as in a DeviceStateChangeMessage, or where they are."""

    status_code: int = 0
    uris: list[str] | UnsetType = UNSET
    channels: tuple[MediaChannel, ...] | UnsetType = UNSET


class OneChannel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One medium, as in a DeviceStateChangeMessage."""

    status_code: int = 0
    channel: MediaChannel


class PhoneNumber(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A number and the device that has it."""

    id: str
    phone_number: str
    device_uri: str
    uri: str
    path: str


class OnePhoneNumber(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One number."""

    status_code: int = 0
    phone_number: PhoneNumber


class NewDevice(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A device to be added. One of nobody stands free, for whoever starts a session at it."""

    phone_number: Annotated[str, Meta(max_length=64, description="Unique in the organization", examples=["1003"])]
    user_id: Annotated[Text | None, Meta(description="Whose it is")] = None
    type: Text = "PSTNPhone"
    vendor: Text = ""
    model: Text = ""


class OwnOperation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """ChangePassword, StartContactCenterSession, EndContactCenterSession, or a state for all media at once."""

    operation_name: OperationName
    channels: Annotated[Media | None, Meta(description="To start a session: of voice, chat, email, workitem")] = None
    place: Annotated[Text | None, Meta(description="To start a session: the number of the device")] = None
    device_path: Annotated[Path | None, Meta(description="To start a session: /devices/ID, or the uri")] = None
    queue: Annotated[
        Text | None, Meta(description="To start a session: the only one of the agent's queues that it shall serve")
    ] = None
    login_code: Annotated[
        Text | None, Meta(description="Accepted and of no consequence: agents are known by their user")
    ] = None
    old_password: Annotated[str | None, Meta(description="To change the password")] = None
    new_password: Annotated[str | None, Meta(description="To change the password")] = None


class ChannelOutcome(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether the agent is logged in to a medium; `statusMessage` says why not."""

    channel: str
    status_code: int = 0
    status_message: str | UnsetType = UNSET


class Outcome(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """It is done. With 7 a session was started on some of the media only."""

    status_code: int = 0
    status_message: str | UnsetType = UNSET
    channels: tuple[ChannelOutcome, ...] | UnsetType = UNSET


class Destination(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where to."""

    phone_number: Annotated[str, Meta(max_length=64)]


class ChannelOperation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Ready, NotReady, AfterCallWork, AuxWork, or a state of the organization's own."""

    operation_name: OperationName


class DeviceOperation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A state as on the voice channel, or DoNotDisturbOn, DoNotDisturbOff, ForwardCallsOn, ForwardCallsOff."""

    operation_name: OperationName
    destination: Annotated[Destination | None, Meta(description="For ForwardCallsOn")] = None
