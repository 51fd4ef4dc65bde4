"""The table of notices that have been handed to the senders: what stands in it is never sent again."""

from sqlalchemy import Column, Index, Integer, Table, Text, delete, select, text

from api.appointments.rules.notices import Notice
from hub.kernel.clock import micros
from hub.store.schema import Micros, Name, metadata
from hub.store.transaction import Tx

# `delivery` names the message, as long as it has not left.
appointment_notice = Table(
    "appointment_notice",
    metadata,
    Column("appointment", Name, primary_key=True),
    Column("schedule_version", Integer, primary_key=True),
    Column("type", Name, primary_key=True),
    Column("time_offset", Name, primary_key=True),
    Column("person", Name, primary_key=True),
    Column("way", Name, primary_key=True),
    Column("delivery", Text, nullable=False),
    Column("told_at", Micros, nullable=False),
    Index(None, "told_at"),
)

_NOTICE = appointment_notice.c
CLAIM = text("""
INSERT INTO appointment_notice (appointment, schedule_version, type, time_offset, person, way, delivery, told_at)
VALUES (:appointment, :schedule_version, :type, :time_offset, :person, :way, :delivery, :told_at)
ON CONFLICT (appointment, schedule_version, type, time_offset, person, way) DO NOTHING
""")


def claim(tx: Tx, appointment: str, schedule_version: int, notice: Notice, delivery: str, now: float) -> bool:
    """Whether the notice had not been told before; it has now, under that name of a delivery."""
    row = {
        "appointment": appointment,
        "schedule_version": schedule_version,
        "type": notice.type,
        "time_offset": notice.offset,
        "person": notice.person.id,
        "way": notice.way,
        "delivery": delivery,
        "told_at": micros(now),
    }
    return tx.connection.execute(CLAIM, row).rowcount == 1


def deliveries(tx: Tx, appointment: str, person: str) -> list[str]:
    """Under which names the person has been told anything about the appointment."""
    theirs = (_NOTICE.appointment == appointment, _NOTICE.person == person)
    return list(tx.connection.execute(select(_NOTICE.delivery).where(*theirs)).scalars())


def begin_anew(tx: Tx, appointment: str, person: str) -> None:
    """The person has left, or comes back: what they were told before does not keep them from being told again."""
    tx.connection.execute(
        delete(appointment_notice).where(_NOTICE.appointment == appointment, _NOTICE.person == person)
    )


def expire(tx: Tx, before: float, batch: int) -> int:
    """Delete at most `batch` rows from before an instant; returns how many."""
    key = [_NOTICE[name] for name in ("appointment", "schedule_version", "type", "time_offset", "person", "way")]
    old = select(*key).where(_NOTICE.told_at <= micros(before)).order_by(_NOTICE.told_at).limit(batch)
    rows = tx.connection.execute(old).all()
    for row in rows:
        mine = [column == value for column, value in zip(key, row, strict=True)]
        tx.connection.execute(delete(appointment_notice).where(*mine))
    return len(rows)
