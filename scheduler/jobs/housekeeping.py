"""Kinds `housekeeping.*`: what has had its time is deleted, by one of the processes, a batch at a time.

Each run plans the next one in its own transaction: at once while there is more, so that no other write waits for long,
else after a pause.
"""

from collections.abc import Callable
from typing import Final

from api.appointments.actions import changing as appointments
from api.callbacks.actions import ending as callbacks
from api.codes import actions as codes
from api.tickets import actions as tickets
from hub.kernel.clock import micros
from hub.kernel.settings import Settings
from hub.store import files, idempotency, revocations, streams, timers
from hub.store.timers import Timer
from hub.store.transaction import Tx
from scheduler.claims import Transactional
from scheduler.retries import Retries

BATCH: Final = 1000
HISTORY: Final = "housekeeping.history"
CUSTOMERS: Final = "housekeeping.customers"
CUSTOMERS_LISTEN_SECONDS: Final = 2 * 86_400.0
"""Longer than the session of a customer lasts, whose stream nobody can ask for again."""
IDEMPOTENCY: Final = "housekeeping.idempotency"
BURIED: Final = "housekeeping.buried"
REVOCATIONS: Final = "housekeeping.revocations"
CODES: Final = "housekeeping.codes"
TICKETS: Final = "housekeeping.tickets"
FILES: Final = "housekeeping.files"
CALLS: Final = "housekeeping.calls"
NOTICES: Final = "housekeeping.notices"
APPOINTMENTS: Final = "housekeeping.appointments"
CHUNKS: Final = 64
"""Of files, in one batch: sixteen megabytes."""
CALLBACKS: Final = "housekeeping.callbacks"
CALLBACK_COUNTS: Final = "housekeeping.callback_counts"
NOWHERE: Final = ""
"""The organization of customers who listen to their callbacks."""
FOR_EVER: Final = Retries(attempts=None, first=10.0, longest=600.0)


def transactional(settings: Settings) -> tuple[Transactional, ...]:
    """The jobs that keep the database as small as the settings want it."""

    def history(tx: Tx, now: float) -> int:
        return streams.trim(
            tx,
            now=now,
            seconds=settings.history_seconds,
            events=settings.history_events,
            events_shared=settings.history_events_shared,
            batch=BATCH,
        )

    def customers(tx: Tx, now: float) -> int:
        return streams.forget(tx, NOWHERE, now - CUSTOMERS_LISTEN_SECONDS, BATCH)

    def keys(tx: Tx, now: float) -> int:
        return idempotency.expire(tx, now, BATCH)

    def dead_letters(tx: Tx, now: float) -> int:
        return timers.expire_buried(tx, now, settings.timers_buried_seconds, BATCH)

    def ends(tx: Tx, now: float) -> int:
        return revocations.expire(tx, now, BATCH)

    def one_time_codes(tx: Tx, now: float) -> int:
        return codes.expire(tx, now, BATCH)

    def old_tickets(tx: Tx, now: float) -> int:
        return tickets.expire(tx, now, BATCH)

    def old_files(tx: Tx, now: float) -> int:
        return files.sweep(tx, now, CHUNKS)

    def old_callbacks(tx: Tx, now: float) -> int:
        return callbacks.forget(tx, now - settings.callback_retention_seconds, BATCH)

    def old_callback_counts(tx: Tx, now: float) -> int:
        return callbacks.forget_counts(tx, now, BATCH)

    def old_appointments(tx: Tx, now: float) -> int:
        days = settings.appointment_days
        return appointments.expire(tx, now - days * 86_400, BATCH) if days else 0

    return (
        regular(HISTORY, history, every=10.0),
        regular(CUSTOMERS, customers, every=600.0),
        regular(IDEMPOTENCY, keys, every=60.0),
        regular(BURIED, dead_letters, every=600.0),
        regular(REVOCATIONS, ends, every=600.0),
        regular(CODES, one_time_codes, every=60.0),
        regular(TICKETS, old_tickets, every=600.0),
        regular(APPOINTMENTS, old_appointments, every=3600.0),
        regular(FILES, old_files, every=60.0, batch=CHUNKS),
        regular(CALLBACKS, old_callbacks, every=600.0),
        regular(CALLBACK_COUNTS, old_callback_counts, every=600.0),
    )


def begin(tx: Tx, now: float) -> None:
    """See that each of them is planned: on a new database nobody has done it before."""
    own = (HISTORY, CUSTOMERS, IDEMPOTENCY, BURIED, REVOCATIONS, CODES, TICKETS, FILES)
    for kind in (*own, CALLBACKS, CALLBACK_COUNTS, CALLS, APPOINTMENTS, NOTICES):
        timers.plan_unless_pending(tx, kind, "", micros(now))


def regular(kind: str, delete: Callable[[Tx, float], int], *, every: float, batch: int | None = None) -> Transactional:
    """The job that has something deleted every so many seconds, at most `batch` (or BATCH) at a time; `delete` says how
    many there were.
    """

    def act(tx: Tx, timer: Timer, now: float) -> None:
        more = delete(tx, now) >= (batch or BATCH)
        timers.plan(tx, timer.kind, timer.key, micros(now if more else now + every))

    return Transactional(kind, act, FOR_EVER)
