"""`/api/v2/me/callbacks`: what is offered to an agent, and the agent's answer."""

from typing import Final, assert_never

from api.callbacks.actions import reading, ringing
from api.callbacks.actions.house import House
from api.callbacks.rules.callback import Callback, message_of
from api.callbacks.schemas import Accept, CallbackOperation, ListQuery, OwnCallbacks, Reject
from api.http import positions
from api.http.operations import Operation
from api.http.problems import Family
from api.http.reply import Done, Reply
from api.http.request import Call
from api.telephony.switch.switches import Switches
from channels.access import Role
from hub.kernel import wire
from hub.kernel.errors import BadInput, NotFound, OperationForbidden, Overloaded, WrongState
from hub.store.transaction import Snapshot, Tx

OWN: Final = "/api/v2/me/callbacks"
ONE: Final = OWN + "/{id}"
AGENTS: Final = frozenset({Role.AGENT, Role.SUPERVISOR})


async def own_callbacks(call: Call[None]) -> Reply:
    """What is offered to the caller, and what the caller is at."""
    query, caller = call.query_as(ListQuery), call.principal

    def snapshot(tx: Snapshot) -> tuple[list[Callback], tuple[str, str]]:
        return reading.of_agent(tx, caller.organization, caller.user), positions.header(tx, caller)

    found, header = await call.services.db.read(snapshot)
    if query.fields:
        body = OwnCallbacks(callbacks=[message_of(callback, call.base) for callback in found])
    else:
        body = OwnCallbacks(uris=[f"{call.base}{OWN}/{callback.id}" for callback in found])
    return Reply(200, wire.encode(body), headers=(header,))


async def answer_callback(call: Call[CallbackOperation]) -> Done:
    """Take the callback that is offered, or leave it to others."""
    caller, id_, configuration = call.principal, call.path_params["id"], call.services.configuration
    house = House(configuration, Switches(configuration, call.base), call.base)

    def write(tx: Tx) -> None:
        match call.body:
            case Accept():
                ringing.accept(tx, house, caller.organization, caller.user, id_, call.now)
            case Reject():
                ringing.reject(tx, house, caller.organization, caller.user, id_, call.now)
            case _:
                assert_never(call.body)

    await call.services.db.write(write)
    return Done()


OPERATIONS = (
    Operation(
        name="listOwnCallbacks",
        method="GET",
        path=OWN,
        summary="See the callbacks that are offered to oneself, and those that one is at",
        tag="callbacks",
        family=Family.GWS,
        roles=AGENTS,
        query=ListQuery,
        result=OwnCallbacks,
        headers={positions.HEADER: positions.DESCRIPTION},
        errors=(BadInput, Overloaded),
        handler=own_callbacks,
    ),
    Operation(
        name="answerCallback",
        method="POST",
        path=ONE,
        path_example={"id": "a550a12e-ca77-4146-98d0-58960e0939f7"},
        summary="Accept or reject a callback that is offered to oneself",
        description="What becomes of it is told on /v2/me, and the call on /v2/me/calls.",
        tag="callbacks",
        family=Family.GWS,
        roles=AGENTS,
        body=CallbackOperation,
        result=Done,
        errors=(WrongState, OperationForbidden, NotFound, Overloaded),
        examples={"take it": {"operationName": "Accept"}, "leave it to others": {"operationName": "Reject"}},
        handler=answer_callback,
    ),
)
