"""What a function handed to the database sees: a snapshot to read, or a transaction to change."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct
from sqlalchemy import Connection

from channels.envelope import Stream
from hub.kernel.errors import Internal, Overloaded

if TYPE_CHECKING:
    from hub.store.dialect import Dialect


class Cursor(Protocol):
    """The part of a driver's cursor that the hot statements use. Rows are tuples; parameters are marked `?`."""

    @property
    def rowcount(self) -> int: ...
    def execute(self, sql: str, parameters: Sequence[object] = ..., /) -> object: ...
    def executemany(self, sql: str, parameters: Iterable[Sequence[object]], /) -> object: ...
    def fetchone(self) -> Any: ...  # noqa: ANN401 - rows have the types of their columns
    def fetchall(self) -> list[Any]: ...


class TransactionFailed(Internal):
    """The common transaction could not be committed: nothing was written, nothing published. The cause is attached."""

    code = "transaction_failed"


class OutcomeUnknown(Overloaded):
    """The connection broke between COMMIT and its answer: the change is durable or it never happened, nobody can say.

    If it is, its events reach everybody by the regular look into the log. Repeating is safe under the same
    idempotency key.
    """

    code = "outcome_unknown"
    default_detail = (
        "The connection to the database broke while the change was being committed; it may have happened. "
        "Repeat the request with the same Idempotency-Key, or look first"
    )


class Emitted(Struct, eq=False):
    """An event on its way. `id` is known at once; `seq` from the moment the write's future resolves (0 = ephemeral)."""

    stream: Stream
    data: bytes
    id: str
    at: int
    durable: bool
    binary: bool = False
    seq: int = 0

    def __repr__(self) -> str:
        return f"Emitted({self.stream!r}, seq={self.seq}, id={self.id!r})"


class Snapshot:
    """A transaction that reads: all its queries see one state of the database.

    `connection` is for SQLAlchemy Core, `cursor` the driver's own for text SQL; both work in the same transaction.
    `dialect` has the words for text SQL that differs.
    """

    __slots__ = ("_connection", "_cursor", "dialect")

    def __init__(self, connection: Connection, cursor: Cursor, dialect: "Dialect") -> None:
        self._connection = connection
        self._cursor = cursor
        self.dialect = dialect

    @property
    def connection(self) -> Connection:
        """For SQLAlchemy Core."""
        return self._connection

    @property
    def cursor(self) -> Cursor:
        """For text SQL, parameters marked `?`."""
        return self._cursor


class Tx(Snapshot):
    """A transaction that writes. `emitted` collects its events; they get their positions just before COMMIT.

    `at_last` holds what is to be written once the positions are known, in the same transaction. A function there that
    raises fails the common transaction: only what cannot fail for reasons of its own belongs there. `planned` says that
    timers were planned here: after the commit, whoever waits for timers is told.

    The function that has it shares the transaction with others, from which a SAVEPOINT separates it as soon as it
    touches the database. One that only emits, or is `alone` in its transaction, costs no statement.
    """

    __slots__ = ("_apart", "_saved", "at_last", "emitted", "planned")

    def __init__(self, connection: Connection, cursor: Cursor, dialect: "Dialect", *, alone: bool) -> None:
        super().__init__(connection, cursor, dialect)
        self._apart = alone
        self._saved = False
        self.emitted: list[Emitted] = []
        self.at_last: list[Callable[[], None]] = []
        self.planned = False

    @property
    def connection(self) -> Connection:
        """For SQLAlchemy Core."""
        self._set_apart()
        return self._connection

    @property
    def cursor(self) -> Cursor:
        """For text SQL, parameters marked `?`."""
        self._set_apart()
        return self._cursor

    def keep(self) -> None:
        """The function has succeeded: from now on what it did, and does at last, belongs to the common transaction."""
        if self._saved:
            self._cursor.execute("RELEASE f")
        self._apart, self._saved = True, False

    def undo(self) -> None:
        """The function has failed: the common transaction goes on as if it had not been there. Whoever ran it alone
        must not commit.
        """
        if self._saved:
            self._cursor.execute("ROLLBACK TO f")
            self._cursor.execute("RELEASE f")

    def _set_apart(self) -> None:
        if not self._apart:
            self._cursor.execute("SAVEPOINT f")
            self._apart = self._saved = True
