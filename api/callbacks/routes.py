"""`/genesys/1/service/callback/**` for customers, `/genesys/1/admin/callback/queues` for supervisors."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from api.callbacks import own
from api.callbacks.actions import booking, reading
from api.callbacks.rules import booking as rules
from api.callbacks.rules import refusals, requests, services
from api.callbacks.rules.callback import Callback
from api.callbacks.rules.numbers import masked
from api.callbacks.rules.refusals import CallbackRefused, UnknownService
from api.callbacks.rules.services import Service
from api.callbacks.schemas import (
    Availability,
    AvailabilityQuery,
    CustomerQuery,
    FoundCallback,
    QueuedCallback,
    QueuesQuery,
    Started,
    found,
    queued,
    started,
)
from api.http import edge, positions
from api.http.idempotency import once
from api.http.operations import Operation
from api.http.problems import Family
from api.http.reply import Reply
from api.http.request import Call
from channels.access import Role
from hub.kernel import ids, logs, metrics, wire
from hub.kernel.errors import BadInput, Overloaded, TooManyRequests
from hub.store.idempotency import Scope
from hub.store.transaction import Snapshot, Tx

Fields = dict[str, Any]

TEXT: Final = "text/plain"
"""Of answers with nothing in them: no client shall try to read JSON there."""
DAY: Final = 86_400.0
_log = logs.get("api.callbacks")

# Customers ----------------------------------------------------------------------------------------------------------


async def start_callback(call: Call[Fields]) -> Reply:
    """A callback for the customer, at once or at a time."""
    service = await _service(call)
    number = requests.lookup_value(call.body.get(requests.CUSTOMER_NUMBER))
    dialled = await asyncio.to_thread(rules.dialled, service, number)  # reads files, of the country
    call.services.quotas.callbacks_of_number.take((service.name, dialled))
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in call.headers.items()}
    uuid = ids.uuid()

    def write(tx: Tx) -> Callback:
        request = requests.read(service, call.body, headers, uuid)
        return booking.start(tx, service, request, call.now, base=call.base)

    scope = Scope(service.organization, service.name, call.path)
    try:
        reply = await once(call, write, started, scope=scope)
    except CallbackRefused as error:
        metrics.CALLBACKS_REFUSED.labels(error.why).inc()
        _log.info("callback refused", service=service.name, number=masked(number), why=error.why)
        raise
    metrics.CALLBACKS_ACCEPTED.inc()
    return reply


async def cancel_callback(call: Call[None]) -> Reply:
    """Take a callback back."""
    service, id_ = await _service(call), call.path_params["id"]
    await call.services.db.write(lambda tx: booking.cancel(tx, service, id_, call.now, base=call.base))
    return Reply(200, b"", TEXT)


async def reschedule_callback(call: Call[Fields]) -> Reply:
    """Move a callback to another time."""
    service, id_ = await _service(call), call.path_params["id"]
    desired = requests.new_time(call.body)
    await call.services.db.write(
        lambda tx: booking.reschedule(tx, service, id_, desired, call.body, call.now, base=call.base)
    )
    return Reply(200, b"", TEXT)


async def query_callbacks(call: Call[None]) -> list[FoundCallback]:
    """The callbacks of a customer that are not over."""
    service = await _service(call)
    name, value = _property(service, call.query)
    callbacks = await call.services.db.read(lambda tx: reading.having(tx, service, name, value))
    return [found(callback) for callback in callbacks]


async def read_callback(call: Call[None]) -> FoundCallback:
    """One callback."""
    service, id_ = await _service(call), call.path_params["id"]
    return found(await call.services.db.read(lambda tx: reading.find(tx, service, id_)))


async def query_availability(call: Call[None]) -> dict[str, int]:
    """Time slots around a time, with places left."""
    service, asked = await _service(call), call.query_as(AvailabilityQuery).timestamp
    at = call.now if asked is None else requests.instant("timestamp", asked)
    return await call.services.db.read(lambda tx: reading.availability(tx, service, at, call.now))


async def _service(call: Call[Any]) -> Service:
    """The service in the address, for whoever may use it. Raises UnknownService, Unauthenticated, TooManyRequests."""
    name = call.path_params["name"]
    service = services.find(call.services.configuration, name)
    if service is None:
        await edge.admit(call, "", None)
        raise UnknownService(name)
    await edge.admit(call, service.organization, service.options.api_key)
    return service


def _property(service: Service, query: dict[str, str]) -> tuple[str, str]:
    """The property by which the query looks. Raises CallbackRefused."""
    keys = {key.removeprefix("_"): key for key in service.lookup_keys}
    for name, value in query.items():
        if (key := keys.get(name.removeprefix("_"))) is not None and value:
            return key, value
    raise refusals.malformed("property=value", f"one of {', '.join(sorted(keys))}")


# Supervisors --------------------------------------------------------------------------------------------------------


async def query_queues(call: Call[None]) -> Reply:
    """The callbacks of the organization that are not over, service by service."""
    query, caller = call.query_as(QueuesQuery), call.principal
    until = call.now + DAY if query.end_time is None else requests.instant("end_time", query.end_time)
    wanted = [
        service
        for service in services.of(call.services.configuration, caller.organization)
        if query.target in {None, service.name}
    ]

    def snapshot(tx: Snapshot) -> tuple[dict[str, list[Callback]], tuple[str, str]]:
        lists = {service.name: reading.queue(tx, service, until, query.max) for service in wanted}
        return lists, positions.header(tx, caller)

    lists, header = await call.services.db.read(snapshot)
    state = query.callback_state
    body = {
        name: [queued(callback) for callback in callbacks if state in {None, callback.state}]
        for name, callbacks in lists.items()
    }
    return Reply(200, wire.encode(body), headers=(header,))


# The operations -----------------------------------------------------------------------------------------------------

SERVICE: Final = "/genesys/1/service/callback/{name}"
ONE: Final = SERVICE + "/{id}"
QUEUES: Final = "/genesys/1/admin/callback/queues"
SUPERVISORS: Final = frozenset({Role.SUPERVISOR, Role.ADMIN})
_NAME: Final = {"name": "BasicCallback"}
_ONE: Final = _NAME | {"id": "a550a12e-ca77-4146-98d0-58960e0939f7"}
_BOB: Final = {
    "_customer_number": "5115",
    "_usr_customer_name": "Bob Markel",
    "_usr_reason": "billing question",
    "topic": "invoice",
}


def _operation(
    name: str,
    method: str,
    path: str,
    summary: str,
    handler: Callable[[Call[Any]], Awaitable[object]],
    **more: Any,  # noqa: ANN401 - further members of the record
) -> Operation:
    more.setdefault("roles", None)
    errors = more.pop("errors", (CallbackRefused, UnknownService, TooManyRequests, Overloaded))
    return Operation(
        name=name,
        method=method,
        path=path,
        summary=summary,
        tag="callbacks",
        family=Family.GMS,
        handler=handler,
        errors=errors,
        **more,
    )


OPERATIONS = (
    _operation(
        "startCallback",
        "POST",
        SERVICE,
        "Ask for a callback, at once or at a time",
        start_callback,
        path_example=_NAME,
        body=Fields,
        any_form=True,
        result=Started,
        idempotent=True,
        examples={
            "at once": _BOB,
            "at a time": _BOB | {"_desired_time": "2026-12-01T14:30:00.000Z"},
        },
        description="Properties without an underscore in front, and `_usr_*`, are attached for the agent.",
    ),
    _operation(
        "queryCallbacks",
        "GET",
        SERVICE,
        "Find a customer's callbacks",
        query_callbacks,
        path_example=_NAME,
        query_example={"customer_number": "5115"},
        query=CustomerQuery,
        result=list[FoundCallback],
    ),
    _operation(
        "queryCallbackAvailability",
        "GET",
        SERVICE + "/availability",
        "See when there are places left",
        query_availability,
        path_example=_NAME,
        query=AvailabilityQuery,
        result=Availability,
    ),
    _operation("readCallback", "GET", ONE, "Read a callback", read_callback, path_example=_ONE, result=FoundCallback),
    _operation(
        "rescheduleCallback",
        "PUT",
        ONE,
        "Move a callback to another time",
        reschedule_callback,
        path_example=_ONE,
        media_type=TEXT,
        body=Fields,
        any_form=True,
        examples={"move": {"_new_desired_time": "2026-12-01T15:00:00.000Z"}},
        description="As long as its time has not come. The old place is given up when the new one is taken.",
    ),
    _operation(
        "cancelCallback",
        "DELETE",
        ONE,
        "Take a callback back",
        cancel_callback,
        path_example=_ONE,
        media_type=TEXT,
        description="As long as nobody is being rung for it.",
    ),
    _operation(
        "queryCallbackQueues",
        "GET",
        QUEUES,
        "See the callbacks of the organization that are not over",
        query_queues,
        roles=SUPERVISORS,
        query=QueuesQuery,
        result=dict[str, list[QueuedCallback]],
        headers={positions.HEADER: positions.DESCRIPTION},
        errors=(BadInput, CallbackRefused, Overloaded),
    ),
    *own.OPERATIONS,
)
