"""`/security/genesys/callback`, `/security/genesys/room`, and where their links for agents lead."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from api.applications.rules import UnknownApplication
from api.callbacks.rules import services
from api.callbacks.rules.callback import Callback, uri_of
from api.callbacks.rules.refusals import CallbackRefused
from api.callbacks.rules.requests import CUSTOMER_NUMBER, DESIRED_TIME
from api.codes.routes import NOBODY
from api.codes.rules import Given, Verified
from api.facades import actions, rules
from api.facades.rules import CUSTOMER_NAME, Site, UnknownQueue
from api.facades.schemas import (
    CallbackIndentifier,
    CallbackResult,
    Conversation,
    CreateGenesysCallbackCommand,
    CreateRoomResult,
    CreateRoomWebCommand,
    GenesysCreateCallbackResponse,
)
from api.http import proven
from api.http.authentication import authenticate
from api.http.idempotency import once_only
from api.http.operations import Operation
from api.http.problems import Family
from api.http.proven import WrongCode
from api.http.reply import Reply
from api.http.request import Call
from api.notifications.rules import is_phone
from channels.access import Role
from hub.auth.principal import Principal
from hub.kernel import metrics, wire
from hub.kernel.applications import Application
from hub.kernel.errors import (
    BadInput,
    Forbidden,
    HubError,
    MissingParameter,
    NotFound,
    Overloaded,
    TooManyRequests,
    Unauthenticated,
)
from hub.store.idempotency import Scope
from hub.store.transaction import Tx

APPLICATION: Final = "X-ApplicationId"
URL_BASE: Final = "X-UrlBase"
EXPIRATION: Final = "X-Ticket-Expiration-Seconds"
CALLERS: Final = frozenset({Role.CLIENT_SERVICE, Role.AGENT, Role.SUPERVISOR})
_PRIVATE: Final = (("Cache-Control", "no-store"),)
_DESCRIPTION: Final = (
    f"With a token, or with a one-time code in {proven.ID_HEADER} and {proven.CODE_HEADER}; a code that was sent to a "
    f"number permits callbacks to that number. {APPLICATION} is required; {URL_BASE} is required of back ends and must "
    f"be one that the application permits; {EXPIRATION} counts from the scheduled time. What comes of it is a callback "
    "as any other, of the callback service that serves the queue, with `agentUrl` among what its agent sees."
)


async def create_callback(call: Call[CreateGenesysCallbackCommand]) -> Reply:
    """A callback, with a conference."""
    caller = await _caller(call)
    given = None if caller is not None else proven.given_of(call)
    try:
        if caller is not None:
            made = _asked(call, caller)
            callback = await once_only(call, made.write, _scope(call, caller))
        elif given is not None:
            made, callback = await _of_customer(call, given)  # a code is used with it, and so nothing is done twice
        else:
            raise Unauthenticated
    except CallbackRefused as error:
        metrics.CALLBACKS_REFUSED.labels(error.why).inc()
        availability = {key: value for key, value in error.fields.items() if key == "availability"}
        raise BadInput(error.detail, code=error.code, fields=availability) from None
    metrics.CALLBACKS_ACCEPTED.inc()
    metrics.TICKETS.labels("made").inc()
    return _told(made.result(callback))


async def _of_customer(call: Call[CreateGenesysCallbackCommand], given: Given) -> "tuple[_Asked, Callback]":
    """What else is wrong, such as an application that there is not, is told to nobody but who has the right code."""
    id_ = _header(call, APPLICATION)
    if id_ is None:
        raise MissingParameter(f"{APPLICATION} is required")
    found = call.services.configuration.applications.get(id_)
    made: _Asked | HubError
    try:
        made = _asked(call, None)
        dialled = await asyncio.to_thread(made.dialled)  # reads files, of the country
        call.services.quotas.callbacks_of_number.take((made.service.name, dialled))
    except HubError as error:
        made = error

    def act(tx: Tx, verified: Verified) -> "tuple[_Asked, Callback]":
        if isinstance(made, HubError):
            raise made
        return made, made.write_for(tx, verified)

    return await proven.once(call, given, act, organization=NOBODY if found is None else found.organization)


def _asked(call: Call[CreateGenesysCallbackCommand], caller: Principal | None) -> "_Asked":
    known = call.services.configuration.applications
    return _Asked(call, caller, *rules.application_of(known, _header(call, APPLICATION), caller))


class _Asked:
    """A callback that is asked for, and whatever of it is the same however often it is written."""

    def __init__(
        self, call: Call[CreateGenesysCallbackCommand], caller: Principal | None, id_: str, application: Application
    ) -> None:
        asked, routing = call.body, call.body.routing_data
        self._call = call
        self._is_known = caller is not None
        self.site = _site(call, caller, id_, application, _header(call, URL_BASE), URL_BASE)
        queue = rules.queue_of((asked.queue_id, asked.queue_name), (routing.queue_id, routing.queue_name))
        configured = services.of(call.services.configuration, application.organization)
        self.service = rules.service_of(configured, queue)
        rules.require_data(asked.data, self.service)
        self.room = actions.new_room(
            self.site,
            None if caller is None else caller.user,
            rules.ticket_seconds(_seconds(call), application),
            {"cdestination": "callback"},
        )

    def write(self, tx: Tx) -> Callback:
        """Make it, for somebody of the organization."""
        return self._write(tx, self._numbers())

    def write_for(self, tx: Tx, verified: Verified) -> Callback:
        """Make it, for a customer who has proved what is theirs. Raises Forbidden."""
        numbers = self._numbers()
        if is_phone(verified.recipient) and verified.recipient not in numbers:
            raise Forbidden("The code was sent to another number than those to call")
        return self._write(tx, numbers)

    def dialled(self) -> str:
        """What would be rung. Raises BadInput, CallbackRefused."""
        return self._numbers()[0]

    def result(self, callback: Callback) -> CallbackResult:
        """What is answered."""
        name, base = self._call.body.callback_user_name, self._call.base
        conversation = Conversation(id=callback.id, name=name, self_uri=uri_of(base, callback))
        return CallbackResult(
            agent_url=self.site.agent_url(self.room.conference),
            conference_id=self.room.conference,
            genesys=GenesysCreateCallbackResponse(
                conversation=conversation, callback_identifiers=[CallbackIndentifier(id=callback.id)]
            ),
            ticket_id=self.room.secret,
            ticket_url=self.site.customer_url(self.room.secret),
        )

    def _numbers(self) -> list[str]:
        asked = self._call.body
        return [
            rules.number_of(self.service, each, asked.country_code, valid_only=asked.validate_callback_numbers)
            for each in asked.callback_numbers
        ]

    def _write(self, tx: Tx, numbers: list[str]) -> Callback:
        asked = self._call.body
        at = asked.callback_scheduled_time
        fields: dict[str, Any] = {
            **({} if self._is_known else rules.as_fields(asked.wish)),
            **asked.data,
            CUSTOMER_NUMBER: numbers[0],
            CUSTOMER_NAME: asked.callback_user_name,
            **({} if at is None else {DESIRED_TIME: wire.millis(at)}),
            **({"callbackNumbers": ", ".join(numbers)} if len(numbers) > 1 else {}),
            **({"scriptId": asked.script_id} if asked.script_id else {}),
        }
        routing = rules.as_routing(self.service, asked.wish) if self._is_known else None
        return actions.call_back(tx, self.service, fields, routing, self.room, self._call.now, base=self._call.base)


async def create_room(call: Call[CreateRoomWebCommand]) -> Reply:
    """A room, with links into it."""
    asked, caller = call.body, call.principal
    if asked.organization_id not in {None, "", caller.organization}:
        raise Forbidden("Rooms are for one's own organization only")
    id_, application = rules.application_of(call.services.configuration.applications, asked.application_id, caller)
    site = _site(call, None, id_, application, asked.url_base, "urlBase")
    told = {
        "cdestination": asked.cdestination,
        "customer_id": asked.customer_id,
        "interaction_id": asked.interaction_id,
    }
    seconds = rules.ticket_seconds(asked.ticket_expiration_seconds, application)
    room = actions.new_room(site, caller.user, seconds, told)
    await once_only(call, lambda tx: actions.open_room(tx, room, call.now), _scope(call, caller))
    metrics.TICKETS.labels("made").inc()
    return _told(
        CreateRoomResult(
            agent_url=site.agent_url(room.conference),
            recording_url=site.recording_url(room.conference),
            ticket_url=site.customer_url(room.secret),
        )
    )


async def _caller(call: Call[Any]) -> Principal | None:
    """Whose token it is; None where there is none. A token counts before a code."""
    if b"authorization" not in call.headers:
        return None
    known = await authenticate(call.services, call.headers, CALLERS, call.now, address=call.address, changes=True)
    return known.principal


def _scope(call: Call[Any], caller: Principal) -> Scope:
    return Scope(caller.organization, caller.user, call.path)


def _site(
    call: Call[Any], caller: Principal | None, id_: str, application: Application, asked: str | None, name: str
) -> Site:
    if not asked and rules.needs_base(caller):
        raise MissingParameter(f"{name} is required")
    base = rules.base_of(application, asked, call.base)
    return Site(id=id_, organization=application.organization, base=base)


def _header(call: Call[Any], name: str) -> str | None:
    value = call.headers.get(name.lower().encode(), b"").decode("latin-1").strip()
    return value or None


def _seconds(call: Call[Any]) -> int | None:
    text = _header(call, EXPIRATION)
    if text is None:
        return None
    if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit() or len(text) > 10:
        raise BadInput(f"{EXPIRATION} must be a number of seconds")
    return int(text)


def _told(result: CallbackResult | CreateRoomResult) -> Reply:
    return Reply(HTTPStatus.OK, wire.encode(result), headers=_PRIVATE)


# Links for agents ---------------------------------------------------------------------------------------------------


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Which conference a link is about."""

    aid: Annotated[str, Meta(max_length=64, description="The application")]
    room_id: Annotated[str, Meta(max_length=64, description="The conference")] = msgspec.field(name="roomId")


