"""Sessions, states and devices: what is asked for, carried out on the rows, and told.

Each use case takes the agent as it is, locked; asks the rules for the agent as it shall be; and hands both to
`_carry_out`, which writes what differs and tells what of it can be seen: the devices and media on the user's
`/v2/me/devices`, another state of the user on `/v2/users`. So an event is the difference of two snapshots.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from api.security import actions as security
from api.telephony.devices import availability, observed, records, rules, views
from api.telephony.devices.rules import VOICE, Agent, Floor, Phone, Wish
from api.users import actions as users
from api.users import rules as user_rules
from channels.catalog import DEVICES, USERS
from channels.devices import Device, DeviceStateChangeMessage, UserState
from channels.envelope import Stream, encode
from channels.users import UserStateChangeMessage
from hub.auth.principal import Principal
from hub.kernel.clock import micros
from hub.kernel.errors import AlreadyExists, HubError, NotFound, WrongState
from hub.store import outbox, presence, timers
from hub.store.transaction import Snapshot, Tx

T = TypeVar("T")

WRAP_UP: Final = "devices.wrap_up"


# Reading ------------------------------------------------------------------------------------------------------------


def at_number(tx: Snapshot, organization: str, number: str) -> Phone | None:
    """The device with that number."""
    return records.phone_at(tx, organization, number)


def find(tx: Snapshot, organization: str, id: str) -> Phone | None:
    """The device with that id."""
    return records.phone(tx, organization, id)


def own(tx: Snapshot, organization: str, user: str, id: str | None) -> Phone | None:
    """The user's device with that id; without one, the device at which their session is."""
    phones = records.phones_of(tx, organization, [user])
    return next((each for each in phones if (each.active if id is None else each.id == id)), None)


def some(tx: Snapshot, organization: str, offset: int, limit: int) -> tuple[list[Phone], int]:
    """Devices in the order of their numbers, and how many there are in all."""
    return records.phones(tx, organization, offset, limit)


def agent(tx: Snapshot, organization: str, user: str) -> Agent:
    """What the user works with."""
    return agents(tx, organization, [user])[user]


def agents(tx: Snapshot, organization: str, ids: Collection[str]) -> dict[str, Agent]:
    """What these users work with, by user."""
    phones, work = records.phones_of(tx, organization, ids), records.work_of(tx, organization, ids)
    return {user: _agent(organization, user, phones, work) for user in ids}


def _agent(organization: str, user: str, phones: Sequence[Phone], work: Sequence[rules.Work]) -> Agent:
    return Agent(
        organization,
        user,
        {each.id: each for each in phones if each.user == user},
        {each.channel: each for each in work if each.user == user},
    )


# Devices ------------------------------------------------------------------------------------------------------------


def add(tx: Tx, floor: Floor, new: Phone, now: float) -> None:
    """A new device, somebody's or free. Raises AlreadyExists, and NotFound for a user that there is not."""
    if new.user is not None:
        users.read(tx, new.organization, new.user)
    if not records.insert_phone(tx, new):
        raise AlreadyExists("A device with this number exists already")
    if new.user is not None:
        before = Agent(new.organization, new.user, {}, {})
        _tell(tx, floor, before, before.with_phone(new), now)


def remove(tx: Tx, floor: Floor, organization: str, id: str, now: float) -> None:
    """Raises NotFound, and WrongState while somebody is logged in at it or speaks."""
    phone = records.phone(tx, organization, id, lock=True)
    if phone is None:
        raise NotFound("No such device")
    if phone.active or phone.calls:
        raise WrongState("The device is in use")
    records.delete_phone(tx, organization, id)
    if phone.user is not None:
        before = Agent(organization, phone.user, {id: phone}, {})
        _tell(tx, floor, before, before.with_phone(msgspec.structs.replace(phone, user=None)), now)


# Sessions -----------------------------------------------------------------------------------------------------------


def start(tx: Tx, floor: Floor, caller: Principal, wish: Wish, now: float) -> dict[str, HubError]:
    """Log in to the media wished for. Returns those that were refused, and why; raises where all were.

    Whoever starts takes their account first: of two starts at once, the second finds what the first has done. What
    there is already stays as it is, so that a desktop that was reloaded may ask again.
    """
    organization, user = caller.identity
    if security.find_for_change(tx, organization, user) is None:
        users.first_use(tx, caller, now)
    profile = users.read(tx, organization, user).profile
    rules.require_queue(wish, profile.queues)
    phones = {each.id: each for each in records.phones_of(tx, organization, [user], lock=True)}
    named = _named(tx, organization, wish)
    before = Agent(organization, user, phones, _work(tx, organization, user))
    after, refused = rules.start(before, wish, named, now)
    if not before.work:
        availability.qualify(tx, organization, user, profile)
    _carry_out(tx, floor, before, after, now)
    return refused


