"""`/api/v2/me` and `/api/v2/users`."""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, Final, assert_never

import msgspec

from api.http import cookies, positions
from api.http.idempotency import once
from api.http.operations import Operation
from api.http.problems import Family
from api.http.reply import Done, Reply
from api.http.request import Call
from api.security import actions as security
from api.security.rules import Account, Policy, require_id, require_name, weakness
from api.users import actions, rules
from api.users.actions import Failure
from api.users.rules import Deed, User
from api.users.schemas import (
    ChangeOwnPassword,
    ChangePassword,
    Disable,
    Enable,
    ListQuery,
    NewUser,
    OneQuery,
    OneUser,
    Roles,
    UserChange,
    UserOperation,
    Users,
    view,
)
from hub.kernel import logs, wire
from hub.kernel.errors import (
    AlreadyExists,
    BadInput,
    Forbidden,
    HubError,
    Internal,
    MissingParameter,
    NotFound,
    OperationForbidden,
    Overloaded,
    ReadOnly,
    TooManyRequests,
    WrongState,
)
from hub.kernel.secret import Secret
from hub.store.transaction import Snapshot, Tx

_log = logs.get("api.users")

# Reading ------------------------------------------------------------------------------------------------------------


async def me(call: Call[None]) -> Reply:
    """Who the caller is. With Basic this is the login: the answer brings the cookie, and the CSRF pair for it."""
    query, caller, db = call.query_as(OneQuery), call.principal, call.services.db

    def snapshot(tx: Snapshot) -> tuple[User | None, tuple[str, str]]:
        return actions.read_own(tx, caller), positions.header(tx, caller)

    user, header = await db.read(snapshot)
    if user is None:
        user = await db.write(lambda tx: actions.first_use(tx, caller, call.now))
    body = OneUser(user=view(user, call.base, query.fields, query.subresources))
    return Reply(200, wire.encode(body), headers=(header, *await cookies.of_login(call)))


async def list_users(call: Call[None]) -> Reply:
    """The users of the caller's organization."""
    query, caller = call.query_as(ListQuery), call.principal

    def snapshot(tx: Snapshot) -> tuple[tuple[list[User], int], tuple[str, str]]:
        found = actions.some(tx, caller.organization, query.offset, query.limit)
        return found, positions.header(tx, caller)

    (users, total), header = await call.services.db.read(snapshot)
    if query.fields:
        views = [view(user, call.base, query.fields, query.subresources) for user in users]
        body = Users(users=views, total_count=total)
    else:
        body = Users(uris=[rules.uri_of(call.base, user.account.id) for user in users], total_count=total)
    return Reply(200, wire.encode(body), headers=(header,))


async def read_user(call: Call[None]) -> OneUser:
    """One user of the organization; oneself is open to everybody."""
    query, caller, user_id = call.query_as(OneQuery), call.principal, call.path_params["id"]
    rules.require(Deed.READ, caller, user_id)
    user = await call.services.db.read(lambda tx: actions.read(tx, caller.organization, user_id))
    return OneUser(user=view(user, call.base, query.fields, query.subresources))


# Changing -----------------------------------------------------------------------------------------------------------


async def create_user(call: Call[NewUser]) -> Reply:
    """A user of the caller's organization."""
    body = call.body
    account = Account(
        organization=call.principal.organization,
        id=require_id(body.user_name, "userName") if body.id is None else require_id(body.id, "id"),
        user_name=require_name(body.user_name),
        roles=rules.require_grantable(frozenset(body.roles)),
        enabled=body.enabled,
        must_change=body.change_password_on_first_login,
    )
    if body.password is not None:
        if weak := weakness(body.password, body.user_name, _policy(call)):
            raise BadInput(f"password: {weak}", pointer="/password")
        hashed = await call.services.passwords.hash(Secret(body.password))
        account = msgspec.structs.replace(account, password=hashed)

    def write(tx: Tx) -> User:
        return actions.create(tx, User(account, body.profile()), call.now)

    # The key is kept with a hash of the body, from which a password could be guessed far faster than from its own.
    fingerprint = sha256(wire.encode(msgspec.structs.replace(body, password=None))).digest()
    return await once(call, write, lambda user: OneUser(user=_whole(call, user)), fingerprint=fingerprint)


