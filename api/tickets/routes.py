"""`/security/ticket`, and the pages behind `/t/{id}` and `/q/{id}`."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec

from api.http import pages
from api.http.idempotency import once_only
from api.http.operations import Operation
from api.http.pages import HTML
from api.http.problems import Family
from api.http.reply import JSON, Reply
from api.http.request import Call
from api.tickets import actions, rules, texts
from api.tickets.rules import LONGEST_ID, EarlyTicket, SpentTicket, State, Ticket, UnknownTicket
from api.tickets.schemas import (
    MOST_PROPERTIES_BYTES,
    Known,
    TicketNamed,
    TicketRequest,
    TicketToken,
    TicketView,
    view,
)
from api.tickets.texts import Case
from channels.access import Role
from hub.auth.guesses import network
from hub.kernel import ids, metrics, wire
from hub.kernel.clock import micros
from hub.kernel.errors import BadInput, Conflict, Forbidden, HubError, Overloaded, TooManyRequests
from hub.store.idempotency import Scope
from hub.store.transaction import Tx

MAKERS: Final = frozenset({Role.AGENT, Role.SUPERVISOR, Role.CLIENT_SERVICE})
REVOKERS: Final = MAKERS | {Role.ADMIN}
_PRIVATE: Final = (("Cache-Control", "no-store"),)

T = TypeVar("T")


class ForeignIssuer(Conflict):
    """Tokens come from the issuer of HUB_JWKS_URL: there is nothing to exchange a ticket for here."""

    code = "foreign_issuer"
    default_detail = "Tokens are made by the issuer that this hub trusts, not here"


async def create_ticket(call: Call[TicketRequest]) -> Reply:
    """A ticket for a conference of the caller's organization."""
    asked, caller = call.body, call.principal
    if asked.organization_id not in {None, caller.organization}:
        raise Forbidden("Tickets are for one's own organization only")
    secret = ids.random_base36(max(asked.length, ids.BEARER_LENGTH))
    ticket = _ticket(call, secret, _known(asked))
    scope = Scope(caller.organization, caller.user, call.path)
    await once_only(call, lambda tx: actions.create(tx, ticket), scope)
    metrics.TICKETS.labels("made").inc()
    return _shown(call, ticket, secret)


def _known(asked: TicketRequest) -> Known:
    try:
        known = wire.convert(Known, asked.properties)
    except BadInput as error:
        raise BadInput(f"properties: {error.detail}", pointer=f"/properties{error.pointer}") from None
    if asked.type in rules.SCHEDULED and known.scheduled_date is None:
        raise BadInput(f"properties.scheduled_date is required for {asked.type}", pointer="/properties/scheduled_date")
    return known


def _ticket(call: Call[TicketRequest], secret: str, known: Known) -> Ticket:
    asked, caller = call.body, call.principal
    properties = wire.encode(asked.properties)
    if len(properties) > MOST_PROPERTIES_BYTES:
        raise BadInput(f"properties: at most {MOST_PROPERTIES_BYTES} bytes", pointer="/properties")
    opens_at = call.now
    if asked.type in rules.SCHEDULED and known.scheduled_date is not None:
        opens_at = known.scheduled_date.timestamp()
    if opens_at > call.now + rules.LATEST_OPENING_SECONDS or opens_at + asked.ttl <= call.now:
        raise BadInput("properties.scheduled_date: too early or too late", pointer="/properties/scheduled_date")
    return Ticket(
        id=rules.id_of(secret),
        organization=caller.organization,
        type=asked.type,
        created_by=caller.user,
        customer=rules.CUSTOMER + ids.event_id(),
        conference=known.conference_id,
        application=known.application_id,
        properties=properties,
        created_at=call.now,
        opens_at=opens_at,
        expires_at=opens_at + asked.ttl,
    )


async def exchange_ticket(call: Call[TicketNamed]) -> Reply:
    """A token for the ticket, which lasts no longer than the ticket."""
    services, secret = call.services, call.body.id
    if services.settings.jwks_url is not None:
        raise ForeignIssuer
    ticket = await _guessed(call, lambda: services.db.write(lambda tx: actions.exchange(tx, secret, call.now)))
    seconds = min(float(services.settings.token_seconds), ticket.expires_at - call.now)
    token = services.tokens.mint(
        user=ticket.customer,
        organization=ticket.organization,
        roles=(Role.CUSTOMER,),
        ttl=seconds,
        now=call.now,
        application=ticket.application,
        conference=ticket.conference,
    )
    metrics.TICKETS.labels("exchanged").inc()
    given = TicketToken(
        access_token=token,
        expires_in=int(seconds),
        user_id=ticket.customer,
        organization_id=ticket.organization,
        conference_id=ticket.conference,
        application_id=ticket.application,
        properties=msgspec.Raw(ticket.properties),
    )
    return Reply(HTTPStatus.OK, wire.encode(given), headers=_PRIVATE)


async def revoke_ticket(call: Call[TicketNamed]) -> Reply:
    """Take a ticket back, and what it was exchanged for."""
    secret, caller, clock = call.body.id, call.principal, call.services.clock

    def work(tx: Tx) -> tuple[Ticket, float]:
        ticket = actions.find_for_change(tx, secret)
        if not rules.may_revoke(ticket, caller):
            raise UnknownTicket
        now = clock.now()  # after the lock: later than any exchange that went before
        return actions.revoke(tx, ticket, now), now

    ticket, now = await call.services.db.write(work)
    call.services.revoked.add(ticket.organization, ticket.customer, micros(now))
    return _shown(call, ticket, secret)


