"""What a switch outside says about a call, taken as it is. Pure.

A report replaces what was known of the leg, whatever that was: the hub may have missed something, and the switch has
not. What it does not say stays.
"""

from typing import Any

import msgspec
from msgspec import UNSET

from api.telephony.calls.capabilities import Situation, capabilities
from api.telephony.calls.legs import Conversation, Leg
from api.telephony.calls.states import State
from channels.calls import Call, CallStateChangeMessage, Participant

NOT_CARRIED_OUT = "not carried out"


class _Words(msgspec.Struct):
    call: msgspec.Raw


_WORDS = msgspec.json.Decoder(_Words)


def call_of(message: CallStateChangeMessage) -> str | None:
    """The id of the call that a message is about."""
    if message.call is not UNSET:
        return message.call.id
    return message.connection_id or None


def believed(
    before: Conversation, user: str, message: CallStateChangeMessage, data: bytes, device: str, now: float
) -> Conversation:
    """The conversation after the report, which is the notification `data`."""
    leg = before.of(user, call_of(message) or "")
    if message.call is UNSET:
        if leg is None or leg.state is not State.REQUESTED:
            return before
        return _with(before, msgspec.structs.replace(leg, state=State.RELEASED, ended=NOT_CARRIED_OUT))
    if leg is None:
        leg = Leg(
            organization=before.organization,
            user=user,
            id=message.call.id,
            conversation=before.id,
            call_uuid="",
            state=State.REQUESTED,
            began_at=now,
        )
    known = _known(message.call, message.phone_number or leg.number, leg)
    words = bytes(_WORDS.decode(data).call).decode()
    leg = msgspec.structs.replace(leg, **known, device=device or leg.device, reported=words)
    if leg.state is State.ESTABLISHED:
        leg = msgspec.structs.replace(leg, answered=True)
    elif leg.state is State.RELEASED:
        leg = msgspec.structs.replace(leg, ended="released")
    return _with(before, leg)


def lost(leg: Leg) -> Leg:
    """The leg of somebody who was not told of its end."""
    return msgspec.structs.replace(leg, state=State.RELEASED, ended="released", capabilities=())


def _with(conversation: Conversation, leg: Leg) -> Conversation:
    others = tuple(each for each in conversation.legs if each.id != leg.id)
    return Conversation(conversation.organization, conversation.id, (*others, leg))


def _known(call: Call, number: str, leg: Leg) -> dict[str, Any]:
    """The members that the report has; those that it lacks are not changed."""
    state = State(call.state)
    members: dict[str, Any] = {
        "call_uuid": call.call_uuid,
        "ani": call.ani,
        "dnis": call.dnis,
        "call_type": call.call_type,
        "user_data": call.user_data,
        "muted": UNSET if call.mute is UNSET else call.mute == "On",
        "recording": call.recording_state,
    }
    if call.participants is not UNSET:
        members["participants"] = tuple(_number(each) for each in call.participants)
    known = {name: value for name, value in members.items() if value is not UNSET}
    if call.capabilities is not UNSET:
        allowed = call.capabilities
    else:
        muted, recording = known.get("muted", leg.muted), known.get("recording", leg.recording)
        allowed = capabilities(Situation(state, muted=muted, recording=recording))
    return {**known, "state": state, "number": number, "capabilities": allowed}


def _number(participant: str | Participant) -> str:
    if isinstance(participant, str):
        return participant
    return participant.phone_number or participant.digits or participant.e164_number or ""
