"""What becomes of a callback when a step fails, and how it ends."""

from contextlib import suppress

from msgspec.structs import replace

from api.callbacks.actions import keeping, timing
from api.callbacks.actions.house import House
from api.callbacks.actions.telling import tell
from api.callbacks.records import callbacks, counts
from api.callbacks.rules import booking, lifecycle
from api.callbacks.rules.callback import Callback
from api.callbacks.rules.lifecycle import Reason, Signal, State
from api.callbacks.rules.services import Service
from api.telephony.devices import actions as devices
from api.telephony.devices import availability
from api.telephony.devices.rules import NOT_READY, VOICE
from channels.callbacks import CallbackNotificationType
from hub.kernel.clock import micros
from hub.kernel.errors import HubError
from hub.store import timers
from hub.store.transaction import Tx

PAUSE_SECONDS = 60.0
"""One whose time is over while a phone rings for it is looked at again after so long."""


def not_taken(tx: Tx, house: House, service: Service, callback: Callback, now: float, *, missed: bool) -> None:
    """Its agent has rejected the offer, or `missed` it: back into line after a pause, at the same place. Who misses an
    offer is not there, and is made not ready, or would be offered every callback of the line, one after the other.
    """
    if missed:
        take_out(tx, house, callback, now)
    rejects, most = callback.rejects + 1, service.options.agent_preview_max_rejects
    if most and rejects >= most:
        give_up(tx, house, replace(callback, rejects=rejects), lifecycle.after_rejects(rejects), now)
        return
    again = now + service.options.agent_reject_retry_timeout
    kind: CallbackNotificationType = "AttemptFailed" if missed else "Rejected"
    reason = "AGENT_NO_ANSWER" if missed else "AGENT_REJECT"
    _return(tx, house, replace(callback, rejects=rejects), again, kind, reason, now)


def attempt_failed(tx: Tx, house: House, service: Service, callback: Callback, reason: str, now: float) -> None:
    """The customer was not reached: another attempt after a pause, at a decent hour, or none any more."""
    if callback.attempt >= service.options.max_dial_attempts:
        give_up(tx, house, callback, Reason.FAIL_CALL_TO_CUSTOMER, now)
        return
    again = booking.ringing_at(service, callback, now + service.options.dial_retry_timeout)
    if again is None or again >= callback.expires_at:
        give_up(tx, house, callback, Reason.FAIL_CALL_TO_CUSTOMER, now)
        return
    _return(tx, house, callback, again, "AttemptFailed", reason, now)


def _return(
    tx: Tx,
    house: House,
    callback: Callback,
    again: float,
    kind: CallbackNotificationType,
    reason: str,
    now: float,
) -> None:
    waiting = replace(
        callback,
        state=lifecycle.after(callback.state, Signal.RETURN),
        line=None,
        agent=None,
        call=None,
        call_id=None,
    )
    callbacks.save(tx, waiting)
    timers.cancel(tx, timing.RING, callback.id)
    timers.plan(tx, timing.DUE, callback.id, micros(again))
    let_go(tx, callback, now)
    tell(tx, waiting, kind, now, base=house.base, agent=callback.agent, reason=reason)


def finish(tx: Tx, house: House, callback: Callback, now: float) -> None:
    """The two have talked."""
    _end(tx, house, callback, Signal.FINISH, Reason.AGENT_CONNECTED, "Completed", now)


def give_up(tx: Tx, house: House, callback: Callback, reason: str, now: float) -> None:
    """It is not tried any more."""
    _end(tx, house, callback, Signal.GIVE_UP, reason, "Completed", now)


def expire(tx: Tx, house: House, id: str, now: float) -> None:
    """Its time to live is over, or nobody may be rung for it any more."""
    callback = callbacks.lock(tx, id)
    if callback is None or not lifecycle.may(callback.state, Signal.EXPIRE):
        return
    if callback.call is not None:
        timers.plan(tx, timing.EXPIRE, id, micros(now + PAUSE_SECONDS))
        return
    _end(tx, house, callback, Signal.EXPIRE, Reason.FAIL_TIMEOUT_TTL, "Expired", now)


def forget(tx: Tx, before: float, batch: int) -> int:
    """Delete at most `batch` callbacks that were over before then, with all that is known of their customers; returns
    how many.
    """
    return callbacks.forget_old(tx, before, batch)


def forget_counts(tx: Tx, now: float, batch: int) -> int:
    """Delete what has been counted long enough, at most `batch`; returns how much."""
    return counts.expire(tx, now - booking.DAY, batch)


def _end(
    tx: Tx,
    house: House,
    callback: Callback,
    signal: Signal,
    reason: str,
    kind: CallbackNotificationType,
    now: float,
) -> None:
    over = replace(
        callback,
        state=lifecycle.after(callback.state, signal),
        reason=reason,
        line=None,
        completed_at=now,
    )
    callbacks.save(tx, over)
    timing.end(tx, over)
    keeping.drop(tx, over, now, talked=signal is Signal.FINISH)
    if callback.state is State.ROUTING:
        let_go(tx, callback, now)
    tell(tx, over, kind, now, base=house.base)


def take_out(tx: Tx, house: House, callback: Callback, now: float) -> None:
    """Its agent is not there, and is made not ready."""
    floor, agent = house.switches.floor, callback.agent or ""
    with suppress(HubError):  # whoever has logged out meanwhile is not ready anyway
        devices.set_state(tx, floor, callback.organization, agent, (VOICE,), NOT_READY, now)


def let_go(tx: Tx, callback: Callback, now: float) -> None:
    """Whoever was reserved for it is free for others."""
    if callback.agent is not None:
        availability.release(tx, callback.organization, callback.agent, callback.id, now)
