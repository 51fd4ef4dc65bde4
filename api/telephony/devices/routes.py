"""The endpoints of devices, media and sessions."""

from collections.abc import Collection
from typing import Any, Final

from api.http.operations import Operation
from api.http.request import Call
from api.telephony.devices import actions, directory, own, views
from api.telephony.devices.directory import floor_of
from api.users.rules import Desk
from hub.store.transaction import Snapshot


def desks(call: Call[Any], tx: Snapshot, ids: Collection[str]) -> dict[str, Desk]:
    """What users work with, for whoever shows users."""
    floor, organization = floor_of(call), call.principal.organization
    definitions = floor.definitions(organization)
    return {
        user: Desk(
            views.state_of(agent, definitions),
            views.devices(agent, definitions, floor.base),
            views.media(agent, definitions),
        )
        for user, agent in actions.agents(tx, organization, ids).items()
    }


OPERATIONS: Final[tuple[Operation, ...]] = (*own.OPERATIONS, *directory.OPERATIONS)
