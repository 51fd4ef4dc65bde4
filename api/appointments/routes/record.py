"""What the records of all operations on appointments share."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from api.appointments.actions.rooms import Withdrawn
from api.appointments.rules import permissions
from api.appointments.rules.permissions import Deed
from api.appointments.rules.site import Sites
from api.http.operations import Operation
from api.http.problems import Family
from api.http.request import Call
from hub.kernel.clock import micros
from hub.kernel.errors import HubError, Overloaded

BASE: Final = "/api/appointments/"
ONE: Final = "/api/appointments/{id}"
EXAMPLE: Final = "f46f165d-383a-4432-9a3e-9c805a152e0c"
_PATHS: Final = {"id": EXAMPLE, "pid": "carol", "token": "AEYqXmuBTEAyHpOB5Su4S3oAAAEbh0xbqvJ2qQDsfWQQWl3k"}


def sites(call: Call[Any]) -> Sites:
    """The applications that are served."""
    return Sites(call.services.applications, call.base)


def revoke(call: Call[Any], withdrawn: Withdrawn | None) -> None:
    """Refuse the tokens of a room's customer here, at once; other processes find out by themselves."""
    if withdrawn is not None:
        call.services.revoked.add(withdrawn.organization, withdrawn.customer, micros(withdrawn.at))


def operation(
    name: str,
    method: str,
    path: str,
    summary: str,
    handler: Callable[[Call[Any]], Awaitable[object]],
    deed: Deed | None,
    *errors: type[HubError],
    **more: Any,  # noqa: ANN401 - further members of the record
) -> Operation:
    """The record; without a deed, of what needs no token."""
    return Operation(
        name=name,
        method=method,
        path=path,
        summary=summary,
        handler=handler,
        roles=None if deed is None else permissions.roles_for(deed),
        errors=(*errors, Overloaded),
        path_example={part: value for part, value in _PATHS.items() if f"{{{part}}}" in path},
        **{"tag": "appointments", "family": Family.AUVIOUS, **more},
    )
