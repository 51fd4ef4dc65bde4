"""Who waits in line: each look costs a step in the index, however many wait."""

from collections.abc import Collection

from api.callbacks.records.callbacks import SELECT, one
from api.callbacks.rules.callback import Callback
from api.callbacks.rules.lines import Place, lines_of
from hub.kernel.clock import seconds
from hub.store.transaction import Snapshot, Tx

# Skips from whoever is first in a line to whoever is first in the next one, within each of the ranges given.
FRONT = """
WITH RECURSIVE queue (head, tail) AS (VALUES {ranges}), front (line, urgency, wanted_at, id, tail) AS (
  SELECT c.line, c.urgency, c.wanted_at, c.id, q.tail FROM queue q JOIN callback c ON c.id = (
    SELECT id FROM callback WHERE organization = ? AND line >= q.head AND line < q.tail
    ORDER BY line, urgency, wanted_at, id LIMIT 1
  )
  UNION ALL
  SELECT c.line, c.urgency, c.wanted_at, c.id, f.tail FROM front f JOIN callback c ON c.id = (
    SELECT id FROM callback WHERE organization = ? AND line > f.line AND line < f.tail
    ORDER BY line, urgency, wanted_at, id LIMIT 1
  )
)
SELECT line, urgency, wanted_at, id FROM front
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


def front(tx: Snapshot, organization: str, queues: Collection[str]) -> dict[str, Place]:
    """The lines of these queues in which somebody waits, each with the place of whoever is first."""
    if not queues:
        return {}
    sql, parameters = front_sql(organization, queues)
    tx.cursor.execute(sql, parameters)
    return {line: Place(*place) for line, *place in tx.cursor.fetchall()}


def front_sql(organization: str, queues: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """The one query behind `front`."""
    ranges = ", ".join(["(?, ?)"] * len(queues))
    bounds = (bound for queue in queues for bound in lines_of(queue))
    return FRONT.format(ranges=ranges), (*bounds, organization, organization)


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


def take_first(tx: Tx, organization: str, line: str) -> Callback | None:
    """Whoever is first in a line and not being dealt with by somebody else; locked until the transaction ends."""
    tx.cursor.execute(TAKE_FIRST.format(locked=tx.dialect.skip_locked), (organization, line))
    return one(tx)
