"""Who comes to a service: found by the name under which it is configured, or by the id of one that runs."""

from typing import Any

from api.http import edge
from api.http.request import Call
from api.services import actions
from api.services.rules import Room, Service, UnknownService
from hub.auth.guesses import network
from hub.kernel.service_options import ServiceOptions


async def configured(call: Call[Any], name: str) -> tuple[ServiceOptions, bool]:
    """The service of that name, and whether the caller is known. Raises UnknownService, and as `edge.admit` does."""
    options = call.services.configuration.services.get(name)
    if options is None:
        raise _unknown(call, name)
    return options, await edge.admit(call, options.organization, options.api_key)


async def opened(call: Call[Any]) -> tuple[Service, ServiceOptions]:
    """The service whose id the path has. Raises UnknownService, and what `edge.admit` raises.

    An id is a secret, as that of a ticket: whoever guesses at them is a stranger who comes too often.
    """
    name = call.path_params["service"]
    try:
        service = await call.services.db.read(lambda tx: actions.find(tx, name, call.now))
    except UnknownService:
        raise _unknown(call, name) from None
    options = _options(call, service.name)
    if options is None or options.organization != service.organization:
        raise _unknown(call, name)
    await edge.admit(call, options.organization, options.api_key)
    return service, options


def _options(call: Call[Any], name: str) -> ServiceOptions | None:
    """What is configured under a name: a service, or one that calls back, whose callbacks may keep data as well."""
    configuration = call.services.configuration
    callback = configuration.callback_services.get(name)
    if name in configuration.services or callback is None:
        return configuration.services.get(name)
    return ServiceOptions(organization=callback.organization, api_key=callback.api_key)


def room_of(call: Call[Any]) -> Room:
    """How much a service may keep."""
    settings = call.services.settings
    return Room(values=settings.service_body_bytes, whole=settings.service_storage_bytes)


def _unknown(call: Call[Any], name: str) -> UnknownService:
    call.services.quotas.strangers.take(network(call.address))
    return UnknownService(name)
