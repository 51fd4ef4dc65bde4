"""`/api/applications`: what administrators see of the configuration."""

from collections.abc import Awaitable, Callable, Sequence
from operator import itemgetter
from typing import Any, Final

from api.applications import actions
from api.applications.rules import UnknownApplication, require
from api.applications.schemas import Applications, ApplicationView, view
from api.http.operations import Operation
from api.http.problems import Family
from api.http.request import Call
from channels.access import Role
from hub.kernel.applications import Application
from hub.kernel.errors import HubError
from hub.store.transaction import Snapshot

_ADMINS: Final = frozenset({Role.ADMIN})


async def list_applications(call: Call[None]) -> Applications:
    """Those of the caller's organization, by their ids."""
    organization = call.principal.organization
    mine = [
        item
        for item in sorted(call.services.applications.items(), key=itemgetter(0))
        if item[1].organization == organization
    ]
    return Applications(content=await _views(call, mine))


async def get_application(call: Call[None]) -> ApplicationView:
    """One of them."""
    id_ = call.path_params["id"]
    (shown,) = await _views(call, [(id_, require(call.services.applications, id_, call.principal.organization))])
    return shown


async def _views(call: Call[None], found: Sequence[tuple[str, Application]]) -> tuple[ApplicationView, ...]:
    def read(tx: Snapshot) -> tuple[ApplicationView, ...]:
        return tuple(view(id_, each, actions.senders(tx, id_, each), call.base) for id_, each in found)

    return await call.services.db.read(read)


def _reads(
    name: str,
    path: str,
    summary: str,
    handler: Callable[[Call[Any]], Awaitable[object]],
    result: type,
    *errors: type[HubError],
) -> Operation:
    return Operation(
        name=name,
        method="GET",
        path=path,
        summary=summary,
        description="Settings come from `[applications.ID]` of hub.toml. Secrets are not shown.",
        tag="applications",
        family=Family.AUVIOUS,
        handler=handler,
        roles=_ADMINS,
        result=result,
        path_example={"id": "demo-app"} if "{id}" in path else {},
        errors=errors,
    )


OPERATIONS = (
    _reads(
        "listApplications",
        "/api/applications/",
        "The applications of one's organization",
        list_applications,
        Applications,
    ),
    _reads(
        "getApplication",
        "/api/applications/{id}",
        "The settings of an application",
        get_application,
        ApplicationView,
        UnknownApplication,
    ),
)
