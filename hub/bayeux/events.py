"""What happens to a session: everything its engine is told."""

from typing import Any

from msgspec import Struct

from hub.bayeux.messages import CONNECT, Message

Origin = Any
"""Whoever is to get the answer; the engine only carries it from a message to its reply."""


class Received(Struct, frozen=True):
    """A message of the client.

    `pushes`: its transport can be written to at any time (WebSocket). `alone`: nothing else came in its request.
    `surplus`: its browser holds as many connects already as it may. `arrived`: the wall clock, in seconds.
    """

    message: Message
    origin: Origin
    pushes: bool
    alone: bool = True
    surplus: bool = False
    arrived: float = 0.0

    def is_connect_of(self, origin: Origin) -> bool:
        """Whether this is a /meta/connect that came from that origin."""
        return self.origin is origin and self.message.channel == CONNECT


class Authenticated(Struct, frozen=True):
    """Answer to `Authenticate`: who the client is, and when (on the engine's clock) that ends.

    `other_rights`: the renewed token has other roles, so what was granted under the old ones no longer counts.
    """

    expires_at: float
    other_rights: bool = False


class Granted(Struct, frozen=True):
    """Answer to `Authorize`: every name asked for, with the concrete channels or patterns it stands for."""

    targets: dict[str, tuple[str, ...]]


class Attached(Struct, frozen=True):
    """Answer to `Attach`: from now on live events queue up. Positions where live begins, and channels with a gap."""

    positions: dict[str, int]
    gaps: tuple[str, ...] = ()


class Accepted(Struct, frozen=True):
    """Answer to `Publish`: the event has been taken over."""


class Returned(Struct, frozen=True):
    """Answer to `Call`: what the service says, as JSON."""

    data: bytes
    successful: bool = True


class Refused(Struct, frozen=True):
    """Answer "no" to any question, as the Bayeux error string to pass on. `interval`: retry after that many ms."""

    error: str
    interval: int | None = None


class Deliverable(Struct, frozen=True):
    """Events are waiting that cannot be pushed."""


class Lost(Struct, frozen=True):
    """The transport of this origin is gone: its connects, held or still waiting their turn, get no answer."""

    origin: Origin


class Written(Struct, frozen=True):
    """The last reply has reached the network; on a slow line that is later than its composition."""


class Woken(Struct, frozen=True):
    """The deadline has come."""


class Revoked(Struct, frozen=True):
    """The session's rights ended: kicked, or its token expired."""

    error: str


class Outrun(Struct, frozen=True):
    """The log no longer reaches back to where this client is: it has to start anew."""


class Leaving(Struct, frozen=True):
    """This process is about to stop; the client shall come back after `interval` milliseconds."""

    interval: int


Answer = Authenticated | Granted | Attached | Accepted | Returned | Refused
Event = Received | Answer | Deliverable | Lost | Written | Woken | Revoked | Outrun | Leaving