async def change_user(call: Call[UserChange]) -> OneUser:
    """Whatever the body names. What it repeats unchanged needs no permission."""
    body, caller, user_id = call.body, call.principal, call.path_params["id"]
    if body.id not in {msgspec.UNSET, user_id}:
        raise ReadOnly("id: cannot be changed", pointer="/id")
    if body.password:
        raise ReadOnly("password: cannot be changed here, only by the operation ChangePassword", pointer="/password")
    if body.user_name:
        require_name(body.user_name)
    changes = body.change()
    user = await call.services.db.write(
        lambda tx: actions.change(tx, caller, user_id, changes, call.services.clock.now())
    )
    return OneUser(user=_whole(call, user))


async def set_roles(call: Call[Roles]) -> OneUser:
    """The whole set; other roles than before end the user's sessions and tokens."""
    caller, user_id, roles = call.principal, call.path_params["id"], frozenset(call.body.roles)
    user = await call.services.db.write(
        lambda tx: actions.set_roles(tx, caller, user_id, roles, call.services.clock.now())
    )
    return OneUser(user=_whole(call, user))


async def delete_user(call: Call[None]) -> Done:
    """The user, with account and profile; sessions and tokens end."""
    caller, user_id = call.principal, call.path_params["id"]
    await call.services.db.write(lambda tx: actions.delete(tx, caller, user_id, call.services.clock.now()))
    return Done()


async def operate_user(call: Call[UserOperation]) -> Done:
    """The operations on somebody else."""
    match call.body:
        case ChangePassword():
            await _set_password(call, call.body)
        case Enable() | Disable():
            caller, user_id, enabled = call.principal, call.path_params["id"], isinstance(call.body, Enable)
            clock = call.services.clock
            await call.services.db.write(
                lambda tx: actions.set_enabled(tx, caller, user_id, clock.now(), enabled=enabled)
            )
        case _:
            assert_never(call.body)
    return Done()


# Passwords ----------------------------------------------------------------------------------------------------------
#
# The answer says only that the operation was understood; what became of it is an event on /v2/me and /v2/users. It is
# given when that event is committed, so that a process which dies in between has promised nothing.


async def change_own_password(call: Call[ChangeOwnPassword]) -> Done:
    """The caller's own, for which the old one is needed. Ends all other logins, sessions and tokens of theirs."""
    caller, services = call.principal, call.services
    old, new = Secret(call.body.old_password), Secret(call.body.new_password)
    account = await services.db.read(lambda tx: security.find(tx, caller.organization, caller.user))
    account = account or security.account_of(caller)
    name = account.user_name or f"{account.organization}/{account.id}"

    async def change() -> None:
        if not await services.logins.is_own(name, account.password, old, call.address):
            await _tell(call, account, Failure.WRONG_OLD, "The old password is not right")
        elif weak := weakness(new.reveal(), account.user_name, _policy(call)):
            await _tell(call, account, Failure.WEAK, weak)
        else:
            hashed = await services.passwords.hash(new)
            await services.db.write(
                lambda tx: actions.change_password(
                    tx, account, hashed, call.base, services.clock.now(), spared=caller.login
                )
            )

    await _told(call, account, change)
    return Done()


async def _set_password(call: Call[Any], body: ChangePassword) -> None:
    caller, user_id, services = call.principal, call.path_params["id"], call.services
    account = await services.db.read(lambda tx: actions.target_of_password(tx, caller, user_id))
    new = Secret(body.new_password)

    async def change() -> None:
        if weak := weakness(new.reveal(), account.user_name, _policy(call)):
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


def _policy(call: Call[Any]) -> Policy:
    return Policy(call.services.settings.password_length, call.services.settings.password_kinds)


def _whole(call: Call[Any], user: User) -> Any:  # noqa: ANN401 - the schema's own type
    return view(user, call.base, subresources="*")


# The operations -----------------------------------------------------------------------------------------------------

ME: Final = "/api/v2/me"
USERS: Final = "/api/v2/users"
USER: Final = "/api/v2/users/{id}"
_POSITIONS: Final = {positions.HEADER: positions.DESCRIPTION}
_CAROL: Final = {"id": "carol"}
_EXAMPLE: Final = {"userName": "carol", "firstName": "Carol", "roles": ["ROLE_AGENT"], "queues": ["sales"]}


