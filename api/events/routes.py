"""`POST /api/v2/events`."""

from collections.abc import Iterator
from operator import attrgetter

from msgspec import UNSET

from api.events import actions, rules
from api.events.rules import Admitted, Submitted, Terms
from api.events.schemas import AcceptedEvent, AcceptedEvents, Event, Events
from api.http.idempotency import once
from api.http.operations import Operation
from api.http.problems import Family
from api.http.reply import Reply
from api.http.request import Call
from api.telephony.devices.rules import Floor
from channels.access import Role
from hub.kernel import metrics, wire
from hub.kernel.errors import Forbidden, HubError, Overloaded
from hub.store.transaction import Emitted


async def publish(call: Call[Event | list[Event]]) -> Reply:
    """All events or none, in one transaction; without one where there is nothing to keep."""
    admitted = list(_admitted(call))
    if call.idempotency_key is None and not any(event.durable for event in admitted):
        reply = Reply(200, wire.encode(_accepted(actions.announce(call.services.db, admitted))))
    else:
        floor = Floor(call.base, call.services.organizations)
        reply = await once(call, lambda tx: actions.publish(tx, floor, admitted, call.now), _accepted)
    metrics.INGEST_EVENTS.inc(len(admitted))
    metrics.UNKNOWN_MESSAGES.inc(sum(event.unknown for event in admitted))
    return reply


def _admitted(call: Call[Event | list[Event]]) -> Iterator[Admitted]:
    settings = call.services.settings
    terms = Terms(
        catalog=call.services.catalog,
        organization=call.principal.organization,
        strict=settings.strict_events,
        max_bytes=settings.max_message_bytes,
    )
    if isinstance(call.body, Event):
        yield rules.admit(_submitted(call.body), terms)
        return
    for index, event in enumerate(call.body):
        try:
            yield rules.admit(_submitted(event), terms)
        except HubError as error:
            error.detail = f"events[{index}].{error.detail}"
            raise


def _submitted(event: Event) -> Submitted:
    return Submitted(event.channel, bytes(event.data), event.user_id, event.organization_id)


def _accepted(emitted: list[Emitted]) -> AcceptedEvents:
    return AcceptedEvents(
        events=[AcceptedEvent(event.id, event.stream.channel, event.seq or UNSET) for event in emitted]
    )


OPERATIONS = (
    Operation(
        name="publishEvents",
        method="POST",
        path="/api/v2/events",
        summary="Put one event, or up to 1,000 at once, on channels",
        description="All or nothing, in one transaction. Events of one stream keep the order of the request.",
        tag="events",
        family=Family.GWS,
        roles=frozenset({Role.CLIENT_SERVICE}),
        body=Events,
        body_name="events",
        result=AcceptedEvents,
        errors=(Forbidden, Overloaded),
        max_body=attrgetter("max_ingest_bytes"),
        idempotent=True,
        examples={
            "personal": {
                "channel": "/v2/me/calls",
                "userId": "alice",
                "data": {
                    "messageType": "CallStateChangeMessage",
                    "notificationType": "StatusChange",
                    "call": {"id": "1", "state": "Ringing"},
                },
            },
            "several": [
                {"channel": "/demo/chat", "data": {"text": "hello"}},
                {"channel": "/demo/chat", "data": {"text": "all"}},
            ],
        },
        handler=publish,
    ),
)
