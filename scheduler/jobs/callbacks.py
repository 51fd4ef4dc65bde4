"""Kinds `callbacks.*`: what becomes of callbacks as time goes by, as agents come free, and as calls are answered."""

from collections.abc import Callable
from typing import Final

import msgspec

from api.callbacks.actions import ending, reading, ringing, routing, timing, watermarks
from api.callbacks.actions.house import House
from api.callbacks.rules import services
from api.telephony.calls.upward import CallNews
from hub.kernel import metrics
from hub.kernel.clock import micros
from hub.store import timers
from hub.store.timers import Timer
from hub.store.transaction import Tx
from scheduler.claims import Transactional
from scheduler.retries import Retries

SWEEP: Final = "callbacks.sweep"
"""Finds what does not come as an event, and counts."""
SWEEP_SECONDS: Final = 5.0
FOR_EVER: Final = Retries(attempts=None, first=5.0, longest=60.0)


def transactional(house: House) -> tuple[Transactional, ...]:
    """The jobs of callbacks."""
    of_one: dict[str, Callable[[Tx, House, str, float], None]] = {
        timing.DUE: routing.due,
        timing.ASSIGN: routing.assign,
        timing.OFFER: ringing.offer_missed,
        timing.RING: ringing.ring_missed,
        timing.EXPIRE: ending.expire,
    }
    of_call: dict[str, Callable[[Tx, House, str, CallNews, float], None]] = {
        timing.ESTABLISHED: ringing.established,
        timing.ENDED: ringing.ended,
    }

    def route(tx: Tx, timer: Timer, now: float) -> None:
        organization, _, user = timer.key.partition("/")
        routing.route(tx, house, organization, user, now)

    def sweep(tx: Tx, timer: Timer, now: float) -> None:
        routing.sweep(tx, house, now)
        for service in services.every(house.configuration):
            watermarks.look(tx, service, now)
        waiting, oldest = reading.waiting(tx, now)
        metrics.CALLBACKS_WAITING.set(waiting)
        metrics.CALLBACKS_LATE_SECONDS.set(oldest)
        timers.plan(tx, SWEEP, timer.key, micros(now + SWEEP_SECONDS))

    return (
        *(Transactional(kind, _of_one(house, act)) for kind, act in of_one.items()),
        *(Transactional(kind, _of_call(house, act)) for kind, act in of_call.items()),
        Transactional(timing.ROUTE, route),
        Transactional(SWEEP, sweep, FOR_EVER),
    )


def begin(tx: Tx, now: float) -> None:
    """See that the sweep is planned."""
    timers.plan_unless_pending(tx, SWEEP, "", micros(now))


def _of_one(house: House, act: Callable[[Tx, House, str, float], None]) -> Callable[[Tx, Timer, float], None]:
    return lambda tx, timer, now: act(tx, house, timer.key, now)


def _of_call(
    house: House, act: Callable[[Tx, House, str, CallNews, float], None]
) -> Callable[[Tx, Timer, float], None]:
    def job(tx: Tx, timer: Timer, now: float) -> None:
        act(tx, house, timer.key, msgspec.json.decode(timer.payload, type=CallNews), now)

    return job
