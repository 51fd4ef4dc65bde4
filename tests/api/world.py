"""REST as a client sees it: the real application over a real database file, in process, with a clock that stands."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import anyio
import httpx2
import msgspec
from starlette.routing import Route
from starlette.types import ASGIApp

from api import routes
from api.http.logins import Logins
from api.http.lookup import Lookup
from api.http.middleware import RequestIds, unknown_path
from api.http.operations import Operation, routes_of
from api.http.quotas import Quotas
from api.http.request import Services
from api.security import actions as security
from api.security.rules import Account
from api.users import actions as users
from api.users.rules import Profile, User
from channels.catalog import Catalog, Channel
from channels.envelope import LoggedEvent, Stream
from hub.auth.keys import KeyRing
from hub.auth.passwords import Passwords
from hub.auth.revoked import Revoked
from hub.auth.tokens import Tokens
from hub.kernel.applications import Application, MailSender, SmsSender
from hub.kernel.callback_options import CallbackOptions
from hub.kernel.config import Client, Configuration, Organization
from hub.kernel.hours import OfficeHours, weekly
from hub.kernel.secret import Secret
from hub.kernel.settings import Settings
from hub.store import revocations
from hub.store.database import Database
from hub.store.streams import history
from tests.support.empty_database import migrated

START = 1_800_000_000.0
EVENTS = "/api/v2/events"
ROOM = "https://video.example/join"
CLIENT_SECRET = "what the crm calls its own"
CUSTOM = (
    Channel(pattern="/demo/**", subscribe=frozenset({"ROLE_AGENT"}), publish=frozenset({"ROLE_AGENT"})),
    Channel(pattern="/walls/sales", subscribe=frozenset({"ROLE_AGENT"}), durable=True),
)
APPLICATIONS = {
    "clinic": Application(
        organization="acme",
        name="Acme clinic",
        notifications_active=True,
        channels=frozenset({"EMAIL", "SMS"}),
        email=MailSender(domain="appointments.acme.example", from_name="Acme", verified=True),
        sms=SmsSender(from_number="+15550001111", verified=True),
    ),
    "bare": Application(organization="acme"),
    "foreign": Application(organization="globex"),
}
CONFIGURATION = Configuration(
    clients={"crm": Client(organization="acme", secret=Secret(CLIENT_SECRET))},
    organizations={"acme": Organization(name="Acme", public_codes=True, room_url=ROOM), "globex": Organization()},
    applications=APPLICATIONS,
    callback_services={"BasicCallback": CallbackOptions(organization="acme", queue="sales")},
    office_hours={"weekdays": OfficeHours(zone=ZoneInfo("Europe/Berlin"), regular=(weekly("Mon-Fri 09:00-17:00"),))},
)


class StandingClock:
    """Time that moves when a test says so."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


class World:
    """One hub's REST side. `published` is what the after-commit hook saw, in order; `url` is that of the database."""

    url: str

    def __init__(
        self, db: Database, passwords: Passwords, clock: StandingClock, settings: Settings, configuration: Configuration
    ) -> None:
        self.clock = clock
        self.readiness: dict[str, str | None] = {"database": None}
        self.published: list[LoggedEvent] = []
        self._whole: tuple[Services, ASGIApp] | None = None
        self.tokens = Tokens(
            KeyRing.of_secret(Secret("a secret that is long enough for HS256 by far")), issuer="hub", audience="hub"
        )
        revoked = Revoked()
        self.services = Services(
            db=db,
            tokens=self.tokens,
            revoked=revoked,
            logins=Logins(db, passwords, revoked, clock, seconds=settings.login_seconds),
            passwords=passwords,
            configuration=configuration,
            quotas=Quotas(clock),
            catalog=Catalog(CUSTOM),
            clock=clock,
            settings=settings,
            version="1.2.3",
            readiness={"database": lambda: self.readiness["database"]},
        )
        db.after_commit(self.published.extend)

    def token(self, user: str = "crm", *roles: str, organization: str = "acme", ttl: float = 3600) -> str:
        return self.tokens.mint(
            user=user,
            organization=organization,
            roles=roles or ("ROLE_CLIENT_SERVICE",),
            ttl=ttl,
            now=self.clock.now(),
        )

    def app(self, operations: Sequence[Operation] = ()) -> ASGIApp:
        """The application, or one of nothing but the operations. One as long as `services` is the same."""
        if operations:
            return _made(routes_of(operations, self.services))
        if self._whole is None or self._whole[0] is not self.services:
            self._whole = (self.services, _made(routes.routes(self.services)))
        return self._whole[1]

    def client(self, operations: Sequence[Operation] = ()) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app(operations)), base_url="http://hub.test")

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes | object = None,
        *,
        headers: dict[str, str] | None = None,
        token: str | None = None,
        operations: Sequence[Operation] = (),
    ) -> httpx2.Response:
        content = body if isinstance(body, bytes) else None if body is None else msgspec.json.encode(body)
        sent = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with self.client(operations) as client:
            return await client.request(method, path, content=content, headers=sent | (headers or {}))

    async def publish(self, body: bytes | object, **more: Any) -> httpx2.Response:
        more.setdefault("token", self.token())
        return await self.ask("POST", EVENTS, body, **more)

    async def user(
        self,
        id: str,
        *roles: str,
        organization: str = "acme",
        password: str | None = None,
        must_change: bool = False,
        enabled: bool = True,
    ) -> Account:
        """A user who is there, with a name that is the id."""
        hashed = None if password is None else await self.services.passwords.hash(Secret(password))
        account = Account(
            organization=organization,
            id=id,
            user_name=id,
            roles=frozenset(roles or ("ROLE_AGENT",)),
            password=hashed,
            must_change=must_change,
            enabled=enabled,
        )
        await self.services.db.write(lambda tx: users.create(tx, User(account, Profile()), self.clock.now()))
        return account

    async def account(self, id: str, organization: str = "acme") -> Account | None:
        return await self.services.db.read(lambda tx: security.find(tx, organization, id))

    async def revocations(self) -> list[tuple[str, str, bool]]:
        """Organization, user and whether tokens are refused, of everything revoked so far."""
        found = await self.services.db.read(lambda tx: revocations.since(tx, 0))
        return [(each.organization, each.user, each.tokens) for each in found]

    async def heal(self) -> None:
        """Take note of what was revoked, as the heartbeat does."""
        for each in await self.services.db.read(lambda tx: revocations.since(tx, 0)):
            if each.tokens:
                self.services.revoked.add(each.organization, each.user, each.at)
            if each.login is not None:
                self.services.revoked.end_login(each.login)

    async def log(self, user: str, channel: str, organization: str = "acme") -> list[tuple[int, bytes]]:
        stream = Stream(organization, user, channel)
        events = await self.services.db.read(lambda tx: history(tx, stream, 0, 10_000))
        return [(event.seq, event.data) for event in events]


def _made(table: Sequence[Route]) -> ASGIApp:
    return RequestIds(Lookup(table, unknown_path))


@asynccontextmanager
async def opened(
    directory: Path, *, url: str | None = None, configuration: Configuration = CONFIGURATION, **settings: Any
) -> AsyncIterator[World]:
    """A world on a new database in `directory`, or on the migrated one at `url`."""
    clock = StandingClock()

    address = url or migrated(directory)
    database = await anyio.to_thread.run_sync(lambda: Database(address, clock=clock))
    async with database as db, Passwords() as passwords:
        world = World(db, passwords, clock, Settings(data_dir=directory, **settings), configuration)
        world.url = address
        yield world
