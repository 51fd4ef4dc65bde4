"""The table of tickets."""

from typing import Any

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Select, Table, Text, delete, select, update

from api.tickets.rules import Ticket
from hub.kernel.clock import micros, seconds
from hub.store.schema import Micros, Name, metadata
from hub.store.transaction import Snapshot, Tx

ticket = Table(
    "ticket",
    metadata,
    Column("id", Name, primary_key=True),
    Column("organization", Name, nullable=False),
    Column("type", Text, nullable=False),
    Column("created_by", Name, nullable=False),
    Column("customer", Name, nullable=False),
    Column("conference", Name, nullable=False),
    Column("application", Name, nullable=True),
    Column("properties", LargeBinary, nullable=False),
    Column("created_at", Micros, nullable=False),
    Column("opens_at", Micros, nullable=False),
    Column("expires_at", Micros, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("revoked", Boolean, nullable=False),
    Index(None, "expires_at"),
)

_COLUMNS = [ticket.c[name] for name in Ticket.__struct_fields__]
_TIMES = ("created_at", "opens_at", "expires_at")


def insert(tx: Tx, new: Ticket) -> None:
    """The id is new."""
    values = {name: getattr(new, name) for name in Ticket.__struct_fields__}
    tx.connection.execute(ticket.insert().values(**values | {name: micros(values[name]) for name in _TIMES}))


def find(tx: Snapshot, id: str) -> Ticket | None:
    """By the hash of its id."""
    return _one(tx, select(*_COLUMNS).where(ticket.c.id == id))


def lock(tx: Tx, id: str) -> Ticket | None:
    """The ticket, which nobody else changes before this transaction ends."""
    return _one(tx, select(*_COLUMNS).where(ticket.c.id == id).with_for_update())


def change(tx: Tx, id: str, **values: object) -> None:
    """Change columns of the ticket."""
    tx.connection.execute(update(ticket).where(ticket.c.id == id).values(**values))


def set_end(tx: Tx, id: str, expires_at: float) -> bool:
    """Until when it is good; says whether there is such a ticket."""
    moved = update(ticket).where(ticket.c.id == id).values(expires_at=micros(expires_at))
    return tx.connection.execute(moved).rowcount > 0


def expire(tx: Tx, before: float, batch: int) -> int:
    """Delete at most `batch` tickets that expired before an instant; returns how many."""
    old = select(ticket.c.id).where(ticket.c.expires_at <= micros(before)).order_by(ticket.c.expires_at).limit(batch)
    return tx.connection.execute(delete(ticket).where(ticket.c.id.in_(old))).rowcount


def _one(tx: Snapshot, found: Select[Any]) -> Ticket | None:
    row = tx.connection.execute(found).one_or_none()
    return (
        None if row is None else Ticket(**{**row._asdict(), **{name: seconds(getattr(row, name)) for name in _TIMES}})
    )
