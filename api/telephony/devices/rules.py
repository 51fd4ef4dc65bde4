"""What devices and agents are, and what may become of them. Pure.

An `Agent` is everything that one user works with: their devices, and the media that they are logged in to. Each use
case is a function from the agent as it is to the agent as it shall be, which raises where that is not possible.
`settled` adds what follows from the two. What clients see of an agent is made in `views`.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from hub.kernel.config import Organization
from hub.kernel.errors import AlreadyInUse, BadInput, HubError, MissingParameter, NotFound, WrongState

VOICE: Final = "voice"
CHANNELS: Final = (VOICE, "chat", "email", "workitem")
"""The media that there are, in the order in which they speak for the agent as a whole."""

LOGGED_OUT: Final = "LoggedOut"
READY: Final = "Ready"
NOT_READY: Final = "NotReady"
AFTER_CALL_WORK: Final = "AfterCallWork"

_ROUNDING: Final = 0.001


class State(NamedTuple):
    """What an agent is at. Two that are equal are the same to everybody."""

    state: str
    work_mode: str | None = None
    reason: str | None = None


class Definition(msgspec.Struct, frozen=True):
    """A state that can be asked for, by the name of its operation."""

    state: State
    id: str
    display_name: str


DEFINITIONS: Final[Mapping[str, Definition]] = {
    READY: Definition(State(READY), "9430250E-0A1B-421F-B372-F29E69366DED", "Ready"),
    NOT_READY: Definition(State(NOT_READY), "900D55CC-2BB0-431F-8BF9-D3525B383BE6", "Not Ready"),
    AFTER_CALL_WORK: Definition(
        State(NOT_READY, AFTER_CALL_WORK), "D3663509-3D82-4DD3-A82E-2EA8EFA02AEF", "AfterCallWork"
    ),
    "AuxWork": Definition(State(NOT_READY, "AuxWork"), "2B36138D-C564-4562-A8CB-3C32D564F296", "AuxWork"),
}
"""The states that every contact centre has; their ids are the same everywhere."""


class Phone(msgspec.Struct, frozen=True, kw_only=True):
    """A device as it is kept. `number` is unique in the organization.

    `user` is whose it is; None for one that stands free, to be `borrowed` by whoever starts a session at it, until that
    session ends. `active`: the session of its user is at it. `calls` counts the calls under way at it.
    """

    organization: str
    id: str
    number: str
    user: str | None = None
    borrowed: bool = False
    active: bool = False
    do_not_disturb: bool = False
    forward_to: str | None = None
    calls: int = 0
    type: str = "PSTNPhone"
    vendor: str = ""
    model: str = ""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """A medium that an agent is logged in to. Instants are Unix seconds.

    `queue`: the only one that this session serves; None for all of the agent's. `wrap_up_until` is set while wrap-up
    ends by itself. `free_since` is set while the agent may be given a call, `reserved_until` and `reserved_for` while
    one has been promised.
    """

    organization: str
    user: str
    channel: str
    device: str | None = None
    queue: str | None = None
    state: State = State(NOT_READY)
    since: float
    wrap_up_until: float | None = None
    free_since: float | None = None
    reserved_until: float | None = None
    reserved_for: str | None = None


class Agent(msgspec.Struct, frozen=True):
    """A user's devices by id, and the media that they are logged in to by name; without any there is no session."""

    organization: str
    user: str
    phones: Mapping[str, Phone]
    work: Mapping[str, Work]

    def with_phone(self, phone: Phone) -> "Agent":
        """The same agent with that device in a new condition."""
        return msgspec.structs.replace(self, phones={**self.phones, phone.id: phone})

    def with_work(self, *works: Work) -> "Agent":
        """The same agent with these media in a new condition."""
        return msgspec.structs.replace(self, work={**self.work, **{each.channel: each for each in works}})


class Wish(NamedTuple):
    """A session as it is asked for. The place is the number of a device; without either the agent's own is meant."""

    channels: tuple[str, ...]
    place: str | None = None
    device: str | None = None
    queue: str | None = None


class Floor(msgspec.Struct, frozen=True):
    """What is settled for the contact centres of this installation. `base` is the public URL."""

    base: str
    organizations: Mapping[str, Organization]

    def definitions(self, organization: str) -> dict[str, Definition]:
        """The states that its agents may ask for, by operation."""
        return {**DEFINITIONS, **dict(_custom(organization, self.organizations.get(organization)))}

    def wrap_up(self, organization: str) -> float:
        """Seconds of work after a call; 0 for none."""
        settled = self.organizations.get(organization)
        return 0.0 if settled is None else settled.wrap_up_seconds


