"""HUB_REDIS_URL taken apart: one Redis, a primary found through Sentinels, or a cluster.

    redis://[[user]:password@]host[:port][/database]
    redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/service[/database]
    redis+cluster://[[user]:password@]host[:port][,host[:port]…]

With `rediss` in place of `redis` all connections are TLS, and certificates are always checked. Parameters after `?`:
`ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile` name files; `sentinel_username` and `sentinel_password` are what Sentinels
themselves want. User, password and service may be percent-encoded.
"""

from enum import StrEnum
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote

from msgspec import Struct

from hub.kernel.secret import Secret

PORTS: Final = {"": 6379, "sentinel": 26379, "cluster": 6379}
FILES: Final = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}
SENTINEL_LOGIN: Final = {"sentinel_username", "sentinel_password"}


class Kind(StrEnum):
    """What the hosts of the URL are."""

    SINGLE = ""
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


class Host(NamedTuple):
    """Where something listens."""

    name: str
    port: int

    def __str__(self) -> str:
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


class Login(Struct, frozen=True):
    """What a server wants to know; without a password nothing is said."""

    user: str = "default"
    password: Secret | None = None


class RedisURL(Struct, frozen=True, kw_only=True):
    """The parts, checked. `database` keeps hubs apart that share a Redis; `service` is the name of a primary."""

    kind: Kind
    hosts: tuple[Host, ...]
    login: Login
    database: int = 0
    service: str = ""
    sentinel_login: Login = Login()
    tls: bool = False
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None


def parse(url: Secret) -> RedisURL:
    """The parts of the URL. Raises ValueError, whose text shows nothing secret."""
    scheme, found, rest = url.reveal().partition("://")
    family, _, kind = scheme.lower().partition("+")
    if not found or family not in {"redis", "rediss"} or kind not in set(PORTS):
        raise ValueError("must begin with redis:// or rediss://, or with +sentinel or +cluster before the colon")
    rest, _, query = rest.partition("?")
    before, _, path = rest.partition("/")
    credentials, _, hosts = before.rpartition("@")
    parameters = _parameters(query, tls=family == "rediss", kind=Kind(kind))
    service, database = _path(path, Kind(kind))
    return RedisURL(
        kind=Kind(kind),
        hosts=_hosts(hosts, Kind(kind)),
        login=_login(*(unquote(part) for part in credentials.partition(":")[::2])),
        database=database,
        service=service,
        sentinel_login=_login(parameters.get("sentinel_username", ""), parameters.get("sentinel_password", "")),
        tls=family == "rediss",
        ca_file=parameters.get("ssl_ca_certs"),
        certificate_file=parameters.get("ssl_certfile"),
        key_file=parameters.get("ssl_keyfile"),
    )


def _parameters(query: str, *, tls: bool, kind: Kind) -> dict[str, str]:
    known = (FILES if tls else set()) | (SENTINEL_LOGIN if kind is Kind.SENTINEL else set())
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    if strange := sorted(parameters.keys() - known):
        takes = f"takes {', '.join(sorted(known))}" if known else "takes no parameters"
        raise ValueError(f"does not know the parameter {strange[0]!a}; with this scheme it {takes}")
    return {name: value for name, value in parameters.items() if value}


def _path(path: str, kind: Kind) -> tuple[str, int]:
    """The name of the service and the number of the database."""
    service, database = "", path
    if kind is Kind.SENTINEL:
        service, _, database = path.partition("/")
        service = unquote(service)
        if not service:
            raise ValueError("needs the name of the service that the Sentinels watch: …/service")
    if kind is Kind.CLUSTER and database not in {"", "0"}:
        raise ValueError("cannot name a database: a cluster has only number 0")
    if not (database or "0").isdecimal() or len(database) > 5:
        raise ValueError("must end in the number of a database, or in nothing")
    return service, int(database or "0")


def _hosts(text: str, kind: Kind) -> tuple[Host, ...]:
    parts = text.split(",")
    if len(parts) > 1 and kind is Kind.SINGLE:
        raise ValueError("names several hosts: that needs +sentinel or +cluster")
    return tuple(_host(part.strip(), PORTS[kind]) for part in parts)


def _host(text: str, default: int) -> Host:
    if text.startswith("["):
        name, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    else:
        name, _, port = text.partition(":")
    if not name or not name.isascii() or not name.isprintable() or set(name) & set(" @/[]"):
        raise ValueError("needs a host, or several separated by commas")
    if port and not (port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65_536):
        raise ValueError(f"has no valid port after the host {name}")
    return Host(name, int(port or default))


def _login(user: str, password: str) -> Login:
    if user and not password:
        raise ValueError("names a user without a password")
    return Login(user or "default", Secret(password)) if password else Login()
