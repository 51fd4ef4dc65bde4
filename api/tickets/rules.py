"""What a ticket is, when it is good, and who may take it back. Pure.

The id is a secret, 134 random bits or more; stored is a hash of it.
"""

import hashlib
from enum import StrEnum
from typing import ClassVar, Final, Literal, TypeAlias

from msgspec import Struct

from channels.access import Role
from hub.auth.principal import Principal
from hub.kernel.errors import Conflict, HubError, NotFound

LIFE_SECONDS: Final = 14_400
LONGEST_LIFE_SECONDS: Final = 30 * 86_400
LATEST_OPENING_SECONDS: Final = 366 * 86_400
KEPT_SECONDS: Final = 86_400
"""How long a ticket that has expired can still say so."""
LONGEST_ID: Final = 64
CUSTOMER: Final = "customer-"
"""What the names of the users begin with whose tokens tickets are exchanged for."""

Type: TypeAlias = Literal[
    "SINGLE_USE_TICKET",
    "MULTI_USE_TICKET",
    "SCHEDULE_TICKET",
    "GENESYS_MULTI_USE_TICKET",
    "APPOINTMENTS_SCHEDULE_TICKET",
]
SINGLE_USE: Final[Type] = "SINGLE_USE_TICKET"
SCHEDULED: Final[frozenset[Type]] = frozenset({"SCHEDULE_TICKET", "APPOINTMENTS_SCHEDULE_TICKET"})

_OF_ALL: Final = frozenset({Role.SUPERVISOR, Role.ADMIN, Role.CLIENT_SERVICE})


class Ticket(Struct, frozen=True, kw_only=True):
    """A ticket as it is stored. `id` is of `id_of`. `customer` is the user of all its tokens, new for each ticket.

    It is good from `opens_at` until `expires_at` (Unix seconds), unless it was `revoked` or, for one use, has `uses`.
    `properties` is JSON as its maker sent it.
    """

    id: str
    organization: str
    type: Type
    created_by: str
    customer: str
    conference: str
    application: str | None
    properties: bytes
    created_at: float
    opens_at: float
    expires_at: float
    uses: int = 0
    revoked: bool = False

    @property
    def is_used_up(self) -> bool:
        """Whether its one use has been made."""
        return self.type == SINGLE_USE and self.uses > 0


class State(StrEnum):
    """What somebody meets who comes with a ticket."""

    GOOD = "good"
    EARLY = "early"
    EXPIRED = "expired"
    USED = "used"
    REVOKED = "revoked"


class UnknownTicket(NotFound):
    """Nothing was ever known under that id, or it is long over."""

    code = "ticket_unknown"
    default_detail = "No such ticket"


class EarlyTicket(Conflict):
    """The ticket is good from `retry_after` seconds on."""

    code = "ticket_early"
    default_detail = "The ticket is not good yet"


class SpentTicket(HubError):
    """The ticket was good and is not any more. `code` is narrowed to the reason."""

    code = "ticket_spent"
    status: ClassVar[int] = 410
    status_code = 2
    default_detail = "The ticket is not good any more"


def id_of(secret: str) -> str:
    """What stands for the id of a ticket in the table."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def state(ticket: Ticket, now: float) -> State:
    """Whether it is good at `now`, or why not."""
    if ticket.revoked:
        return State.REVOKED
    if now >= ticket.expires_at:
        return State.EXPIRED
    if ticket.is_used_up:
        return State.USED
    return State.EARLY if now < ticket.opens_at else State.GOOD


def require_good(ticket: Ticket, now: float) -> None:
    """Raises EarlyTicket, SpentTicket."""
    match state(ticket, now):
        case State.GOOD:
            return
        case State.EARLY:
            raise EarlyTicket(retry_after=ticket.opens_at - now)
        case State.EXPIRED | State.USED | State.REVOKED as why:
            raise SpentTicket(f"The ticket is {why}", code=f"ticket_{why}")


def may_revoke(ticket: Ticket, caller: Principal) -> bool:
    """Whoever made it; and in the same organization supervisors, administrators and back ends."""
    if ticket.organization != caller.organization:
        return False
    return ticket.created_by == caller.user or not caller.roles.isdisjoint(_OF_ALL)