def _custom(organization: str, settled: Organization | None) -> Iterable[tuple[str, Definition]]:
    if settled is None:
        return ()
    return (
        (name, Definition(State(NOT_READY, each.work_mode, each.reason or name), each.guid(organization, name), shown))
        for name, each in settled.agent_states.items()
        for shown in (each.display_name or name,)
    )


def device_uri(base: str, id: str) -> str:
    """The absolute address of a device; `base` is the public URL of the hub."""
    return f"{base}/api/v2/devices/{id}"


# Sessions -----------------------------------------------------------------------------------------------------------


def start(agent: Agent, wish: Wish, named: Phone | None, now: float) -> tuple[Agent, dict[str, HubError]]:
    """Log in to the media of the wish, and say which of them were refused and why; raises where all were. `named` is
    the device that the wish names, if there is such one. What is logged in already stays as it is.
    """
    refused: dict[str, HubError] = {}
    for channel in wish.channels:
        try:
            agent = _log_in(agent, channel, wish, named, now)
        except HubError as error:
            refused[channel] = error
    if refused and len(refused) == len(set(wish.channels)):
        raise next(iter(refused.values()))
    return agent, refused


def _log_in(agent: Agent, channel: str, wish: Wish, named: Phone | None, now: float) -> Agent:
    if channel not in CHANNELS:
        raise BadInput(f"channels: there is no channel {channel[:40]}", pointer="/channels")
    current = agent.work.get(channel)
    work = Work(organization=agent.organization, user=agent.user, channel=channel, queue=wish.queue, since=now)
    if channel != VOICE:
        return agent if current is not None else agent.with_work(work)
    phone = _unnamed(agent) if wish.place is None and wish.device is None else named
    if phone is None:
        raise NotFound("No such device")
    if phone.user not in {None, agent.user}:
        raise AlreadyInUse("The device belongs to another user")
    if current is not None:
        if current.device != phone.id:
            raise WrongState("The session is at another device: end it first")
        return agent
    seated = msgspec.structs.replace(phone, user=agent.user, borrowed=phone.user is None, active=True)
    return agent.with_phone(seated).with_work(msgspec.structs.replace(work, device=phone.id))


def _unnamed(agent: Agent) -> Phone:
    voice = agent.work.get(VOICE)
    phones = [each for each in agent.phones.values() if voice is None or each.id == voice.device]
    if len(phones) != 1:
        raise MissingParameter("place: name the device, by its number or by devicePath", pointer="/place")
    return phones[0]


def require_queue(wish: Wish, queues: Collection[str]) -> None:
    """Raises BadInput for a session that is to serve a queue which is not one of the agent's."""
    if wish.queue is not None and wish.queue not in queues:
        raise BadInput("queue: not one of your queues", pointer="/queue")


def end(agent: Agent) -> Agent:
    """Log out of everything; borrowed devices stand free again. Raises WrongState where there is no session."""
    if not agent.work:
        raise WrongState("There is no contact-centre session")
    return msgspec.structs.replace(agent, phones={each.id: _left(each) for each in agent.phones.values()}, work={})


def require_no_calls(agent: Agent) -> None:
    """Raises WrongState while there are calls at a device of the agent."""
    if any(phone.calls for phone in agent.phones.values()):
        raise WrongState("There are calls under way: release them first")


def _left(phone: Phone) -> Phone:
    if not phone.active:
        return phone
    if not phone.borrowed:
        return msgspec.structs.replace(phone, active=False)
    return msgspec.structs.replace(
        phone, active=False, user=None, borrowed=False, do_not_disturb=False, forward_to=None
    )


# States -------------------------------------------------------------------------------------------------------------


def require_definition(definitions: Mapping[str, Definition], operation: str) -> Definition:
    """The state that the operation asks for. Raises BadInput."""
    found = definitions.get(operation)
    if found is None:
        raise BadInput(f"operationName: there is no operation {operation[:64]} here", pointer="/operationName")
    return found


