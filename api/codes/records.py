"""The table of one-time codes: the last one of each recipient."""

from typing import Any

from sqlalchemy import Column, Index, Integer, LargeBinary, Select, Table, delete, select, text, tuple_, update

from api.codes.rules import Code
from hub.kernel.clock import micros, seconds
from hub.store.schema import Micros, Name, metadata
from hub.store.transaction import Tx

# A row outlives its code until all that was sent to the recipient is paid for: `forget_at`.
one_time_code = Table(
    "one_time_code",
    metadata,
    Column("organization", Name, primary_key=True),
    Column("recipient", Name, primary_key=True),
    Column("id", Name, nullable=False, unique=True),
    Column("digest", LargeBinary, nullable=False),
    Column("tries_left", Integer, nullable=False),
    Column("sent_at", Micros, nullable=False),
    Column("expires_at", Micros, nullable=False),
    Column("spent_until", Micros, nullable=False),
    Column("delivery", Name, nullable=True),
    Column("forget_at", Micros, nullable=False),
    Index(None, "forget_at"),
)

_COLUMNS = [one_time_code.c[name] for name in Code.__struct_fields__]
_KEY = (one_time_code.c.organization, one_time_code.c.recipient)
# Two processes may be asked for the same recipient at once; neither may see an error of the database for it.
INSERT = text("""
INSERT INTO one_time_code
(organization, recipient, id, digest, tries_left, sent_at, expires_at, spent_until, delivery, forget_at)
VALUES
(:organization, :recipient, :id, :digest, :tries_left, :sent_at, :expires_at, :spent_until, :delivery, :forget_at)
ON CONFLICT (organization, recipient) DO NOTHING
""")


def insert(tx: Tx, code: Code) -> bool:
    """Whether there was none for the recipient."""
    return tx.connection.execute(INSERT, _values(code)).rowcount == 1


def replace(tx: Tx, code: Code) -> None:
    """Instead of the recipient's last one."""
    theirs = update(one_time_code).where(_KEY[0] == code.organization, _KEY[1] == code.recipient)
    tx.connection.execute(theirs.values(**_values(code)))


def lock_last(tx: Tx, organization: str, recipient: str) -> Code | None:
    """The recipient's last one, which nobody else changes before this transaction ends."""
    return _locked(tx, select(*_COLUMNS).where(_KEY[0] == organization, _KEY[1] == recipient))


def lock(tx: Tx, id: str) -> Code | None:
    """The code behind the hash of a verification id, locked as well."""
    return _locked(tx, select(*_COLUMNS).where(one_time_code.c.id == id))


def set_tries_left(tx: Tx, id: str, tries_left: int) -> None:
    """How often it may still be tried."""
    tx.connection.execute(update(one_time_code).where(one_time_code.c.id == id).values(tries_left=tries_left))


def expire(tx: Tx, now: float, batch: int) -> int:
    """Delete at most `batch` rows that nothing depends on any more; returns how many."""
    old = select(*_KEY).where(one_time_code.c.forget_at <= micros(now)).order_by(one_time_code.c.forget_at).limit(batch)
    return tx.connection.execute(delete(one_time_code).where(tuple_(*_KEY).in_(old))).rowcount


def _locked(tx: Tx, found: Select[Any]) -> Code | None:
    row = tx.connection.execute(found.with_for_update()).one_or_none()
    if row is None:
        return None
    times = {name: seconds(getattr(row, name)) for name in ("sent_at", "expires_at", "spent_until")}
    return Code(**{**row._asdict(), **times})


def _values(code: Code) -> dict[str, object]:
    return {
        "organization": code.organization,
        "recipient": code.recipient,
        "id": code.id,
        "digest": code.digest,
        "tries_left": code.tries_left,
        "sent_at": micros(code.sent_at),
        "expires_at": micros(code.expires_at),
        "spent_until": micros(code.spent_until),
        "delivery": code.delivery,
        "forget_at": micros(max(code.expires_at, code.spent_until)),
    }
