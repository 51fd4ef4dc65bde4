"""Everything that the environment may say to the hub. A field `redis_url` is read from `HUB_REDIS_URL`.

Names are checked as strictly as values: an unknown `HUB_*` name is an error, because a typo would otherwise be a
default. Empty values count as absent. All faults are reported together.
"""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import Meta

from hub.kernel import redis_url
from hub.kernel.faults import Fault, SettingsError, unknown
from hub.kernel.secret import Secret
from hub.kernel.values import ValueFault, expectation, meaning, parse

__all__ = ["Secret", "Settings", "SettingsError", "load", "table"]

PREFIX: Final = "HUB_"
DATABASE_FILE: Final = "hub.db"
POSTGRESQL: Final = ("postgresql", "postgres", "postgresql+psycopg")
CONFIG_FILE: Final = Path("hub.toml")
SHORTEST_SECRET: Final = 32

_Positive = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process, checked. Times are in the unit of their name, sizes in bytes."""

    data_dir: Annotated[Path, Meta(description="Directory of the database file, the generated keys and the lock")] = (
        Path("./var")
    )
    database_url: Annotated[
        Secret | None,
        Meta(description="`postgresql://…` or `sqlite:///…`; absent: an SQLite file in the data directory"),
    ] = None
    redis_url: Annotated[
        Secret | None, Meta(description="Redis, Sentinels or cluster between several processes; absent: one process")
    ] = None
    redis_prefix: Annotated[
        str, Meta(pattern=r"\A[A-Za-z0-9._:-]{1,64}\Z", description="Start of the names of all channels in Redis")
    ] = "hub"
    config: Annotated[Path | None, Meta(description="Configuration file; absent: `./hub.toml` if there")] = None
    public_url: Annotated[str, Meta(description="Base URL that clients and links use")] = "http://127.0.0.1:8080"
    allowed_origins: Annotated[
        tuple[str, ...], Meta(description="Origins of browsers, comma-separated, besides that of the public URL")
    ] = ()

    jwt_secret: Annotated[
        Secret | None, Meta(description="HS256 secret of at least 32 bytes; absent: own ES256 key")
    ] = None
    jwks_url: Annotated[
        str | None, Meta(description="https URL of the key set of a foreign token issuer, instead of the secret")
    ] = None
    jwks_refresh_seconds: Annotated[
        float, Meta(gt=0, le=86_400, description="Time between two regular fetches of the key set")
    ] = 300.0
    jwt_issuer: Annotated[str, Meta(description="Required `iss` of tokens")] = "hub"
    jwt_audience: Annotated[str, Meta(description="Required `aud` of tokens")] = "hub"

    token_seconds: Annotated[
        int, Meta(ge=1, le=86_400, description="How long a token of /security/oauth/token lasts")
    ] = 3_600
    login_seconds: Annotated[int, Meta(ge=60, le=31 * 86_400, description="How long a login with a cookie lasts")] = (
        43_200
    )
    password_length: Annotated[int, Meta(ge=1, le=128, description="Fewest characters of a password")] = 12
    password_kinds: Annotated[
        int,
        Meta(ge=1, le=4, description="Of small letters, capitals, digits and others, so many kinds in a password"),
    ] = 1
    trusted_proxies: Annotated[
        tuple[str, ...], Meta(description="Addresses of proxies whose X-Forwarded-For is believed, comma-separated")
    ] = ()

    bayeux_timeout_ms: Annotated[_Positive, Meta(description="Advised timeout of a held /meta/connect")] = 25_000
    bayeux_max_interval_ms: Annotated[
        _Positive, Meta(description="A session without a /meta/connect for so long has ended")
    ] = 60_000
    bayeux_interval_ms: Annotated[int, Meta(ge=0, le=60_000, description="Advised pause between two /meta/connect")] = 0
    bayeux_activity_seconds: Annotated[
        int,
        Meta(
            ge=0, le=2**31 - 1, description="A client that sends only /meta/connect for so long is sent away; 0: never"
        ),
    ] = 0
    bayeux_browser_connects: Annotated[
        _Positive, Meta(description="Connects held at once for the tabs of one browser; further tabs poll slowly")
    ] = 4
    bayeux_session_unknown: Annotated[
        str,
        Meta(pattern=r"^\d{3}:[^:]*:.+$", description="The error for unknown sessions; old clients look for their own"),
    ] = "402::session_unknown"
    bayeux_displaced_status: Annotated[
        int, Meta(ge=400, le=599, description="HTTP status of a connect whose place a newer one has taken; never 408")
    ] = 500
    presence_grace_seconds: Annotated[
        float, Meta(gt=0, le=86_400, description="A user without a desktop for so long counts as disconnected")
    ] = 60.0
    callback_polling: Annotated[bool, Meta(description="Permit the callback-polling transport (JSONP)")] = False
    strict_events: Annotated[bool, Meta(description="Refuse ingested events without a known `messageType`")] = False

    history_seconds: Annotated[_Positive, Meta(description="How long events are kept for replay")] = 86_400
    history_events: Annotated[_Positive, Meta(description="Events kept of a personal stream")] = 1_000
    history_events_shared: Annotated[_Positive, Meta(description="Events kept of /v2/users and a custom channel")] = (
        100_000
    )
    appointment_days: Annotated[
        int,
        Meta(
            ge=0,
            le=36_500,
            description="Appointments, and what is known of their people, so long after the end; 0: for ever",
        ),
    ] = 365
    session_queue_events: Annotated[_Positive, Meta(description="Events that wait for one slow session")] = 256
    session_queue_bytes: Annotated[_Positive, Meta(description="Bytes that wait for one slow session")] = 262_144

    max_message_bytes: Annotated[
        int, Meta(ge=1_024, le=2**26, description="Largest Bayeux message or REST body, and largest event")
    ] = 65_536
    max_ingest_bytes: Annotated[int, Meta(ge=1_024, le=2**28, description="Largest body of POST /api/v2/events")] = (
        4_194_304
    )
    service_body_bytes: Annotated[
        int,
        Meta(ge=1_024, le=2**26, description="Largest body of a GMS request without its files, and all values kept"),
    ] = 10 * 2**20
    service_file_bytes: Annotated[int, Meta(ge=1_024, le=2**31, description="Largest file kept by a GMS service")] = (
        64 * 2**20
    )
    service_storage_bytes: Annotated[
        int, Meta(ge=1_024, le=2**33, description="All that one GMS service keeps; one request has no more")
    ] = 128 * 2**20
    gms_strict_http: Annotated[
        bool, Meta(description="Answer JSON that cannot be read by 400, also where GMS clients expect 500")
    ] = False
    max_depth: Annotated[int, Meta(ge=4, le=128, description="Deepest nesting of JSON")] = 32
    max_connections: Annotated[
        _Positive, Meta(description="WebSockets open at once, and half of all connections; further ones are refused")
    ] = 10_000
    handshakes_per_second: Annotated[
        _Positive, Meta(description="Bayeux handshakes admitted; surplus ones are advised to come later")
    ] = 500

    max_sessions: Annotated[
        _Positive, Meta(description="Bayeux sessions alive at once; further handshakes are advised to come later")
    ] = 20_000
    sessions_per_organization: Annotated[
        int, Meta(ge=0, le=2**31 - 1, description="Of one organization, the same; 0: as many as of all")
    ] = 0
    sessions_per_user: Annotated[
        _Positive, Meta(description="Of one user; beyond, sessions that their clients have left end first")
    ] = 50
    publishes_per_second: Annotated[
        _Positive, Meta(description="Messages that the clients of one user may publish on custom channels")
    ] = 200

    ws_deflate: Annotated[
        bool,
        Meta(description="Offer permessage-deflate to clients that have authenticated; an event is compressed once"),
    ] = False
    ws_ping_seconds: Annotated[float, Meta(gt=0, le=3_600, description="Time between two pings on a WebSocket")] = 20.0
    ws_ping_timeout_seconds: Annotated[
        float, Meta(gt=0, le=3_600, description="A WebSocket without a pong for so long is closed")
    ] = 20.0
    ws_user_timeout_seconds: Annotated[
        float, Meta(gt=0, le=3_600, description="TCP_USER_TIMEOUT: a socket without progress for so long is closed")
    ] = 20.0
    drain_seconds: Annotated[float, Meta(ge=0, le=3_600, description="How long a stopping process empties queues")] = (
        10.0
    )

    smtp_url: Annotated[
        Secret | None,
        Meta(description="Mail server, `smtp[s]://[user:password@]host[:port]`; absent: mails are printed"),
    ] = None
    smtp_from: Annotated[str | None, Meta(description="Address of mails that name no sender")] = None
    sms_url: Annotated[
        Secret | None,
        Meta(description="Messages resource of an SMS gateway, with credentials; absent: SMS are printed"),
    ] = None
    sms_from: Annotated[str | None, Meta(description="Number or name of SMS that name no sender")] = None
    webhook_private: Annotated[
        bool, Meta(description="Permit webhooks to addresses that are not public, and without TLS")
    ] = False
    scheduler: Annotated[
        Literal["internal", "external"], Meta(description="Timers in this process, or in `hub scheduler`")
    ] = "internal"
    timers_buried_seconds: Annotated[
        _Positive, Meta(description="How long timers that were given up are kept for operators")
    ] = 2_592_000
    callback_retention_seconds: Annotated[
        _Positive, Meta(description="How long a callback that is over is kept, with number and attached data")
    ] = 86_400
    log_format: Annotated[Literal["text", "json"], Meta(description="Form of the log on standard error")] = "text"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Least level that is logged")
    ] = "info"

    @property
    def database(self) -> Secret:
        """The URL of the database that is used: HUB_DATABASE_URL, or the file in the data directory."""
        return self.database_url or Secret(f"sqlite:///{(self.data_dir / DATABASE_FILE).as_posix()}")

    @property
    def proxies(self) -> frozenset[str]:
        """The trusted proxies."""
        return frozenset(self.trusted_proxies)

    @property
    def is_secure(self) -> bool:
        """Whether clients reach the hub over TLS, which decides on the form of cookies."""
        return self.public_url.startswith("https://")

    @property
    def origins(self) -> frozenset[str]:
        """The origins that a browser may come from, as browsers write them: lower case, no default port, no slash."""
        return frozenset(_origin(urlsplit(url)) for url in (self.public_url, *self.allowed_origins))


def load(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`. Raises SettingsError with every fault, each under the name of its variable."""
    known = {_name(field.name): field for field in msgspec.structs.fields(Settings)}
    given = {name: text.strip() for name, text in environ.items() if name.startswith(PREFIX)}
    faults = [Fault(name, unknown(name, known)) for name in sorted(given.keys() - known.keys())]
    values: dict[str, Any] = {}
    for name, field in known.items():
        if text := given.get(name):
            try:
                values[field.name] = parse(text.rstrip("/") if field.name == "public_url" else text, field.type)
            except ValueFault as fault:
                faults.append(Fault(name, str(fault)))
    if not given.get("HUB_CONFIG") and CONFIG_FILE.is_file():
        values["config"] = CONFIG_FILE
    settings = Settings(**values)
    faults.extend(_contradictions(settings))
    if environ.get("WEB_CONCURRENCY", "").strip() not in {"", "1"}:
        faults.append(Fault("WEB_CONCURRENCY", "one process serves one port; start further processes on other ports"))
    if faults:
        raise SettingsError(faults)
    return settings