def set_state(agent: Agent, channels: Iterable[str], state: State, now: float) -> Agent:
    """Be in another state, at once, on these media. Raises NotFound for what is no channel, WrongState where the agent
    is not logged in.
    """
    changed: list[Work] = []
    for channel in channels:
        if channel not in CHANNELS:
            raise NotFound("No such channel")
        work = agent.work.get(channel)
        if work is None:
            raise WrongState(f"Not logged in to {channel}")
        since = work.since if work.state == state else now
        changed.append(msgspec.structs.replace(work, state=state, since=since, wrap_up_until=None))
    if not changed:
        raise WrongState("There is no contact-centre session")
    return agent.with_work(*changed)


def require_phone(agent: Agent, id: str) -> Phone:
    """The agent's device. Raises NotFound."""
    phone = agent.phones.get(id)
    if phone is None:
        raise NotFound("No such device")
    return phone


def require_active(agent: Agent, id: str) -> Phone:
    """The agent's device, at which the session is. Raises NotFound, WrongState."""
    phone = require_phone(agent, id)
    if not phone.active:
        raise WrongState("Nobody is logged in at the device")
    return phone


def set_do_not_disturb(agent: Agent, id: str, *, on: bool) -> Agent:
    """Raises NotFound, WrongState where it is so already."""
    phone = require_phone(agent, id)
    if phone.do_not_disturb == on:
        raise WrongState(f"Do not disturb is {'on' if on else 'off'} already")
    return agent.with_phone(msgspec.structs.replace(phone, do_not_disturb=on))


def set_forwarding(agent: Agent, id: str, number: str | None) -> Agent:
    """Forward calls to the number, or no longer. Raises NotFound, BadInput, WrongState where it is so already."""
    phone = require_phone(agent, id)
    if (phone.forward_to is None) == (number is None):
        raise WrongState(f"Calls are {'not' if number is None else 'already'} forwarded")
    if number == phone.number:
        raise BadInput("destination.phoneNumber: the number of the device itself", pointer="/destination/phoneNumber")
    return agent.with_phone(msgspec.structs.replace(phone, forward_to=number))


# Calls and wrap-up --------------------------------------------------------------------------------------------------


def call_began(agent: Agent, phone: Phone) -> Agent:
    """One call more at the device."""
    return agent.with_phone(msgspec.structs.replace(phone, calls=phone.calls + 1))


def call_ended(agent: Agent, phone: Phone, wrap_up: float, now: float) -> Agent:
    """One call less at the device. With the last one wrap-up begins, for somebody who would be ready otherwise."""
    if phone.calls == 0:
        return agent
    agent = agent.with_phone(msgspec.structs.replace(phone, calls=phone.calls - 1))
    voice = agent.work.get(VOICE)
    if phone.calls > 1 or wrap_up <= 0 or voice is None or voice.device != phone.id or voice.state != State(READY):
        return agent
    return agent.with_work(
        msgspec.structs.replace(
            voice,
            state=DEFINITIONS[AFTER_CALL_WORK].state,
            since=now,
            wrap_up_until=now + wrap_up,
        )
    )


def wrap_up_over(agent: Agent, now: float) -> Agent:
    """Ready, where wrap-up has had its time; the agent as it is otherwise."""
    voice = agent.work.get(VOICE)
    if voice is None or voice.wrap_up_until is None or voice.wrap_up_until > now + _ROUNDING:
        return agent
    return set_state(agent, (VOICE,), DEFINITIONS[READY].state, now)


# What follows -------------------------------------------------------------------------------------------------------


def settled(agent: Agent, now: float) -> Agent:
    """The agent with what follows from its condition: since when it is free for a call, and that a promise made to
    somebody who is no longer free is void.
    """
    voice = agent.work.get(VOICE)
    if voice is None:
        return agent
    if _is_free(voice, agent.phones.get(voice.device or "")):
        since = now if voice.free_since is None else voice.free_since
        return agent.with_work(msgspec.structs.replace(voice, free_since=since))
    return agent.with_work(msgspec.structs.replace(voice, free_since=None, reserved_until=None, reserved_for=None))


def is_free(agent: Agent) -> bool:
    """Whether the agent may be given a call."""
    voice = agent.work.get(VOICE)
    return voice is not None and voice.free_since is not None


def _is_free(voice: Work, phone: Phone | None) -> bool:
    return (
        voice.state == State(READY)
        and phone is not None
        and not phone.do_not_disturb
        and phone.forward_to is None
        and phone.calls == 0
    )
