"""How far the database's clock is from this machine's.

Processes on several machines compare instants that others have written: heads touched lately, timers due, kicks. They
take their time from the database, whose clock all of them share.
"""

import time

from hub.kernel.clock import MICROSECONDS
from hub.store.transaction import Snapshot

LONGEST_QUESTION = 0.2  # seconds; half of it is how wrong an answer may be


def difference(tx: Snapshot) -> float | None:
    """How many seconds the database is ahead of this machine; None where they have one clock or the answer was slow."""
    before = time.time()
    tx.cursor.execute(tx.dialect.time)
    there: int | None = tx.cursor.fetchall()[0][0]
    after = time.time()
    if there is None or not 0 <= after - before <= LONGEST_QUESTION:
        return None
    return there / MICROSECONDS - (before + after) / 2
