"""What `hub serve --demo` adds to the shipped configuration's organization: four people, two devices, a program."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Final
from uuid import uuid4

from api.security import actions as security
from api.security.rules import Account
from api.telephony.devices import actions as devices
from api.telephony.devices.rules import Floor, Phone
from api.users import actions as users
from api.users.rules import Profile, User
from channels.access import Role
from hub.auth.passwords import hashed
from hub.kernel.clock import SystemClock
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