def table() -> str:
    """All settings as a Markdown table, for the documentation."""
    rows = ["| name | default | value | meaning |", "|---|---|---|---|"]
    for field in msgspec.structs.fields(Settings):
        default = _shown(field.default)
        rows.append(f"| `{_name(field.name)}` | {default} | {expectation(field.type)} | {meaning(field.type)} |")
    return "\n".join(rows) + "\n"


def _contradictions(settings: Settings) -> Iterator[Fault]:
    if fault := _database_fault(settings.database.reveal()):
        yield Fault("HUB_DATABASE_URL", fault)
    if settings.jwt_secret and settings.jwks_url:
        yield Fault("HUB_JWT_SECRET", "excludes HUB_JWKS_URL; set one of them, or neither to use a generated key")
    if settings.jwt_secret and len(settings.jwt_secret.reveal().encode("utf-8", "surrogateescape")) < SHORTEST_SECRET:
        yield Fault("HUB_JWT_SECRET", f"must be at least {SHORTEST_SECRET} bytes long")
    if settings.jwks_url and not _is_key_set_url(settings.jwks_url):
        yield Fault("HUB_JWKS_URL", "must be https://host[:port]/path; http only for a loopback host")
    if settings.redis_url and (fault := _redis_fault(settings.redis_url)):
        yield Fault("HUB_REDIS_URL", fault)
    if settings.config and not settings.config.is_file():
        yield Fault("HUB_CONFIG", f"no such file: {settings.config}")
    yield from _misread_addresses(settings)
    yield from _ways_out(settings)
    if settings.max_ingest_bytes < settings.max_message_bytes:
        yield Fault("HUB_MAX_INGEST_BYTES", "must not be smaller than HUB_MAX_MESSAGE_BYTES")


