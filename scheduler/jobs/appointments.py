"""Kinds `appointments.*`: what is told about appointments when its time comes."""

from api.appointments import notices
from api.appointments.actions import timing
from api.appointments.rules.site import Sites
from hub.store.timers import Timer
from hub.store.transaction import Tx
from scheduler.claims import Transactional
from scheduler.jobs import housekeeping


def transactional(sites: Sites) -> tuple[Transactional, ...]:
    """The jobs of appointments; their keys are appointment/type/offset."""

    def notice(tx: Tx, timer: Timer, now: float) -> None:
        timing.fire(tx, timer.payload, now, sites)

    def old_notices(tx: Tx, now: float) -> int:
        return notices.expire(tx, now, housekeeping.BATCH)

    return (
        Transactional(notices.KIND, notice),
        housekeeping.regular(housekeeping.NOTICES, old_notices, every=600.0),
    )
