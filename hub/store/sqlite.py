"""Everything that is particular to SQLite: how connections are made and how transactions start."""

import os
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine, NullPool, create_engine, make_url

from hub.kernel import logs
from hub.store.transaction import Cursor

log = logs.get("hub.store")

BUSY_TIMEOUT_SECONDS = 5.0
CACHED_STATEMENTS = 512

# IMMEDIATE takes the write lock at once: an upgrade from reading to writing fails whatever the busy timeout says.
BEGIN_WRITE = "BEGIN IMMEDIATE"
BEGIN_READ = "BEGIN DEFERRED"

PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # FULL, because an acknowledged position must outlive a power cut.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)


def path_of(url: str) -> Path:
    """The file behind `url`; ValueError unless the URL names a SQLite file (a private memory cannot be shared)."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise ValueError(f"not the URL of a SQLite file: {parsed.render_as_string()}")
    return Path(parsed.database)


def engine(url: str) -> Engine:
    """An engine whose connections are in autocommit mode: transactions are begun and ended by statements of ours."""
    path_of(url)
    return create_engine(
        url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
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


def is_busy(error: BaseException) -> bool:
    """Whether another process kept the write lock for longer than the busy timeout."""
    original = getattr(error, "orig", error)
    return (
        isinstance(original, sqlite3.Error) and getattr(original, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
    )


class Link:
    """One connection with one cursor of its driver, used by the thread that made it and by no other."""

    connection: Connection
    cursor: Cursor

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self._engine = engine(url)
        self._pragmas = (*PRAGMAS, "PRAGMA query_only = ON") if read_only else PRAGMAS
        self._usable = False
        self._open()

    def begin(self, statement: str) -> None:
        """Start a transaction, on a new connection if the last one could not be brought back to order."""
        if not self._usable:
            self._open()
        self.cursor.execute(statement)

    def abandon(self) -> None:
        """Undo the transaction if one is open."""
        try:
            if self._driver.in_transaction:
                self.cursor.execute("ROLLBACK")
        except sqlite3.Error:
            log.exception("database connection given up")
            self.close()

    def close(self) -> None:
        """Close the connection; a transaction still open is undone."""
        self._usable = False
        self.connection.close()

    def _open(self) -> None:
        self.connection = self._engine.connect()
        try:
            self._driver: sqlite3.Connection = self.connection.connection.driver_connection  # type: ignore[assignment]
            self.cursor = self._driver.cursor()
            for pragma in self._pragmas:
                self.cursor.execute(pragma)
                self.cursor.fetchall()
        except BaseException:
            self.connection.close()
            raise
        self._usable = True
