"""Everything that is particular to PostgreSQL."""

import os
import re
import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cached_property, lru_cache
from itertools import count
from typing import Any, NamedTuple, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Format, TransactionStatus
from psycopg.types.numeric import Int8Dumper
from sqlalchemy import Connection, Engine, NullPool, create_engine

from hub.kernel.faults import Fault, SettingsError
from hub.store.dialect import NotPermitted, Trouble
from hub.store.transaction import Cursor, Snapshot

# What the URL may set otherwise. A server that is gone is noticed within ten seconds, whatever the network does;
# of several hosts the one is taken that may be written to.
CONNECT = {
    "application_name": "hub",
    "client_encoding": "UTF8",
    "connect_timeout": 4,
    "target_session_attrs": "read-write",
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
SETTINGS = (
    # An acknowledged position must outlive a power cut, whatever is usual on this server; more than that is welcome.
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    # Nobody waits for a lock, nobody keeps one, for as long as the heartbeat looks back.
    "SET lock_timeout = '2s'",
    "SET idle_in_transaction_session_timeout = '4s'",
    "SET statement_timeout = '8s'",
)
# More parameters than this and the statement has been assembled for the occasion: not worth being prepared.
PREPARED_PARAMETERS = 64
ONE_ROW = re.compile(r"(?<=VALUES )\((?:\?, )*\?\)")

WATCH_SECONDS = 0.25

MIGRATION_LOCK = 0x687562  # any number that nobody else uses in this database

CLASHES = frozenset({"40001", "40P01"})  # serialization failure, deadlock
BUSY = frozenset({"55P03", "57014"})  # lock not available in time, statement timed out
FULL = frozenset({"53100"})  # disk full
UNFIT = frozenset({"22021", "54000"})  # no such character in the encoding, longer than an index can hold
FORBIDDEN = "42501"
LOST = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})  # by the administrator, by a crash, by a timeout


# Tables of whoever has migrated, as far as this role lacks a right to them. The revision is only read.
LACKING = """
SELECT c.relname FROM pg_class AS v JOIN pg_class AS c ON c.relnamespace = v.relnamespace AND c.relowner = v.relowner
WHERE v.oid = to_regclass('alembic_version') AND c.relkind = 'r' AND NOT (
  has_table_privilege(c.oid, 'SELECT') AND (
    c.oid = v.oid OR (
      has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE')
      AND has_table_privilege(c.oid, 'DELETE')
    )
  )
) ORDER BY c.relname
"""
NAMED = 3
RIGHTS = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA"


def unusable(error: BaseException) -> str | None:
    """What the server forbids, if that is what the error of the driver is about."""
    original = getattr(error, "orig", error)
    if not isinstance(original, psycopg.Error) or original.sqlstate != FORBIDDEN:
        return None
    return f"the role in HUB_DATABASE_URL may not do this: {original.diag.message_primary}"


class PostgreSQL:
    """A database that several processes on several machines write to at once."""

    writes_alone = False
    # A transaction with more than 64 savepoints that wrote something slows down everybody's snapshots.
    join = 64
    longest: float | None = 10.0
    begin_write = "BEGIN ISOLATION LEVEL READ COMMITTED"
    begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    # The timeline changes when a standby is promoted and when a backup is restored to a point in time.
    epoch = "SELECT epoch || '-' || ltrim(substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), '0') FROM log"
    time = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    skip_locked = "FOR UPDATE SKIP LOCKED"
    tell_planned = "NOTIFY hub_timers"
    for_update = "FOR UPDATE"

    def __init__(self, url: str) -> None:
        self._parameters = parameters(url)

    @cached_property
    def _engine(self) -> Engine:
        return create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            poolclass=NullPool,
            pool_reset_on_return=None,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            use_native_hstore=False,
        )

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(**self._parameters, autocommit=True)

    def connect(self) -> Connection:
        """See the protocol."""
        try:
            return self._engine.connect()
        except Exception as error:
            original = getattr(error, "orig", error)
            if not isinstance(original, psycopg.Error):
                raise
            raise ConnectionError(f"no connection to {shown(self._parameters)}: {original}") from None

    def cursor(self, connection: Connection, *, read_only: bool) -> Cursor:
        """See the protocol."""
        del read_only  # its transactions are
        driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        cursor = TextCursor(driver)
        for statement in SETTINGS:
            cursor.execute(statement)
        return cursor

    def cut(self, driver: Any) -> None:  # noqa: ANN401 - the driver's own connection
        """See the protocol."""
        # A second descriptor of the same connection: shutting that down wakes up whoever waits on the first.
        with suppress(OSError), socket.socket(fileno=os.dup(driver.fileno())) as same:
            same.shutdown(socket.SHUT_RDWR)

    def commit(self, cursor: Cursor) -> None:
        """See the protocol."""
        own = cast("TextCursor", cursor)
        if not self.is_open(own.connection):
            raise RuntimeError("a function has ended the transaction that it shares")
        own.execute("COMMIT")
        if (answer := own.statusmessage) != "COMMIT":
            raise RuntimeError(f"the database answered COMMIT with {answer}: a function left its transaction failed")

    def is_open(self, driver: Any) -> bool:  # noqa: ANN401 - the driver's own connection
        """See the protocol."""
        return bool(driver.info.transaction_status != TransactionStatus.IDLE)

    def trouble(self, error: BaseException) -> Trouble | None:
        """See the protocol."""
        original = getattr(error, "orig", error)
        if isinstance(original, ConnectionError):
            return Trouble.LOST
        if not isinstance(original, psycopg.Error):
            return None
        match original.sqlstate:
            case state if state in CLASHES:
                return Trouble.CLASH
            case state if state in BUSY:
                return Trouble.BUSY
            case state if state in FULL:
                return Trouble.FULL
            case state if state in UNFIT:
                return Trouble.UNFIT
            case None if isinstance(original, psycopg.DataError):  # the driver does not send a text with NUL in it
                return Trouble.UNFIT
            case None:
                return Trouble.LOST if isinstance(original, psycopg.OperationalError) else None
            case state:
                return Trouble.LOST if state in LOST or state.startswith("08") else None

    def watching(self, connection: Connection) -> Callable[[], bool]:
        """See the protocol."""
        driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        driver.execute("LISTEN hub_timers")
        return lambda: any(True for _ in driver.notifies(timeout=WATCH_SECONDS, stop_after=1))

    def migrates_itself(self) -> bool:
        """See the protocol."""
        return False

    def exists(self) -> bool:
        """See the protocol."""
        return True

    def require_rights(self, connection: Connection) -> None:
        """See the protocol."""
        schema, role = connection.exec_driver_sql("SELECT current_schema(), current_user").one()
        if schema is None:
            raise NotPermitted(f"the database role {role} may use no schema: GRANT USAGE ON SCHEMA public TO {role}")
        if lacking := connection.exec_driver_sql(LACKING).scalars().all():
            named = ", ".join(lacking[:NAMED]) + (f" and {len(lacking) - NAMED} more" if len(lacking) > NAMED else "")
            raise NotPermitted(
                f"the database role {role} may not read and write {named}: {RIGHTS} {schema} TO {role}, as their owner"
            )

    def make(self) -> None:
        """See the protocol."""

    def before_migrating(self, connection: Connection) -> None:
        """See the protocol."""
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            raise SettingsError([Fault("HUB_DATABASE_URL", f"the encoding of the database is {encoding}, not UTF8")])
        connection.exec_driver_sql(self.begin_write)
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")

    def after_migrating(self, connection: Connection) -> None:
        """See the protocol."""


