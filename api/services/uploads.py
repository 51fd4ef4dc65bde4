"""Files on their way in and out: never more than a chunk of one in memory."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from hashlib import sha256
from types import TracebackType
from typing import Any, Self

from api.http.multipart import Part
from api.http.request import Call
from api.services import rules
from api.services.rules import Item, Upload
from hub.kernel import ids, logs
from hub.kernel.errors import HubError, TooLarge
from hub.store import files
from hub.store.database import Database
from hub.store.transaction import Tx

_log = logs.get("api.services")


async def told(members: Mapping[str, Any]) -> dict[str, str]:
    """The parameters among the members. A value with many parts takes its time: not on the loop."""
    return await asyncio.to_thread(rules.parameters, members)


async def brought(members: Mapping[str, Any], *, keep_json: bool) -> list[Item]:
    """What goes into the storage, likewise. Raises BadInput, TooLarge."""
    return await asyncio.to_thread(rules.items_of, members, keep_json=keep_json)


class Uploads:
    """The files of one request. Those that nobody has kept by the end of the block are discarded."""

    def __init__(self, call: Call[Any]) -> None:
        self._call = call
        self._files: list[str] = []
        self.kept = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._files and not self.kept:
            try:
                await self._call.services.db.write(self._discard)
            except HubError:  # it is swept later
                _log.info("files of a refused request are left to be swept", files=len(self._files))

    async def take(self, part: Part, content: AsyncIterator[bytes]) -> Upload | None:
        """Store a file as it comes; None for one that goes into no storage. Raises TooLarge, BadInput."""
        if not rules.is_kept(part.name):
            return None
        rules.require_key(part.name)
        db, now = self._call.services.db, self._call.now
        limit = self._call.services.settings.service_file_bytes
        file = ids.bearer_id()
        await db.write(lambda tx: files.begin(tx, file, now))
        self._files.append(file)
        size, number, digest = 0, 0, sha256()
        async for chunk in _chunks(content):
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"A file may have at most {limit} bytes")
            digest.update(chunk)
            await _append(db, file, number, chunk, now)
            number += 1
        return Upload(
            file=file,
            media_type=rules.media_type_of(part.media_type),
            file_name=part.file_name or "",
            bytes=size,
            digest=digest.hexdigest(),
        )

    def _discard(self, tx: Tx) -> None:
        for file in self._files:
            files.discard(tx, file, self._call.now)


async def _append(db: Database, file: str, number: int, chunk: bytes, now: float) -> None:
    await db.write(lambda tx: files.append(tx, file, number, chunk, now))


async def _chunks(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of the size in which they are stored."""
    gathered = bytearray()
    async for piece in content:
        gathered += piece
        while len(gathered) >= files.CHUNK_BYTES:
            yield bytes(gathered[: files.CHUNK_BYTES])
            del gathered[: files.CHUNK_BYTES]
    if gathered:
        yield bytes(gathered)


async def content_of(db: Database, item: Item) -> AsyncIterator[bytes]:
    """The bytes of a file that is kept. Raises LookupError when it is forgotten while it is read."""
    file = item.file
    if file is None:
        raise LookupError(item.key)
    left, number = item.bytes, 0
    while left:
        chunk = await _chunk(db, file, number)
        if chunk is None:
            raise LookupError(f"file {file} has been forgotten while it was read")
        yield chunk
        left -= len(chunk)
        number += 1


async def _chunk(db: Database, file: str, number: int) -> bytes | None:
    return await db.read(lambda tx: files.chunk(tx, file, number))
