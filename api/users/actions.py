"""Users: an account of `api.security` and a profile, changed together."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import msgspec

from api.security import actions as security
from api.security.rules import Account
from api.users import records, rules
from api.users.rules import Change, Deed, Profile, User
from channels.catalog import ME, USERS
from channels.devices import UserState
from channels.envelope import Stream, encode
from channels.users import PasswordChangeMessage, UserStateChangeMessage
from hub.auth.principal import Principal
from hub.kernel.clock import micros
from hub.kernel.errors import NotFound, WrongState
from hub.store import outbox, presence, timers
from hub.store.transaction import Snapshot, Tx

CHANGED: Final = "users.changed"
"""The kind of timer by which other domains learn of it; its key is organization/user."""

_NOTHING_KNOWN: Final = Profile()
_NO_SESSION: Final = UserState(state="LoggedOut")
"""The state of whoever has not logged in at a device."""


class Failure(IntEnum):
    """Why a password was not changed: the `errorCode` of the notification."""

    WEAK = 1
    WRONG_OLD = 2
    INTERNAL = 3


# Reading ------------------------------------------------------------------------------------------------------------


def read(tx: Snapshot, organization: str, id: str) -> User:
    """Raises NotFound."""
    account = security.find(tx, organization, id)
    if account is None:
        raise NotFound("No such user")
    return _user(tx, account)


def read_own(tx: Snapshot, caller: Principal) -> User | None:
    """Who the caller is. Roles count from the token. None where the row is still to be made by `first_use`."""
    account = security.find(tx, caller.organization, caller.user)
    if account is None and security.is_staff(caller):
        return None
    user = User(security.account_of(caller), _NOTHING_KNOWN) if account is None else _user(tx, account)
    return user._replace(account=msgspec.structs.replace(user.account, roles=caller.roles))


def first_use(tx: Tx, caller: Principal, now: float) -> User:
    """Make the row of somebody whose token is good and who has none yet."""
    return _user(tx, security.first_use(tx, caller, now))


def some(tx: Snapshot, organization: str, offset: int, limit: int) -> tuple[list[User], int]:
    """Users in the order of their ids, and how many there are in all."""
    accounts, total = security.some(tx, organization, offset, limit)
    return _users(tx, organization, accounts), total


def _user(tx: Snapshot, account: Account) -> User:
    return _users(tx, account.organization, [account])[0]


def _users(tx: Snapshot, organization: str, accounts: Sequence[Account]) -> list[User]:
    ids = [account.id for account in accounts]
    profiles, connected = records.find(tx, organization, ids), presence.connected(tx, organization, ids)
    return [User(each, profiles.get(each.id, _NOTHING_KNOWN), each.id in connected) for each in accounts]


# Changing -----------------------------------------------------------------------------------------------------------


def create(tx: Tx, user: User, now: float) -> User:
    """Raises AlreadyExists."""
    account = security.open_account(tx, user.account, now)
    records.put(tx, account.organization, account.id, user.profile)
    return _user(tx, account)


def change(tx: Tx, caller: Principal, id: str, wanted: Change, now: float) -> User:
    """Carry out what differs from what is. Raises NotFound, Forbidden, OperationForbidden, AlreadyExists."""
    user = _target(tx, Deed.UPDATE, caller, id)
    account = user.account
    if wanted.roles is not None and wanted.roles != account.roles:
        rules.require_for(Deed.SET_ROLES, caller, account)
        account = security.set_roles(tx, account, rules.require_grantable(wanted.roles), now)
    if wanted.enabled is not None and wanted.enabled != account.enabled:
        rules.require_for(Deed.ENABLE, caller, account)
        account = security.set_enabled(tx, account, now, enabled=wanted.enabled)
    if wanted.user_name is not None and wanted.user_name != (account.user_name or account.id):
        account = security.rename(tx, account, wanted.user_name)
    if wanted.must_change is not None and wanted.must_change != account.must_change:
        account = security.set_must_change(tx, account, must_change=wanted.must_change)
    profile = msgspec.structs.replace(user.profile, **wanted.profile)
    if profile != user.profile or account.enabled != user.account.enabled:
        _concern_agents(tx, account, now)
    records.put(tx, account.organization, account.id, profile)
    return user._replace(account=account, profile=profile)


def set_roles(tx: Tx, caller: Principal, id: str, roles: frozenset[str], now: float) -> User:
    """Replace the whole set. Raises NotFound, Forbidden, OperationForbidden, BadInput."""
    user = _target(tx, Deed.SET_ROLES, caller, id)
    return user._replace(account=security.set_roles(tx, user.account, rules.require_grantable(roles), now))


def set_enabled(tx: Tx, caller: Principal, id: str, now: float, *, enabled: bool) -> None:
    """Raises NotFound, Forbidden, OperationForbidden."""
    user = _target(tx, Deed.ENABLE, caller, id)
    security.set_enabled(tx, user.account, now, enabled=enabled)
    _concern_agents(tx, user.account, now)


def delete(tx: Tx, caller: Principal, id: str, now: float) -> None:
    """Raises NotFound, Forbidden, OperationForbidden."""
    user = _target(tx, Deed.DELETE, caller, id)
    security.close_account(tx, user.account, now)
    _concern_agents(tx, user.account, now)
    records.remove(tx, user.account.organization, id)


def _concern_agents(tx: Tx, account: Account, now: float) -> None:
    """What the user can do has changed, or whether they may work at all: telephony, which is above, looks again."""
    timers.plan(tx, CHANGED, f"{account.organization}/{account.id}", micros(now))


def _target(tx: Tx, deed: Deed, caller: Principal, id: str) -> User:
    """The user whom the caller may do that to, locked until the transaction ends."""
    rules.require(deed, caller, id)
    account = security.find_for_change(tx, caller.organization, id)
    if account is None:
        raise NotFound("No such user")
    rules.require_for(deed, caller, account)
    return _user(tx, account)


# Passwords ----------------------------------------------------------------------------------------------------------


def target_of_password(tx: Snapshot, caller: Principal, id: str) -> Account:
    """Somebody else whose password the caller may set. Raises NotFound, Forbidden, OperationForbidden, WrongState."""
    rules.require(Deed.SET_PASSWORD, caller, id)
    account = security.find(tx, caller.organization, id)
    if account is None:
        raise NotFound("No such user")
    rules.require_for(Deed.SET_PASSWORD, caller, account)
    if account.user_name is None:
        raise WrongState("The user has no userName to log in with: set one first")
    return account


def change_password(tx: Tx, seen: Account, password: str, base: str, now: float, *, spared: str | None) -> None:
    """Store the hash of another password for an account as it was `seen`, and tell about it. Raises NotFound.

    Where the account has got another password since then, only that is told: whoever came first has won.
    """
    account = security.find_for_change(tx, seen.organization, seen.id)
    if account is None:
        raise NotFound("No such user")
    if account.password != seen.password:
        tell_failure(tx, account, Failure.WRONG_OLD, "The password has just been changed", base, now)
        return
    security.set_password(tx, account, password, now, must_change=False, spared=spared)
    _tell_success(tx, account, base, now)


def set_password(
    tx: Tx, caller: Principal, id: str, password: str, base: str, now: float, *, must_change: bool
) -> None:
    """Store the hash of another password for somebody else, and tell about it. Raises as `target_of_password`."""
    account = _target(tx, Deed.SET_PASSWORD, caller, id).account
    security.set_password(tx, account, password, now, must_change=must_change)
    _tell_success(tx, account, base, now)


def tell_failure(tx: Tx, account: Account, failure: Failure, why: str, base: str, now: float) -> None:
    """Tell on the channels why a password was not changed."""
    message = PasswordChangeMessage(
        notification_type="PasswordChangeError", error_message=why, error_code=failure.value
    )
    _tell(tx, account, message, base, now)


def _tell_success(tx: Tx, account: Account, base: str, now: float) -> None:
    _tell(tx, account, PasswordChangeMessage(notification_type="PasswordChangeSuccessful"), base, now)


def _tell(tx: Tx, account: Account, message: PasswordChangeMessage, base: str, now: float) -> None:
    """To the user, and to the supervisors with the name of the user; `base` is the public URL."""
    shared = msgspec.structs.replace(message, user_uri=rules.uri_of(base, account.id), user_id=account.id)
    outbox.emit(tx, Stream(account.organization, account.id, ME.pattern), encode(message), now)
    outbox.emit(tx, Stream(account.organization, "", USERS.pattern), encode(shared), now)


# Presence -----------------------------------------------------------------------------------------------------------


def tell_presence(
    tx: Tx,
    organization: str,
    id: str,
    now: float,
    *,
    base: str,
    connected: bool,
    state: UserState = _NO_SESSION,
) -> None:
    """Tell the supervisors that a user has come or is gone, and the state as an agent. The user may be known by a token
    only.
    """
    message = UserStateChangeMessage(
        notification_type="Connected" if connected else "Disconnected",
        user_uri=rules.uri_of(base, id),
        user_id=id,
        user_state=state,
        connected=connected,
    )
    outbox.emit(tx, Stream(organization, "", USERS.pattern), encode(message), now)
