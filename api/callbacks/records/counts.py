"""What a service has taken on: places in buckets, callbacks of a number, requests of a day, callbacks in line.

Bookings of a service are counted and made one at a time: `enter` the gate first.
"""

from collections.abc import Iterable
from hashlib import sha256

from api.callbacks.records.tables import OUTSTANDING
from api.callbacks.rules.lifecycle import Reason
from api.callbacks.rules.services import Service
from hub.kernel.clock import micros, seconds
from hub.store.transaction import Snapshot, Tx

OPEN = """
INSERT INTO callback_gate (organization, service, high) VALUES (?, ?, FALSE)
ON CONFLICT (organization, service) DO NOTHING
"""
ENTER = "SELECT high FROM callback_gate WHERE organization = ? AND service = ? {locked}"
SET_HIGH = "UPDATE callback_gate SET high = ? WHERE organization = ? AND service = ?"
TAKEN = f"""
SELECT bucket_at, COUNT(*) FROM callback
WHERE organization = ? AND service = ? AND bucket_at >= ? AND bucket_at < ?
AND (reason IS NULL OR reason <> '{Reason.CANCELLED}') GROUP BY bucket_at
"""
PENDING = f"""
SELECT COUNT(*) FROM callback WHERE organization = ? AND service = ? AND "number" = ? AND {OUTSTANDING}
"""
WAITING = f"""
SELECT COUNT(*) FROM (
SELECT 1 FROM callback
WHERE organization = ? AND service = ? AND {OUTSTANDING} AND state = 'QUEUED' AND wanted_at <= ? LIMIT ?
) waiting
"""
ACCEPTED = """
SELECT COUNT(*) FROM (
SELECT 1 FROM callback_accepted
WHERE organization = ? AND service = ? AND parameter = ? AND digest = ? AND at > ? LIMIT ?
) accepted
"""
ACCEPT = "INSERT INTO callback_accepted (organization, service, parameter, digest, at, id) VALUES (?, ?, ?, ?, ?, ?)"
EXPIRE = """
DELETE FROM callback_accepted WHERE (organization, service, parameter, digest, at, id)
IN (SELECT organization, service, parameter, digest, at, id FROM callback_accepted WHERE at <= ? ORDER BY at LIMIT ?)
"""


def enter(tx: Tx, service: Service) -> bool:
    """Wait for whoever else books this service now; returns whether its high watermark has been told."""
    place, sql = (service.organization, service.name), ENTER.format(locked=tx.dialect.for_update)
    tx.cursor.execute(sql, place)
    while not (rows := tx.cursor.fetchall()):
        tx.cursor.execute(OPEN, place)
        tx.cursor.execute(sql, place)
    return bool(rows[0][0])


def set_high(tx: Tx, service: Service, *, high: bool) -> None:
    """Remember that the high watermark has been told, or the low one since."""
    tx.cursor.execute(SET_HIGH, (high, service.organization, service.name))


def taken(tx: Snapshot, service: Service, buckets: range) -> dict[int, int]:
    """How many callbacks the buckets have, by their beginning in seconds; cancelled ones do not count."""
    if not buckets:
        return {}
    span = (micros(buckets[0]), micros(buckets[-1] + buckets.step))
    tx.cursor.execute(TAKEN, (service.organization, service.name, *span))
    return {round(seconds(bucket)): count for bucket, count in tx.cursor.fetchall()}


def pending(tx: Snapshot, service: Service, number: str) -> int:
    """Callbacks of a number that are not over."""
    return _count(tx, PENDING, service.organization, service.name, number)


def waiting(tx: Snapshot, service: Service, now: float, most: int) -> int:
    """Callbacks that wait for an agent or another attempt, counted up to `most`."""
    until = micros(now + service.options.request_execution_time_buffer)
    return _count(tx, WAITING, service.organization, service.name, until, most)


def accepted(tx: Snapshot, service: Service, since: float, most: int, parameter: str = "", value: str = "") -> int:
    """Callbacks accepted after `since`, counted up to `most`; with a parameter, immediate ones with that value."""
    digest = digest_of(value) if parameter else ""
    return _count(tx, ACCEPTED, service.organization, service.name, parameter, digest, micros(since), most)


def accept(tx: Tx, service: Service, id: str, now: float, values: Iterable[tuple[str, str]]) -> None:
    """Count one more, and the values of its parameters."""
    place, at = (service.organization, service.name), micros(now)
    rows = [(*place, "", "", at, id), *((*place, name, digest_of(value), at, id) for name, value in values)]
    tx.cursor.executemany(ACCEPT, rows)


def expire(tx: Tx, before: float, batch: int) -> int:
    """Delete at most `batch` rows from before then; returns how many."""
    tx.cursor.execute(EXPIRE, (micros(before), batch))
    return tx.cursor.rowcount


def digest_of(value: str) -> str:
    """What stands for a value that is only counted."""
    return sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def _count(tx: Snapshot, sql: str, *parameters: object) -> int:
    tx.cursor.execute(sql, parameters)
    count: int = tx.cursor.fetchall()[0][0]
    return count