def _misread_addresses(settings: Settings) -> Iterator[Fault]:
    if not _is_base_url(settings.public_url):
        yield Fault("HUB_PUBLIC_URL", "must be http(s)://host[:port][/path]")
    for origin in settings.allowed_origins:
        if not _is_base_url(origin) or urlsplit(origin).path.rstrip("/"):
            yield Fault("HUB_ALLOWED_ORIGINS", f"{origin!r} must be http(s)://host[:port]")
    for proxy in settings.trusted_proxies:
        if not _is_address(proxy):
            yield Fault("HUB_TRUSTED_PROXIES", f"{proxy!r} must be an IP address")


def _database_fault(url: str) -> str | None:
    """What is wrong with the address of the database, without a word of it: there may be a password anywhere."""
    scheme, _, rest = url.partition("://")
    if scheme in POSTGRESQL:
        place, _, options = rest.partition("?")
        named = place.partition("/")[2] or "dbname=" in options
        return None if named else "must name the database: postgresql://user:password@host:port/database"
    if scheme != "sqlite" or not rest.strip("/") or ":memory:" in rest:
        return "must be postgresql://user:password@host:port/database or sqlite:///path of a file"
    return None


def _redis_fault(url: Secret) -> str | None:
    try:
        redis_url.parse(url)
    except ValueError as error:
        return str(error)
    return None


