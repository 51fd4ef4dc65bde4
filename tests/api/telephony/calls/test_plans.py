"""Which indexes the questions about calls use: a call is changed many times, and each time somebody waits."""

import re
from collections.abc import Iterator

import pytest

from api.telephony.calls import records
from hub.store.database import Database
from tests.api.world import World
from tests.store.harness import StandingClock, query_plans
from tests.support.postgres import PostgresServer

LEG = ("acme", "user7", "l7")
STATEMENTS = {
    "the conversation of a leg": (records.CONVERSATION_OF, LEG),
    "a conversation": (records.LOCK.format(for_update=""), ("acme", "c7")),
    "the legs of a conversation": (records.LEGS, ("acme", "c7")),
    "the legs of a user": (records.OWN, ("acme", "user7", 1000)),
    "one leg": (records.ONE, LEG),
    "how many legs": (records.COUNT, ("acme", "user7")),
    "another state": (records.UPDATE, (b"{}", 1, *LEG)),
    "the end of a leg": (records.DELETE, LEG),
    "the end of a conversation": (records.CLOSE, ("acme", "c7")),
    "long not heard of": (records.FORGOTTEN, (1000, 100)),
}
INDEXES = {
    "the conversation of a leg": "pk_leg",
    "a conversation": "pk_conversation",
    "the legs of a conversation": "ix_leg_organization_conversation",
    "the legs of a user": "pk_leg",
    "one leg": "pk_leg",
    "how many legs": "pk_leg",
    "another state": "pk_leg",
    "the end of a leg": "pk_leg",
    "the end of a conversation": "pk_conversation",
    "long not heard of": "ix_leg_changed_at",
}
FILL = (
    "INSERT INTO conversation (organization, id) SELECT 'acme', 'c' || n FROM generate_series(1, 5000) n",
    """
    INSERT INTO leg (organization, "user", id, conversation, changed_at, body)
    SELECT 'acme', CASE n % 2 WHEN 0 THEN '' ELSE 'user' || n % 5000 END, 'l' || n, 'c' || n % 5000, n * 1000, '{}'
    FROM generate_series(1, 10000) n
    """,
    "ANALYZE",
)


@pytest.fixture(scope="module")
def filled(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.filled(FILL) as url:
        yield url


async def test_sqlite_walks_an_index_for_every_question(world: World) -> None:
    for name, steps in (await query_plans(world.services.db, STATEMENTS)).items():
        index = INDEXES[name].replace("pk_", "sqlite_autoindex_")
        assert any(re.search(rf"SEARCH \w+ USING (COVERING )?INDEX {index}", step) for step in steps), (name, steps)
        assert not any(step.startswith("SCAN") or "TEMP B-TREE" in step for step in steps), (name, steps)


async def test_postgresql_does_with_many_rows(filled: str) -> None:
    async with Database(filled, clock=StandingClock()) as db:
        plans = await query_plans(db, STATEMENTS)
    for name, steps in plans.items():
        assert any(INDEXES[name] in step for step in steps), (name, steps)
        assert not any("Seq Scan" in step or step.startswith("Sort") for step in steps), (name, steps)
