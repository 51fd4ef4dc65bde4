"""What a handler is given: the services of the process and the one call it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive

from channels.catalog import Catalog
from hub.auth.principal import Principal
from hub.auth.revoked import Revoked
from hub.auth.tokens import Tokens
from hub.kernel.clock import Clock
from hub.kernel.errors import BadInput, TooLarge, Unauthenticated
from hub.kernel.settings import Settings
from hub.store.database import Database

B = TypeVar("B")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Services:
    """The parts of the process that REST works with, handed over by the composition root; owned by it, too.

    `revoked` is kept up to date by whoever reads the revocations. `readiness` names what has to
    work before traffic may come: each check answers at once, with `None` or the reason.
    """

    db: Database
    tokens: Tokens
    revoked: Revoked
    catalog: Catalog
    clock: Clock
    settings: Settings
    version: str
    readiness: Mapping[str, Callable[[], str | None]]


class Call(msgspec.Struct, Generic[B], frozen=True, kw_only=True):
    """One request that has passed authentication, limits and decoding.

    `now` is the instant at which it arrived, the one that every decision about it uses. `raw` is the body as sent.
    """

    services: Services
    caller: Principal | None
    body: B
    raw: bytes
    path_params: Mapping[str, str]
    query_string: bytes
    idempotency_key: str | None
    path: str
    request_id: str
    now: float

    @property
    def principal(self) -> Principal:
        """Who is asking; every operation with roles has somebody."""
        if self.caller is None:
            raise Unauthenticated
        return self.caller

    @property
    def query(self) -> dict[str, str]:
        """The query parameters; of a repeated one the last counts, as in a JSON object."""
        return dict(parse_qsl(self.query_string.decode("ascii", "replace"), keep_blank_values=True))


class Disconnected(Exception):
    """The client left before it had sent its body; nobody is there to be answered."""


async def read_body(receive: Receive, declared: bytes | None, limit: int) -> bytes:
    """The whole body, never more than `limit` bytes in memory.

    `declared` is the Content-Length: a larger one is refused before a byte is read. Raises `TooLarge`, `BadInput`
    for a length that is no number, `Disconnected`.
    """
    if declared is not None:
        if not declared.isdigit():
            raise BadInput("Content-Length is not a number")
        if len(declared) > 15 or int(declared) > limit:
            raise TooLarge(f"The body may have at most {limit} bytes")
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"The body may have at most {limit} bytes")
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)
