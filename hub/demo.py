"""What `hub serve --demo` adds to the shipped configuration's organization: four people, two devices, a program."""

import asyncio
import hmac
from collections.abc import Collection, Mapping
from typing import Final
from uuid import uuid4

import msgspec

from api.http.operations import Operation
from api.http.problems import Family
from api.http.reply import Reply
from api.http.request import Call
from api.security import actions as security
from api.security.rules import Account
from api.telephony.devices import actions as devices
from api.telephony.devices.rules import Floor, Phone
from api.users import actions as users
from api.users.rules import Profile, User
from channels.access import Role
from hub.auth.passwords import hashed
from hub.kernel import wire
from hub.kernel.clock import SystemClock
from hub.kernel.errors import NotFound
from hub.kernel.ids import PASSWORD_LENGTH, SECRET_LENGTH, random_base36
from hub.kernel.secret import Secret
from hub.store.database import Database
from hub.store.transaction import Tx

ORGANIZATION: Final = "demo"
CLIENT: Final = "crm"

_SALES: Final = ("sales",)
_PEOPLE: Final[Mapping[str, tuple[Role, Profile]]] = {
    "alice": (Role.AGENT, Profile(first_name="Alice", queues=_SALES, skills={"english": 5}, languages=("en",))),
    "bob": (Role.AGENT, Profile(first_name="Bob", queues=_SALES, skills={"english": 3}, languages=("en",))),
    "sue": (Role.SUPERVISOR, Profile(first_name="Sue")),
    "adam": (Role.ADMIN, Profile(first_name="Adam")),
}
_DEVICES: Final[Mapping[str, str]] = {"1001": "alice", "1002": "bob"}


async def populate(database: Database, configured: Collection[str], base: str) -> dict[str, str]:
    """Add what is missing; returns passwords, and the secret of the client, which nobody learns again. Clients that are
    `configured` are not added. `base` is the public URL.
    """
    chosen = {name: random_base36(PASSWORD_LENGTH) for name in _PEOPLE} | {CLIENT: random_base36(SECRET_LENGTH)}
    missing = await database.read(
        lambda tx: [name for name in _PEOPLE if security.find(tx, ORGANIZATION, name) is None]
    )
    hashes = await asyncio.to_thread(lambda: {name: hashed(Secret(chosen[name])) for name in missing})
    now = SystemClock().now()

    def add(tx: Tx) -> list[str]:
        for name, stored in hashes.items():
            role, profile = _PEOPLE[name]
            account = Account(
                organization=ORGANIZATION, id=name, user_name=name, roles=frozenset({role}), password=stored
            )
            users.create(tx, User(account, profile), now)
        for number, name in _DEVICES.items():
            if devices.at_number(tx, ORGANIZATION, number) is None:
                devices.add(
                    tx,
                    Floor(base, {}),
                    Phone(organization=ORGANIZATION, id=str(uuid4()), number=number, user=name),
                    now,
                )
        is_new = CLIENT not in configured and not security.is_client(tx, CLIENT)
        if is_new:
            security.register_client(tx, CLIENT, ORGANIZATION, Secret(chosen[CLIENT]), now)
        return [*missing, *([CLIENT] if is_new else [])]

    return {name: chosen[name] for name in await database.write(add)}


class DemoVisit(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever has the key, and whom of the demo they want to be; nobody yet if absent."""

    key: str
    user: str | None = None


class DemoPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of the demo."""

    id: str
    role: str


class DemoWelcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who there is to choose from, and a token for the one that was chosen."""

    people: tuple[DemoPerson, ...]
    access_token: str = ""
    expires_in: int = 0


class Entrance:
    """The way into the demo without a password, for whoever has the key that is printed at the start: it stands in the
    fragment of the console's address, so that it is in no log, and each start makes another one.
    """

    def __init__(self) -> None:
        self.key: Final = random_base36(SECRET_LENGTH)
        self.operation: Final = Operation(
            name="visitDemo",
            method="POST",
            path="/console/demo",
            summary="Be somebody of the demo",
            tag="demo",
            family=Family.OPS,
            roles=None,
            body=DemoVisit,
            result=DemoWelcome,
            errors=(NotFound,),
            handler=self._admit,
        )

    async def _admit(self, call: Call[DemoVisit]) -> Reply:
        asked, services = call.body, call.services
        if not hmac.compare_digest(asked.key.encode("utf-8", "replace"), self.key.encode()):
            raise NotFound
        welcome = DemoWelcome(people=tuple(DemoPerson(id=name, role=role) for name, (role, _) in _PEOPLE.items()))
        if asked.user is not None:
            if asked.user not in _PEOPLE:
                raise NotFound
            seconds = services.settings.login_seconds
            role, _ = _PEOPLE[asked.user]
            token = services.tokens.mint(
                user=asked.user, organization=ORGANIZATION, roles=(role,), ttl=seconds, now=call.now
            )
            welcome = msgspec.structs.replace(welcome, access_token=token, expires_in=int(seconds))
        return Reply(200, wire.encode(welcome), headers=(("Cache-Control", "no-store"),))
