"""Kind `services.expire`: a GMS service ends with its time."""

from typing import Final

from api.services import actions
from hub.store.timers import Timer
from hub.store.transaction import Tx
from scheduler.claims import Transactional
from scheduler.retries import Retries

_FOR_EVER: Final = Retries(attempts=None, first=10.0, longest=600.0)


def _expire(tx: Tx, timer: Timer, now: float) -> None:
    actions.expire(tx, timer.key, now)


TRANSACTIONAL: Final = (Transactional(actions.EXPIRE, _expire, _FOR_EVER),)
