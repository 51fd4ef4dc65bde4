"""Every metric of the hub, declared here and nowhere else. One registry a process; counters start at zero with it.

Labels have few, fixed values: never a user, a channel of a client's making or an id.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
    start_http_server,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics import MetricWrapperBase

disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY: Final = CollectorRegistry()
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
ProcessCollector(registry=REGISTRY)

_declared: Final[list[tuple[MetricWrapperBase, str]]] = []

_TRANSPORTS: Final = ("websocket", "long-polling", "callback-polling")
CHANNEL_KINDS: Final = ("personal", "shared", "custom")
_WRITE_BUCKETS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_HTTP_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0)
_LATE_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0, 3600.0)
_LAG_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)


def _counter(name: str, help_: str, label: str | None = None, values: Iterable[str] = ()) -> Counter:
    metric = Counter(name, help_, [label] if label else [], registry=REGISTRY)
    for value in values:
        metric.labels(value)
    _declared.append((metric, name))
    return metric


def _gauge(name: str, help_: str, label: str | None = None, values: Iterable[str] = ()) -> Gauge:
    metric = Gauge(name, help_, [label] if label else [], registry=REGISTRY)
    for value in values:
        metric.labels(value)
    _declared.append((metric, name))
    return metric


def _histogram(name: str, help_: str, buckets: tuple[float, ...], labels: Iterable[str] = ()) -> Histogram:
    metric = Histogram(name, help_, list(labels), registry=REGISTRY, buckets=buckets)
    _declared.append((metric, name))
    return metric


# Sessions and what reaches them.
CONNECTIONS = _gauge("hub_connections", "WebSockets open.")
SESSIONS = _gauge("hub_sessions", "Bayeux sessions alive, by the transport last used.", "transport", _TRANSPORTS)
SUBSCRIPTIONS = _gauge("hub_subscriptions", "Subscriptions of the sessions alive.")
HANDSHAKES = _counter(
    "hub_handshakes_total",
    "Bayeux handshakes, by outcome.",
    "outcome",
    ("ok", "unauthenticated", "forbidden", "unsupported", "overloaded"),
)
HANDSHAKES_INCOMPLETE = _counter(
    "hub_handshakes_incomplete_total", "Handshakes without version or connection types, accepted from old clients."
)
SUBSCRIBES = _counter(
    "hub_subscribes_total", "Subscribe requests, by outcome.", "outcome", ("ok", "denied", "unknown", "bad", "too_many")
)
EVENTS_PUBLISHED = _counter(
    "hub_events_published_total",
    "Events handed to the broker, by kind of channel.",
    "channel_kind",
    CHANNEL_KINDS,
)
DELIVERIES = _counter("hub_deliveries_total", "Events handed to a transport for a session.", "transport", _TRANSPORTS)
UNDELIVERED = _counter(
    "hub_undelivered_total",
    "Events that a subscribed session did not get, by reason; queue_overflow is read again from the log.",
    "reason",
    ("queue_overflow", "ephemeral_overflow", "session_ended", "trimmed"),
)
RECOVERIES = _counter(
    "hub_recoveries_total", "Streams read again for a subscriber, by result.", "kind", ("live", "replayed", "gap")
)
HEALED_EVENTS = _counter("hub_healed_events_total", "Events that the broker missed and the log supplied.")
REFUSED = _counter(
    "hub_refused_total",
    "What a limit refused: handshakes, publishes, sockets; user_sessions_left_alone are sessions that made room.",
    "limit",
    (
        "handshakes",
        "sessions",
        "organization_sessions",
        "user_sessions",
        "user_sessions_left_alone",
        "publishes",
        "connections",
        "strangers",
    ),
)
BAD_FRAMES = _counter(
    "hub_bad_frames_total",
    "Messages refused before the protocol saw them, by reason.",
    "reason",
    ("malformed", "too_large", "too_deep", "not_utf8", "binary", "protocol"),
)
ORIGIN_REFUSED = _counter("hub_origin_refused_total", "Requests and upgrades refused for their Origin.")

SESSIONS_ENDED = _counter(
    "hub_sessions_ended_total",
    "Sessions that ended, by reason.",
    "reason",
    ("disconnected", "expired", "outrun", "token_expired", "session_kicked"),
)

# Presence.
PRESENCE_USERS = _gauge("hub_presence_users", "Users with a desktop on this process.")
PRESENCE_CHANGES = _counter(
    "hub_presence_changes_total",
    "Users whose first desktop on this process came, or whose last one left, as written to the database.",
    "change",
    ("came", "left"),
)
PRESENCE_NODES_DEAD = _counter(
    "hub_presence_nodes_dead_total", "Processes that this one has declared dead because they were silent."
)

# Redis. Probes, by which a process hears itself, are published and received like everything else.
REDIS_CONNECTIONS = _gauge("hub_redis_connections", "Connections to Redis that have proved to hear.")
REDIS_CONNECTS = _counter("hub_redis_connects_total", "Connections that began to hear: the first, and one a loss.")
REDIS_PROBE_SECONDS = _histogram(
    "hub_redis_probe_seconds", "From a message to ourselves to its return through Redis.", _LAG_BUCKETS
)
REDIS_PUBLISHED = _counter("hub_redis_published_total", "Messages sent to Redis.")
REDIS_RECEIVED = _counter("hub_redis_received_total", "Messages received from Redis.")
REDIS_DROPPED = _counter(
    "hub_redis_dropped_total",
    "Messages that did not get to Redis, or perhaps not (unconfirmed); durable ones are supplied by the log.",
    "reason",
    ("away", "unconfirmed", "refused"),
)
REDIS_UNREADABLE = _counter(
    "hub_redis_unreadable_total",
    "Messages dropped because another version of the hub sent them, or because they are malformed.",
    "reason",
    ("version", "form"),
)

# Logins and tokens.
LOGINS = _counter(
    "hub_logins_total",
    "Passwords looked at, by outcome; `limited` ones were not even compared.",
    "outcome",
    ("ok", "failed", "limited"),
)
CODES = _counter(
    "hub_codes_total",
    "One-time codes, by outcome: asked for, tried rightly, tried wrongly, or refused for their number.",
    "outcome",
    ("sent", "right", "wrong", "limited"),
)
TICKETS = _counter(
    "hub_tickets_total",
    "Tickets, by outcome: made, exchanged, or refused because unknown, not good, or tried too often.",
    "outcome",
    ("made", "exchanged", "unknown", "refused", "limited"),
)
SERVICES = _counter(
    "hub_services_total",
    "GMS services, by what happened to them: started, stored into, matched with a caller or not, ended.",
    "outcome",
    ("started", "stored", "matched", "unmatched", "ended"),
)
JWKS_FETCHES = _counter(
    "hub_jwks_fetches_total",
    "Fetches of the token issuer's key set, by outcome.",
    "outcome",
    ("ok", "unreachable", "timeout", "redirect", "status", "too_large", "malformed"),
)
JWKS_KEYS = _gauge("hub_jwks_keys", "Usable keys in the key set in force; 0 also where the key is the hub's own.")

# Store.
WRITE_TRANSACTIONS = _counter("hub_write_transactions_total", "Transactions committed by the writer.")
WRITE_FUNCTIONS = _counter("hub_write_functions_total", "Functions that the writer ran; several share a transaction.")
WRITE_CLASHES = _counter(
    "hub_write_clashes_total", "Transactions that clashed with those of another process and were repeated."
)
WRITE_SECONDS = _histogram("hub_write_seconds", "From BEGIN to COMMIT.", _WRITE_BUCKETS)
WRITE_QUEUE = _gauge("hub_write_queue", "Functions that wait for the writer.")
STORE_CALLBACK_ERRORS = _counter("hub_store_callback_errors_total", "After-commit callbacks that raised.")

# Timers.
TIMERS_DUE = _gauge("hub_timers_due", "Timers of the whole database that are due and not done yet.")
TIMERS_LATE_SECONDS = _histogram(
    "hub_timers_late_seconds", "From the due time of a timer to its effect, or to its call.", _LATE_BUCKETS, ["kind"]
)
TIMERS_CLAIMED = _counter("hub_timers_claimed_total", "Attempts at timers made by this process.", "kind")
TIMERS_RETRIED = _counter("hub_timers_retried_total", "Attempts that failed and will be repeated.", "kind")
TIMERS_BURIED: Final = Counter(
    "hub_timers_buried_total",
    "Timers given up, by reason: failed, missed, refused, uncertain.",
    ["kind", "reason"],
    registry=REGISTRY,
)
_declared.append((TIMERS_BURIED, "hub_timers_buried_total"))
TIMERS_LOST = _counter(
    "hub_timers_lost_total", "Calls whose outcome came when the timer was cancelled, replaced or lapsed.", "kind"
)

# Callbacks.
CALLBACKS_ACCEPTED = _counter("hub_callbacks_accepted_total", "Callbacks that customers asked for and got.")
CALLBACKS_REFUSED = _counter(
    "hub_callbacks_refused_total",
    "Callbacks refused by a rule of their service, by rule.",
    "rule",
    ("parameters", "number", "exceptions", "hours", "horizon", "pending", "throttle", "full", "bucket"),
)

CALLBACKS_WAITING = _gauge(
    "hub_callbacks_waiting", "Callbacks of the whole database that wait for an agent; set by whoever does the timers."
)
CALLBACKS_LATE_SECONDS = _gauge(
    "hub_callbacks_late_seconds", "How long ago the time was that the customer wanted who has waited for longest."
)

# HTTP.
HTTP_REQUESTS: Final = Counter(
    "hub_http_requests_total",
    "Requests answered, by route pattern (never the path), method and status.",
    ["route", "method", "status"],
    registry=REGISTRY,
)
_declared.append((HTTP_REQUESTS, "hub_http_requests_total"))
HTTP_SECONDS = _histogram("hub_http_seconds", "Time to answer, held polls excluded.", _HTTP_BUCKETS, ["route"])
INGEST_EVENTS = _counter("hub_ingest_events_total", "Events accepted by POST /api/v2/events.")
UNKNOWN_MESSAGES = _counter(
    "hub_unknown_messages_total", "Ingested events whose messageType is absent or unknown to the channel."
)

# The process.
TASK_CRASHES = _counter("hub_task_crashes_total", "Background tasks that raised.", "task")
TASK_RESTARTS = _counter("hub_task_restarts_total", "Background tasks started again.", "task")
LOOP_LAG_SECONDS = _histogram("hub_loop_lag_seconds", "How late the event loop runs its timers.", _LAG_BUCKETS)


def render() -> bytes:
    """All metrics in the text format, to be sent as CONTENT_TYPE."""
    return generate_latest(REGISTRY)


@contextmanager
def served(host: str, port: int) -> Iterator[int]:
    """`/metrics` over HTTP from a thread of its own, for a process that serves nothing else; gives the port (0: any).

    Raises OSError for one that is in use.
    """
    server, thread = start_http_server(port, host, REGISTRY)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def table() -> str:
    """All metrics as a Markdown table, for the documentation."""
    rows = ["| name | type | labels | meaning |", "|---|---|---|---|"]
    for metric, name in _declared:
        labels = ", ".join(f"`{label}`" for label in metric._labelnames) or "-"  # noqa: SLF001
        rows.append(f"| `{name}` | {metric._type} | {labels} | {metric._documentation} |")  # noqa: SLF001
    return "\n".join(rows) + "\n"
