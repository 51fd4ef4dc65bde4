"""`/api/v2/me` and `/api/v2/users`."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from hashlib import sha256
from typing import Any, Final, TypeAlias, assert_never

import msgspec

from api.http import cookies, positions
from api.http.idempotency import once
from api.http.operations import Operation
from api.http.problems import Family
from api.http.reply import Done, Reply
from api.http.request import Call
from api.security.rules import Account, require_id, require_name, weakness
from api.users import actions, passwords, rules
from api.users.rules import Deed, Desk, User
from api.users.schemas import (
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
from hub.kernel import wire
from hub.kernel.errors import (
    AlreadyExists,
    BadInput,
    Forbidden,
    MissingParameter,
    NotFound,
    OperationForbidden,
    Overloaded,
    ReadOnly,
    WrongState,
)
from hub.kernel.secret import Secret
from hub.store.transaction import Snapshot, Tx

Desks: TypeAlias = Callable[[Call[Any], Snapshot, Collection[str]], Mapping[str, Desk]]
"""What telephony, which stands above this domain, knows of users of the caller's organization, by id."""

# Reading ------------------------------------------------------------------------------------------------------------


async def me(desks: Desks, call: Call[None]) -> Reply:
    """Who the caller is. With Basic this is the login: the answer brings the cookie, and the CSRF pair for it."""
    query, caller, db = call.query_as(OneQuery), call.principal, call.services.db

    def snapshot(tx: Snapshot) -> tuple[User | None, Desk, tuple[str, str]]:
        return actions.read_own(tx, caller), desks(call, tx, [caller.user])[caller.user], positions.header(tx, caller)

    user, desk, header = await db.read(snapshot)
    if user is None:
        user = await db.write(lambda tx: actions.first_use(tx, caller, call.now))
    user = user._replace(desk=desk)
    body = OneUser(user=view(user, call.base, query.fields, query.subresources))
    return Reply(200, wire.encode(body), headers=(header, *await cookies.of_login(call)))


async def list_users(desks: Desks, call: Call[None]) -> Reply:
    """The users of the caller's organization."""
    query, caller = call.query_as(ListQuery), call.principal

    def snapshot(tx: Snapshot) -> tuple[tuple[list[User], int], tuple[str, str]]:
        users, total = actions.some(tx, caller.organization, query.offset, query.limit)
        if query.fields:
            found = desks(call, tx, [user.account.id for user in users])
            users = [user._replace(desk=found[user.account.id]) for user in users]
        return (users, total), positions.header(tx, caller)

    (users, total), header = await call.services.db.read(snapshot)
    if query.fields:
        views = [view(user, call.base, query.fields, query.subresources) for user in users]
        body = Users(users=views, total_count=total)
    else:
        body = Users(uris=[rules.uri_of(call.base, user.account.id) for user in users], total_count=total)
    return Reply(200, wire.encode(body), headers=(header,))


async def read_user(desks: Desks, call: Call[None]) -> OneUser:
    """One user of the organization; oneself is open to everybody."""
    query, caller, user_id = call.query_as(OneQuery), call.principal, call.path_params["id"]
    rules.require(Deed.READ, caller, user_id)

    def snapshot(tx: Snapshot) -> User:
        user = actions.read(tx, caller.organization, user_id)
        return user._replace(desk=desks(call, tx, [user_id])[user_id])

    user = await call.services.db.read(snapshot)
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
        if weak := weakness(body.password, body.user_name, passwords.policy_of(call)):
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
            await passwords.change_other(call, call.body)
        case Enable() | Disable():
            caller, user_id, enabled = call.principal, call.path_params["id"], isinstance(call.body, Enable)
            clock = call.services.clock
            await call.services.db.write(
                lambda tx: actions.set_enabled(tx, caller, user_id, clock.now(), enabled=enabled)
            )
        case _:
            assert_never(call.body)
    return Done()


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


_OPERATIONS: Final = (
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


def operations(desks: Desks) -> tuple[Operation, ...]:
    """The endpoints of users; `desks` fills in what telephony knows of them."""
    reading = (
        _operation(
            "readMe",
            "GET",
            ME,
            "Who the caller is; with Basic, log in",
            partial(me, desks),
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
            "listUsers",
            "GET",
            USERS,
            "List the users of the organization",
            partial(list_users, desks),
            roles=rules.roles_for(Deed.LIST),
            query=ListQuery,
            query_example={"fields": "id,firstName,connected"},
            result=Users,
            headers=_POSITIONS,
            errors=(BadInput, Overloaded),
        ),
        _operation(
            "readUser",
            "GET",
            USER,
            "Read a user",
            partial(read_user, desks),
            roles=frozenset(),
            query=OneQuery,
            path_example=_CAROL,
            result=OneUser,
            errors=(BadInput, Forbidden, NotFound, Overloaded),
        ),
    )
    return (*reading, *_OPERATIONS)
