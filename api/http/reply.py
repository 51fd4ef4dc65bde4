"""One HTTP answer as a value."""

from collections.abc import AsyncIterator
from http import HTTPStatus

import msgspec
from starlette.types import Send

JSON = "application/json"

Headers = tuple[tuple[str, str], ...]


class Reply(msgspec.Struct, frozen=True):
    """Status, body and headers of one answer; handlers return it where the result type alone cannot say it.

    `headers` are ASCII and come on top of Content-Type and Content-Length.
    """

    status: int
    body: bytes
    media_type: str = JSON
    headers: Headers = ()

    async def send(self, send: Send, *, without_body: bool = False) -> None:
        """Writes the answer; for HEAD `without_body`, with the length that GET would have had."""
        headers: list[tuple[bytes, bytes]] = []
        if self.status != HTTPStatus.NO_CONTENT:  # RFC 9110 §8.6: not even a length
            headers.append((b"content-type", self.media_type.encode("ascii")))
            headers.append((b"content-length", str(len(self.body)).encode("ascii")))
        headers.extend((name.encode("ascii"), value.encode("ascii")) for name, value in self.headers)
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if without_body else self.body})


NO_CONTENT = Reply(HTTPStatus.NO_CONTENT, b"")


class Streamed(msgspec.Struct, frozen=True):
    """An answer whose body comes in pieces; `size` is that of all together. When `pieces` fails on the way, so does the
    connection: the client sees an answer that is too short.
    """

    status: int
    pieces: AsyncIterator[bytes]
    size: int
    media_type: str
    headers: Headers = ()

    async def send(self, send: Send, *, without_body: bool = False) -> None:
        """Writes the answer; for HEAD `without_body`."""
        headers = [(b"content-type", self.media_type.encode("ascii")), (b"content-length", b"%d" % self.size)]
        headers.extend((name.encode("ascii"), value.encode("ascii")) for name, value in self.headers)
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if not without_body:
            async for piece in self.pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class Done(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What `/api/v2` answers where there is nothing more to say: it is done, or will be told on a channel."""

    status_code: int = 0
