"""Writes events until it is killed and prints each acknowledged position. Run by test_durability."""

import asyncio
import itertools
import sys

from channels.envelope import Stream
from hub.kernel.clock import SystemClock
from hub.kernel.errors import Overloaded
from hub.store import outbox
from hub.store.database import Database
from hub.store.transaction import Emitted, Tx


async def write_for(db: Database, user: str) -> None:
    stream = Stream("acme", user, "/v2/me/calls")
    for n in itertools.count():

        def emit_some(tx: Tx, n: int = n) -> list[Emitted]:
            return [outbox.emit(tx, stream, b'{"n":%d}' % n, 0.0) for _ in range(1 + n % 3)]

        try:
            written = await db.write(emit_some)
        except Overloaded:  # on a busy machine the other writer may hold a head for too long
            continue
        for emitted in written:
            print(user, emitted.seq, n, flush=True)


async def main(url: str) -> None:
    async with Database(url, clock=SystemClock()) as db:
        await asyncio.gather(*(write_for(db, f"user{n}") for n in range(8)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
