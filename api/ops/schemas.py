"""What the endpoints for operators answer."""

from typing import Annotated, Self, TypeAlias

import msgspec
from msgspec import Meta

from api.http.request import LiveSession
from hub.kernel.wire import Instant

MOST = 500


class Health(msgspec.Struct, frozen=True):
    """The process serves requests; says nothing about what it depends on."""

    status: str = "ok"


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Traffic may come: all of these checks passed."""

    status: str = "ready"
    checks: list[str]


class Version(msgspec.Struct, frozen=True):
    """Which build this is."""

    name: str
    version: str


class SessionView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One session; `behind` means that it reads from the log, because its client does not keep up."""

    user_id: str
    client: Annotated[str, Meta(description="The beginning of its clientId")]
    transport: str
    channels: tuple[str, ...]
    queued: Annotated[int, Meta(description="Events that wait for the client")]
    behind: bool

    @classmethod
    def of(cls, session: LiveSession) -> Self:
        """The session as its organization sees it."""
        return cls(
            user_id=session.user,
            client=session.client,
            transport=session.transport,
            channels=session.channels,
            queued=session.queued,
            behind=session.behind,
        )


class Sessions(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The sessions of one process."""

    status_code: int = 0
    node: str
    sessions: list[SessionView]
    total_count: int


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """How much to list."""

    limit: Annotated[int, Meta(ge=1, le=MOST, description="At most so many")] = 100


class StreamView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One stream: where it stands and from where on its events are kept."""

    channel: str
    user_id: Annotated[str | None, Meta(description="Absent for shared channels")] = None
    position: int
    kept_from: int
    last_event_at: Instant


class Streams(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Streams, the one with the latest event first."""

    status_code: int = 0
    streams: list[StreamView]


class NodeView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One process."""

    name: str
    last_seen_at: Instant
    alive: bool
    users: Annotated[int, Meta(description="Users who have a desktop there")]


class Nodes(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The processes that serve desktops."""

    status_code: int = 0
    nodes: list[NodeView]


class TimerKind(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The timers of one kind."""

    kind: str
    planned: int
    due: Annotated[int, Meta(description="Of the planned ones; what stays due is late")]
    under_way: Annotated[int, Meta(description="Of the planned ones: somebody is being called")]
    buried: int
    next_due_at: Instant | None


class TimerKinds(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All kinds of which there are timers."""

    status_code: int = 0
    kinds: list[TimerKind]


class BuriedQuery(Limit, frozen=True, kw_only=True):
    """Which to list, in the order of their ids."""

    after: Annotated[int, Meta(ge=0, le=2**53 - 1, description="Those with higher ids only")] = 0


class BuriedTimer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A timer that was given up. What it carries is not shown."""

    id: int
    kind: str
    key: str
    buried_at: Instant | None
    attempts: int
    reason: str


class BuriedTimers(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Timers that were given up."""

    status_code: int = 0
    timers: list[BuriedTimer]


class ReplayTimer(msgspec.Struct, frozen=True, tag_field="operationName", tag="Replay"):
    """Do it again, now, with all its attempts before it. An uncertain message may reach people twice."""


class ForgetTimer(msgspec.Struct, frozen=True, tag_field="operationName", tag="Forget"):
    """Delete it."""


TimerOperation: TypeAlias = ReplayTimer | ForgetTimer
