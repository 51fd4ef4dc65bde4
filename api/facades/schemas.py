"""The wire forms of the facades. Unknown members are ignored."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from api.callbacks.rules.requests import HIGHEST_PRIORITY
from api.facades.rules import MOST_DATA, MOST_NUMBERS, Wish
from hub.kernel import wire

Destination: TypeAlias = Literal["callback", "embedded", "interaction-widget", "mobile-office", "premise", "standalone"]
_Name: TypeAlias = Annotated[str, Meta(max_length=64)]
_Line: TypeAlias = Annotated[str, Meta(max_length=255)]


class RoutingData(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who is to call back."""

    language_id: _Name | None = None
    preferred_agent_ids: Annotated[tuple[_Name, ...], Meta(max_length=20)] = ()
    priority: Annotated[int, Meta(ge=-HIGHEST_PRIORITY, le=HIGHEST_PRIORITY)] | None = None
    queue_id: _Name | None = None
    queue_name: _Name | None = None
    skill_ids: Annotated[tuple[_Name, ...], Meta(max_length=20)] = ()


class CreateGenesysCallbackCommand(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A callback with a conference. The queue is required, in one of its places; so is a number."""

    callback_user_name: Annotated[str, Meta(min_length=1, max_length=255)]
    callback_numbers: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=40)], ...],
        Meta(min_length=1, max_length=MOST_NUMBERS, description="The first one is called"),
    ]
    callback_scheduled_time: Annotated[wire.Instant, Meta(description="Absent: at once")] | None = None
    country_code: Annotated[str, Meta(max_length=4, description="Of numbers without one, like US or 1")] | None = None
    data: Annotated[
        dict[str, Annotated[str, Meta(max_length=4096)]],
        Meta(max_length=MOST_DATA, description="For the agent's screen"),
    ] = {}
    queue_id: _Name | None = None
    queue_name: _Name | None = None
    routing_data: RoutingData = RoutingData()
    script_id: _Line | None = None
    validate_callback_numbers: Annotated[bool, Meta(description="Refuse what is no phone number")] = False

    @property
    def wish(self) -> Wish:
        """What is said about routing."""
        routing = self.routing_data
        return Wish(
            language=routing.language_id,
            skills=routing.skill_ids,
            agents=routing.preferred_agent_ids,
            priority=routing.priority,
        )


class CallbackIndentifier(msgspec.Struct, frozen=True, kw_only=True):
    """One participant of the callback; the name is spelled as clients know it."""

    id: str
    type: Literal["ACD", "EXTERNAL"] = "ACD"


class Conversation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The callback, where it can be asked about."""

    id: str
    name: str
    self_uri: str


class GenesysCreateCallbackResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The callback as callbacks are known."""

    conversation: Conversation
    callback_identifiers: list[CallbackIndentifier]


class CallbackResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The callback, its conference, and the ways into it. `ticketId` and `ticketUrl` are secrets of the customer."""

    agent_url: str
    conference_id: str
    genesys: GenesysCreateCallbackResponse
    ticket_id: str
    ticket_url: str


class CreateRoomWebCommand(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A room. `applicationId` is required unless the token names one."""

    application_id: _Name | None = None
    cdestination: Destination | None = None
    customer_id: _Line | None = None
    interaction_id: _Line | None = None
    organization_id: _Name | None = None
    ticket_expiration_seconds: (
        Annotated[int, Meta(description="Absent: that of the application, four hours")] | None
    ) = None
    url_base: _Line | None = None


class CreateRoomResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The ways into the room. `ticketUrl` is a secret of the customer."""

    agent_url: str
    recording_url: str
    ticket_url: str
