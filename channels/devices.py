"""Messages of `/v2/me/devices`: the devices of a user and the agent's state on them."""

from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from channels.envelope import Notification

OnOff: TypeAlias = Literal["On", "Off"]


class Country(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Country of a number; the fields are empty strings while it is not known."""

    name: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    calling_code: str | UnsetType = UNSET


class UserState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """State of an agent. `id` and `display_name` are there when state, work mode and reason match a defined state.

    `state` is open: contact centres define states of their own besides Ready, NotReady and LoggedOut.
    """

    id: str | UnsetType = UNSET
    display_name: str | UnsetType = UNSET
    state: str
    work_mode: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET


class SupervisorMonitoringState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a supervisor listens to the device at present."""

    state: Literal["ListenIn", "Coach", "BargeIn"]
    mode: Literal["NextCall", "AllCalls"] | UnsetType = UNSET
    scope: Literal["Call", "Agent"] | UnsetType = UNSET
    target_device_uri: str | UnsetType = UNSET


class Device(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A device, identical to the one that `GET /me/devices` returns: clients replace what they had as a whole.

    `forward_to` is present only while calls are forwarded.
    """

    device_state: Literal["Active", "Inactive"]
    phone_number_uri: str | UnsetType = UNSET
    id: str
    user_state: UserState | UnsetType = UNSET
    do_not_disturb: OnOff | UnsetType = UNSET
    forward_to: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    vendor: str | UnsetType = UNSET
    phone_number: str | UnsetType = UNSET
    local_number: str | UnsetType = UNSET
    country: Country | UnsetType = UNSET
    e164_number: str | UnsetType = UNSET
    location: Any = UNSET
    telephony_network: Literal["Private", "Public"] | UnsetType = UNSET
    voice_environment_uri: str | UnsetType = UNSET
    capabilities: tuple[str, ...] | UnsetType = UNSET
    supervisor_monitoring_state: SupervisorMonitoringState | UnsetType = UNSET


class MediaChannel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How an agent takes part in one kind of work, identical to what `GET /me/channels` returns: voice (on a device),
    chat, email or workitem. `dnd_state` is told of voice only.
    """

    channel: str
    user_state: UserState
    dnd_state: OnOff | UnsetType = UNSET
    capabilities: tuple[str, ...] | UnsetType = UNSET


class DeviceStateChangeMessage(Notification, frozen=True, kw_only=True):
    """The devices that changed, each in its new state; one element even for a single device, none where only media
    without a device have changed. `channels` are the media that changed.

    An inactive device without capabilities has left the user: it is no longer in `GET /me/devices`.
    """

    devices: tuple[Device, ...]
    channels: tuple[MediaChannel, ...] | UnsetType = UNSET
