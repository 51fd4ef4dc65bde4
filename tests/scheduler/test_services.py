"""GMS services end with their time, and what they kept is swept a little later."""

from api.services import actions
from api.services.rules import Item, Room, Service
from hub.kernel.service_options import ServiceOptions
from hub.kernel.settings import Settings
from hub.store import files
from hub.store.database import Database
from hub.store.transaction import Tx
from scheduler.claims import Jobs
from scheduler.firing import Firing
from scheduler.jobs import housekeeping, services
from tests.store.harness import rows
from tests.support.clock import START, FakeClock

OPTIONS = ServiceOptions(organization="acme", service="request-access", access_numbers=("1",))
ROOM = Room(values=1_000, whole=1_000)
TABLES = ("service", "service_item", "service_access", "file", "file_chunk")


def start(tx: Tx) -> None:
    files.begin(tx, "f", START)
    files.append(tx, "f", 0, b"content", START)
    new = Service(id="s", organization="acme", name="notes", created_at=START, expires_at=START + 600)
    kept = [Item(key="a", text=b"1", bytes=1), Item(key="f", file="f", media_type="a/b", bytes=7)]
    actions.start(tx, new, OPTIONS, kept, {"_provide_code": "true"}, ROOM)


async def test_a_service_ends_with_its_time(db: Database, clock: FakeClock) -> None:
    jobs = Jobs([*services.TRANSACTIONAL, *housekeeping.transactional(Settings())])
    job = Firing(db, jobs, clock, lambda: 1.0)

    async def left() -> list[int]:
        await job.work()
        return await db.read(lambda tx: [len(rows(tx, f"SELECT 1 FROM {table}")) for table in TABLES])

    await db.write(lambda tx: housekeeping.begin(tx, clock.now()))
    await db.write(start)
    clock.advance(599)
    assert await left() == [1, 2, 1, 1, 1]
    await db.write(lambda tx: actions.extend(tx, "s", START + 700, clock.now()))
    clock.advance(100)
    assert await left() == [1, 2, 1, 1, 1]
    clock.advance(1)
    assert await left() == [0, 0, 0, 1, 1]
    clock.advance(files.GRACE_SECONDS + 60)
    assert await left() == [0, 0, 0, 0, 0]
