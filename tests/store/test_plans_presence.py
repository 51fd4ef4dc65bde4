"""Which indexes the questions about presence use, with as many desktops as there may be."""

import re
from collections.abc import Iterator

import pytest

from hub.store import presence
from hub.store.database import Database
from tests.store.harness import StandingClock, query_plans
from tests.support.postgres import PostgresServer

ALICE = ("acme", "user7")
STATEMENTS = {
    "a user leaves a node": (presence.REMOVE.format(marks="?, ?"), ("acme", "n3", "user7", "user8")),
    "no desktop is left": (presence.LEAVE, (1, *ALICE)),
    "who has gone": (presence.GONE.format(skip_locked=""), (1000, 100)),
    "gone in the future": (presence.BACKDATE, (1, 10**15)),
    "forgotten": (presence.FORGET, ALICE),
    "who is connected": (presence.CONNECTED.format(marks="?, ?"), ("acme", "user7", "user8")),
}
INDEXES = {
    "a user leaves a node": "pk_desktop",
    "no desktop is left": "pk_presence",
    "who has gone": "ix_presence_left_at",
    "gone in the future": "ix_presence_left_at",
    "forgotten": "pk_presence",
    "who is connected": "pk_presence",
}
FILL = (
    """
    INSERT INTO presence (organization, "user", left_at, returns)
    SELECT 'acme', 'user' || n, CASE WHEN n % 50 = 0 THEN n * 1000 END, 0 FROM generate_series(1, 20000) n
    """,
    """
    INSERT INTO desktop (organization, "user", node)
    SELECT 'acme', 'user' || n, 'n' || n % 4 FROM generate_series(1, 20000) n WHERE n % 50 > 0
    """,
    "ANALYZE",
)


@pytest.fixture(scope="module")
def filled(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.filled(FILL) as url:
        yield url


async def test_sqlite_walks_an_index_for_every_question(sqlite_url: str) -> None:
    async with Database(sqlite_url, clock=StandingClock()) as db:
        plans = await query_plans(db, STATEMENTS)
    for name, steps in plans.items():
        index = INDEXES[name].replace("pk_", "sqlite_autoindex_")
        assert any(re.search(rf"SEARCH \w+ USING (COVERING )?INDEX {index}", step) for step in steps), (name, steps)
        assert not any(re.match(r"SCAN (presence|desktop)", step) for step in steps), (name, steps)


async def test_postgresql_does_with_many_rows(filled: str) -> None:
    async with Database(filled, clock=StandingClock()) as db:
        plans = await query_plans(db, STATEMENTS)
    for name, steps in plans.items():
        assert any(INDEXES[name] in step for step in steps), (name, steps)
        assert not any("Seq Scan" in step for step in steps), (name, steps)
