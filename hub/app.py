"""The composition root: builds one process's hub out of its parts, and takes it down again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

from starlette.routing import Route
from starlette.types import ASGIApp

from api import routes
from api.http.logins import Logins
from api.http.lookup import Lookup
from api.http.middleware import RequestIds, unknown_path
from api.http.operations import Operation, routes_of
from api.http.quotas import Quotas
from api.http.request import LiveSession, Services
from api.telephony.devices import actions as devices
from api.telephony.devices.rules import Floor
from hub.auth import jwks
from hub.auth.passwords import Passwords
from hub.auth.revoked import Revoked
from hub.auth.signatures import Keys
from hub.auth.tokens import Tokens
from hub.bayeux.advice import Terms
from hub.brokers import redis
from hub.brokers.memory import MemoryBroker
from hub.brokers.port import Broker
from hub.console import files, pages
from hub.kernel import metrics, redis_url
from hub.kernel.clock import Clock, SystemClock
from hub.kernel.config import Configuration
from hub.kernel.errors import Overloaded
from hub.kernel.lifecycle import Background
from hub.kernel.settings import Settings
from hub.realtime.admission import Admission
from hub.realtime.heartbeat import Heartbeat
from hub.realtime.node import Node
from hub.realtime.presence import Presence
from hub.realtime.pressure import Bounds
from hub.realtime.session import Session
from hub.relay.publisher import Publisher
from hub.store import migrations, streams
from hub.store.database import Database
from hub.transports import http_protocol, paths
from hub.transports.direct import Direct
from hub.transports.http import HTTPTransports
from hub.transports.http_protocol import HTTPProtocol
from hub.transports.limits import Limits
from hub.transports.polling import Polling
from hub.transports.websocket import WebSockets
from scheduler import process

WHEEL_SECONDS = 0.1
HEARTBEAT_SECONDS = 0.1  # with the memory broker
HEARTBEAT_SECONDS_SHARED = 1.0  # with Redis, beside other processes
PRESENCE_SECONDS = 1.0
CONNECTION_TYPES = ("websocket", "long-polling")


@dataclass(frozen=True, slots=True)
class Hub:
    """A running hub: what the server needs of it."""

    settings: Settings
    database: Database
    node: Node
    asgi: ASGIApp
    http: type[HTTPProtocol]
    websockets: WebSockets


@asynccontextmanager
async def running(
    settings: Settings,
    configuration: Configuration,
    clock: Clock | None = None,
    further: Sequence[Operation] = (),
) -> AsyncIterator[Hub]:
    """A hub with its database open and its background work going on; both end with the block. `further` operations
    are served beside those that every hub has, and described nowhere.

    Migrates an SQLite database. Raises `SettingsError` for a key that is missing or unfit, `NotMigrated` for a
    PostgreSQL database that `hub migrate` has to see first, and `ConnectionError` for one that cannot be reached.
    """
    clock = clock or SystemClock()
    url = settings.database.reveal()
    await asyncio.to_thread(migrations.prepare, url)
    catalog = configuration.catalog()
    revoked = Revoked()
    # The broker outlives the database: what the last commits have to say is still sent.
    async with (
        _broker(settings, clock) as broker,
        jwks.opened(settings, clock) as keys,
        Database(url, clock=clock) as database,
        Passwords() as passwords,
    ):
        tokens = Tokens(keys, settings.jwt_issuer, settings.jwt_audience)
        logins = Logins(database, passwords, revoked, clock, seconds=settings.login_seconds)
        publisher = Publisher(broker, catalog)
        database.after_commit(publisher.committed)
        node = Node(
            terms=await _terms(settings, database),
            bounds=_bounds(settings),
            clock=clock,
            catalog=catalog,
            admission=Admission(tokens, revoked, catalog, clock, logins, customers=_has_customers(configuration)),
            database=database,
            broker=broker,
            publisher=publisher,
        )
        services = Services(
            db=database,
            tokens=tokens,
            revoked=revoked,
            logins=logins,
            passwords=passwords,
            configuration=configuration,
            quotas=Quotas(clock),
            catalog=catalog,
            clock=clock,
            settings=settings,
            version=await asyncio.to_thread(version, "hub"),
            readiness=_readiness(node, keys, database, broker),
            node=node.name,
            sessions=lambda: [_shown(session) for session in node.sessions()],
        )
        async with _working(settings, configuration, node, revoked, database, clock):
            yield _served(node, services, await asyncio.to_thread(files.load), further)


@asynccontextmanager
async def _working(
    settings: Settings,
    configuration: Configuration,
    node: Node,
    revoked: Revoked,
    database: Database,
    clock: Clock,
) -> AsyncIterator[None]:
    """The background work goes on while the block lasts: presence, wheel, heartbeat and timers."""
    heartbeat = Heartbeat(node, database, revoked, clock)
    await heartbeat.start()
    async with AsyncExitStack() as last, Background(clock) as background:
        last.push_async_callback(node.close)
        await last.enter_async_context(_present(settings, configuration, node, database, clock))
        background.keep("wheel", _regularly(WHEEL_SECONDS, lambda: _turn(node, clock), clock))
        background.keep("heartbeat", _regularly(_heartbeat_seconds(settings), heartbeat.beat, clock))
        if settings.scheduler == "internal":
            await last.enter_async_context(process.running(settings, configuration, database, clock))
        yield


@asynccontextmanager
async def _broker(settings: Settings, clock: Clock) -> AsyncIterator[Broker]:
    if settings.redis_url is None:
        yield MemoryBroker()
        return
    async with redis.opened(redis_url.parse(settings.redis_url), settings.redis_prefix, clock) as broker:
        yield broker


@asynccontextmanager
async def _present(
    settings: Settings, configuration: Configuration, node: Node, database: Database, clock: Clock
) -> AsyncIterator[None]:
    """Others know of this node, and of who has a desktop on it, while the block lasts."""
    announce = partial(devices.tell_presence, floor=Floor(settings.public_url, configuration.organizations))
    presence = Presence(node.name, node.attendance, database, announce, clock, settings.presence_grace_seconds)
    await presence.enter()
    try:
        async with Background(clock) as background:
            background.keep("presence", _regularly(PRESENCE_SECONDS, presence.tick, clock))
            yield
    finally:
        await presence.leave()


def _has_customers(configuration: Configuration) -> bool:
    """Whether customers without credentials may listen for their callbacks."""
    return any(service.comet for service in configuration.callback_services.values())


def _heartbeat_seconds(settings: Settings) -> float:
    return HEARTBEAT_SECONDS_SHARED if settings.redis_url else HEARTBEAT_SECONDS


def _readiness(node: Node, keys: Keys, database: Database, broker: Broker) -> dict[str, Callable[[], str | None]]:
    return {
        "drain": lambda: "draining" if node.draining else None,
        "keys": keys.trouble,
        "database": database.trouble,
        "broker": broker.trouble,
    }


def _shown(session: Session) -> LiveSession:
    state = session.engine.state
    return LiveSession(
        organization=session.principal.organization,
        user=session.principal.user,
        client=state.client_id[:12],
        transport="websocket" if state.pushes else "long-polling",
        channels=tuple(sorted(state.subscriptions)),
        queued=len(session.queue),
        behind=bool(session.behind),
    )


async def _terms(settings: Settings, database: Database) -> Terms:
    return Terms(
        epoch=await database.read(streams.epoch),
        timeout=settings.bayeux_timeout_ms,
        interval=settings.bayeux_interval_ms,
        max_interval=settings.bayeux_max_interval_ms,
        activity=settings.bayeux_activity_seconds * 1000,
        session_unknown=settings.bayeux_session_unknown,
        connection_types=(*CONNECTION_TYPES, *(["callback-polling"] if settings.callback_polling else [])),
    )


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        events=settings.session_queue_events,
        size=settings.session_queue_bytes,
        browser_connects=settings.bayeux_browser_connects,
        handshakes=settings.handshakes_per_second,
        sessions=settings.max_sessions,
        organization_sessions=settings.sessions_per_organization,
        user_sessions=settings.sessions_per_user,
        publishes=settings.publishes_per_second,
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        message_bytes=settings.max_message_bytes,
        depth=settings.max_depth,
        connections=settings.max_connections,
        displaced=settings.bayeux_displaced_status,
        ping=settings.ws_ping_seconds,
        pong=settings.ws_ping_timeout_seconds,
        deflate=settings.ws_deflate,
        proxies=settings.proxies,
    )


def _served(node: Node, services: Services, web: Mapping[str, files.File], further: Sequence[Operation]) -> Hub:
    settings = services.settings
    limits = _limits(settings)
    polling = Polling(node, limits, settings.origins)
    endpoint = HTTPTransports(polling, callbacks=settings.callback_polling)
    return Hub(
        settings,
        services.db,
        node,
        _asgi(services, endpoint, web, further),
        http_protocol.serving(Direct(polling), settings.max_connections),
        WebSockets(node, limits, settings.origins),
    )


def _asgi(
    services: Services, polling: HTTPTransports, web: Mapping[str, files.File], further: Sequence[Operation]
) -> ASGIApp:
    bayeux = [Route(path, polling) for base in paths.BASES for path in (base, base + "/{suffix:path}")]
    rest = [*routes.routes(services), *routes_of(further, services)]
    return RequestIds(Lookup([*bayeux, *rest, *pages.routes(web)], unknown_path))


def _regularly(seconds: float, work: Callable[[], Awaitable[None]], clock: Clock) -> Callable[[], Awaitable[None]]:
    """A background body that does the work again and again, and watches how late the event loop lets it."""

    async def body() -> None:
        while True:
            due = clock.monotonic() + seconds
            await asyncio.sleep(seconds)
            metrics.LOOP_LAG_SECONDS.observe(max(0.0, clock.monotonic() - due))
            with suppress(Overloaded):  # the next turn makes up for it; a database that is away has been logged
                await work()

    return body


async def _turn(node: Node, clock: Clock) -> None:
    node.wheel.advance(clock.monotonic())
