"""Bringing callbacks and agents together.

Two things can begin it: a callback gets into line (`assign`), or an agent comes free (`route`). Each is a timer of its
own, planned in the transaction in which that became true. So whichever is committed later finds the other one, and no
callback waits beside a free agent because the two did not see each other. What does not come as an event, for example
an agent whose queues were changed, is found by `sweep`.

A callback is locked before an agent is reserved, always in this order.
"""

from collections.abc import Collection

from msgspec.structs import replace

from api.callbacks.actions import agents, ending, ringing, timing
from api.callbacks.actions.house import House
from api.callbacks.actions.telling import tell
from api.callbacks.records import callbacks, lines
from api.callbacks.rules import booking, lifecycle
from api.callbacks.rules.callback import Callback
from api.callbacks.rules.lifecycle import Reason, Signal, State
from api.callbacks.rules.lines import demand_of, fits
from api.callbacks.rules.services import Service
from api.telephony.devices import availability
from api.telephony.devices.availability import Able
from hub.kernel.clock import micros
from hub.store import timers
from hub.store.transaction import Tx


def due(tx: Tx, house: House, id: str, now: float) -> None:
    """The time of a scheduled callback has come, or the pause of another one is over: it gets into line."""
    callback = callbacks.lock(tx, id)
    if callback is None or callback.line is not None:
        return
    if callback.state is State.SCHEDULED:
        queued = replace(callback, state=lifecycle.after(callback.state, Signal.QUEUE), line=callback.demand)
    elif callback.state is State.QUEUED:
        queued = replace(callback, line=callback.demand)
    else:
        return
    callbacks.save(tx, queued)
    timers.plan(tx, timing.ASSIGN, id, micros(now))
    tell(tx, queued, "Queued", now, base=house.base)


def assign(tx: Tx, house: House, id: str, now: float) -> None:
    """A callback has got into line: give those in front of the line to whoever is free."""
    callback = callbacks.find(tx, id)
    if callback is not None and callback.line is not None:
        serve(tx, house, callback.organization, callback.line, now)


def serve(tx: Tx, house: House, organization: str, line: str, now: float) -> None:
    """Give callbacks of a line, the first one first, to agents, until nobody waits or nobody is free."""
    while (callback := lines.take_first(tx, organization, line)) is not None:
        service = _ready(tx, house, callback, now)
        if service is None:
            continue
        agent = agents.reserve(tx, service, callback, now)
        if agent is None:
            return
        _give(tx, house, service, callback, agent, now)


def route(tx: Tx, house: House, organization: str, user: str, now: float) -> None:
    """An agent has come free: give them the first of all who wait and whom they can answer."""
    able, taken = availability.able(tx, organization, user, now), set[str]()
    while (line := _first_line(tx, organization, able, taken)) is not None:
        callback = lines.take_first(tx, organization, line)
        if callback is None:  # somebody else deals with all of them
            taken.add(line)
            continue
        service = _ready(tx, house, callback, now)
        if service is None:
            continue
        if availability.reserve(tx, organization, user, callback.id, now, agents.reserved_until(service, now)):
            _give(tx, house, service, callback, user, now)
        return


def _first_line(tx: Tx, organization: str, able: Able, taken: Collection[str]) -> str | None:
    """The line in which the first of all waits whom the agent can answer, leaving out those that are taken."""
    front = lines.front(tx, organization, able.queues)
    fitting = (line for line in front if line not in taken and fits(demand_of(line), *able))
    return min(fitting, key=front.__getitem__, default=None)


def sweep(tx: Tx, house: House, now: float) -> None:
    """Serve every line."""
    for organization, line in lines.everywhere(tx):
        serve(tx, house, organization, line, now)


def _ready(tx: Tx, house: House, callback: Callback, now: float) -> Service | None:
    """The service of a callback whose customer may be rung now. Who may not is taken out of the line."""
    service = house.service(callback)
    if service is None or booking.is_refused_by_now(service, callback):
        ending.give_up(tx, house, callback, Reason.NOT_AVAILABLE, now)
        return None
    when = booking.ringing_at(service, callback, now)
    if when is None:
        ending.expire(tx, house, callback.id, now)
        return None
    if when > now:
        callbacks.save(tx, replace(callback, line=None))
        timers.plan(tx, timing.DUE, callback.id, micros(when))
        return None
    return service


def _give(tx: Tx, house: House, service: Service, callback: Callback, agent: str, now: float) -> None:
    """Offer the callback to the agent reserved for it, or ring at once."""
    given = replace(callback, state=lifecycle.after(callback.state, Signal.ASSIGN), line=None, agent=agent)
    timers.cancel(tx, timing.ASSIGN, callback.id)
    if not service.options.agent_preview:
        ringing.ring(tx, house, service, given, now)
        return
    callbacks.save(tx, given)
    timers.plan(tx, timing.OFFER, given.id, micros(now + service.options.agent_preview_timeout))
    tell(tx, given, "Offered", now, base=house.base)