def _ways_out(settings: Settings) -> Iterator[Fault]:
    if settings.smtp_url and not _is_smtp_url(settings.smtp_url.reveal()):
        yield Fault("HUB_SMTP_URL", "must be smtp[s]://[user:password@]host[:port]")
    if settings.sms_url and not _is_sms_url(settings.sms_url.reveal()):
        yield Fault("HUB_SMS_URL", "must be https://user:password@host[:port]/path; http only for a loopback host")
    if settings.smtp_url and "@" not in (settings.smtp_from or ""):
        yield Fault(
            "HUB_SMTP_FROM", "must be an address if HUB_SMTP_URL is set: hub@example.com, or Hub <hub@example.com>"
        )
    if settings.sms_url and not settings.sms_from:
        yield Fault("HUB_SMS_FROM", "is missing: with HUB_SMS_URL somebody has to be the sender")


def _is_smtp_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        port_is_readable = url.port is None or url.port > 0
    except ValueError:
        return False
    bare = not (url.path.strip("/") or url.query or url.fragment) and (url.username is None) == (url.password is None)
    return url.scheme in {"smtp", "smtps"} and bool(url.hostname) and bare and port_is_readable


def _is_sms_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        port_is_readable = url.port is None or url.port > 0
    except ValueError:
        return False
    is_private = url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.hostname or ""))
    return is_private and bool(url.hostname) and not url.fragment and port_is_readable


def _is_base_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        port_is_readable = url.port is None or url.port > 0
    except ValueError:
        return False
    bare = not (url.query or url.fragment or url.username or url.password)
    return url.scheme in {"http", "https"} and bool(url.hostname) and bare and port_is_readable


def _is_key_set_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        port_is_readable = url.port is None or url.port > 0
    except ValueError:
        return False
    if not (text.isascii() and text.isprintable()) or set(text) & set(' \\"<>#') or "@" in url.netloc:
        return False
    is_private = url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.hostname or ""))
    return is_private and bool(url.hostname) and port_is_readable


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _origin(url: SplitResult) -> str:
    host = url.hostname or ""
    host = f"[{host}]" if ":" in host else host
    is_default = url.port is None or (url.scheme, url.port) in {("http", 80), ("https", 443)}
    return f"{url.scheme}://{host}" if is_default else f"{url.scheme}://{host}:{url.port}"


def _name(field: str) -> str:
    return PREFIX + field.upper()


def _shown(default: object) -> str:
    match default:
        case bool():
            return "on" if default else "off"
        case int() | float() | Path():
            return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
        case str() if default:
            return f"`{default}`"
        case _:
            return "-"
