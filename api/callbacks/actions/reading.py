"""Looking at callbacks and at what is left."""

from api.callbacks.records import callbacks, counts, lines
from api.callbacks.rules import buckets, refusals, times
from api.callbacks.rules.callback import Callback
from api.callbacks.rules.services import Service
from hub.store.transaction import Snapshot

MOST_FOUND = 100


def find(tx: Snapshot, service: Service, id: str) -> Callback:
    """One callback of the service, also one that is over. Raises CallbackRefused."""
    callback = callbacks.find(tx, id)
    if callback is None or (callback.organization, callback.service) != (service.organization, service.name):
        raise refusals.no_such("query", id)
    return callback


def having(tx: Snapshot, service: Service, name: str, value: str) -> list[Callback]:
    """The callbacks of the service that are not over and have that property; at most a hundred, earliest first."""
    return callbacks.found(tx, service.organization, service.name, name, value, MOST_FOUND)


def availability(tx: Snapshot, service: Service, at: float, now: float) -> dict[str, int]:
    """Places around an instant, by the beginning of their bucket. Raises CallbackRefused where the office is closed."""
    if service.why_closed(at) is not None:
        raise refusals.office_closed(times.shown(at))
    return buckets.availability(service, at, counts.taken(tx, service, buckets.around(service, at)), now)


def queue(tx: Snapshot, service: Service, until: float, limit: int) -> list[Callback]:
    """The callbacks of a service that are not over and are wanted by then, earliest first."""
    return callbacks.outstanding(tx, service.organization, service.name, until, limit)


def of_agent(tx: Snapshot, organization: str, agent: str) -> list[Callback]:
    """The callbacks that are offered to an agent, or that the agent is at."""
    return callbacks.of_agent(tx, organization, agent)


def waiting(tx: Snapshot, now: float) -> tuple[int, float]:
    """How many wait for an agent, in all organizations, and how late the latest of them is, in seconds."""
    count, earliest = lines.waiting(tx)
    return count, 0.0 if earliest is None else max(0.0, now - earliest)
