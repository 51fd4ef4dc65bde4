"""A thread that serves the database with a connection of its own."""

import asyncio
from collections.abc import Callable
from threading import Thread

from hub.kernel import logs
from hub.store.dialect import Dialect
from hub.store.link import Link

log = logs.get("hub.store")

SILENT_SECONDS = 5.0


class Worker:
    """Runs `serve(link)` in a thread; the connection is opened before `start` returns and closed in its thread.

    `serve` returns when its queue tells it to stop; only then does `join` return.
    """

    def __init__(self, name: str, dialect: Dialect, serve: Callable[[Link], None], *, read_only: bool = False) -> None:
        self._thread = Thread(target=self._main, name=name)
        self._dialect = dialect
        self._serve = serve
        self._read_only = read_only
        self._link: Link | None = None

    async def start(self) -> None:
        """Start the thread; raises what opening the connection raised."""
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._thread.start()
        await self._opened

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def away(self) -> bool:
        """Whether its database could not be reached lately, or has not answered for a while."""
        return self._link is not None and (self._link.away or self._link.silence > SILENT_SECONDS)

    def hurry(self) -> None:
        """See the link."""
        if self._link is not None:
            self._link.hurry()

    def end(self) -> None:
        """See the link."""
        if self._link is not None:
            self._link.end()

    async def join(self) -> None:
        """Wait until the thread has closed its connection; returns at once if it was never started."""
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join)

    def _main(self) -> None:
        try:
            self._link = link = Link(self._dialect, read_only=self._read_only)
        except BaseException as error:  # noqa: BLE001 - start() raises it
            self._loop.call_soon_threadsafe(self._resolve, error)
            return
        try:
            self._loop.call_soon_threadsafe(self._resolve, None)
            self._serve(link)
        except BaseException:
            log.exception("database thread died", name=self._thread.name)
            raise
        finally:
            link.close()

    def _resolve(self, error: BaseException | None) -> None:
        if self._opened.done():
            return
        if error is None:
            self._opened.set_result(None)
        else:
            self._opened.set_exception(error)