def _named(tx: Tx, organization: str, wish: Wish) -> Phone | None:
    if wish.device is not None:
        return records.phone(tx, organization, wish.device, lock=True)
    if wish.place is not None:
        return records.phone_at(tx, organization, wish.place, lock=True)
    return None


def end(tx: Tx, floor: Floor, organization: str, user: str, now: float) -> None:
    """Log out of everything. Raises WrongState without a session, and while there are calls under way."""
    before = _locked(tx, organization, user)
    rules.require_no_calls(before)
    _end(tx, floor, before, now)


def user_changed(tx: Tx, floor: Floor, organization: str, user: str, now: float) -> None:
    """The user can do other things now, or may not work any more, which ends their session."""
    before = _locked(tx, organization, user)
    if not before.work:
        return
    account = security.find(tx, organization, user)
    if account is None or not account.enabled:
        _end(tx, floor, before, now)
    else:
        availability.qualify(tx, organization, user, users.read(tx, organization, user).profile)
        if rules.is_free(before):
            availability.became_free(tx, organization, user, now)


def tell_presence(tx: Tx, organization: str, user: str, now: float, *, floor: Floor, connected: bool) -> None:
    """The user has a desktop again, or has been away for the whole grace, which ends their session."""
    if connected:
        # Many come at once: nothing is locked, and one look must do.
        coming = Agent(organization, user, {}, _by_channel(records.work_of(tx, organization, [user])))
        state = views.state_of(coming, floor.definitions(organization)) if coming.work else views.NO_SESSION
        if rules.is_free(coming):
            availability.became_free(tx, organization, user, now)
    else:
        before, state = _locked(tx, organization, user), views.NO_SESSION
        if before.work:
            _end(tx, floor, before, now)
    users.tell_presence(tx, organization, user, now, base=floor.base, connected=connected, state=state)


def _end(tx: Tx, floor: Floor, before: Agent, now: float) -> None:
    after = rules.end(before)
    availability.qualify(tx, before.organization, before.user, None)
    _carry_out(tx, floor, before, after, now)


# States -------------------------------------------------------------------------------------------------------------


def set_state(
    tx: Tx, floor: Floor, organization: str, user: str, channels: Sequence[str] | None, operation: str, now: float
) -> None:
    """Carry out the operation of that name on these media, or on all that the agent is logged in to.

    Raises BadInput where no state has such an operation, NotFound for what is no channel, WrongState.
    """
    state = rules.require_definition(floor.definitions(organization), operation).state
    _change(
        tx,
        floor,
        organization,
        user,
        lambda agent: rules.set_state(agent, list(agent.work) if channels is None else channels, state, now),
        now,
    )


def set_state_at(tx: Tx, floor: Floor, organization: str, user: str, device: str, operation: str, now: float) -> None:
    """The same at one device. Raises BadInput, NotFound for a device of nobody or somebody else, WrongState."""
    state = rules.require_definition(floor.definitions(organization), operation).state

    def change(agent: Agent) -> Agent:
        rules.require_active(agent, device)
        return rules.set_state(agent, (VOICE,), state, now)

    _change(tx, floor, organization, user, change, now)


def set_do_not_disturb(
    tx: Tx, floor: Floor, organization: str, user: str, device: str, now: float, *, on: bool
) -> None:
    """Raises NotFound, WrongState."""
    _change(tx, floor, organization, user, lambda agent: rules.set_do_not_disturb(agent, device, on=on), now)


def set_forwarding(
    tx: Tx, floor: Floor, organization: str, user: str, device: str, number: str | None, now: float
) -> None:
    """Forward calls to the number, or no longer. Raises NotFound, WrongState, BadInput."""
    _change(tx, floor, organization, user, lambda agent: rules.set_forwarding(agent, device, number), now)


# Calls and wrap-up --------------------------------------------------------------------------------------------------


def call_began(tx: Tx, floor: Floor, organization: str, device: str, now: float) -> None:
    """One call more at the device, of whatever kind, answered or not. Its agent is not free."""
    _change_at(tx, floor, organization, device, rules.call_began, now)


def call_ended(tx: Tx, floor: Floor, organization: str, device: str, now: float, *, wrap_up: bool = True) -> None:
    """One call less at the device. After the last one wrap-up begins, if there is any, and ends by a timer."""
    seconds = floor.wrap_up(organization) if wrap_up else 0.0
    _change_at(tx, floor, organization, device, lambda agent, phone: rules.call_ended(agent, phone, seconds, now), now)


def wrap_up_over(tx: Tx, floor: Floor, organization: str, user: str, now: float) -> None:
    """The time for wrap-up is over; whoever has left that state by themselves stays where they are."""
    _change(tx, floor, organization, user, lambda agent: rules.wrap_up_over(agent, now), now)


# What a switch says -------------------------------------------------------------------------------------------------


