"""What an engine wants done. Questions pause the session until the driver feeds the matching answer."""

from msgspec import Struct

from hub.bayeux.events import Origin
from hub.bayeux.messages import Message, Reply


class Answered(Struct, frozen=True):
    """Send these replies, in order, to whoever asked.

    `takes_events`: queued events travel before them. `batch`: they and whatever is still unacknowledged make up this
    batch, kept until `Acknowledged`. `tightens`: the last reply also says which positions the client has reached.
    """

    origin: Origin
    replies: tuple[Reply, ...]
    takes_events: bool = False
    displaced: bool = False
    batch: int = 0
    tightens: bool = False


class Authenticate(Struct, frozen=True):
    """Question: who is this? Answered by `Authenticated` or `Refused`."""

    message: Message
    origin: Origin


class Authorize(Struct, frozen=True):
    """Question: what may be heard under these names? Answered by `Granted` or `Refused`."""

    names: tuple[str, ...]


class Attach(Struct, frozen=True):
    """Question: begin to queue events of these targets, from the positions asked. Answered by `Attached`/`Refused`.

    A target that is attached already stays as it is: asking again never repeats an event.

    `since`: channel → position, -2 for all that is kept, -1 (or absent) from now. `epoch`: the log these positions
    belong to. `replaying`: a non-empty map came, so durable channels under a pattern that it lacks count as 0.
    """

    targets: tuple[str, ...]
    since: dict[str, int]
    epoch: str | None
    replaying: bool


class Detach(Struct, frozen=True):
    """Stop queueing events of these targets."""

    targets: tuple[str, ...]


class Publish(Struct, frozen=True):
    """Question: will you take this event? Answered by `Accepted` or `Refused`."""

    channel: str
    data: bytes
    binary: bool = False


class Call(Struct, frozen=True):
    """Question: what does the service on this channel say? Answered by `Returned`, `Accepted` or `Refused`."""

    channel: str
    data: bytes


class Acknowledged(Struct, frozen=True):
    """The client has every event up to this batch."""

    batch: int


class Deliver(Struct, frozen=True):
    """How events reach the client from now on: pushed as they come, or held for the next connect reply.

    `keeps_socket`: they are held although a socket is there, because the client acknowledges. What has queued up
    already is looked at anew: push it, or feed `Deliverable` once the commands are carried out.
    """

    push: bool
    keeps_socket: bool = False


class Opened(Struct, frozen=True):
    """The handshake succeeded: the session is known under its clientId."""


class Ended(Struct, frozen=True):
    """The session is over; forget it.

    `close`: WebSocket close code, None to leave the socket to the client. `back_in`: seconds after which the client was
    told to try again, for which its socket waits.
    """

    reason: str
    close: int | None = None
    back_in: float = 0.0
    notice: Reply | None = None


Question = Authenticate | Authorize | Attach | Publish | Call
Command = Answered | Question | Acknowledged | Detach | Deliver | Opened | Ended
