"""The body of a GMS request: names with values, as JSON, as a form, or as a multipart form that may hold files."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any, Final, TypeAlias

from msgspec import Struct
from starlette.types import Receive

from api.http.bodies import FORM, form_fields, next_piece, require_length
from api.http.multipart import End, Event, Multipart, Part
from api.http.problems import UnreadableJson, UnsupportedMediaType
from hub.kernel import wire
from hub.kernel.errors import BadInput, HubError, TooLarge

MULTIPART: Final = "multipart/form-data"
MOST_MEMBERS: Final = 1000
DENSEST: Final = 100_000
"""Values of one JSON body: each takes many times the memory of the two bytes that it may have been sent with."""
_LARGE: Final = 65_536  # bytes from which on a body needs a place, and its JSON is not decoded on the event loop
_PIECE_SECONDS: Final = 30.0
_SLOWEST: Final = 16_384  # bytes a second

Members: TypeAlias = dict[str, Any]
Take: TypeAlias = Callable[[Part, AsyncIterator[bytes]], Awaitable[object]]
"""Reads the bytes of one file; what it returns is the member's value."""
Place: TypeAlias = Callable[[], AbstractContextManager[None]]


class TooSlow(HubError):
    """The body is too long in coming."""

    code = "too_slow"
    status = 408
    default_detail = "The body is too long in coming"


class Limits(Struct, frozen=True):
    """What a body may have: bytes without its files, bytes with them, depth. `strict`: bad JSON is answered by 400."""

    body: int
    whole: int
    depth: int
    strict: bool


class Incoming:
    """A body that has not been read yet. `place` gives out places for large ones, each kept until `close`."""

    def __init__(
        self, receive: Receive, headers: Mapping[bytes, bytes], limits: Limits, place: Place = nullcontext
    ) -> None:
        self._receive = receive
        self._headers = headers
        self._limits = limits
        self._place = place
        self._held = ExitStack()
        self._size = 0
        self._is_large = False

    def close(self) -> None:
        """The request is over; nothing of the body is needed any more."""
        self._held.close()

    async def members(self, take: Take | None = None) -> Members:
        """All members, of which `take` reads the files; without it there may be none.

        Raises BadInput, UnreadableJson, TooLarge, TooSlow, UnsupportedMediaType, Disconnected, Overloaded, and what
        `take` raises.
        """
        if self._headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            raise UnsupportedMediaType("The body must not be compressed")
        content_type = self._headers.get(b"content-type", b"").decode("latin-1")
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type == MULTIPART:
            return await self._parts(content_type, take)
        if media_type == FORM:
            return dict(form_fields(await self._whole(), most=MOST_MEMBERS, blank=True))
        if not media_type or media_type == "application/json" or media_type.endswith("+json"):
            return await self._json(await self._whole())
        raise UnsupportedMediaType(f"The body must be application/json, {FORM} or {MULTIPART}")

    async def _whole(self) -> bytes:
        return b"".join([piece async for piece in self._pieces(self._limits.body)])

    async def _json(self, raw: bytes) -> Members:
        if not raw.strip() and b"content-type" not in self._headers:
            return {}
        if sum(map(raw.count, (b",", b":", b"[", b"{"))) > DENSEST:
            raise TooLarge(f"The body may have at most {DENSEST} values")
        try:
            if len(raw) < _LARGE:
                found = self._decoded(raw)
            else:
                found = await asyncio.to_thread(self._decoded, raw)
        except BadInput as error:
            text = f"Could not read JSON: {error.detail.removeprefix('JSON is malformed: ')}"
            raise (BadInput(text) if self._limits.strict else UnreadableJson(text)) from None
        if len(found) > MOST_MEMBERS:
            raise TooLarge(f"The body may have at most {MOST_MEMBERS} members")
        return found

    def _decoded(self, raw: bytes) -> Members:
        return wire.decode(dict[str, Any], raw, max_bytes=self._limits.body, max_depth=self._limits.depth)

    async def _parts(self, content_type: str, take: Take | None) -> Members:
        found: Members = {}
        room = self._limits.body
        events = Multipart(content_type).events(self._pieces(self._limits.whole))
        async for event in events:
            assert isinstance(event, Part)  # noqa: S101 - what is read below ends with the part
            if event.name in found:
                raise BadInput("A field comes more than once")
            room -= len(event.name)
            if event.file_name is None:
                value = await _text(events, room)
                room -= len(value)
                found[event.name] = _decoded_text(value)
            elif take is None:
                raise BadInput("There may be no files here")
            else:
                found[event.name] = await _taken(take, event, events)
        return found

    async def _pieces(self, limit: int) -> AsyncIterator[bytes]:
        declared = self._headers.get(b"content-length")
        require_length(declared, limit)
        self._grow(0 if declared is None else int(declared))
        began = asyncio.get_running_loop().time()
        more = True
        while more:
            try:
                async with asyncio.timeout_at(began + _PIECE_SECONDS + self._size / _SLOWEST):
                    piece, more = await next_piece(self._receive)
            except TimeoutError:
                raise TooSlow from None
            self._size += len(piece)
            if self._size > limit:
                raise TooLarge(f"The body may have at most {limit} bytes")
            self._grow(self._size)
            yield piece

    def _grow(self, size: int) -> None:
        """Take a place as soon as the body is known to be large. Raises Overloaded."""
        if size > _LARGE and not self._is_large:
            self._held.enter_context(self._place())
            self._is_large = True


async def _of_part(events: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    """The bytes of the part that has begun."""
    async for event in events:
        if isinstance(event, End):
            return
        assert isinstance(event, bytes)  # noqa: S101 - parts do not begin within parts
        yield event


async def _text(events: AsyncIterator[Event], room: int) -> bytes:
    pieces: list[bytes] = []
    async for piece in _of_part(events):
        room -= len(piece)
        if room < 0:
            raise TooLarge("The values of the form are too large")
        pieces.append(piece)
    return b"".join(pieces)


async def _taken(take: Take, part: Part, events: AsyncIterator[Event]) -> object:
    content = _of_part(events)
    value = await take(part, content)
    async for _ in content:  # what was not wanted
        pass
    return value


def _decoded_text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput("A value is not valid UTF-8") from None


def canonical(members: Members) -> bytes:
    """The same bytes for the same members, in whatever form they came."""
    return wire.encode(dict(sorted(members.items())))
