"""Timers that others plan, noticed: a thread with a connection of its own watches for their commits."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from hub.kernel import logs
from hub.store import dialects
from hub.store.dialect import Trouble
from hub.store.link import Link
from hub.store.worker import Worker

RETRY_SECONDS: Final = 1.0

_log = logs.get("hub.store")


class Changes:
    """Calls `told` on the event loop soon after somebody else, in this process or another, has planned timers.

    A hint: several may be told as one, it may be told for nothing, and it is told once in the beginning and after a
    lost connection, because something may have happened before. Entering raises ConnectionError where the database
    cannot be reached.
    """

    def __init__(self, url: str, told: Callable[[], None]) -> None:
        self._told = told
        self._stop = threading.Event()
        self._hurrying: asyncio.TimerHandle | None = None
        self._worker = Worker("store-changes", dialects.of(url), self._serve, read_only=True)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        await self._worker.start()
        self._hurry()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._worker.end()
        try:
            await self._worker.join()
        finally:
            if self._hurrying is not None:
                self._hurrying.cancel()

    def _hurry(self) -> None:
        """A server that does not answer must not keep this process from ending."""
        self._worker.hurry()
        self._hurrying = self._loop.call_later(RETRY_SECONDS, self._hurry)

    def _serve(self, link: Link) -> None:
        while not self._stop.is_set():
            try:
                self._watch(link)
            except Exception as error:  # noqa: BLE001 - the beat of the scheduler makes up for what is not told meanwhile
                if link.dialect.trouble(error) is not Trouble.LOST:
                    _log.exception("watching for timers failed")
                link.close()
                self._stop.wait(RETRY_SECONDS)

    def _watch(self, link: Link) -> None:
        def begin() -> Callable[[], bool]:
            link.begin()  # on a new connection if the last one was lost
            link.commit()
            return link.dialect.watching(link.connection)

        changed = link.persist(begin)
        self._tell()
        while not self._stop.is_set():
            if changed():
                self._tell()

    def _tell(self) -> None:
        with suppress(RuntimeError):  # the loop has gone; so will this thread
            self._loop.call_soon_threadsafe(self._told)
