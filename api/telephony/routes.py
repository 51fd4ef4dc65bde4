"""`/api/v2/me/calls`, and dialling from a device.

The answer to an operation says only that it was understood and handed to the switch, and is given once that is
committed. What becomes of it is told on /v2/me/calls.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from api.http import positions
from api.http.idempotency import once
from api.http.operations import Operation as Endpoint
from api.http.problems import Family
from api.http.reply import Done, Reply
from api.http.request import Call
from api.telephony.calls import actions, schemas
from api.telephony.calls.actions import Wanted
from api.telephony.calls.legs import Leg
from api.telephony.calls.operations import Dial, Operation
from api.telephony.calls.schemas import Calls, ListQuery, OneCall, OneQuery
from api.telephony.switch.switches import Switches
from channels.access import Role
from hub.kernel import wire
from hub.kernel.errors import BadInput, MissingParameter, NotFound, Overloaded, WrongState
from hub.store.transaction import Snapshot, Tx

AGENTS: Final = frozenset({Role.AGENT})


async def list_calls(call: Call[None]) -> Reply:
    """The caller's calls."""
    query, caller = call.query_as(ListQuery), call.principal

    def snapshot(tx: Snapshot) -> tuple[list[Leg], tuple[str, str]]:
        return actions.some(tx, caller.organization, caller.user), positions.header(tx, caller)

    legs, header = await call.services.db.read(snapshot)
    body = schemas.many(legs, call.base, call.now, query.fields)
    return Reply(200, wire.encode(body), headers=(header,))


async def read_call(call: Call[None]) -> OneCall:
    """One of the caller's calls."""
    query, caller, call_id = call.query_as(OneQuery), call.principal, call.path_params["id"]
    leg = await call.services.db.read(lambda tx: actions.read(tx, caller.organization, caller.user, call_id))
    return schemas.one(leg, call.base, call.now, query.fields)


async def dial(call: Call[Dial]) -> Reply:
    """A new call, from the device in the path or from where the caller is logged in."""
    caller, body = call.principal, call.body
    wanted = Wanted(
        organization=caller.organization,
        user=caller.user,
        destination=body.destination.phone_number,
        device=call.path_params.get("id"),
        user_data=body.user_data,
    )
    switch = Switches(call.services.configuration, call.base).of(caller.organization)

    def write(tx: Tx) -> None:
        actions.dial(tx, switch, wanted, call.now)

    return await once(call, write, lambda _: Done())


async def operate(call: Call[Operation]) -> Reply:
    """An operation on one of the caller's calls."""
    caller, call_id = call.principal, call.path_params["id"]
    switch = Switches(call.services.configuration, call.base).of(caller.organization)

    def write(tx: Tx) -> None:
        actions.operate(tx, switch, caller.organization, caller.user, call_id, call.body, call.now)

    return await once(call, write, lambda _: Done())


# The operations -----------------------------------------------------------------------------------------------------

CALLS: Final = "/api/v2/me/calls"
CALL: Final = "/api/v2/me/calls/{id}"
CALLS_OF_DEVICE: Final = "/api/v2/me/devices/{id}/calls"
_POSITIONS: Final = {positions.HEADER: positions.DESCRIPTION}
_TOLD: Final = "What becomes of it is a CallStateChangeMessage on /v2/me/calls."
_SOME: Final = {"id": "010a0229f0cbd001"}
_DIALLED: Final = {"outside": {"operationName": "Dial", "destination": {"phoneNumber": "+15550001111"}}}


def _endpoint(
    name: str,
    method: str,
    path: str,
    summary: str,
    handler: Callable[[Call[Any]], Awaitable[object]],
    **more: Any,  # noqa: ANN401 - further members of the record
) -> Endpoint:
    return Endpoint(
        name=name,
        method=method,
        path=path,
        summary=summary,
        tag="calls",
        family=Family.GWS,
        handler=handler,
        roles=AGENTS,
        **more,
    )


_DIAL: Final[dict[str, Any]] = {
    "handler": dial,
    "body": Dial,
    "result": Done,
    "idempotent": True,
    "errors": (MissingParameter, BadInput, WrongState, Overloaded),
    "examples": _DIALLED,
    "description": _TOLD,
}

OPERATIONS = (
    _endpoint(
        "listCalls",
        "GET",
        CALLS,
        "List one's own calls",
        list_calls,
        query=ListQuery,
        result=Calls,
        headers=_POSITIONS,
        errors=(BadInput, Overloaded),
    ),
    _endpoint(
        "readCall",
        "GET",
        CALL,
        "Read one of one's own calls",
        read_call,
        query=OneQuery,
        result=OneCall,
        path_example=_SOME,
        errors=(BadInput, NotFound, Overloaded),
    ),
    _endpoint("dial", "POST", CALLS, "Dial, from where one is logged in", **_DIAL),
    _endpoint(
        "dialFromDevice",
        "POST",
        CALLS_OF_DEVICE,
        "Dial from a device",
        **{**_DIAL, "errors": (*_DIAL["errors"], NotFound)},
        path_example={"id": "5aceae61-0b5c-4578-9477-cd352d43cb17"},
    ),
    _endpoint(
        "operateCall",
        "POST",
        CALL,
        "Answer, hold, transfer a call, or do something else with it",
        operate,
        body=Operation,
        path_example=_SOME,
        result=Done,
        idempotent=True,
        errors=(MissingParameter, BadInput, WrongState, NotFound, Overloaded),
        examples={
            "hangup": {"operationName": "Hangup"},
            "attach": {"operationName": "AttachUserData", "userData": {"customer": "17"}},
        },
        description=f"Possible is what the capabilities of the call list. {_TOLD}",
    ),
)
