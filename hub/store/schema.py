"""The tables of the store. Domains register theirs on the same `metadata`; migrations are written by hand beside it."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

metadata = MetaData(naming_convention=NAMING)

# SQLite makes a 64-bit row id only of a column declared INTEGER.
Number = BigInteger().with_variant(Integer(), "sqlite")

# Sorted by code points, as SQLite does it: a prefix is then a range, whatever the language of the database.
Name = Text().with_variant(Text(collation="C"), "postgresql")


class Micros(TypeDecorator[int]):
    """An instant as integer microseconds since 1970 UTC; read back as that integer.

    Binds integers and aware datetimes. Floats and naive datetimes are refused with TypeError: the one would be
    seconds, the other nobody's time zone.
    """

    impl = Number
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> int | None:
        """The stored form of `value`."""
        del dialect
        match value:
            case None:
                return None
            case bool():
                pass
            case int():
                return value
            case datetime() if value.tzinfo is not None:
                return (value - UNIX_EPOCH) // timedelta(microseconds=1)
            case _:
                pass
        raise TypeError(f"an instant is integer microseconds or an aware datetime, not {value!r}")


# One row: the identity of this log. Positions of another epoch mean nothing.
log = Table(
    "log",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Text, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

# One row: what links are signed with.
signing_key = Table(
    "signing_key",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", LargeBinary, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

# What links were signed with before, and until when these are good.
former_signing_key = Table(
    "former_signing_key",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("good_until", Micros, nullable=False),
)

# `seq` is the highest position given out, `trimmed` the highest one removed (0 = none): kept are trimmed+1 … seq.
stream_head = Table(
    "stream_head",
    metadata,
    Column("id", Number, primary_key=True),
    Column("organization", Name, nullable=False),
    Column("user", Name, nullable=False),
    Column("channel", Name, nullable=False),
    Column("seq", Number, nullable=False),
    Column("touched_at", Micros, nullable=False),
    Column("trimmed", Number, nullable=False, server_default="0"),
    UniqueConstraint("organization", "user", "channel"),
    Index(None, "touched_at"),
)

# Kept in the order in which events come, whichever their streams, so that a transaction with events for a hundred users
# writes ten pages and not a hundred; the key is an index beside that. No foreign key to stream_head: the insert that
# would pay for it has just been given the id by that table.
event = Table(
    "event",
    metadata,
    Column("stream_id", Number, primary_key=True, autoincrement=False),
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("at", Micros, nullable=False),
    Column("id", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("binary", Boolean, nullable=False, server_default=false()),
)

# due_at is NULL in a buried row, buried_at in every other. Ids are never used twice: completing a timer must not hit
# the one that replaced it.
# The unique index starts with the key: one that starts with the kind would tempt a planner away from due_at.
timer = Table(
    "timer",
    metadata,
    Column("id", Number, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("due_at", Micros, nullable=True),
    Column("not_after", Micros, nullable=True),
    Column("payload", LargeBinary, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("error", Text, nullable=True),
    Column("lease_until", Micros, nullable=True),
    Column("buried_at", Micros, nullable=True),
    Column("receiver", Text, nullable=False, server_default=text("''")),
    UniqueConstraint("key", "kind"),
    Index(None, "due_at"),
    sqlite_autoincrement=True,
)

# status, headers and body are NULL while the request is in progress.
idempotency = Table(
    "idempotency",
    metadata,
    Column("organization", Text, primary_key=True),
    Column("principal", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body_hash", LargeBinary, nullable=False),
    Column("at", Micros, nullable=False),
    Column("status", Integer, nullable=True),
    Column("headers", LargeBinary, nullable=True),
    Column("body", LargeBinary, nullable=True),
    Index(None, "at"),
)

# login: only what that login opened is concerned; spared: all but what that login opened.
revocation = Table(
    "revocation",
    metadata,
    Column("id", Number, primary_key=True),
    Column("organization", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("at", Micros, nullable=False),
    Column("tokens", Boolean, nullable=False),
    Column("login", Name, nullable=True),
    Column("spared", Name, nullable=True),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

# A process that serves, dated by its heartbeat.
node = Table(
    "node",
    metadata,
    Column("name", Name, primary_key=True),
    Column("seen_at", Micros, nullable=False),
)

# A user has at least one desktop on a node.
desktop = Table(
    "desktop",
    metadata,
    Column("organization", Name, primary_key=True),
    Column("user", Name, primary_key=True),
    Column("node", Name, primary_key=True),
    Index(None, "node"),
)

# A user who counts as connected. `left_at` is set while there is no desktop; `returns` is 0 in a row just made.
presence = Table(
    "presence",
    metadata,
    Column("organization", Name, primary_key=True),
    Column("user", Name, primary_key=True),
    Column("left_at", Micros, nullable=True),
    Column("returns", Number, nullable=False),
    Index(None, "left_at"),
)

# forget_at is NULL while somebody refers to the file.
file = Table(
    "file",
    metadata,
    Column("id", Name, primary_key=True),
    Column("forget_at", Micros, nullable=True),
    Index(None, "forget_at"),
)

# Every chunk but the last one has `hub.store.files.CHUNK_BYTES`.
file_chunk = Table(
    "file_chunk",
    metadata,
    Column("file", Name, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)
