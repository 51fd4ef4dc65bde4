"""Changes of passwords over HTTP: the hashing, which takes its time, around the use cases.

The answer says only that the operation was understood; what became of it is an event on /v2/me and /v2/users. It is
given when that event is committed, so that a process which dies in between has promised nothing.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from api.http.request import Call
from api.security import actions as security
from api.security.rules import Account, Policy, weakness
from api.users import actions
from api.users.actions import Failure
from api.users.schemas import ChangeOwnPassword, ChangePassword
from hub.kernel import logs
from hub.kernel.errors import HubError, Internal
from hub.kernel.secret import Secret

_log = logs.get("api.users")


async def change_own(call: Call[Any], body: ChangeOwnPassword) -> None:
    """The caller's own, for which the old one is needed. Ends all other logins, sessions and tokens of theirs."""
    caller, services = call.principal, call.services
    old, new = Secret(body.old_password), Secret(body.new_password)
    account = await services.db.read(lambda tx: security.find(tx, caller.organization, caller.user))
    account = account or security.account_of(caller)
    name = account.user_name or f"{account.organization}/{account.id}"

    async def change() -> None:
        if not await services.logins.is_own(name, account.password, old, call.address):
            await _tell(call, account, Failure.WRONG_OLD, "The old password is not right")
        elif weak := weakness(new.reveal(), account.user_name, policy_of(call)):
            await _tell(call, account, Failure.WEAK, weak)
        else:
            hashed = await services.passwords.hash(new)
            await services.db.write(
                lambda tx: actions.change_password(
                    tx, account, hashed, call.base, services.clock.now(), spared=caller.login
                )
            )

    await _told(call, account, change)


async def change_other(call: Call[Any], body: ChangePassword) -> None:
    """Somebody else's, by whoever may set it. Raises Forbidden, NotFound, OperationForbidden, WrongState."""
    caller, user_id, services = call.principal, call.path_params["id"], call.services
    account = await services.db.read(lambda tx: actions.target_of_password(tx, caller, user_id))
    new = Secret(body.new_password)

    async def change() -> None:
        if weak := weakness(new.reveal(), account.user_name, policy_of(call)):
            await _tell(call, account, Failure.WEAK, weak)
            return
        hashed, must_change = await services.passwords.hash(new), body.change_password_on_first_login
        await services.db.write(
            lambda tx: actions.set_password(
                tx, caller, user_id, hashed, call.base, services.clock.now(), must_change=must_change
            )
        )

    await _told(call, account, change)


async def _told(call: Call[Any], account: Account, change: Callable[[], Awaitable[None]]) -> None:
    """Run `change`; what fails in it through no fault of the caller is told on the channels as well."""
    try:
        await change()
    except HubError as error:
        if not isinstance(error, Internal):
            raise
        await _tell(call, account, Failure.INTERNAL, "Internal server error")
    except Exception:  # noqa: BLE001 - whatever it was, it is told
        _log.exception("password change failed", request_id=call.request_id)
        await _tell(call, account, Failure.INTERNAL, "Internal server error")


async def _tell(call: Call[Any], account: Account, failure: Failure, why: str) -> None:
    await call.services.db.write(
        lambda tx: actions.tell_failure(tx, account, failure, why, call.base, call.services.clock.now())
    )


def policy_of(call: Call[Any]) -> Policy:
    """What a password must be like here."""
    return Policy(call.services.settings.password_length, call.services.settings.password_kinds)
