"""From the agent's yes to the end of the call.

What becomes of a call is told by whoever knows of calls, as timers of two kinds. They may come in either order, and
late: each counts only for the call that the callback is at.
"""

from msgspec.structs import replace

from api.callbacks.actions import agents, ending, timing
from api.callbacks.actions.agents import LONGEST_RING
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
NO_ANSWER = "NO_ANSWER"
AGENT_NO_ANSWER = "AGENT_NO_ANSWER"
AT_CALL = frozenset({State.ROUTING, State.PROCESSING})
PARTY = "/"
"""Behind the id of a callback, in the name under which calls tell of its agent where the customer came first."""


# The agent decides --------------------------------------------------------------------------------------------------


def accept(tx: Tx, house: House, organization: str, agent: str, id: str, now: float) -> None:
    """The agent takes the callback that is offered: the customer is rung. Raises NotFound, WrongState."""
    service, callback = _offered(tx, house, organization, agent, id)
    timers.cancel(tx, timing.OFFER, id)
    ring(tx, house, service, callback, now)


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


def ring(tx: Tx, house: House, service: Service, callback: Callback, now: float) -> None:
    """Begin the call: from the device of the callback's agent, or to the customer alone, where customers come first."""
    attempt = replace(callback, attempt=callback.attempt + 1)
    switch = house.switches.of(callback.organization)
    try:
        if service.is_customer_first:
            origin, number = Origin(DOMAIN, callback.id), _destination(service, callback)
            uuid = calls.dial_out(tx, switch, callback.organization, number, origin, now)
            ringing = replace(attempt, call=uuid)
        else:
            placed = calls.dial(tx, switch, _wanted(service, callback), now)
            ringing = replace(attempt, call=placed.call_uuid, call_id=placed.id)
    except HubError as error:  # nobody was rung: the agent has gone, or the number is none for this switch
        ending.attempt_failed(tx, house, service, attempt, error.code.upper(), now)
        return
    callbacks.save(tx, ringing)
    timers.plan(tx, timing.RING, callback.id, micros(now + LONGEST_RING))
    tell(tx, ringing, "Dialing", now, base=house.base)


def _wanted(service: Service, callback: Callback) -> calls.Wanted:
    return calls.Wanted(
        organization=callback.organization,
        user=callback.agent or "",
        destination=_destination(service, callback),
        user_data=attached(callback, service.options.attach_udata),
        origin=Origin(DOMAIN, callback.id),
    )


def _destination(service: Service, callback: Callback) -> str:
    """The number as it is dialled: with the prefix for an outside line, except within the house."""
    is_outside = callback.number.startswith("+")
    return service.options.prefix_dial_out + callback.number if is_outside else callback.number


def established(tx: Tx, house: House, key: str, news: CallNews, now: float) -> None:
    """The one who was rung has answered: the customer, or the agent of a customer who answered before."""
    id_, _, party = key.partition(PARTY)
    callback = _at_call(tx, id_, news)
    if callback is None or callback.state is not State.ROUTING:
        return
    if party or callback.call_id is not None:
        _connect(tx, house, callback, now)
    elif (service := house.service(callback)) is None:
        _abandon(tx, house, callback, now)
    else:
        _bring(tx, house, service, callback, now)


def ended(tx: Tx, house: House, key: str, news: CallNews, now: float) -> None:
    """The call is over, or never came about."""
    id_, _, party = key.partition(PARTY)
    callback = _at_call(tx, id_, news)
    if callback is None or callback.state not in AT_CALL or (party and callback.call_id != news.call_id):
        return
    if callback.state is State.ROUTING and news.established and callback.call_id is not None:
        is_of_agent = party or not _is_customer_first(house, callback)
        callback = _connect(tx, house, callback, now) if is_of_agent else callback
    if callback.state is State.PROCESSING:
        ending.finish(tx, house, callback, now)
    elif party:
        _bring_another(tx, house, callback, reason_of(news.reason), now)
    else:
        _failed(tx, house, callback, reason_of(news.reason), now)


def ring_missed(tx: Tx, house: House, id: str, now: float) -> None:
    """Nobody has said for too long what became of the call: it is given up, and may be tried again."""
    callback = callbacks.lock(tx, id)
    if callback is None or callback.state is not State.ROUTING or callback.call is None:
        return
    _hang_up(tx, house, callback, now)
    _failed(tx, house, callback, NO_ANSWER, now)


def _bring(tx: Tx, house: House, service: Service, callback: Callback, now: float) -> None:
    """The customer waits on the line: ring the agent who is reserved, or somebody else who is free."""
    agent = callback.agent or agents.reserve(tx, service, callback, now)
    if agent is None:
        _hang_up(tx, house, callback, now)
        ending.attempt_failed(tx, house, service, callback, AGENT_NO_ANSWER, now)
        return
    waiting = calls.Waiting(
        organization=callback.organization,
        call_uuid=callback.call or "",
        user_data=attached(callback, service.options.attach_udata),
    )
    origin = Origin(DOMAIN, f"{callback.id}{PARTY}agent")
    try:
        placed = calls.connect(tx, house.switches.of(callback.organization), waiting, agent, now, origin=origin)
    except NotFound:  # the customer has gone, which is told by itself
        ending.let_go(tx, replace(callback, agent=agent), now)
        callbacks.save(tx, replace(callback, agent=None, call_id=None))
        return
    except HubError:  # this agent cannot be rung
        _bring_another(tx, house, replace(callback, agent=agent), AGENT_NO_ANSWER, now)
        return
    callbacks.save(tx, replace(callback, agent=agent, call_id=placed.id))
    timers.plan(tx, timing.RING, callback.id, micros(now + LONGEST_RING))


def _bring_another(tx: Tx, house: House, callback: Callback, reason: str, now: float) -> None:
    """The agent did not take the customer who waits. Who does not even answer is made not ready."""
    service = house.service(callback)
    if service is None:
        _abandon(tx, house, callback, now)
        return
    if reason != "REJECTED":
        ending.take_out(tx, house, callback, now)
    ending.let_go(tx, callback, now)
    _bring(tx, house, service, replace(callback, agent=None, call_id=None), now)


def _failed(tx: Tx, house: House, callback: Callback, reason: str, now: float) -> None:
    service = house.service(callback)
    if service is None:
        ending.give_up(tx, house, callback, Reason.FAIL_CALL_TO_CUSTOMER, now)
    else:
        ending.attempt_failed(tx, house, service, callback, reason, now)


def _abandon(tx: Tx, house: House, callback: Callback, now: float) -> None:
    _hang_up(tx, house, callback, now)
    ending.give_up(tx, house, callback, Reason.NOT_AVAILABLE, now)


def _hang_up(tx: Tx, house: House, callback: Callback, now: float) -> None:
    switch, organization = house.switches.of(callback.organization), callback.organization
    if _is_customer_first(house, callback) or callback.call_id is None:
        calls.drop(tx, switch, organization, callback.call or "", now)
    else:
        calls.hang_up(tx, switch, organization, callback.agent or "", callback.call_id, now)


def _is_customer_first(house: House, callback: Callback) -> bool:
    service = house.service(callback)
    return service is not None and service.is_customer_first


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
