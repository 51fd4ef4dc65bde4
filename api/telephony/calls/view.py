"""A leg as its owner sees it, in the form that the product's notifications have. Pure."""

import msgspec
from msgspec import UNSET

from api.telephony.calls.legs import Leg
from api.telephony.calls.tellings import Telling
from api.telephony.devices.rules import device_uri
from api.telephony.numbers import participant_info
from channels.calls import Call, CallStateChangeMessage
from channels.envelope import encode


def uri_of(base: str, id: str) -> str:
    """The absolute address of a call; `base` is the public URL of the hub."""
    return f"{base}/api/v2/me/calls/{id}"


def path_of(id: str) -> str:
    """The same, relative to the API."""
    return f"/calls/{id}"


def view(leg: Leg, base: str, now: float) -> Call:
    """The call, identical on the channel and in the answers of REST."""
    return Call(
        id=leg.id,
        state=leg.state.value,  # type: ignore[arg-type]  # desktops never see a requested call
        call_uuid=leg.call_uuid,
        device_uri=device_uri(base, leg.device) if leg.device else UNSET,
        uri=uri_of(base, leg.id),
        path=path_of(leg.id),
        parent_call_uri=UNSET if leg.parent is None else uri_of(base, leg.parent),
        participants=leg.participants,
        participants_info=tuple(participant_info(number) for number in leg.participants),
        ani=leg.ani,
        dnis=leg.dnis,
        call_type=leg.call_type,
        capabilities=leg.capabilities,
        user_data=leg.user_data or UNSET,
        duration=str(max(0, int(now - leg.began_at))),
        mute="On" if leg.muted else "Off",
        recording_state=leg.recording or UNSET,
    )


def wire(leg: Leg, base: str, now: float) -> Call | msgspec.Raw:
    """The same; of a call that a connector reports, its own words."""
    return view(leg, base, now) if leg.reported is None else msgspec.Raw(leg.reported.encode())


def notification(telling: Telling, base: str, now: float) -> bytes:
    """The notification that tells it."""
    leg = telling.leg
    if telling.type == "Error":
        message = CallStateChangeMessage(
            notification_type="Error",
            phone_number=leg.number or UNSET,
            device_uri=device_uri(base, leg.device) if leg.device else UNSET,
            error_message=telling.why,
            connection_id=leg.id,
            call_uuid=leg.call_uuid or UNSET,
        )
    else:
        message = CallStateChangeMessage(
            notification_type=telling.type, phone_number=leg.number or UNSET, call=view(leg, base, now)
        )
    return encode(message)
