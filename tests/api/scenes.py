"""What has to be there before an example of the documentation succeeds, and what the example cannot know: ids and
secrets that are made by chance. By the name of the operation; one that is missing needs nothing.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from tests.api.world import World


@dataclass(frozen=True)
class Scene:
    """What takes the place of what an example says: parts of the path, of the query and of the body, and headers."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    user: str = "adam"


Prepare = Callable[[World], Awaitable[Scene]]


async def nothing(world: World) -> Scene:
    del world
    return Scene()


async def user(world: World) -> Scene:
    await world.user("carol", "ROLE_AGENT")
    return Scene()


async def oneself(world: World) -> Scene:
    await world.user("carol")
    return Scene(user="carol")


async def passwords(world: World) -> Scene:
    await world.user("carol", password="the one so far")
    return Scene(user="carol")


async def code(world: World) -> Scene:
    def text(tx: Any) -> bytes:
        tx.cursor.execute("SELECT payload FROM timer WHERE kind LIKE 'deliver.%'")
        return bytes(tx.cursor.fetchall()[0][0])

    reply = await world.ask("POST", "/security/otp", {"to": "carol@example.com", "organizationId": "acme"})
    message = msgspec.json.decode(await world.services.db.read(text))
    digits = next(word for word in message["text"].split() if len(word) == 6 and word.isdigit())
    return Scene(body={"verificationId": reply.json()["id"], "code": digits})


async def ticket(world: World) -> Scene:
    made = {"type": "MULTI_USE_TICKET", "properties": {"conference_id": "room-7"}}
    reply = await world.ask("POST", "/security/ticket", made, token=world.token("adam"))
    secret = reply.json()["id"]
    return Scene(path={"id": secret}, body={"id": secret})


SCENES: Final[dict[str, Prepare]] = {
    "giveToken": passwords,
    "changeOwnPassword": passwords,
    "readUser": oneself,
    "changeUser": user,
    "operateUser": user,
    "deleteUser": user,
    "setUserRoles": user,
    "verifyCode": code,
    "exchangeTicket": ticket,
    "revokeTicket": ticket,
    "showTicket": ticket,
    "showShortTicket": ticket,
}
