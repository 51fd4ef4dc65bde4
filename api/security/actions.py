"""Opening, changing and closing accounts; logging in and out; registering clients.

Whoever changes what an account may do ends the sessions and the tokens that it has: rows of `revocation`, written in
the same transaction, which every process reads within a second.
"""

import hashlib
import hmac
from typing import Final

import msgspec

from api.security import records
from api.security.records import Login
from api.security.rules import Account
from channels.access import STAFF, Role
from hub.auth.principal import Principal
from hub.kernel.errors import AlreadyExists
from hub.kernel.secret import Secret
from hub.store import revocations
from hub.store.transaction import Snapshot, Tx

MOST_LOGINS: Final = 32
"""Logins that an account may have at once; one more ends the oldest. A program that forgets cookies fills nothing."""


# Accounts -----------------------------------------------------------------------------------------------------------


def open_account(tx: Tx, account: Account, now: float) -> Account:
    """Raises AlreadyExists where the id is taken in the organization, or the name in the hub."""
    if not records.insert_account(tx, account, now):
        taken = records.find_account(tx, account.organization, account.id)
        raise AlreadyExists(f"A user with this {'id' if taken else 'userName'} exists already")
    return account


def first_use(tx: Tx, principal: Principal, now: float) -> Account:
    """The account of somebody with a good token, made if this is the first time that it is needed.

    It has no name to log in with: names are unique in the hub, and a token of one organization shall not take one away
    from the others.
    """
    records.insert_account(tx, account_of(principal), now)
    found = records.find_account(tx, principal.organization, principal.user)
    assert found is not None, "inserted above, or there before"  # noqa: S101
    return found


def account_of(principal: Principal) -> Account:
    """What a token alone says about an account."""
    return Account(
        organization=principal.organization,
        id=principal.user,
        user_name=None,
        roles=principal.roles & frozenset(Role),
    )


def is_staff(principal: Principal) -> bool:
    """Whether an account is made for this principal on first use; customers and clients come in any number."""
    return not principal.roles.isdisjoint(STAFF)


def find(tx: Snapshot, organization: str, id: str) -> Account | None:
    """The account with that id."""
    return records.find_account(tx, organization, id)


def find_for_change(tx: Tx, organization: str, id: str) -> Account | None:
    """The account with that id, locked until the transaction ends."""
    return records.lock_account(tx, organization, id)


def find_named(tx: Snapshot, user_name: str) -> Account | None:
    """The account that logs in with that name."""
    return records.find_account_named(tx, user_name)


def some(tx: Snapshot, organization: str, offset: int, limit: int) -> tuple[list[Account], int]:
    """Accounts of an organization in the order of their ids, and how many there are in all."""
    return records.accounts(tx, organization, offset, limit), records.count_accounts(tx, organization)


def rename(tx: Tx, account: Account, user_name: str) -> Account:
    """Give the account another name to log in with. Raises AlreadyExists."""
    owner = records.find_account_named(tx, user_name)
    if owner is not None and (owner.organization, owner.id) != (account.organization, account.id):
        raise AlreadyExists("A user with this userName exists already")
    records.update_account(tx, account, user_name=user_name)
    return msgspec.structs.replace(account, user_name=user_name)


def set_roles(tx: Tx, account: Account, roles: frozenset[str], now: float) -> Account:
    """Replace the whole set. Other roles than before end the account's sessions and tokens."""
    if roles == account.roles:
        return account
    records.update_account(tx, account, roles=" ".join(sorted(roles)))
    _cut_off(tx, account, now)
    return msgspec.structs.replace(account, roles=roles)


def set_enabled(tx: Tx, account: Account, now: float, *, enabled: bool) -> Account:
    """Let the account log in again, or no more; disabling ends its sessions and tokens."""
    if enabled != account.enabled:
        records.update_account(tx, account, enabled=enabled)
        if not enabled:
            _cut_off(tx, account, now)
    return msgspec.structs.replace(account, enabled=enabled)


def set_must_change(tx: Tx, account: Account, *, must_change: bool) -> Account:
    """Demand another password at the next login, or no longer."""
    records.update_account(tx, account, must_change=must_change)
    return msgspec.structs.replace(account, must_change=must_change)


def set_password(
    tx: Tx, account: Account, password: str, now: float, *, must_change: bool, spared: str | None = None
) -> None:
    """Store the hash of another password. Ends all sessions and tokens but those of the login `spared`."""
    records.update_account(tx, account, password=password, must_change=must_change)
    _cut_off(tx, account, now, spared=spared)


def close_account(tx: Tx, account: Account, now: float) -> None:
    """Delete the account with its logins; its sessions and tokens end."""
    records.delete_account(tx, account)
    _cut_off(tx, account, now)


def _cut_off(tx: Tx, account: Account, now: float, *, spared: str | None = None) -> None:
    records.delete_logins(tx, account, spared=spared)
    if spared is not None:
        # It counts as made now, so that the revocation of everything before does not concern it.
        records.renew_login(tx, spared, now)
    revocations.revoke(tx, account.organization, account.id, now, tokens=True, spared=spared)


# Logins -------------------------------------------------------------------------------------------------------------


def log_in(tx: Tx, account: Account, login: str, now: float, seconds: float) -> None:
    """Remember the login named `login` for so many seconds."""
    records.insert_login(tx, login, account, now, now + seconds)
    records.trim_logins(tx, account, MOST_LOGINS, now)


def find_login(tx: Snapshot, login: str, now: float) -> Login | None:
    """The login with the account as it is now; None when it has ended or the account is disabled."""
    found = records.find_login(tx, login, now)
    return found if found is not None and found.account.enabled else None


def log_out(tx: Tx, principal: Principal, now: float) -> None:
    """End the login through which the principal came, and the sessions that it opened; nothing for a token."""
    if principal.login is not None:
        records.delete_login(tx, principal.login)
        revocations.revoke_login(tx, principal.organization, principal.user, principal.login, now)


# Clients ------------------------------------------------------------------------------------------------------------


def register_client(tx: Tx, id: str, organization: str, secret: Secret, now: float) -> None:
    """Add a client. Raises AlreadyExists."""
    if not records.insert_client(tx, id, organization, _digest(secret), now):
        raise AlreadyExists(f"A client with the id {id} exists already")


def is_client(tx: Snapshot, id: str) -> bool:
    """Whether a client with that id is registered."""
    return records.find_client(tx, id) is not None


def client_organization(tx: Snapshot, id: str, secret: Secret) -> str | None:
    """The organization of the client with that id and secret, None if there is none."""
    client = records.find_client(tx, id)
    stored = b"" if client is None else client.secret
    return client.organization if client and hmac.compare_digest(stored, _digest(secret)) else None


def _digest(secret: Secret) -> bytes:
    return hashlib.sha256(secret.reveal().encode("utf-8", "surrogatepass")).digest()