class TextCursor(psycopg.RawCursor[tuple[Any, ...]]):
    """A cursor that takes our statements as they are, and gets its rows in binary form."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        super().__init__(connection)
        self.format = Format.BINARY
        # The driver would choose the type by the value, and prepare a statement again for each mixture of types.
        self.adapters.register_dumper(int, Int8Dumper)

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> None:  # type: ignore[override]
        """Run one statement."""
        is_hot = 0 < len(parameters) <= PREPARED_PARAMETERS
        super().execute(numbered(sql), parameters, prepare=None if is_hot else False)

    def executemany(self, sql: str, rows: Iterable[Sequence[object]], /) -> None:  # type: ignore[override]
        """Run one statement for each row of parameters. A few rows are inserted by one statement, which costs half;
        many go without waiting for an answer in between. In an upsert no row may come twice.
        """
        given = list(rows)
        if len(given) == 1:
            self.execute(sql, given[0])
        elif given and len(given) * len(given[0]) <= PREPARED_PARAMETERS and ONE_ROW.search(sql):
            self.execute(widened(sql, len(given)), [value for row in given for value in row])
        else:
            super().executemany(numbered(sql), given)


@lru_cache(maxsize=512)
def widened(sql: str, rows: int) -> str:
    """`sql`, which inserts one row, for so many."""
    return ONE_ROW.sub(lambda row: ", ".join([row[0]] * rows), sql)


@lru_cache(maxsize=512)
def numbered(sql: str) -> bytes:
    """`sql` with its parameters marked as PostgreSQL does it: `$1`, `$2`."""
    numbers = count(1)
    return re.sub(r"\?", lambda _: f"${next(numbers)}", sql).encode()


def parameters(url: str) -> dict[str, Any]:
    """The connection parameters that `url` (a connection URI as in PostgreSQL's manual) stands for.

    Raises SettingsError, without a word of the URL in it: there may be a password anywhere.
    """
    try:
        given = conninfo_to_dict(f"postgresql://{url.partition('://')[2]}")
    except psycopg.Error:
        fault = "is no connection URI of PostgreSQL: a part is not percent-encoded, or a parameter unknown"
        raise SettingsError([Fault("HUB_DATABASE_URL", fault)]) from None
    return {**CONNECT, **given}


def shown(of: dict[str, Any]) -> str:
    """These connection parameters for the eyes of an operator: who, where, which database."""
    user = f"{of['user']}@" if of.get("user") else ""
    port = f":{of['port']}" if of.get("port") else ""
    return f"postgresql://{user}{of.get('host') or ''}{port}/{of.get('dbname') or ''}"


class Server(NamedTuple):
    """What an operator should know of the server: its release and the settings that matter to the hub."""

    version: str
    synchronous_commit: str
    fsync: str
    max_connections: int
    """Those that are left to ordinary roles."""


INSPECT = """
SELECT current_setting('server_version'), current_setting('synchronous_commit'), current_setting('fsync'),
current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint
"""


def inspect(tx: Snapshot) -> Server:
    """The server as it presents itself to this connection."""
    tx.cursor.execute(INSPECT)
    return Server(*tx.cursor.fetchone())
