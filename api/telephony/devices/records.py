"""The tables of devices and of the agents' work. Calls come and go on these rows, hence text SQL.

Whoever changes something takes the devices first, then the work of their user: so nobody waits in a circle.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, UniqueConstraint

from api.telephony.devices.rules import Phone, State, Work
from hub.kernel.clock import micros, seconds
from hub.store.schema import Micros, Name, metadata
from hub.store.transaction import Snapshot, Tx

Row: TypeAlias = tuple[Any, ...]

device = Table(
    "device",
    metadata,
    Column("organization", Name, primary_key=True),
    Column("id", Name, primary_key=True),
    Column("number", Name, nullable=False),
    Column("user_id", Name, nullable=True),
    Column("borrowed", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("do_not_disturb", Boolean, nullable=False),
    Column("forward_to", Text, nullable=True),
    Column("calls", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("model", Text, nullable=False),
    UniqueConstraint("organization", "number"),
    Index(None, "organization", "user_id"),
)

# A medium that an agent is logged in to. The index is walked from the agent who has been free for longest.
work = Table(
    "agent_work",
    metadata,
    Column("organization", Name, primary_key=True),
    Column("user_id", Name, primary_key=True),
    Column("channel", Name, primary_key=True),
    Column("device", Name, nullable=True),
    Column("queue", Name, nullable=True),
    Column("state", Text, nullable=False),
    Column("work_mode", Text, nullable=True),
    Column("reason", Text, nullable=True),
    Column("since", Micros, nullable=False),
    Column("wrap_up_until", Micros, nullable=True),
    Column("free_since", Micros, nullable=True),
    Column("reserved_until", Micros, nullable=True),
    Column("reserved_for", Text, nullable=True),
    Index(None, "organization", "channel", "free_since"),
)

# What agents with a session can do: queues and languages (level 0), skills. A copy, by which they are found.
qualification = Table(
    "qualification",
    metadata,
    Column("organization", Name, primary_key=True),
    Column("kind", Name, primary_key=True),
    Column("name", Name, primary_key=True),
    Column("user_id", Name, primary_key=True),
    Column("level", Integer, nullable=False),
    Index(None, "organization", "user_id"),
)

PHONE = "organization, id, number, user_id, borrowed, active, do_not_disturb, forward_to, calls, type, vendor, model"
WORK = (
    "organization, user_id, channel, device, queue, state, work_mode, reason, since, wrap_up_until, free_since,"
    " reserved_until, reserved_for"
)
INSERT_PHONE = f"INSERT INTO device ({PHONE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
UPDATE_PHONE = """
UPDATE device SET user_id = ?, borrowed = ?, active = ?, do_not_disturb = ?, forward_to = ?, calls = ?
WHERE organization = ? AND id = ?
"""
DELETE_PHONE = "DELETE FROM device WHERE organization = ? AND id = ?"
PHONE_BY_ID = f"SELECT {PHONE} FROM device WHERE organization = ? AND id = ? {{locked}}"
PHONE_BY_NUMBER = f"SELECT {PHONE} FROM device WHERE organization = ? AND number = ? {{locked}}"
PHONES_OF = f"SELECT {PHONE} FROM device WHERE organization = ? AND user_id IN ({{marks}}) ORDER BY id {{locked}}"
PHONES = f"SELECT {PHONE} FROM device WHERE organization = ? ORDER BY number LIMIT ? OFFSET ?"
COUNT_PHONES = "SELECT COUNT(*) FROM device WHERE organization = ?"
WORK_OF = f"SELECT {WORK} FROM agent_work WHERE organization = ? AND user_id IN ({{marks}}) ORDER BY channel {{locked}}"
PUT_WORK = f"""
INSERT INTO agent_work ({WORK}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (organization, user_id, channel) DO UPDATE SET device = excluded.device, queue = excluded.queue,
state = excluded.state, work_mode = excluded.work_mode, reason = excluded.reason, since = excluded.since,
wrap_up_until = excluded.wrap_up_until, free_since = excluded.free_since, reserved_until = excluded.reserved_until,
reserved_for = excluded.reserved_for
"""
DELETE_WORK = "DELETE FROM agent_work WHERE organization = ? AND user_id = ? AND channel = ?"
USERS_PER_QUERY = 500


def insert_phone(tx: Tx, new: Phone) -> bool:
    """Whether its id and its number were free."""
    tx.cursor.execute(
        INSERT_PHONE,
        (
            new.organization,
            new.id,
            new.number,
            new.user,
            new.borrowed,
            new.active,
            new.do_not_disturb,
            new.forward_to,
            new.calls,
            new.type,
            new.vendor,
            new.model,
        ),
    )
    return tx.cursor.rowcount == 1


def update_phone(tx: Tx, new: Phone) -> None:
    """What can change about it."""
    changing = (new.user, new.borrowed, new.active, new.do_not_disturb, new.forward_to, new.calls)
    tx.cursor.execute(UPDATE_PHONE, (*changing, new.organization, new.id))


def delete_phone(tx: Tx, organization: str, id: str) -> None:
    """For good."""
    tx.cursor.execute(DELETE_PHONE, (organization, id))


def phone(tx: Snapshot, organization: str, id: str, *, lock: bool = False) -> Phone | None:
    """By its id; `lock` keeps others from changing it before this transaction ends."""
    return _one_phone(tx, PHONE_BY_ID, organization, id, lock=lock)


def phone_at(tx: Snapshot, organization: str, number: str, *, lock: bool = False) -> Phone | None:
    """By its number."""
    return _one_phone(tx, PHONE_BY_NUMBER, organization, number, lock=lock)


def phones_of(tx: Snapshot, organization: str, users: Collection[str], *, lock: bool = False) -> list[Phone]:
    """All devices of these users."""
    return [_phone(row) for row in _of_users(tx, PHONES_OF, organization, users, lock=lock)]


def phones(tx: Snapshot, organization: str, offset: int, limit: int) -> tuple[list[Phone], int]:
    """A part of an organization's devices, by number, and how many there are."""
    tx.cursor.execute(PHONES, (organization, limit, offset))
    found = [_phone(row) for row in tx.cursor.fetchall()]
    tx.cursor.execute(COUNT_PHONES, (organization,))
    return found, int(tx.cursor.fetchall()[0][0])


def work_of(tx: Snapshot, organization: str, users: Collection[str], *, lock: bool = False) -> list[Work]:
    """All that these users are logged in to."""
    return [_work(row) for row in _of_users(tx, WORK_OF, organization, users, lock=lock)]


def put_work(tx: Tx, new: Work) -> None:
    """As it is now."""
    instants = (micros(new.since), *map(_stored, (new.wrap_up_until, new.free_since, new.reserved_until)))
    named = (new.organization, new.user, new.channel, new.device, new.queue)
    tx.cursor.execute(PUT_WORK, (*named, *new.state, *instants, new.reserved_for))


def delete_work(tx: Tx, old: Work) -> None:
    """Logged out."""
    tx.cursor.execute(DELETE_WORK, (old.organization, old.user, old.channel))


def _one_phone(tx: Snapshot, sql: str, *key: str, lock: bool) -> Phone | None:
    tx.cursor.execute(sql.format(locked=tx.dialect.for_update if lock else ""), key)
    rows = tx.cursor.fetchall()
    return _phone(rows[0]) if rows else None


def _of_users(tx: Snapshot, sql: str, organization: str, users: Collection[str], *, lock: bool) -> Iterable[Row]:
    wanted = list(users)
    for start in range(0, len(wanted), USERS_PER_QUERY):
        part = wanted[start : start + USERS_PER_QUERY]
        marks = ", ".join("?" * len(part))
        tx.cursor.execute(sql.format(marks=marks, locked=tx.dialect.for_update if lock else ""), (organization, *part))
        yield from tx.cursor.fetchall()


def _phone(row: Row) -> Phone:
    return Phone(
        organization=row[0],
        id=row[1],
        number=row[2],
        user=row[3],
        borrowed=bool(row[4]),
        active=bool(row[5]),
        do_not_disturb=bool(row[6]),
        forward_to=row[7],
        calls=row[8],
        type=row[9],
        vendor=row[10],
        model=row[11],
    )


def _work(row: Row) -> Work:
    return Work(
        organization=row[0],
        user=row[1],
        channel=row[2],
        device=row[3],
        queue=row[4],
        state=State(*row[5:8]),
        since=seconds(row[8]),
        wrap_up_until=_read(row[9]),
        free_since=_read(row[10]),
        reserved_until=_read(row[11]),
        reserved_for=row[12],
    )


def _stored(at: float | None) -> int | None:
    return None if at is None else micros(at)


def _read(at: int | None) -> float | None:
    return None if at is None else seconds(at)


# Who is free --------------------------------------------------------------------------------------------------------

QUALIFIED = """
AND EXISTS (SELECT 1 FROM qualification q WHERE q.organization = w.organization AND q.kind = ? AND q.name = ?
  AND q.user_id = w.user_id AND q.level >= ?)
"""
# Away from every desktop is not there, also within the grace in which the session goes on.
PRESENT = """
AND EXISTS (SELECT 1 FROM presence p WHERE p.organization = {work}.organization AND p."user" = {work}.user_id
  AND p.left_at IS NULL)
"""
# Ordered by nothing but the index, so that it ends with the first few, whatever a planner thinks of how many are free.
FREE = """
SELECT w.user_id, w.device, w.free_since FROM agent_work w
WHERE w.organization = ? AND w.channel = 'voice' AND w.free_since IS NOT NULL
AND (w.reserved_until IS NULL OR w.reserved_until <= ?) AND (w.queue IS NULL OR w.queue = ?)
{requirements} ORDER BY w.free_since LIMIT ?
"""
# Of one agent, found by name: said so that a planner who thinks that few are free does not look through all who are.
IS_FREE = "COALESCE({work}.free_since, -1) >= 0 AND COALESCE({work}.reserved_until, 0) <= ?"
ABLE = f"""
SELECT w.queue, q.kind, q.name, q.level FROM agent_work w
JOIN qualification q ON q.organization = w.organization AND q.user_id = w.user_id
WHERE w.organization = ? AND w.user_id = ? AND w.channel = 'voice' AND {IS_FREE.format(work="w")}
{PRESENT.format(work="w")}
"""
RESERVE = f"""
UPDATE agent_work SET reserved_until = ?, reserved_for = ?
WHERE organization = ? AND user_id = ? AND channel = 'voice' AND {IS_FREE.format(work="agent_work")}
{PRESENT.format(work="agent_work")}
"""
RELEASE = """
UPDATE agent_work SET reserved_until = NULL, reserved_for = NULL
WHERE organization = ? AND user_id = ? AND channel = 'voice' AND reserved_for = ?
"""
DISQUALIFY = "DELETE FROM qualification WHERE organization = ? AND user_id = ?"
QUALIFY = """
INSERT INTO qualification (organization, kind, name, user_id, level) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (organization, kind, name, user_id) DO UPDATE SET level = excluded.level
"""


class Requirement(NamedTuple):
    """What an agent must have: a queue or a language (level 0), or a skill at some level."""

    kind: str
    name: str
    level: int


class Free(NamedTuple):
    """An agent who may be given a call, and since when (Unix seconds)."""

    user: str
    device: str
    since: float


def free(
    tx: Snapshot,
    organization: str,
    queue: str,
    required: Sequence[Requirement],
    users: Sequence[str],
    at: int,
    limit: int,
) -> list[Free]:
    """Agents who are free and have all that is required, longest free first; if `users` are named, only of these."""
    sql, parameters = free_sql(organization, queue, required, users, at, limit)
    tx.cursor.execute(sql, parameters)
    return [Free(user, device, seconds(since)) for user, device, since in tx.cursor.fetchall()]


def free_sql(
    organization: str, queue: str, required: Sequence[Requirement], users: Sequence[str], at: int, limit: int
) -> tuple[str, tuple[object, ...]]:
    """The one query behind `free`."""
    named = f"AND w.user_id IN ({', '.join('?' * len(users))})" if users else ""
    requirements = QUALIFIED * len(required) + PRESENT.format(work="w") + named
    values = (value for each in required for value in each)
    return FREE.format(requirements=requirements), (organization, at, queue, *values, *users, limit)


def able(tx: Snapshot, organization: str, user: str, at: int) -> tuple[str | None, list[Requirement]]:
    """The queue for which the agent is logged in, None for all of theirs, and what they can do: nothing unless free."""
    tx.cursor.execute(ABLE, (organization, user, at))
    rows = tx.cursor.fetchall()
    return rows[0][0] if rows else None, [Requirement(*row[1:]) for row in rows]


def reserve(tx: Tx, organization: str, user: str, reference: str, at: int, until: int) -> bool:
    """Whether the agent was free, and is promised now."""
    tx.cursor.execute(RESERVE, (until, reference, organization, user, at))
    return tx.cursor.rowcount == 1


def release(tx: Tx, organization: str, user: str, reference: str) -> bool:
    """Whether the agent was promised to `reference`, and no longer is."""
    tx.cursor.execute(RELEASE, (organization, user, reference))
    return tx.cursor.rowcount == 1


def qualify(tx: Tx, organization: str, user: str, qualifications: Sequence[Requirement]) -> None:
    """The whole of what a user can do."""
    tx.cursor.execute(DISQUALIFY, (organization, user))
    if qualifications:
        tx.cursor.executemany(
            QUALIFY, [(organization, kind, name, user, level) for kind, name, level in qualifications]
        )
