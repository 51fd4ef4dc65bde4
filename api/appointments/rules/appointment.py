"""What an appointment is, as values. Instants are Unix seconds, durations are exact.

A person is known here by an id only: an AGENT by that of a user, a CUSTOMER by one that was made for the appointment.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, Literal, TypeAlias, get_args

from msgspec import Struct

Status: TypeAlias = Literal["scheduled", "completed", "cancelled"]
"""An activated one is a scheduled one with a room. What is left of a cancelled one says when it would have been."""
Kind: TypeAlias = Literal["AGENT", "CUSTOMER"]
State: TypeAlias = Literal["WAITING", "JOINED", "LEFT"]
STATES: Final[tuple[State, ...]] = get_args(State)
RoutingType: TypeAlias = Literal["GENESYS_CLOUD_FLOW", "GENESYS_CLOUD_QUEUE", "TALKDESK_DIGITAL_CONNECT"]
ROOM_TYPE: Final = "MULTI_USE_TICKET"
LONGEST: Final = timedelta(days=1)
"""No appointment lasts longer."""


class Customer(Struct, frozen=True, kw_only=True):
    """Who a customer is, as far as somebody has said. The mail address is in small letters."""

    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    metadata: Mapping[str, Any] = {}


class Participant(Struct, frozen=True, kw_only=True):
    """Somebody invited. `state` is None until it was set once; `has_joined` remembers that it has been JOINED.
    A CUSTOMER has a `customer`; who an AGENT is, the users know.
    """

    id: str
    type: Kind
    state: State | None = None
    has_joined: bool = False
    customer: Customer | None = None


class Organizer(Struct, frozen=True, kw_only=True):
    """Who the appointment belongs to; the id of a user, of a client, or of the customer who made it."""

    id: str
    type: Kind


class Interaction(Struct, frozen=True, kw_only=True):
    """Where the customer is led when the time has come. Without `routing` it says only that it is over."""

    routing: RoutingType | None = None
    properties: Mapping[str, str] = {}
    custom_fields: Mapping[str, str] = {}
    is_complete: bool = False


class Room(Struct, frozen=True, kw_only=True):
    """Access to the video room. The url is a secret: whoever has it is let in, until `expires`."""

    url: str
    conference: str
    expires: float

    @property
    def ticket(self) -> str:
        """The secret of the ticket behind the url."""
        return self.url.rpartition("/")[2]

    def __repr__(self) -> str:
        return f"Room({self.conference!r})"


class Appointment(Struct, frozen=True, kw_only=True):
    """An appointment. `start` and `end` are a half-open interval; `timezone` exists and is for people to read it in.

    `notifications_active`: the application sent notices when it was scheduled. `schedule_version` counts its schedules
    from 1, `sequence` whatever a calendar shows of it from 0.
    """

    id: str
    organization: str
    application: str
    status: Status = "scheduled"
    organizer: Organizer
    start: float
    end: float
    timezone: str
    locale: str
    title: str | None = None
    notes: str | None = None
    metadata: Mapping[str, Any] = {}
    notification_headers: Mapping[str, str] = {}
    notifications_active: bool = False
    interaction: Interaction | None = None
    participants: tuple[Participant, ...] = ()
    room: Room | None = None
    created_at: float
    created_by: str
    schedule_version: int = 1
    sequence: int = 0

    @property
    def duration(self) -> timedelta:
        """How long it is planned to be."""
        return timedelta(seconds=round(self.end - self.start))

    @property
    def agents(self) -> tuple[str, ...]:
        """The users whom it concerns: its organizer and the agents invited, each once."""
        organizer = [self.organizer.id] if self.organizer.type == "AGENT" else []
        invited = [each.id for each in self.participants if each.type == "AGENT"]
        return tuple(dict.fromkeys([*organizer, *invited]))

    @property
    def customers(self) -> Iterator[Participant]:
        """Those invited who are no users."""
        return (each for each in self.participants if each.type == "CUSTOMER")

    def participant(self, id: str) -> Participant | None:
        """The one invited under that id."""
        return next((each for each in self.participants if each.id == id), None)