async def _guessed(call: Call[Any], look: Callable[[], Awaitable[T]]) -> T:
    """What `look` finds, for somebody who has nothing but an id. Only ids that nobody knows count as guesses."""
    quota, address = call.services.quotas.unknown_tickets, network(call.address)
    try:
        quota.take(address)
    except TooManyRequests:
        metrics.TICKETS.labels("limited").inc()
        raise
    try:
        found = await look()
    except UnknownTicket:
        metrics.TICKETS.labels("unknown").inc()
        raise
    except HubError as error:
        quota.give_back(address)
        if isinstance(error, EarlyTicket | SpentTicket):
            metrics.TICKETS.labels("refused").inc()
        raise
    quota.give_back(address)
    return found


def _shown(call: Call[Any], ticket: Ticket, secret: str) -> Reply:
    shown = view(ticket, secret, call.base, call.now)
    return Reply(HTTPStatus.OK, wire.encode(shown), headers=_PRIVATE)


# Pages --------------------------------------------------------------------------------------------------------------

_STATUS: Final = {
    State.GOOD: HTTPStatus.OK,
    State.EARLY: HTTPStatus.OK,
    State.EXPIRED: HTTPStatus.GONE,
    State.USED: HTTPStatus.GONE,
    State.REVOKED: HTTPStatus.GONE,
}


async def ticket_page(call: Call[None]) -> Reply:
    """What a person sees who follows the link. Looking uses nothing: programs that check mails look at it as well."""
    secret = call.path_params["id"]
    try:
        if len(secret) > LONGEST_ID:
            raise UnknownTicket
        ticket = await _guessed(call, lambda: call.services.db.read(lambda tx: actions.find(tx, secret)))
    except UnknownTicket:
        return _page(call, "unknown", HTTPStatus.NOT_FOUND)
    except TooManyRequests as error:
        return _page(call, "limited", HTTPStatus.TOO_MANY_REQUESTS, wait=error.retry_after or 1)
    except Overloaded as error:
        return _page(call, "unavailable", HTTPStatus.SERVICE_UNAVAILABLE, wait=error.retry_after or 1)
    state = rules.state(ticket, call.now)
    organization = call.services.organizations.get(ticket.organization)
    room = organization.room_url if organization and state is State.GOOD else None
    return _page(
        call,
        state.value,
        _STATUS[state],
        at=ticket.opens_at if state is State.EARLY else ticket.expires_at,
        room=None if room is None else f"{room}#ticket={secret}",
    )


def _page(
    call: Call[None], case: Case, status: int, *, at: float = 0, room: str | None = None, wait: float | None = None
) -> Reply:
    language = pages.language(call.headers.get(b"accept-language", b""), texts.LANGUAGES)
    time = f"{wire.instant(at):%Y-%m-%d, %H:%M} UTC"
    return Reply(status, texts.page(case, language, time=time, room=room), HTML, pages.headers(wait=wait))


_NAMED: Final = {"id": "k3v9x0q2m7w1"}


def _on_ticket(
    name: str,
    path: str,
    summary: str,
    handler: Callable[[Call[Any]], Awaitable[object]],
    types: tuple[type[msgspec.Struct], type[msgspec.Struct]],
    *,
    example: Mapping[str, object],
    roles: frozenset[Role] | None,
    errors: tuple[type[HubError], ...],
) -> Operation:
    return Operation(
        name=name,
        method="POST",
        path=path,
        summary=summary,
        tag="tickets",
        family=Family.AUVIOUS,
        handler=handler,
        roles=roles,
        body=types[0],
        result=types[1],
        media_type=JSON,
        examples={"ticket": example},
        errors=(*errors, Overloaded),
    )


def _shows(name: str, path: str) -> Operation:
    return Operation(
        name=name,
        method="GET",
        path=path,
        summary="The page behind a ticket",
        description="HTML, also where the ticket is not good: 404, 410, 429, 503.",
        tag="tickets",
        family=Family.OPS,
        handler=ticket_page,
        roles=None,
        media_type=HTML,
        path_example=_NAMED,
        own_errors=True,
        errors=(UnknownTicket, SpentTicket, TooManyRequests, Overloaded),
    )


OPERATIONS = (
    msgspec.structs.replace(
        _on_ticket(
            "createTicket",
            "/security/ticket",
            "Make a ticket for a customer",
            create_ticket,
            (TicketRequest, TicketView),
            example={"type": "MULTI_USE_TICKET", "ttl": 3600, "properties": {"conference_id": "room-7"}},
            roles=MAKERS,
            errors=(),
        ),
        once_only=True,
    ),
    _on_ticket(
        "exchangeTicket",
        "/security/ticket/exchange",
        "Get a customer's token for a ticket",
        exchange_ticket,
        (TicketNamed, TicketToken),
        example=_NAMED,
        roles=None,
        errors=(UnknownTicket, EarlyTicket, SpentTicket, ForeignIssuer, TooManyRequests),
    ),
    _on_ticket(
        "revokeTicket",
        "/security/ticket/revoke",
        "Take a ticket back",
        revoke_ticket,
        (TicketNamed, TicketView),
        example=_NAMED,
        roles=REVOKERS,
        errors=(UnknownTicket,),
    ),
    _shows("showTicket", "/t/{id}"),
    _shows("showShortTicket", "/q/{id}"),
)
