"""What becomes of an agent when a switch tells about devices that it has changed by itself. Pure."""

import re
from typing import Final

import msgspec
from msgspec import UNSET

from api.telephony.devices.rules import (
    LOGGED_OUT,
    NOT_READY,
    VOICE,
    Agent,
    Phone,
    State,
    Work,
    set_state,
)
from api.telephony.numbers import is_number
from channels.devices import Device

MOST_PHONES: Final = 16
"""Devices that a switch may add for one user."""

_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def may_be_added(agent: Agent, id: str, number: str) -> bool:
    """Whether a device that a switch speaks of can be kept as the agent's."""
    well_named = _ID.fullmatch(id) is not None and is_number(number)
    return well_named and len(agent.phones) < MOST_PHONES


def after(agent: Agent, phone: Phone, told: Device, now: float) -> Agent:
    """The agent after what was told of a device of theirs. What is not said stays, but for forwarding, which is told
    while it lasts.
    """
    active = told.device_state == "Active"
    agent = agent.with_phone(
        msgspec.structs.replace(
            phone,
            active=active,
            do_not_disturb=phone.do_not_disturb if told.do_not_disturb is UNSET else told.do_not_disturb == "On",
            forward_to=told.forward_to or None,
        )
    )
    voice = agent.work.get(VOICE)
    if voice is not None and voice.device != phone.id:
        return agent
    state = State(NOT_READY) if voice is None else voice.state
    if told.user_state is not UNSET:
        state = State(told.user_state.state, told.user_state.work_mode or None, told.user_state.reason or None)
    if not active or state.state == LOGGED_OUT:
        others = {channel: work for channel, work in agent.work.items() if channel != VOICE}
        return msgspec.structs.replace(agent, work=others)
    if voice is not None:
        return agent if voice.state == state else set_state(agent, (VOICE,), state, now)
    return agent.with_work(
        Work(organization=agent.organization, user=agent.user, channel=VOICE, device=phone.id, state=state, since=now)
    )