def observe(tx: Tx, floor: Floor, organization: str, user: str, message: DeviceStateChangeMessage, now: float) -> None:
    """A switch has told the user about their devices: the snapshots follow, and supervisors hear of another state.

    A device with a number that nobody has is added; one of somebody else stays as it is.
    """
    before = after = _locked(tx, organization, user)
    for told in message.devices:
        phone = after.phones.get(told.id) or _added(tx, after, told)
        if phone is not None:
            after = observed.after(after, phone, told, now)
    if bool(after.work) != bool(before.work):
        known = after.work and security.find(tx, organization, user) is not None
        availability.qualify(tx, organization, user, users.read(tx, organization, user).profile if known else None)
    _carry_out(tx, floor, before, after, now, quiet=True)


def _added(tx: Tx, agent: Agent, told: Device) -> Phone | None:
    if told.phone_number is msgspec.UNSET or not observed.may_be_added(agent, told.id, told.phone_number):
        return None
    phone = Phone(organization=agent.organization, id=told.id, number=told.phone_number, user=agent.user)
    return phone if records.insert_phone(tx, phone) else None


# Carrying out -------------------------------------------------------------------------------------------------------


def _locked(tx: Tx, organization: str, user: str) -> Agent:
    phones = records.phones_of(tx, organization, [user], lock=True)
    return Agent(organization, user, {each.id: each for each in phones}, _work(tx, organization, user))


def _work(tx: Tx, organization: str, user: str) -> Mapping[str, rules.Work]:
    return _by_channel(records.work_of(tx, organization, [user], lock=True))


def _by_channel(work: Sequence[rules.Work]) -> Mapping[str, rules.Work]:
    return {each.channel: each for each in work}


def _change(tx: Tx, floor: Floor, organization: str, user: str, change: Callable[[Agent], Agent], now: float) -> None:
    before = _locked(tx, organization, user)
    _carry_out(tx, floor, before, change(before), now)


def _change_at(
    tx: Tx, floor: Floor, organization: str, device: str, change: Callable[[Agent, Phone], Agent], now: float
) -> None:
    """The same where only the device is known, which may be nobody's; a device that there is not any more is none."""
    phone = records.phone(tx, organization, device, lock=True)
    if phone is None:
        return
    work = {} if phone.user is None else _work(tx, organization, phone.user)
    before = Agent(organization, phone.user or "", {phone.id: phone}, work)
    _carry_out(tx, floor, before, change(before, phone), now)


def _carry_out(tx: Tx, floor: Floor, before: Agent, after: Agent, now: float, *, quiet: bool = False) -> None:
    """Write what differs and tell what of it can be seen. `quiet`: the user has been told already."""
    after = rules.settled(after, now)
    for phone in after.phones.values():
        if phone != before.phones.get(phone.id):
            records.update_phone(tx, phone)
    for channel, work in before.work.items():
        if channel not in after.work:
            records.delete_work(tx, work)
    for channel, work in after.work.items():
        if work != before.work.get(channel):
            records.put_work(tx, work)
    _plan_wrap_up(tx, before, after)
    _tell(tx, floor, before, after, now, quiet=quiet)
    if rules.is_free(after) and not rules.is_free(before):
        availability.became_free(tx, after.organization, after.user, now)


def _plan_wrap_up(tx: Tx, before: Agent, after: Agent) -> None:
    due, due_before = (each.work[VOICE].wrap_up_until if VOICE in each.work else None for each in (after, before))
    key = f"{after.organization}/{after.user}"
    if due is not None and due != due_before:
        timers.plan(tx, WRAP_UP, key, micros(due))
    elif due is None and due_before is not None:
        timers.cancel(tx, WRAP_UP, key)


def _tell(tx: Tx, floor: Floor, before: Agent, after: Agent, now: float, *, quiet: bool = False) -> None:
    definitions = floor.definitions(after.organization)
    devices = _new(views.devices(before, definitions, floor.base), views.devices(after, definitions, floor.base))
    media = _new(views.media(before, definitions), views.media(after, definitions))
    if (devices or media) and not quiet:
        message = DeviceStateChangeMessage(devices=devices, channels=media or msgspec.UNSET)
        outbox.emit(tx, Stream(after.organization, after.user, DEVICES.pattern), encode(message), now)
    state = views.state_of(after, definitions)
    if state != views.state_of(before, definitions):
        _tell_state(tx, floor, after, state, now)


def _tell_state(tx: Tx, floor: Floor, after: Agent, state: UserState, now: float) -> None:
    message = UserStateChangeMessage(
        notification_type="StateChange",
        user_uri=user_rules.uri_of(floor.base, after.user),
        user_id=after.user,
        user_state=state,
        connected=bool(presence.connected(tx, after.organization, [after.user])),
    )
    outbox.emit(tx, Stream(after.organization, "", USERS.pattern), encode(message), now)


def _new(before: Sequence[T], after: Sequence[T]) -> tuple[T, ...]:
    return tuple(each for each in after if each not in before)
