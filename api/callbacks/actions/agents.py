"""Finding an agent for a callback."""

from typing import Final

from api.callbacks.rules.callback import Callback
from api.callbacks.rules.services import Service
from api.telephony.devices import availability
from api.telephony.devices.availability import Wanted
from hub.store.transaction import Tx

CANDIDATES: Final = 5
"""Agents to try for one callback: somebody else may reserve the first ones at the same moment."""
LONGEST_RING: Final = 120.0
"""A switch that has not said by then what became of a call is not waited for."""
SPARE_SECONDS: Final = 60.0
"""How much longer than needed an agent stays reserved, should nothing end it."""


def reserve(tx: Tx, service: Service, callback: Callback, now: float) -> str | None:
    """An agent for the callback, who is free for nobody else from now on: a preferred one, or the longest free. None
    where nobody is free.
    """
    demand, until = callback.wants, reserved_until(service, now)
    wanted = Wanted(demand.queue, demand.skills, demand.language)
    found: list[str] = []
    if callback.preferred:
        preferred = wanted._replace(users=callback.preferred)
        free = {each.user for each in availability.free(tx, callback.organization, preferred, now, CANDIDATES)}
        found += [user for user in callback.preferred if user in free]
    found += [each.user for each in availability.free(tx, callback.organization, wanted, now, CANDIDATES)]
    for user in found:
        if availability.reserve(tx, callback.organization, user, callback.id, now, until):
            return user
    return None


def reserved_until(service: Service, now: float) -> float:
    """How long an agent is reserved at most."""
    preview = service.options.agent_preview_timeout if service.options.agent_preview else 0
    ring = LONGEST_RING if service.is_customer_first else 0
    return now + preview + ring + SPARE_SECONDS
