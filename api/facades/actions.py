"""A conference with a ticket, and a callback that leads there: made together, or not at all."""

from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from api.callbacks.actions import booking
from api.callbacks.rules import requests
from api.callbacks.rules.callback import Callback
from api.callbacks.rules.requests import Routing
from api.callbacks.rules.services import Service
from api.facades.rules import TICKET, Site
from api.tickets import actions as tickets
from api.tickets.rules import CUSTOMER, Ticket, id_of
from hub.kernel import ids, wire
from hub.store.transaction import Tx

_NOBODY: Final = "customer"
"""Makes tickets for whoever has only a code."""


class Room(Struct, frozen=True, kw_only=True):
    """A conference to be, and the secret of the ticket into it; both new and random. `by` is None for a customer."""

    conference: str
    secret: str
    site: Site
    by: str | None
    seconds: int
    properties: dict[str, Any]


def new_room(site: Site, by: str | None, seconds: int, properties: dict[str, Any]) -> Room:
    """A room with an id and a secret of its own."""
    return Room(
        conference=ids.event_id(),
        secret=ids.bearer_id(),
        site=site,
        by=by,
        seconds=seconds,
        properties={name: value for name, value in properties.items() if value is not None},
    )


def open_room(tx: Tx, room: Room, now: float, *, until: float | None = None) -> None:
    """Have customers let in from now on, for the seconds of the room after `until`, or from now."""
    properties = {"conference_id": room.conference, "applicationId": room.site.id, **room.properties}
    ticket = Ticket(
        id=id_of(room.secret),
        organization=room.site.organization,
        type=TICKET,
        created_by=room.by or _NOBODY,
        customer=CUSTOMER + ids.event_id(),
        conference=room.conference,
        application=room.site.id,
        properties=wire.encode(properties),
        created_at=now,
        opens_at=now,
        expires_at=max(now, until or now) + room.seconds,
    )
    tickets.create(tx, ticket)


def call_back(
    tx: Tx,
    service: Service,
    fields: dict[str, Any],
    routing: Routing | None,
    room: Room,
    now: float,
    *,
    base: str,
) -> Callback:
    """A callback of the service, as any other, whose agent is told where the room is. `routing` None: the fields say as
    much about it as the service permits. Raises CallbackRefused.
    """
    attached = {"agentUrl": room.site.agent_url(room.conference), "conferenceId": room.conference}
    request = requests.read(service, fields | attached, {}, ids.uuid())
    if routing is not None:
        request = replace(request, routing=routing)
    callback = booking.start(tx, service, request, now, base=base)
    told = {"interaction_id": callback.id, "scheduled_date": wire.instant(callback.wanted_at)}
    open_room(tx, replace(room, properties=told | room.properties), now, until=callback.wanted_at)
    return callback