async def lead_to_conference(call: Call[None]) -> Reply:
    """To where the organization holds its conferences; who may take part is decided there."""
    return _lead(call, "conference")


async def lead_to_recording(call: Call[None]) -> Reply:
    """The same for what has been recorded."""
    return _lead(call, "recording")


def _lead(call: Call[None], what: str) -> Reply:
    place = call.query_as(Place)
    rules.require_conference(place.room_id)
    configuration = call.services.configuration
    application = configuration.applications.get(place.aid)
    organization = application and configuration.organizations.get(application.organization)
    if not organization or organization.room_url is None:
        raise NotFound("No place for conferences is configured")
    where = urlencode({what: place.room_id, "application": place.aid})
    return Reply(HTTPStatus.FOUND, b"", "text/plain", (("Location", f"{organization.room_url}#{where}"), *_PRIVATE))


def _leads(name: str, path: str, summary: str, handler: Any) -> Operation:  # noqa: ANN401 - the handler
    return Operation(
        name=name,
        method="GET",
        path=path,
        summary=summary,
        description="A redirect to `room_url` of the organization, with the conference in the fragment.",
        tag="facades",
        family=Family.OPS,
        roles=None,
        query=Place,
        success=302,
        media_type="text/plain",
        query_example={"aid": "demo-app", "roomId": "3k9x0q2m7c5v8b1n4z6a"},
        errors=(BadInput, NotFound),
        handler=handler,
    )


