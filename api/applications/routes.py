"""`/api/applications`: what administrators see of the configuration."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from api.applications.rules import UnknownApplication, require
from api.applications.schemas import Applications, ApplicationView, view
from api.http.operations import Operation
from api.http.problems import Family
from api.http.request import Call
from channels.access import Role
from hub.kernel.errors import HubError

_ADMINS: Final = frozenset({Role.ADMIN})


async def list_applications(call: Call[None]) -> Applications:
    """Those of the caller's organization, by their ids."""
    organization = call.principal.organization
    found = sorted(call.services.applications.items())
    return Applications(content=tuple(view(*each, call.base) for each in found if each[1].organization == organization))


async def get_application(call: Call[None]) -> ApplicationView:
    """One of them."""
    id_ = call.path_params["id"]
    return view(id_, require(call.services.applications, id_, call.principal.organization), call.base)


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
