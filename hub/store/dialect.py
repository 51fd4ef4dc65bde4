"""What the two databases do differently. Everything else in the store is written once, for both.

Statements are text with parameters marked `?`. Where the SQL itself differs, the difference is an attribute here: a
fragment to be put into a statement, or a statement of its own.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Protocol

from sqlalchemy import Connection

from hub.kernel.errors import Conflict
from hub.store.transaction import Cursor


class NotPermitted(Conflict):
    """The database does not let this process do what it has to."""

    code = "not_permitted"


class Trouble(Enum):
    """What an error of the driver means for a transaction, where it is not the fault of a function."""

    BUSY = auto()
    """Somebody else holds what is needed, for longer than one should wait."""
    CLASH = auto()
    """Two transactions were in each other's way and this one was chosen to give in. It may be repeated."""
    FULL = auto()
    """There is no room for what is to be written. Nothing has been."""
    LOST = auto()
    """There is no connection (any more). What had not been committed is undone."""
    UNFIT = auto()
    """A value cannot be kept, or looked for: it has a character, or a length, that the database does not take."""


class Dialect(Protocol):
    """One database, by its address. Used by several threads, each with connections of its own."""

    writes_alone: bool
    """Whether a transaction that writes is the only one: what it has read stays as it is until it commits."""
    join: int
    """How many functions may share a transaction."""
    longest: float | None
    """Seconds after which a transaction that has not ended is taken for one that nobody answers; None: never."""
    begin_write: str
    begin_read: str
    """Opens a transaction in which all queries see one state, and none may write."""
    epoch: str
    """Selects the identity of the log as it is now."""
    time: str
    """Selects the database's time in microseconds, NULL where it is this machine's own."""
    skip_locked: str
    """At the end of a SELECT: take the rows for this transaction, pass over those that others have taken."""
    tell_planned: str
    """Tells whoever watches, in other processes, that timers were planned; "" where watching needs no telling."""
    for_update: str
    """At the end of a SELECT: take the rows for this transaction, wait for others to let go of them."""

    def connect(self) -> Connection:
        """A connection on which nothing commits by itself but statements outside of BEGIN and COMMIT.

        Raises ConnectionError where the database cannot be reached; its text holds no password.
        """
        ...

    def cursor(self, connection: Connection, *, read_only: bool) -> Cursor:
        """A cursor of the driver, on a connection prepared for a thread that does nothing but read, or that writes."""
        ...

    def cut(self, driver: Any) -> None:  # noqa: ANN401 - the driver's own connection
        """End a connection whose thread waits for an answer, from another thread: that one gets an error."""
        ...

    def commit(self, cursor: Cursor) -> None:
        """COMMIT; raises also where there is nothing to commit any more, or all of it has been undone instead."""
        ...

    def is_open(self, driver: Any) -> bool:  # noqa: ANN401 - the driver's own connection
        """Whether a transaction has begun that has not ended, or nobody can tell."""
        ...

    def trouble(self, error: BaseException) -> Trouble | None:
        """What kind of trouble an error of the driver, or of SQLAlchemy around it, stands for."""
        ...

    def watching(self, connection: Connection) -> Callable[[], bool]:
        """Watch for timers that are planned by others: what is returned waits for less than a second, and says whether
        there may have been any since it was called last, or since watching began.
        """
        ...

    def migrates_itself(self) -> bool:
        """Whether a process that serves brings the schema up to date, or expects `hub migrate` to have done so."""
        ...

    def exists(self) -> bool:
        """Whether there is anything to look into; connecting might otherwise make it."""
        ...

    def require_rights(self, connection: Connection) -> None:
        """Raise NotPermitted where this role may not read and write what a migration has made for it."""
        ...

    def make(self) -> None:
        """Make what must be there before anything can be connected to, where that is ours to make."""
        ...

    def before_migrating(self, connection: Connection) -> None:
        """Begin the transaction of a migration, alone: others wait here until it has ended."""
        ...

    def after_migrating(self, connection: Connection) -> None:
        """Look whether the migration has left everything in order, before it is committed; raises if not."""
        ...
