"""Everything that is particular to SQLite."""

import os
import sqlite3
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, NullPool, create_engine, make_url
from sqlalchemy.exc import ArgumentError

from hub.store.dialect import Trouble
from hub.store.transaction import Cursor

BUSY_TIMEOUT_SECONDS = 5.0
CACHED_STATEMENTS = 512
WATCH_SECONDS = 0.05

PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # FULL, because an acknowledged position must outlive a power cut.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)
WRITER_PRAGMAS = (
    # The last pages of all streams that are being written to, so that they need not be read again; what passes
    # through in bulk fills all of it. In KiB.
    "PRAGMA cache_size = -12288",
    # A page that is written to often goes from the log into the file once for many times. In pages: 32 MiB.
    "PRAGMA wal_autocheckpoint = 8192",
)

UNUSABLE = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_CORRUPT,
    }
)
TROUBLES = {sqlite3.SQLITE_BUSY: Trouble.BUSY, sqlite3.SQLITE_FULL: Trouble.FULL}


def unusable(error: BaseException) -> str | None:
    """What is wrong with the file, if the error of the driver is about that."""
    original = getattr(error, "orig", error)
    is_about_it = isinstance(original, sqlite3.Error) and getattr(original, "sqlite_errorcode", 0) & 0xFF in UNUSABLE
    return f"the database file cannot be used: {original}" if is_about_it else None


class SQLite:
    """A file in this machine, which any number of its processes may use; one writes at a time."""

    writes_alone = True
    join = 256
    longest: float | None = None
    # IMMEDIATE takes the write lock at once: an upgrade from reading to writing fails whatever the busy timeout says.
    begin_write = "BEGIN IMMEDIATE"
    begin_read = "BEGIN DEFERRED"
    epoch = "SELECT epoch FROM log"
    time = "SELECT NULL"
    # Whoever writes has the whole file.
    skip_locked = ""
    for_update = ""
    tell_planned = ""

    def __init__(self, url: str) -> None:
        self.path = path_of(url)
        self._url = url

    @cached_property
    def _engine(self) -> Engine:
        return engine(self._url)

    def connect(self) -> Connection:
        """See the protocol."""
        return self._engine.connect()

    def cursor(self, connection: Connection, *, read_only: bool) -> Cursor:
        """See the protocol."""
        driver = cast("sqlite3.Connection", connection.connection.driver_connection)
        cursor = driver.cursor()
        for pragma in (*PRAGMAS, *(("PRAGMA query_only = ON",) if read_only else WRITER_PRAGMAS)):
            cursor.execute(pragma)
            cursor.fetchall()
        return cursor

    def cut(self, driver: Any) -> None:  # noqa: ANN401 - the driver's own connection
        """See the protocol."""
        driver.interrupt()

    def commit(self, cursor: Cursor) -> None:
        """See the protocol."""
        cursor.execute("COMMIT")

    def is_open(self, driver: Any) -> bool:  # noqa: ANN401 - the driver's own connection
        """See the protocol."""
        return bool(driver.in_transaction)

    def trouble(self, error: BaseException) -> Trouble | None:
        """See the protocol."""
        original = getattr(error, "orig", error)
        if isinstance(original, sqlite3.Error):
            return TROUBLES.get(getattr(original, "sqlite_errorcode", 0) & 0xFF)
        return None

    def watching(self, connection: Connection) -> Callable[[], bool]:
        """See the protocol. Every commit of another connection counts: SQLite tells only that there was one."""
        driver = cast("sqlite3.Connection", connection.connection.driver_connection)
        seen = -1

        def changed() -> bool:
            nonlocal seen
            time.sleep(WATCH_SECONDS)
            before, (seen,) = seen, driver.execute("PRAGMA data_version").fetchone()
            return before not in {-1, seen}

        changed()
        return changed

    def migrates_itself(self) -> bool:
        """See the protocol."""
        return True

    def exists(self) -> bool:
        """See the protocol."""
        return self.path.exists()

    def require_rights(self, connection: Connection) -> None:
        """See the protocol. Whoever may open the file has all of it."""

    def make(self) -> None:
        """See the protocol."""
        make_file(self.path)

    def before_migrating(self, connection: Connection) -> None:
        """See the protocol."""
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        # Rebuilding a table would otherwise delete the rows that refer to it. No effect inside a transaction.
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql(self.begin_write)

    def after_migrating(self, connection: Connection) -> None:
        """See the protocol."""
        if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
            raise RuntimeError(f"migration left {len(broken)} broken references, the first in {broken[0][0]}")


def path_of(url: str) -> Path:
    """The file behind `url`; ValueError unless the URL names a SQLite file (a private memory cannot be shared)."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("not the URL of a SQLite file") from None
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise ValueError(f"not the URL of a SQLite file: {parsed.render_as_string()}")
    return Path(parsed.database)


def engine(url: str) -> Engine:
    """An engine whose connections are in autocommit mode: transactions are begun and ended by statements of ours."""
    return create_engine(
        url,
        poolclass=NullPool,
        pool_reset_on_return=None,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={
            "timeout": BUSY_TIMEOUT_SECONDS,
            "cached_statements": CACHED_STATEMENTS,
            "check_same_thread": True,
        },
    )


def make_file(path: Path) -> None:
    """Make the database file readable by its owner alone (what SQLite puts beside it inherits that)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
