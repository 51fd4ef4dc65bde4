"""Who waits in line: each look costs a step in the index, however many wait."""

from api.callbacks.records.callbacks import SELECT, one
from api.callbacks.rules.callback import Callback
from api.callbacks.rules.lines import Place, lines_of
from hub.kernel.clock import seconds
from hub.store.transaction import Snapshot, Tx

# Lines of a queue are found by skipping from one to the next.
FIRST_LINE = """
SELECT line FROM callback WHERE organization = ? AND line >= ? AND line < ? ORDER BY line LIMIT 1
"""
NEXT_LINE = """
SELECT line FROM callback WHERE organization = ? AND line > ? AND line < ? ORDER BY line LIMIT 1
"""
FIRST = """
SELECT urgency, wanted_at, id FROM callback WHERE organization = ? AND line = ? ORDER BY urgency, wanted_at, id LIMIT 1
"""
TAKE_FIRST = f"""
{SELECT} WHERE organization = ? AND line = ? ORDER BY urgency, wanted_at, id LIMIT 1 {{locked}}
"""
FIRST_OF_ALL = "SELECT organization, line FROM callback WHERE line IS NOT NULL ORDER BY organization, line LIMIT 1"
NEXT_OF_ALL = """
SELECT organization, line FROM callback WHERE line IS NOT NULL AND (organization, line) > (?, ?)
ORDER BY organization, line LIMIT 1
"""

WAITING = "SELECT COUNT(*), MIN(wanted_at) FROM callback WHERE line IS NOT NULL"


def of_queue(tx: Snapshot, organization: str, queue: str) -> list[str]:
    """The lines of a queue in which somebody waits."""
    begin, end = lines_of(queue)
    found: list[str] = []
    tx.cursor.execute(FIRST_LINE, (organization, begin, end))
    while rows := tx.cursor.fetchall():
        found.append(rows[0][0])
        tx.cursor.execute(NEXT_LINE, (organization, found[-1], end))
    return found


def everywhere(tx: Snapshot) -> list[tuple[str, str]]:
    """Organization and line, wherever somebody waits."""
    found: list[tuple[str, str]] = []
    tx.cursor.execute(FIRST_OF_ALL)
    while rows := tx.cursor.fetchall():
        found.append((rows[0][0], rows[0][1]))
        tx.cursor.execute(NEXT_OF_ALL, found[-1])
    return found


def waiting(tx: Snapshot) -> tuple[int, float | None]:
    """How many wait in all lines, and the earliest time that one of them wanted."""
    tx.cursor.execute(WAITING)
    count, earliest = tx.cursor.fetchall()[0]
    return count, None if earliest is None else seconds(earliest)


def first(tx: Snapshot, organization: str, line: str) -> Place | None:
    """The place of whoever is first in a line."""
    tx.cursor.execute(FIRST, (organization, line))
    rows = tx.cursor.fetchall()
    return Place(*rows[0]) if rows else None


def take_first(tx: Tx, organization: str, line: str) -> Callback | None:
    """Whoever is first in a line and not being dealt with by somebody else; locked until the transaction ends."""
    tx.cursor.execute(TAKE_FIRST.format(locked=tx.dialect.skip_locked), (organization, line))
    return one(tx)
