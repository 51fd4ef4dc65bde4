"""The timers of a callback, each under its id."""

from typing import Final

from api.callbacks.rules import booking
from api.callbacks.rules.callback import Callback
from api.callbacks.rules.lifecycle import State
from api.callbacks.rules.services import Service
from hub.kernel.clock import micros
from hub.store import timers
from hub.store.transaction import Tx

DUE: Final = "callbacks.due"
"""A scheduled one gets into line, or one that paused gets back."""
ASSIGN: Final = "callbacks.assign"
"""One got into line. Its own transaction: so whoever came free meanwhile is seen, or sees the callback."""
OFFER: Final = "callbacks.offer"
"""An agent has had time enough to accept it."""
RING: Final = "callbacks.ring"
"""The call has been ringing for too long."""
EXPIRE: Final = "callbacks.expire"
"""Its time to live is over."""
OF_ONE: Final = (DUE, ASSIGN, OFFER, RING, EXPIRE)

ROUTE: Final = "callbacks.route"
"""An agent came free; the key is `organization/user`. Planned by whoever knows of agents."""
ESTABLISHED: Final = "callbacks.call_established"
ENDED: Final = "callbacks.call_ended"
"""What became of a call; planned by whoever knows of calls."""


def begin(tx: Tx, service: Service, callback: Callback) -> None:
    """Plan what comes next for one that is scheduled or in line, and the end of its time."""
    if callback.state is State.SCHEDULED:
        timers.plan(tx, DUE, callback.id, micros(booking.queued_at(service, callback)))
    else:
        timers.plan(tx, ASSIGN, callback.id, micros(callback.requested_at))
    timers.plan(tx, EXPIRE, callback.id, micros(callback.expires_at))


def end(tx: Tx, callback: Callback) -> None:
    """Nothing is to happen with it any more."""
    for kind in OF_ONE:
        timers.cancel(tx, kind, callback.id)
