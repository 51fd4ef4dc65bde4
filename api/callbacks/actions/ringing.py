"""From the agent's yes to the end of the call.

What becomes of a call is told by whoever knows of calls, as timers of two kinds. They may come in either order, and
late: each counts only for the call that the callback is at.
"""

from msgspec.structs import replace

from api.callbacks.actions import ending, timing
from api.callbacks.actions.house import House
from api.callbacks.actions.telling import tell
from api.callbacks.records import callbacks
from api.callbacks.rules import lifecycle
from api.callbacks.rules.callback import Callback, attached
from api.callbacks.rules.lifecycle import Reason, Signal, State
from api.callbacks.rules.services import Service
from api.telephony.calls import actions as calls
from api.telephony.calls.legs import Origin
from api.telephony.calls.upward import CallNews
from hub.kernel.clock import micros
from hub.kernel.errors import HubError, NotFound, OperationForbidden, WrongState
from hub.store import timers
from hub.store.transaction import Tx

DOMAIN = "callbacks"
LONGEST_RING = 120.0
"""A switch that has not said by then what became of a call is not waited for."""
NO_ANSWER = "NO_ANSWER"


# The agent decides --------------------------------------------------------------------------------------------------


def accept(tx: Tx, house: House, organization: str, agent: str, id: str, now: float) -> None:
    """The agent takes the callback that is offered: the customer is rung. Raises NotFound, WrongState."""
    service, callback = _offered(tx, house, organization, agent, id)
    timers.cancel(tx, timing.OFFER, id)
    dial(tx, house, service, callback, now)


def reject(tx: Tx, house: House, organization: str, agent: str, id: str, now: float) -> None:
    """The agent does not take it: it goes back into line after a pause. Raises NotFound, WrongState,
    OperationForbidden.
    """
    service, callback = _offered(tx, house, organization, agent, id)
    if not service.options.agent_preview_allow_reject:
        raise OperationForbidden("Callbacks of this service cannot be rejected")
    timers.cancel(tx, timing.OFFER, id)
    ending.not_taken(tx, house, service, callback, now, missed=False)


def offer_missed(tx: Tx, house: House, id: str, now: float) -> None:
    """The agent has not decided in time."""
    callback = callbacks.lock(tx, id)
    if callback is None or callback.state is not State.ROUTING or callback.call is not None:
        return
    service = house.service(callback)
    if service is None:
        ending.give_up(tx, house, callback, Reason.NOT_AVAILABLE, now)
    else:
        ending.not_taken(tx, house, service, callback, now, missed=True)


def _offered(tx: Tx, house: House, organization: str, agent: str, id: str) -> tuple[Service, Callback]:
    callback = callbacks.lock(tx, id)
    if callback is None or (callback.organization, callback.agent) != (organization, agent):
        raise NotFound("No such callback")
    service = house.service(callback)
    if service is None or callback.state is not State.ROUTING or callback.call is not None:
        raise WrongState("The callback is not offered to you any more")
    return service, callback


# The call -----------------------------------------------------------------------------------------------------------


def dial(tx: Tx, house: House, service: Service, callback: Callback, now: float) -> None:
    """Ring the customer from the device of the callback's agent."""
    attempt = replace(callback, attempt=callback.attempt + 1)
    wanted = calls.Wanted(
        organization=callback.organization,
        user=callback.agent or "",
        destination=_destination(service, callback),
        user_data=attached(callback, service.options.attach_udata),
        origin=Origin(DOMAIN, callback.id),
    )
    try:
        placed = calls.dial(tx, house.switches.of(callback.organization), wanted, now)
    except HubError as error:  # nobody was rung: the agent has gone, or the number is none for this switch
        ending.attempt_failed(tx, house, service, attempt, error.code.upper(), now)
        return
    ringing = replace(attempt, call=placed.call_uuid, call_id=placed.id)
    callbacks.save(tx, ringing)
    timers.plan(tx, timing.RING, callback.id, micros(now + LONGEST_RING))
    tell(tx, ringing, "Dialing", now, base=house.base)


def _destination(service: Service, callback: Callback) -> str:
    """The number as it is dialled: with the prefix for an outside line, except within the house."""
    is_outside = callback.number.startswith("+")
    return service.options.prefix_dial_out + callback.number if is_outside else callback.number


def established(tx: Tx, house: House, id: str, news: CallNews, now: float) -> None:
    """The customer has answered."""
    callback = _at_call(tx, id, news)
    if callback is not None and callback.state is State.ROUTING:
        _connect(tx, house, callback, now)


def ended(tx: Tx, house: House, id: str, news: CallNews, now: float) -> None:
    """The call is over, or never came about."""
    callback = _at_call(tx, id, news)
    if callback is None:
        return
    timers.cancel(tx, timing.RING, id)
    if callback.state is State.ROUTING and news.established:
        callback = _connect(tx, house, callback, now)
    if callback.state is State.PROCESSING:
        ending.finish(tx, house, callback, now)
        return
    service = house.service(callback)
    if service is None:
        ending.give_up(tx, house, callback, Reason.FAIL_CALL_TO_CUSTOMER, now)
    else:
        ending.attempt_failed(tx, house, service, callback, reason_of(news.reason), now)


def ring_missed(tx: Tx, house: House, id: str, now: float) -> None:
    """Nobody has said for too long what became of the call: it is given up, and may be tried again."""
    callback = callbacks.lock(tx, id)
    if callback is None or callback.state is not State.ROUTING or callback.call_id is None:
        return
    switch, agent = house.switches.of(callback.organization), callback.agent or ""
    calls.hang_up(tx, switch, callback.organization, agent, callback.call_id, now)
    service = house.service(callback)
    if service is None:
        ending.give_up(tx, house, callback, Reason.FAIL_CALL_TO_CUSTOMER, now)
    else:
        ending.attempt_failed(tx, house, service, callback, NO_ANSWER, now)


def _at_call(tx: Tx, id: str, news: CallNews) -> Callback | None:
    """The callback, if it is at that very call."""
    callback = callbacks.lock(tx, id)
    return callback if callback is not None and callback.call == news.call_uuid else None


def _connect(tx: Tx, house: House, callback: Callback, now: float) -> Callback:
    connected = replace(callback, state=lifecycle.after(callback.state, Signal.CONNECT))
    callbacks.save(tx, connected)
    timers.cancel(tx, timing.RING, callback.id)
    tell(tx, connected, "Connected", now, base=house.base)
    return connected


def reason_of(text: str) -> str:
    """What a switch says of the end of a call, as one word: `no answer` is NO_ANSWER."""
    return "_".join(text.upper().split()) or NO_ANSWER
