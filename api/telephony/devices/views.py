"""What clients see of devices and agents, in events and in snapshots: the same values for both. Pure."""

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET

from api.telephony.devices.rules import CHANNELS, LOGGED_OUT, VOICE, Agent, Definition, Phone, Work
from api.telephony.numbers import participant_info
from channels.devices import Device, MediaChannel, OnOff, UserState

NO_SESSION: Final = UserState(state=LOGGED_OUT)
"""The state of whoever has no session."""

Definitions = Mapping[str, Definition]


def devices(agent: Agent, definitions: Definitions, base: str) -> tuple[Device, ...]:
    """The devices of an agent, in the order of their numbers."""
    phones = sorted(agent.phones.values(), key=lambda phone: phone.number)
    return tuple(device(phone, agent.work.get(VOICE), definitions, base) for phone in phones)


def device(phone: Phone, voice: Work | None, definitions: Definitions, base: str) -> Device:
    """One device. `voice` is the work of its user, wherever that takes place."""
    at_it = voice if voice is not None and phone.active and voice.device == phone.id else None
    number = participant_info(phone.number)
    return Device(
        device_state="Active" if phone.active else "Inactive",
        phone_number_uri=f"{base}/api/v2/phone-numbers/{phone.id}",
        id=phone.id,
        user_state=user_state(at_it, definitions),
        do_not_disturb=_on_off(on=phone.do_not_disturb),
        forward_to=phone.forward_to or UNSET,
        type=phone.type,
        model=phone.model,
        vendor=phone.vendor,
        phone_number=phone.number,
        country=number.country,
        e164_number=number.e164_digits,
        telephony_network="Private",
        capabilities=() if phone.user is None else (*_toggles(phone), *_other_states(at_it, definitions)),
    )


def media(agent: Agent, definitions: Definitions) -> tuple[MediaChannel, ...]:
    """All media, those too that the agent is not logged in to."""
    return tuple(_medium(agent, channel, definitions) for channel in CHANNELS)


def _medium(agent: Agent, channel: str, definitions: Definitions) -> MediaChannel:
    work = agent.work.get(channel)
    phone = agent.phones.get(work.device) if work is not None and work.device is not None else None
    return MediaChannel(
        channel=channel,
        user_state=user_state(work, definitions),
        dnd_state=UNSET if phone is None else _on_off(on=phone.do_not_disturb),
        capabilities=_other_states(work, definitions),
    )


def user_state(work: Work | None, definitions: Definitions) -> UserState:
    """The state on a medium; with id and displayName where it is one of those that can be asked for."""
    if work is None:
        return NO_SESSION
    state, work_mode, reason = work.state
    defined = next((each for each in definitions.values() if each.state == work.state), None)
    return UserState(
        id=UNSET if defined is None else defined.id,
        display_name=UNSET if defined is None else defined.display_name,
        state=state,
        work_mode=work_mode or UNSET,
        reason=reason or UNSET,
    )


def state_of(agent: Agent, definitions: Definitions) -> UserState:
    """The agent's state as supervisors see it: that of the first medium which the agent is logged in to."""
    first = next((agent.work[channel] for channel in CHANNELS if channel in agent.work), None)
    return user_state(first, definitions)


def _toggles(phone: Phone) -> tuple[str, str]:
    return (
        "DoNotDisturbOff" if phone.do_not_disturb else "DoNotDisturbOn",
        "ForwardCallsOn" if phone.forward_to is None else "ForwardCallsOff",
    )


def _other_states(work: Work | None, definitions: Definitions) -> tuple[str, ...]:
    if work is None:
        return ()
    return tuple(name for name, each in definitions.items() if each.state != work.state)


def _on_off(*, on: bool) -> OnOff:
    return "On" if on else "Off"
