"""`/api/v2/admin/…`: what administrators see of the hub at work, and what they may do about timers that were given up.

An administrator sees the sessions and streams of their own organization. Nodes and timers belong to all of them: these
are for the administrators of organizations that run the hub (`operates` in hub.toml). What a timer carries is not
shown to anybody, since it may be a message to a customer.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, assert_never

from api.http.operations import Operation
from api.http.problems import Family
from api.http.reply import Done
from api.http.request import Call
from api.ops.schemas import (
    BuriedQuery,
    BuriedTimer,
    BuriedTimers,
    ForgetTimer,
    Limit,
    Nodes,
    NodeView,
    ReplayTimer,
    Sessions,
    SessionView,
    Streams,
    StreamView,
    TimerKind,
    TimerKinds,
    TimerOperation,
)
from channels.access import Role
from hub.kernel import logs
from hub.kernel.clock import micros, seconds
from hub.kernel.errors import BadInput, Forbidden, NotFound, Overloaded
from hub.kernel.wire import MAX_SAFE_INTEGER, instant
from hub.store import presence, streams, timers
from hub.store.transaction import Tx

ADMINISTRATORS: Final = frozenset({Role.ADMIN})
MOST_SESSIONS: Final = 1000

_log = logs.get("api.admin")


def require_operator(call: Call[Any]) -> None:
    """Raises Forbidden for administrators of an organization that does not run the hub."""
    organization = call.services.organizations.get(call.principal.organization)
    if organization is None or not organization.operates:
        raise Forbidden("For administrators of organizations that run the hub")


# Of one's own organization ------------------------------------------------------------------------------------------


async def list_sessions(call: Call[None]) -> Sessions:
    """Those of the process that answers, the fullest queues first."""
    organization = call.principal.organization
    own = [session for session in call.services.sessions() if session.organization == organization]
    own.sort(key=lambda session: (not session.behind, -session.queued, session.user))
    return Sessions(
        node=call.services.node,
        sessions=[SessionView.of(session) for session in own[:MOST_SESSIONS]],
        total_count=len(own),
    )


async def list_streams(call: Call[None]) -> Streams:
    """Those that had an event last."""
    limit, organization = call.query_as(Limit).limit, call.principal.organization
    found = await call.services.db.read(lambda tx: streams.latest(tx, organization, limit))
    return Streams(
        streams=[
            StreamView(
                channel=stream.channel,
                user_id=stream.user or None,
                position=head.seq,
                kept_from=head.first,
                last_event_at=instant(seconds(at)),
            )
            for stream, head, at in found
        ]
    )


# Of the whole hub ---------------------------------------------------------------------------------------------------


async def list_nodes(call: Call[None]) -> Nodes:
    """The processes, with the users who have a desktop there."""
    require_operator(call)
    found = await call.services.db.read(presence.nodes)
    dead = micros(call.now - presence.DEAD_SECONDS)
    return Nodes(
        nodes=[
            NodeView(name=name, last_seen_at=instant(seconds(at)), alive=at >= dead, users=users)
            for name, at, users in found
        ]
    )


async def list_timers(call: Call[None]) -> TimerKinds:
    """How the timers of each kind stand."""
    require_operator(call)
    found = await call.services.db.read(lambda tx: timers.overview(tx, call.now))
    return TimerKinds(
        kinds=[
            TimerKind(
                kind=kind.name,
                planned=kind.planned,
                due=kind.due,
                under_way=kind.leased,
                buried=kind.buried,
                next_due_at=None if kind.next_due is None else instant(seconds(kind.next_due)),
            )
            for kind in found
        ]
    )


async def list_buried(call: Call[None]) -> BuriedTimers:
    """Timers that were given up, oldest first."""
    require_operator(call)
    query = call.query_as(BuriedQuery)
    found = await call.services.db.read(lambda tx: timers.buried(tx, query.limit, after=query.after))
    return BuriedTimers(
        timers=[
            BuriedTimer(
                id=timer.id,
                kind=timer.kind,
                key=timer.key,
                buried_at=None if timer.buried_at is None else instant(seconds(timer.buried_at)),
                attempts=timer.attempt,
                reason=timer.error or "",
            )
            for timer in found
        ]
    )


async def operate_timer(call: Call[TimerOperation]) -> Done:
    """Do a buried timer again, or forget it."""
    require_operator(call)
    text = call.path_params["id"]
    if not text.isascii() or not text.isdigit() or len(text) > 16 or int(text) > MAX_SAFE_INTEGER:
        raise NotFound

    def write(tx: Tx) -> bool:
        match call.body:
            case ReplayTimer():
                return timers.replay(tx, int(text), call.now)
            case ForgetTimer():
                return timers.forget_buried(tx, int(text))
            case _:
                assert_never(call.body)

    if not await call.services.db.write(write):
        raise NotFound("No such timer is buried")
    done = "replayed" if isinstance(call.body, ReplayTimer) else "forgotten"
    _log.info("buried timer " + done, timer=int(text), by=call.principal.user, organization=call.principal.organization)
    return Done()


# The operations -----------------------------------------------------------------------------------------------------

_HUB_WIDE: Final = "Only for organizations that run the hub (`operates` in hub.toml)."


def _operation(
    name: str,
    path: str,
    summary: str,
    handler: Callable[[Call[Any]], Awaitable[object]],
    *,
    method: str = "GET",
    **more: Any,  # noqa: ANN401 - further members of the record
) -> Operation:
    return Operation(
        name=name,
        method=method,
        path="/api/v2/admin/" + path,
        summary=summary,
        tag="administration",
        family=Family.GWS,
        handler=handler,
        roles=ADMINISTRATORS,
        errors=(Overloaded, BadInput, NotFound),
        **more,
    )


OPERATIONS: Final = (
    _operation(
        "listSessions",
        "sessions",
        "List the sessions of the organization on the process that answers",
        list_sessions,
        result=Sessions,
        description=f"Slow ones first: behind, then by what waits for them. At most {MOST_SESSIONS}.",
    ),
    _operation(
        "listStreams",
        "streams",
        "List the streams of the organization that had an event last",
        list_streams,
        query=Limit,
        query_example={"limit": "20"},
        result=Streams,
    ),
    _operation("listNodes", "nodes", "List the processes of the hub", list_nodes, result=Nodes, description=_HUB_WIDE),
    _operation(
        "listTimers",
        "timers",
        "Count the timers of each kind: planned, due, under way, buried",
        list_timers,
        result=TimerKinds,
        description=_HUB_WIDE,
    ),
    _operation(
        "listBuriedTimers",
        "timers/buried",
        "List timers that were given up, dead letters among them",
        list_buried,
        query=BuriedQuery,
        query_example={"limit": "50"},
        result=BuriedTimers,
        description=_HUB_WIDE,
    ),
    _operation(
        "operateTimer",
        "timers/{id}",
        "Do a timer again that was given up, or forget it",
        operate_timer,
        method="POST",
        body=TimerOperation,
        path_example={"id": "17"},
        examples={"again": {"operationName": "Replay"}, "no more": {"operationName": "Forget"}},
        result=Done,
        description=_HUB_WIDE,
    ),
)
