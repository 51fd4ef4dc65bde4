"""The table of contents of REST: all operations, the routes that serve them, the document that describes them."""

from typing import Any

from starlette.routing import Route

from api.applications import routes as applications
from api.appointments import routes as appointments
from api.callbacks import routes as callbacks
from api.codes import routes as codes
from api.events import routes as events
from api.facades import routes as facades
from api.http import openapi
from api.http.operations import Operation, routes_of
from api.http.request import Services
from api.notifications import routes as notifications
from api.ops import admin
from api.ops import routes as ops
from api.security import routes as security
from api.services import routes as gms_services
from api.telephony import routes as telephony
from api.telephony.devices import routes as devices
from api.tickets import routes as tickets
from api.users import routes as users

TITLE = "Notification hub"


def operations() -> tuple[Operation, ...]:
    """Every endpoint there is."""
    return (
        *security.OPERATIONS,
        *users.operations(devices.desks),
        *devices.OPERATIONS,
        *telephony.OPERATIONS,
        *applications.OPERATIONS,
        *appointments.OPERATIONS,
        *codes.OPERATIONS,
        *notifications.OPERATIONS,
        *tickets.OPERATIONS,
        *gms_services.OPERATIONS,
        *facades.OPERATIONS,
        *events.OPERATIONS,
        *callbacks.OPERATIONS,
        *admin.OPERATIONS,
        *ops.operations(_describe),
    )


def routes(services: Services) -> list[Route]:
    """The routes for a router without slash redirects, `api.http.middleware.RequestIds` around it and
    `unknown_path` as its default.
    """
    return routes_of(operations(), services)


def document(*, url: str, version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document; `url` is the public base of the hub."""
    return openapi.document(operations(), title=TITLE, url=url, version=version)


def _describe(services: Services) -> dict[str, Any]:
    return document(url=services.settings.public_url, version=services.version)