OPERATIONS = (
    Operation(
        name="createGenesysCallback",
        method="POST",
        path="/security/genesys/callback",
        summary="Create a genesys callback (schedule)",
        description=_DESCRIPTION,
        tag="facades",
        family=Family.AUVIOUS,
        roles=None,
        body=CreateGenesysCallbackCommand,
        result=CallbackResult,
        examples={
            "later": {
                "callbackUserName": "Maria",
                "callbackNumbers": ["+12125550123"],
                "callbackScheduledTime": "2027-01-18T15:00:00.000Z",
                "queueName": "sales",
                "data": {"topic": "invoice"},
                "validateCallbackNumbers": True,
            },
        },
        errors=(
            Unauthenticated,
            WrongCode,
            Forbidden,
            UnknownApplication,
            UnknownQueue,
            CallbackRefused,
            TooManyRequests,
            Overloaded,
        ),
        handler=create_callback,
        once_only=True,
    ),
    Operation(
        name="createRoom",
        method="POST",
        path="/security/genesys/room",
        summary="Create room,ticket and return ticket and agent urls",
        description="The customer's link is good for `ticketExpirationSeconds`, four hours unless the application says "
        "otherwise.",
        tag="facades",
        family=Family.AUVIOUS,
        roles=frozenset({Role.CLIENT_SERVICE}),
        body=CreateRoomWebCommand,
        result=CreateRoomResult,
        examples={"callback": {"applicationId": "demo-app", "cdestination": "callback", "customerId": "C-17"}},
        errors=(UnknownApplication, Overloaded),
        handler=create_room,
        once_only=True,
    ),
    _leads("leadToConference", "/a", "Where an agent's link leads", lead_to_conference),
    _leads("leadToRecording", "/r", "Where the link to a recording leads", lead_to_recording),
)
