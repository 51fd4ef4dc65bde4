"""Kinds `devices.*`, and `users.changed`: what becomes of agents as time goes by."""

from api.telephony.devices import actions as devices
from api.telephony.devices.rules import Floor
from api.users import actions as users
from hub.store.timers import Timer
from hub.store.transaction import Tx
from scheduler.claims import Transactional


def transactional(floor: Floor) -> tuple[Transactional, ...]:
    """The jobs of agents; their keys are organization/user."""

    def wrap_up(tx: Tx, timer: Timer, now: float) -> None:
        devices.wrap_up_over(tx, floor, *_agent(timer), now)

    def user_changed(tx: Tx, timer: Timer, now: float) -> None:
        devices.user_changed(tx, floor, *_agent(timer), now)

    return (Transactional(devices.WRAP_UP, wrap_up), Transactional(users.CHANGED, user_changed))


def _agent(timer: Timer) -> tuple[str, str]:
    organization, _, user = timer.key.partition("/")
    return organization, user
