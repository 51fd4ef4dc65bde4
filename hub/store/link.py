"""A thread's connection: made again when it breaks, with patience at first and without it while the database is away.

Whoever waits for a transaction would rather wait three seconds than fail while a database restarts. When that was not
enough, the database counts as *away*: what is asked for meanwhile fails at once, a new connection is tried every
second, and the log says it twice: when it went and when it came back.

A server that is stalled, or behind a network that swallows everything, neither answers nor breaks off. So a transaction
that takes longer than any should is cut off from outside (`hurry`), and then its connection is as lost as any other.
"""

import time
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection

from hub.kernel import logs
from hub.store.dialect import Dialect, Trouble
from hub.store.transaction import Cursor

log = logs.get("hub.store")

T = TypeVar("T")

PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Pauses before another attempt, in seconds."""
RETRY_SECONDS = 1.0
FAREWELL_SECONDS = 2.0
"""How long a transaction may still take once the process wants to end."""


class Link:
    """One connection with one cursor of its driver, used by the thread that made it and by no other."""

    connection: Connection
    cursor: Cursor

    def __init__(self, dialect: Dialect, *, read_only: bool = False) -> None:
        self.dialect = dialect
        self.away = False
        self._read_only = read_only
        self._usable = False
        self._retry_at = 0.0
        self._ending = False
        self._began: float | None = None
        self._changing = Lock()  # so that nobody cuts what has just been closed, and its number given to another file
        self._open()

    @property
    def patience(self) -> float | None:
        """How long to wait for work before the next `mend`, in seconds; None for ever."""
        return RETRY_SECONDS if self.away else None

    def begin(self) -> None:
        """Start a transaction, on a new connection if the last one could not be brought back to order."""
        if not self._usable:
            now = time.monotonic()
            if self._ending or (self.away and now < self._retry_at):
                raise ConnectionError("the database is away")
            self._retry_at = now + RETRY_SECONDS  # set by attempts only: refusals come in all the time
            self._open()
        self._began = time.monotonic()
        self.cursor.execute(self.dialect.begin_read if self._read_only else self.dialect.begin_write)

    def commit(self) -> None:
        """Make the transaction durable."""
        self.dialect.commit(self.cursor)

    def persist(self, work: Callable[[], T]) -> T:
        """The outcome of `work`, a whole transaction, begun again where the connection was lost before the commit.

        Raises what `work` raises, with nothing left open.
        """
        pauses = iter(() if self.away else PAUSES)
        patience: float | None = None
        while True:
            try:
                return self._attempt(work)
            except BaseException as error:
                if self.dialect.trouble(error) is not Trouble.LOST:
                    raise
                now = time.monotonic()
                patience = now + sum(PAUSES) if patience is None else patience
                if self._ending or (pause := next(pauses, None)) is None or now > patience:
                    self._give_up(error)
                    raise
            time.sleep(pause)

    @property
    def silence(self) -> float:
        """How many seconds the transaction under way has taken, 0 if there is none. May be asked by any thread."""
        began = self._began
        return 0.0 if began is None else time.monotonic() - began

    def hurry(self) -> None:
        """Cut off a transaction that has taken too long. May be called by any thread."""
        longest = self.dialect.longest
        if longest is not None and self._ending:
            longest = min(longest, FAREWELL_SECONDS)
        if longest is None or self.silence <= longest:
            return
        with self._changing:
            if self._usable and self.silence > longest:
                log.error("the database does not answer; the connection is cut", seconds=round(self.silence, 1))
                self.dialect.cut(self._driver)

    def end(self) -> None:
        """Finish what can be finished soon on the connection there is. May be called by any thread."""
        self._ending = True

    def mend(self) -> None:
        """Look whether a database that was away is back."""
        if self.away and not self._ending:
            try:
                self._open()
            except Exception as error:
                if self.dialect.trouble(error) is not Trouble.LOST:
                    raise

    def abandon(self) -> None:
        """Undo the transaction if one is open."""
        try:
            if self._usable and self.dialect.is_open(self._driver):
                self.cursor.execute("ROLLBACK")
        except Exception as error:  # noqa: BLE001 - of whatever driver
            log.warning("database connection given up", error=str(error))
            self.close()

    def close(self) -> None:
        """Close the connection; a transaction still open is undone."""
        with self._changing:
            self._usable = False
            self.connection.close()

    def _attempt(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except BaseException as error:
            if self.dialect.trouble(error) is Trouble.LOST:
                self.close()
            else:
                self.abandon()
            raise
        finally:
            self._began = None

    def _give_up(self, error: BaseException) -> None:
        if not self.away:
            self.away = True
            if self._ending:
                log.error("the database is away; the process ends without it", error=str(error))
            else:
                log.error("the database is away; it is tried again every second", error=str(error))

    def _open(self) -> None:
        self.connection = self.dialect.connect()
        try:
            self._driver: Any = self.connection.connection.driver_connection
            self.cursor = self.dialect.cursor(self.connection, read_only=self._read_only)
        except BaseException:
            self.connection.close()
            raise
        self._usable = True
        if self.away:
            self.away = False
            log.info("the database is back")
