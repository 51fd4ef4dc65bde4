"""Bodies of requests: read whole within a limit, and forms as names with values."""

from typing import Final
from urllib.parse import parse_qsl

from starlette.types import Receive

from hub.kernel.errors import BadInput, TooLarge

FORM: Final = "application/x-www-form-urlencoded"
MOST_FIELDS: Final = 100


class Disconnected(Exception):
    """The client left before it had sent its body; nobody is there to be answered."""


async def read_body(receive: Receive, declared: bytes | None, limit: int) -> bytes:
    """The whole body, never more than `limit` bytes in memory.

    `declared` is the Content-Length: a larger one is refused before a byte is read. Raises `TooLarge`, `BadInput`
    for a length that is no number, `Disconnected`.
    """
    require_length(declared, limit)
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        chunk, more = await next_piece(receive)
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"The body may have at most {limit} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def require_length(declared: bytes | None, limit: int) -> None:
    """Raises `TooLarge` for a Content-Length above the limit, `BadInput` for one that is no number."""
    if declared is not None:
        if not declared.isdigit():
            raise BadInput("Content-Length is not a number")
        if len(declared) > 15 or int(declared) > limit:
            raise TooLarge(f"The body may have at most {limit} bytes")


async def next_piece(receive: Receive) -> tuple[bytes, bool]:
    """The next bytes of a body, and whether there are more. Raises `Disconnected`."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Disconnected
    return message.get("body", b""), message.get("more_body", False)


def form_fields(raw: bytes, *, most: int = MOST_FIELDS, blank: bool = False) -> dict[str, str]:
    """The fields of a form, at most `most`; empty ones are left out, unless `blank` keeps them.

    Raises BadInput, also for one that comes twice.
    """
    try:
        pairs = parse_qsl(raw.decode("utf-8"), keep_blank_values=blank, max_num_fields=most)
    except ValueError:
        raise BadInput("The form cannot be read") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise BadInput("A field comes more than once")
    return fields