def _operation(
    name: str,
    method: str,
    path: str,
    summary: str,
    handler: Callable[[Call[Any]], Awaitable[object]],
    **more: Any,  # noqa: ANN401 - further members of the record
) -> Operation:
    return Operation(
        name=name, method=method, path=path, summary=summary, tag="users", family=Family.GWS, handler=handler, **more
    )


OPERATIONS = (
    _operation(
        "readMe",
        "GET",
        ME,
        "Who the caller is; with Basic, log in",
        me,
        roles=frozenset(),
        query=OneQuery,
        query_example={"subresources": "*"},
        result=OneUser,
        headers=_POSITIONS | cookies.DESCRIPTIONS,
        before_password_change=True,
        errors=(BadInput, Overloaded),
        description="A token needs no user: one is made on first use. With Basic the answer sets the login cookie.",
    ),
    _operation(
        "changeOwnPassword",
        "POST",
        ME,
        "Change one's own password",
        change_own_password,
        roles=frozenset(),
        body=ChangeOwnPassword,
        result=Done,
        before_password_change=True,
        errors=(TooManyRequests, Overloaded, NotFound),
        examples={
            "change": {"operationName": "ChangePassword", "oldPassword": "the one so far", "newPassword": "another one"}
        },
        description="The outcome is a PasswordChangeMessage on /v2/me and /v2/users. Ends the user's other sessions.",
    ),
    _operation(
        "listUsers",
        "GET",
        USERS,
        "List the users of the organization",
        list_users,
        roles=rules.roles_for(Deed.LIST),
        query=ListQuery,
        query_example={"fields": "id,firstName,connected"},
        result=Users,
        headers=_POSITIONS,
        errors=(BadInput, Overloaded),
    ),
    _operation(
        "createUser",
        "POST",
        USERS,
        "Create a user",
        create_user,
        roles=rules.roles_for(Deed.CREATE),
        body=NewUser,
        result=OneUser,
        idempotent=True,
        errors=(AlreadyExists, Overloaded),
        examples={"agent": _EXAMPLE},
        description="Under a repeated Idempotency-Key the password is not compared.",
    ),
    _operation(
        "readUser",
        "GET",
        USER,
        "Read a user",
        read_user,
        roles=frozenset(),
        query=OneQuery,
        path_example=_CAROL,
        result=OneUser,
        errors=(BadInput, Forbidden, NotFound, Overloaded),
    ),
    _operation(
        "changeUser",
        "PUT",
        USER,
        "Change a user",
        change_user,
        roles=rules.roles_for(Deed.UPDATE),
        body=UserChange,
        path_example=_CAROL,
        result=OneUser,
        errors=(ReadOnly, OperationForbidden, NotFound, AlreadyExists, Overloaded),
        examples={"work": {"queues": ["sales", "support"], "skills": {"english": 3}}},
    ),
    _operation(
        "operateUser",
        "POST",
        USER,
        "Set somebody's password, enable or disable them",
        operate_user,
        roles=rules.roles_for(Deed.SET_PASSWORD) | rules.roles_for(Deed.ENABLE),
        body=UserOperation,
        path_example=_CAROL,
        result=Done,
        errors=(MissingParameter, WrongState, OperationForbidden, NotFound, Overloaded),
        examples={"disable": {"operationName": "Disable"}},
        description="The outcome of ChangePassword is a PasswordChangeMessage on the user's /v2/me and on /v2/users.",
    ),
    _operation(
        "deleteUser",
        "DELETE",
        USER,
        "Delete a user",
        delete_user,
        roles=rules.roles_for(Deed.DELETE),
        path_example=_CAROL,
        result=Done,
        errors=(OperationForbidden, NotFound, Overloaded),
    ),
    _operation(
        "setUserRoles",
        "PUT",
        USER + "/roles",
        "Replace a user's roles",
        set_roles,
        roles=rules.roles_for(Deed.SET_ROLES),
        body=Roles,
        path_example=_CAROL,
        result=OneUser,
        errors=(OperationForbidden, NotFound, Overloaded),
        examples={"supervisor": {"roles": ["ROLE_AGENT", "ROLE_SUPERVISOR"]}},
    ),
)
