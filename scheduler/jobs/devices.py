"""Kinds `devices.*`: what becomes of agents as time goes by."""

from api.telephony.devices import actions as devices
from api.telephony.devices.rules import Floor
from hub.store.timers import Timer
from hub.store.transaction import Tx
from scheduler.claims import Transactional


def transactional(floor: Floor) -> tuple[Transactional, ...]:
    """The jobs of agents; their keys are organization/user."""

    def wrap_up(tx: Tx, timer: Timer, now: float) -> None:
        devices.wrap_up_over(tx, floor, *_agent(timer), now)

    return (Transactional(devices.WRAP_UP, wrap_up),)


def _agent(timer: Timer) -> tuple[str, str]:
    organization, _, user = timer.key.partition("/")
    return organization, user
