"""Who may do what to which users, and what a user's data may look like. Pure.

`PERMISSIONS` is the whole of it: what is not in the table nobody may. Roles do not include each other; somebody with
several reaches as far as the widest of them.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import IntEnum, StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from api.security.rules import Account
from channels.access import Role
from channels.devices import Device, MediaChannel, UserState
from hub.auth.principal import Principal
from hub.kernel.errors import BadInput, Forbidden, OperationForbidden


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a user beyond the account. `queues`, `skills` (name to level) and `languages` say which work
    finds them.
    """

    first_name: str = ""
    last_name: str = ""
    email_address: str = ""
    queues: tuple[str, ...] = ()
    skills: Mapping[str, int] = {}
    languages: tuple[str, ...] = ()


class Desk(NamedTuple):
    """What telephony knows of a user: the state as an agent, and what the user works with."""

    state: UserState
    devices: tuple[Device, ...]
    channels: tuple[MediaChannel, ...]


class User(NamedTuple):
    """An account and its profile; whether the user counts as connected; what telephony knows, where it was asked."""

    account: Account
    profile: Profile
    connected: bool = False
    desk: Desk | None = None


class Change(NamedTuple):
    """What is to become of a user: members of the profile by name, and for the account what is not None."""

    profile: Mapping[str, Any]
    user_name: str | None = None
    roles: frozenset[str] | None = None
    enabled: bool | None = None
    must_change: bool | None = None


class Deed(StrEnum):
    """What can be done to a user."""

    LIST = "list"
    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    SET_ROLES = "set roles"
    ENABLE = "enable"
    DELETE = "delete"
    SET_PASSWORD = "set password"  # noqa: S105


class Reach(IntEnum):
    """Whom a deed may be done to, each within the own organization. A wider one includes the narrower before it, but
    for oneself: what reaches OTHERS does not reach the doer, who could lock everybody out, or take a short cut around
    their own old password.
    """

    NOBODY = 0
    ONESELF = 1
    AGENTS = 2
    """Others without any role above ROLE_AGENT."""
    OTHERS = 3
    ALL = 4


_EVERYBODY: Final = dict.fromkeys(Role, Reach.ONESELF)

PERMISSIONS: Final[Mapping[Deed, Mapping[Role, Reach]]] = {
    Deed.LIST: {Role.ADMIN: Reach.ALL, Role.SUPERVISOR: Reach.ALL},
    Deed.READ: {**_EVERYBODY, Role.ADMIN: Reach.ALL, Role.SUPERVISOR: Reach.ALL},
    Deed.CREATE: {Role.ADMIN: Reach.ALL},
    Deed.UPDATE: {Role.ADMIN: Reach.ALL},
    Deed.SET_ROLES: {Role.ADMIN: Reach.OTHERS},
    Deed.ENABLE: {Role.ADMIN: Reach.OTHERS},
    Deed.DELETE: {Role.ADMIN: Reach.OTHERS},
    Deed.SET_PASSWORD: {Role.ADMIN: Reach.OTHERS, Role.SUPERVISOR: Reach.AGENTS},
}

GRANTABLE: Final = frozenset({Role.AGENT, Role.SUPERVISOR, Role.ADMIN})
"""Roles that an administrator gives to people. The two others belong to programs and to customers."""

_NO_HIGHER: Final = frozenset({Role.AGENT})


def roles_for(deed: Deed) -> frozenset[Role]:
    """The roles that may do it to anybody at all."""
    return frozenset(PERMISSIONS[deed])


def require(deed: Deed, caller: Principal, id: str) -> None:
    """Raises Forbidden where the caller may not do it to the user `id`, whoever that is and whether there is one;
    OperationForbidden where it is their own id that stands in the way.
    """
    reach = _reach(deed, caller.roles)
    is_own = id == caller.user
    if reach is Reach.NOBODY or (reach is Reach.ONESELF and not is_own):
        raise Forbidden
    if is_own and reach in {Reach.AGENTS, Reach.OTHERS}:
        raise OperationForbidden("Not possible for one's own user")


def require_for(deed: Deed, caller: Principal, target: Account) -> None:
    """`require`, now that the user is known. Raises Forbidden for one with a higher role than the caller reaches."""
    require(deed, caller, target.id)
    if _reach(deed, caller.roles) is Reach.AGENTS and not target.roles <= _NO_HIGHER:
        raise Forbidden


def require_grantable(roles: AbstractSet[str]) -> frozenset[str]:
    """`roles` if an administrator may give them. Raises BadInput."""
    if wrong := sorted(roles - GRANTABLE):
        raise BadInput(f"roles: {wrong[0]} cannot be given to a user", pointer="/roles")
    return frozenset(roles)


def _reach(deed: Deed, roles: AbstractSet[str]) -> Reach:
    return max((reach for role, reach in PERMISSIONS[deed].items() if role in roles), default=Reach.NOBODY)


def uri_of(base: str, id: str) -> str:
    """The absolute address of a user; `base` is the public URL of the hub."""
    return f"{base}/api/v2{path_of(id)}"


def path_of(id: str) -> str:
    """The same, relative to the API."""
    return f"/users/{id}"
