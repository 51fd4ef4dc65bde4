"""What a handler is given: the services of the process and the one call it answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec

from api.http.logins import Logins
from api.http.members import Incoming
from api.http.quotas import Quotas
from channels.catalog import Catalog
from hub.auth.passwords import Passwords
from hub.auth.principal import Principal
from hub.auth.revoked import Revoked
from hub.auth.tokens import Tokens
from hub.kernel import wire
from hub.kernel.applications import Application
from hub.kernel.clock import Clock
from hub.kernel.config import Client, Configuration, Organization
from hub.kernel.errors import Internal, Unauthenticated
from hub.kernel.settings import Settings
from hub.store.database import Database

B = TypeVar("B")
Q = TypeVar("Q")


class LiveSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session of this process: whose it is, how it gets its events, how many wait for it, and whether it is so far
    behind that it reads them from the log. `client` is the beginning of its clientId, which alone opens nothing.
    """

    organization: str
    user: str
    client: str
    transport: str
    channels: tuple[str, ...]
    queued: int
    behind: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Services:
    """The parts of the process that REST works with, handed over by the composition root; owned by it, too.

    `revoked` is kept up to date by whoever reads the revocations. `configuration` is what hub.toml says. `readiness`
    names what has to work before traffic may come: each check answers at once, with `None` or the reason. `sessions`
    tells of those of the process, which is the `node`.
    """

    db: Database
    tokens: Tokens
    revoked: Revoked
    logins: Logins
    passwords: Passwords
    configuration: Configuration
    quotas: Quotas
    catalog: Catalog
    clock: Clock
    settings: Settings
    version: str
    readiness: Mapping[str, Callable[[], str | None]]
    node: str = ""
    sessions: Callable[[], Sequence[LiveSession]] = tuple

    @property
    def clients(self) -> Mapping[str, Client]:
        """Those of the configuration file."""
        return self.configuration.clients

    @property
    def organizations(self) -> Mapping[str, Organization]:
        """Those of the configuration file; there are others."""
        return self.configuration.organizations

    @property
    def applications(self) -> Mapping[str, Application]:
        """Those of the configuration file; there are no others."""
        return self.configuration.applications


class Call(msgspec.Struct, Generic[B], frozen=True, kw_only=True):
    """One request that has passed authentication, limits and decoding.

    `now` is the instant at which it arrived, the one that every decision about it uses. `raw` is the body as sent;
    where any form is taken, it is the same for the same members. `cookie` is the login cookie that spoke for the
    caller; `by_password` says that a password did. `address` is where the request comes from.
    """

    services: Services
    caller: Principal | None
    cookie: str | None
    by_password: bool
    address: str
    body: B
    raw: bytes
    headers: Mapping[bytes, bytes]
    path_params: Mapping[str, str]
    query_string: bytes
    idempotency_key: str | None
    path: str
    request_id: str
    now: float
    unread: Incoming | None = None

    @property
    def incoming(self) -> Incoming:
        """The body that the handler reads by itself; operations that take files have one."""
        if self.unread is None:
            raise Internal
        return self.unread

    @property
    def principal(self) -> Principal:
        """Who is asking; every operation with roles has somebody."""
        if self.caller is None:
            raise Unauthenticated
        return self.caller

    @property
    def base(self) -> str:
        """What absolute addresses begin with."""
        return self.services.settings.public_url

    @property
    def query(self) -> dict[str, str]:
        """The query parameters; of a repeated one the last counts, as in a JSON object."""
        return dict(parse_qsl(self.query_string.decode("ascii", "replace"), keep_blank_values=True))

    def query_as(self, type_: type[Q]) -> Q:
        """The query parameters as a struct, whose numbers are read from text; others are ignored. Raises BadInput."""
        return wire.from_text(type_, self.query)
