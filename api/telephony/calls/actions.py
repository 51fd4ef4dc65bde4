"""What is asked of calls: to dial, to do something with one, to see them. And what a switch outside reports of them."""

from typing import Final

import msgspec

from api.telephony.calls import changes, conversations, operations, records, reports
from api.telephony.calls.legs import MOST_CALLS, Conversation, Leg, Origin
from api.telephony.calls.operations import Operation
from api.telephony.calls.port import Offer, Switch
from api.telephony.calls.states import State
from api.telephony.devices import actions as devices
from api.telephony.devices.rules import Floor
from api.telephony.numbers import require_number
from channels.calls import CallStateChangeMessage
from hub.kernel.errors import NotFound, WrongState
from hub.store import timers
from hub.store.transaction import Snapshot, Tx

_BEGINNING: Final = ("InitiateTransfer", "InitiateConference")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A call to be dialled for a user, from a device of theirs or, without one, from where they are logged in.

    `destination` as people write numbers. `origin` is told what becomes of the call (`upward`).
    """

    organization: str
    user: str
    destination: str
    device: str | None = None
    user_data: dict[str, str] = {}
    origin: Origin | None = None


class Placed(msgspec.Struct, frozen=True):
    """The names of a call that is being dialled: that of the user's own part, and that of the whole."""

    id: str
    call_uuid: str


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who was called by `dial_out`, and what the agent is to know of them."""

    organization: str
    call_uuid: str
    user_data: dict[str, str] = {}


# Reading ------------------------------------------------------------------------------------------------------------


def some(tx: Snapshot, organization: str, user: str) -> list[Leg]:
    """The calls of a user, the oldest first."""
    return [leg for leg in records.own(tx, organization, user) if leg.is_told]


def read(tx: Snapshot, organization: str, user: str, id: str) -> Leg:
    """One call of a user. Raises NotFound."""
    leg = records.find(tx, organization, user, id)
    if leg is None or not leg.is_told:
        raise NotFound("No such call")
    return leg


# Asking the switch --------------------------------------------------------------------------------------------------


def dial(tx: Tx, switch: Switch, wanted: Wanted, now: float) -> Placed:
    """Have a call dialled; what becomes of it is told on the user's /v2/me/calls.

    Raises NotFound for a device that is not the user's, WrongState where nobody is logged in there or the user has too
    many calls, BadInput for what is no number, and for too much user data.
    """
    destination = require_number(wanted.destination, "/destination/phoneNumber")
    operations.require_room(wanted.user_data)
    phone = devices.own(tx, wanted.organization, wanted.user, wanted.device)
    if phone is None and wanted.device is not None:
        raise NotFound("No such device")
    if phone is None or not phone.active:
        raise WrongState("Nobody is logged in at the device")
    _require_room(tx, wanted.organization, wanted.user)
    leg = Leg(
        organization=wanted.organization,
        user=wanted.user,
        id=conversations.new_id(),
        conversation=conversations.new_id(),
        call_uuid=conversations.new_uuid(),
        state=State.REQUESTED,
        began_at=now,
        device=phone.id,
        number=phone.number,
        user_data=wanted.user_data,
        origin=wanted.origin,
    )
    switch.dial(tx, leg, destination, now)
    return Placed(leg.id, leg.call_uuid)


def operate(tx: Tx, switch: Switch, organization: str, user: str, id: str, operation: Operation, now: float) -> None:
    """Have something done with a call; what becomes of it is told on /v2/me/calls.

    Raises MissingParameter, BadInput; NotFound where the user has no such call; WrongState where it does not permit the
    operation.
    """
    operation = operations.checked(operation)
    conversation = _locked(tx, organization, user, id)
    leg = None if conversation is None else conversation.of(user, id)
    if conversation is None or leg is None or not leg.is_told:
        raise NotFound("No such call")
    if operation.operation_name not in leg.capabilities:
        raise WrongState(f"{operation.operation_name} is not possible while the call is {leg.state.value}")
    if operation.operation_name in _BEGINNING:
        _require_room(tx, organization, user)
    switch.operate(tx, conversation, leg, operation, now)


def hang_up(tx: Tx, switch: Switch, organization: str, user: str, id: str, now: float) -> bool:
    """The same for somebody who only wants a call to end; whether there was one that could."""
    try:
        operate(tx, switch, organization, user, id, Operation(operation_name="Hangup"), now)
    except (NotFound, WrongState):
        return False
    return True


def dial_out(tx: Tx, switch: Switch, organization: str, destination: str, origin: Origin, now: float) -> str:
    """Have somebody called for whom an agent is still to be found; returns the callUuid. Nobody is told but `origin`:
    `call_established` when they answer, `call_ended` when they are gone.

    Raises BadInput for what is no number, WrongState where the switch cannot do that.
    """
    number, call_uuid = require_number(destination, "/destination/phoneNumber"), conversations.new_uuid()
    switch.call_customer(tx, call_uuid, organization, number, origin, now)
    return call_uuid


def connect(tx: Tx, switch: Switch, waiting: Waiting, user: str, now: float, *, origin: Origin | None = None) -> Placed:
    """Have an agent called for somebody who was called by `dial_out`: the call rings on the agent's desktop, with data.

    `origin`, under a key of its own, hears `call_established` when the agent takes it, and `call_ended` when the agent
    does not (the party goes on waiting) or has finished. Raises NotFound where nobody waits (any more), WrongState
    where the agent cannot be called.
    """
    conversation = records.lock(tx, waiting.organization, waiting.call_uuid)
    if conversation is None or not any(leg.waits and leg.is_live for leg in conversation.legs):
        raise NotFound("Nobody waits in this call")
    operations.require_room(waiting.user_data)
    phone = devices.own(tx, waiting.organization, user, None)
    if phone is None:
        raise WrongState("Nobody is logged in at the device")
    offer = Offer(conversations.new_id(), phone.number, waiting.user_data, origin)
    switch.offer(tx, conversation, offer, now)
    return Placed(offer.id, waiting.call_uuid)


def drop(tx: Tx, switch: Switch, organization: str, call_uuid: str, now: float) -> bool:
    """End a call begun by `dial_out`, whoever is in it; whether there was one."""
    conversation = records.lock(tx, organization, call_uuid)
    if conversation is None:
        return False
    switch.drop(tx, conversation, now)
    return True


def _require_room(tx: Tx, organization: str, user: str) -> None:
    if not conversations.has_room(tx, organization, user):
        raise WrongState(f"At most {MOST_CALLS} calls at once")


def _locked(tx: Tx, organization: str, user: str, id: str) -> Conversation | None:
    conversation = records.conversation_of(tx, organization, user, id)
    return None if conversation is None else records.lock(tx, organization, conversation)


# Hearing of it ------------------------------------------------------------------------------------------------------


def observe(
    tx: Tx, floor: Floor, organization: str, user: str, message: CallStateChangeMessage, data: bytes, now: float
) -> None:
    """Keep what a connector reports on a user's /v2/me/calls; `data` is the message as it was written.

    Nothing is emitted: the report itself is the notification. Devices and whoever had the call dialled hear of it.
    """
    call_id = reports.call_of(message)
    if call_id is None:
        return
    before = _locked(tx, organization, user, call_id)
    if before is None:
        before = records.open_and_lock(tx, organization, f"{user}/{call_id}")
    else:
        timers.cancel(tx, conversations.UNHEARD, conversations.unheard_key(organization, user, call_id))
    device = _device(tx, before, user, call_id, message.phone_number or "")
    after = reports.believed(before, user, message, data, device, now)
    changes.keep(tx, before, after, now, floor=floor)


def _device(tx: Tx, known: Conversation, user: str, id: str, number: str) -> str:
    """The device with that number, looked for only where it is another one than the call has been at so far."""
    leg = known.of(user, id)
    if not number or (leg is not None and leg.device and leg.number == number):
        return "" if leg is None else leg.device
    phone = devices.at_number(tx, known.organization, number)
    return "" if phone is None else phone.id


def forget(tx: Tx, floor: Floor, before: float, limit: int, now: float) -> int:
    """Release calls that nothing has been heard of since then, as far as `limit`; returns how many legs there were."""
    stale = records.forgotten(tx, before, limit)
    for organization, user, call_id in stale:
        conversation = _locked(tx, organization, user, call_id)
        if conversation is not None:
            legs = tuple(reports.lost(leg) for leg in conversation.legs)
            changes.commit(tx, conversation, Conversation(organization, conversation.id, legs), now, floor=floor)
    return len(stale)
