"""The tables of services, of what they keep, and of the numbers that are given out."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Column, Index, LargeBinary, Select, Table, Text, delete, func, select, text, update

from api.services.rules import Item, Service
from hub.kernel.clock import micros, seconds
from hub.store.schema import Micros, Name, Number, metadata
from hub.store.transaction import Snapshot, Tx

service = Table(
    "service",
    metadata,
    Column("id", Name, primary_key=True),
    Column("organization", Name, nullable=False),
    Column("name", Name, nullable=False),
    Column("created_at", Micros, nullable=False),
    Column("expires_at", Micros, nullable=False),
    Column("bytes", Number, nullable=False),
    Index(None, "organization", "name"),
)

# Either `text` or `file` is there.
service_item = Table(
    "service_item",
    metadata,
    Column("service", Name, primary_key=True),
    Column("key", Name, primary_key=True),
    Column("text", LargeBinary, nullable=True),
    Column("file", Name, nullable=True),
    Column("media_type", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("bytes", Number, nullable=False),
)

# `word` is what `api.services.rules.word_of` makes of a code, or of the number of whoever calls.
service_access = Table(
    "service_access",
    metadata,
    Column("organization", Name, primary_key=True),
    Column("number", Name, primary_key=True),
    Column("word", Name, primary_key=True),
    Column("service", Name, nullable=False),
    Column("until", Micros, nullable=False),
    Index(None, "service"),
)

_ITEM = [service_item.c[name] for name in Item.__struct_fields__]
# Two processes may try the same code at once; neither may see an error of the database for it.
BOOK = text("""
INSERT INTO service_access (organization, number, word, service, until)
VALUES (:organization, :number, :word, :service, :until) ON CONFLICT (organization, number, word) DO NOTHING
""")
PUT = text("""
INSERT INTO service_item (service, key, text, file, media_type, file_name, bytes)
VALUES (:service, :key, :text, :file, :media_type, :file_name, :bytes)
ON CONFLICT (service, key) DO UPDATE SET text = excluded.text, file = excluded.file,
media_type = excluded.media_type, file_name = excluded.file_name, bytes = excluded.bytes
""")


def insert(tx: Tx, new: Service) -> None:
    """The id is new."""
    values = {name: getattr(new, name) for name in Service.__struct_fields__}
    times = {name: micros(values[name]) for name in ("created_at", "expires_at")}
    tx.connection.execute(service.insert().values(**values | times))


def find(tx: Snapshot, id: str) -> Service | None:
    """By its id, expired or not."""
    return _one(tx, select(service).where(service.c.id == id))


def lock(tx: Tx, id: str) -> Service | None:
    """The service, which nobody else changes before this transaction ends."""
    return _one(tx, select(service).where(service.c.id == id).with_for_update())


def change(tx: Tx, id: str, **values: object) -> None:
    """Change columns of the service."""
    tx.connection.execute(update(service).where(service.c.id == id).values(**values))


def remove(tx: Tx, id: str) -> None:
    """Delete the service, and the numbers that were given out for it."""
    tx.connection.execute(delete(service_access).where(service_access.c.service == id))
    tx.connection.execute(delete(service).where(service.c.id == id))


def usage(tx: Snapshot, organization: str, name: str) -> tuple[int, int]:
    """How many services of the name there are, and how much they keep."""
    mine = (service.c.organization == organization) & (service.c.name == name)
    row = tx.connection.execute(select(func.count(), func.coalesce(func.sum(service.c.bytes), 0)).where(mine)).one()
    return int(row[0]), int(row[1])


def items(tx: Snapshot, id: str) -> dict[str, Item]:
    """All that a service keeps, without its texts."""
    columns = [column for column in _ITEM if column.name != "text"]
    rows = tx.connection.execute(select(*columns).where(service_item.c.service == id).order_by(service_item.c.key))
    return {row.key: Item(**row._asdict()) for row in rows}


def texts(tx: Snapshot, id: str) -> dict[str, bytes]:
    """The texts that a service keeps."""
    mine = select(service_item.c.key, service_item.c.text).where(
        service_item.c.service == id, service_item.c.file.is_(None)
    )
    return {row.key: bytes(row.text) for row in tx.connection.execute(mine.order_by(service_item.c.key))}


def item(tx: Snapshot, id: str, key: str) -> Item | None:
    """What is kept under a key."""
    found = tx.connection.execute(
        select(*_ITEM).where(service_item.c.service == id, service_item.c.key == key)
    ).one_or_none()
    return None if found is None else Item(**found._asdict())


def put(tx: Tx, id: str, new: Iterable[Item]) -> None:
    """Keep these, instead of what has been under their keys."""
    for each in new:
        tx.connection.execute(PUT, {"service": id} | {name: getattr(each, name) for name in Item.__struct_fields__})


def forget(tx: Tx, id: str, key: str | None = None) -> None:
    """Keep what is under the key no longer; without one, nothing at all."""
    mine = delete(service_item).where(service_item.c.service == id)
    tx.connection.execute(mine if key is None else mine.where(service_item.c.key == key))


def book(tx: Tx, organization: str, number: str, word: str, service: str, until: float) -> bool:
    """Give the number out, unless somebody has it with the same word."""
    values = {
        "organization": organization,
        "number": number,
        "word": word,
        "service": service,
        "until": micros(until),
    }
    return tx.connection.execute(BOOK, values).rowcount == 1


def booked(tx: Tx, organization: str, number: str) -> set[str]:
    """The words with which a number is given out."""
    mine = (service_access.c.organization == organization) & (service_access.c.number == number)
    return {row.word for row in tx.connection.execute(select(service_access.c.word).where(mine))}


def counts(tx: Tx, organization: str, numbers: Sequence[str]) -> dict[str, int]:
    """How often each of the numbers is given out."""
    mine = (service_access.c.organization == organization) & service_access.c.number.in_(numbers)
    found = tx.connection.execute(
        select(service_access.c.number, func.count()).where(mine).group_by(service_access.c.number)
    )
    return dict.fromkeys(numbers, 0) | {row[0]: int(row[1]) for row in found}


def free_expired(tx: Tx, organization: str, numbers: Sequence[str], now: float) -> None:
    """Take back the numbers whose time is over."""
    mine = (service_access.c.organization == organization) & service_access.c.number.in_(numbers)
    tx.connection.execute(delete(service_access).where(mine, service_access.c.until <= micros(now)))


def take_back(tx: Tx, organization: str, number: str, word: str, now: float) -> str | None:
    """Take the number back from the service that has it with the word, and say which one it was."""
    mine = (
        (service_access.c.organization == organization)
        & (service_access.c.number == number)
        & (service_access.c.word == word)
        & (service_access.c.until > micros(now))
    )
    row = tx.connection.execute(delete(service_access).where(mine).returning(service_access.c.service)).one_or_none()
    return None if row is None else str(row.service)


def move_access(tx: Tx, id: str, since: float, until: float) -> None:
    """What was given out for as long as the service lives, is from now on so until another instant."""
    mine = (service_access.c.service == id) & (service_access.c.until == micros(since))
    tx.connection.execute(update(service_access).where(mine).values(until=micros(until)))


def _one(tx: Snapshot, found: Select[Any]) -> Service | None:
    row = tx.connection.execute(found).one_or_none()
    if row is None:
        return None
    times = {name: seconds(getattr(row, name)) for name in ("created_at", "expires_at")}
    return Service(**{**row._asdict(), **times})
