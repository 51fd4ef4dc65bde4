"""Which indexes the questions about callbacks use: with ten thousand in line none may look at all of them."""

import re
from collections.abc import Iterator

import pytest

from api.callbacks.records import callbacks, counts, lines
from hub.store.database import Database
from hub.store.transaction import Snapshot
from tests.api.world import World
from tests.store.harness import StandingClock, query_plan
from tests.support.postgres import PostgresServer

LINE = '["q1",{},null]'
STATEMENTS = {
    "who is first in each line": lines.front_sql("acme", ["q1", "q2"]),
    "take the first": (lines.TAKE_FIRST.format(locked=""), ("acme", LINE)),
    "next line of all": (lines.NEXT_OF_ALL, ("acme", LINE)),
    "places taken": (counts.TAKEN, ("acme", "basic", 0, 1_000_000_000)),
    "pending of a number": (counts.PENDING, ("acme", "basic", "+15550000001")),
    "waiting": (counts.WAITING, ("acme", "basic", 10_000_000_000, 100)),
    "accepted lately": (counts.ACCEPTED, ("acme", "basic", "", "", 9_900_000, 500)),
    "the queue": (callbacks.LIST, ("acme", "basic", 1_000_000, 100)),
    "those of an agent": (callbacks.OF_AGENT, ("acme", "agent1")),
    "those with a property": (callbacks.FOUND, ("acme", "basic", "_customer_number", "+15550000001", 100)),
    "old ones": (callbacks.OLD, (1, 100)),
}
INDEXES = {
    "who is first in each line": "ix_callback_organization_line_urgency_wanted_at_id",
    "take the first": "ix_callback_organization_line_urgency_wanted_at_id",
    "next line of all": "ix_callback_organization_line_urgency_wanted_at_id",
    "places taken": "ix_callback_organization_service_bucket_at",
    "pending of a number": "ix_callback_organization_service_number",
    "waiting": "ix_callback_organization_service_wanted_at",
    "accepted lately": "(sqlite_autoindex|pk|ix)_callback_accepted",
    "the queue": "ix_callback_organization_service_wanted_at",
    "those of an agent": "ix_callback_organization_agent",
    "those with a property": "(sqlite_autoindex|pk)_callback_key",
    "old ones": "ix_callback_completed_at",
}
BRIEF = {"those of an agent", "those with a property"}
"""Answers of a few rows, which may be sorted."""
FILL = (
    """
    INSERT INTO callback (id, organization, service, state, number, customer_number, requested_at, wanted_at, bucket_at,
    line, demand, urgency, preferred, properties, attempt, rejects, agent, expires_at, completed_at)
    SELECT 'c' || n, 'acme', CASE n % 20 WHEN 0 THEN 'basic' ELSE 's' || n % 20 END,
    CASE WHEN n % 2 = 0 THEN 'COMPLETED' ELSE 'QUEUED' END, '+1555' || n, '', n * 1000, n * 1000, n * 1000,
    CASE WHEN n % 2 = 0 THEN NULL ELSE '["q' || n % 50 || '",{},null]' END, '', n % 3, '[]', '{}', 0, 0,
    'agent' || n % 1000, n, CASE WHEN n % 2 = 0 THEN n END FROM generate_series(1, 20000) n
    """,
    """
    INSERT INTO callback_key (organization, service, name, value, id)
    SELECT 'acme', 'basic', '_customer_number', '+1555' || n, 'c' || n FROM generate_series(1, 20000) n
    """,
    """
    INSERT INTO callback_accepted (organization, service, parameter, digest, at, id)
    SELECT 'acme', 'basic', '', '', n * 1000, 'c' || n FROM generate_series(1, 10000) n
    """,
    "ANALYZE",
)


async def test_sqlite_walks_an_index_for_every_question(world: World) -> None:
    def look(tx: Snapshot) -> dict[str, list[str]]:
        return {name: query_plan(tx, sql, *parameters) for name, (sql, parameters) in STATEMENTS.items()}

    plans = await world.services.db.read(look)
    for name, steps in plans.items():
        assert any(re.search(rf"USING (COVERING )?INDEX {INDEXES[name]}", step) for step in steps), (name, steps)
        assert not any("SCAN callback" in step for step in steps), (name, steps)
        assert name in BRIEF or "USE TEMP B-TREE FOR ORDER BY" not in steps, (name, steps)


@pytest.fixture(scope="module")
def filled(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.filled(FILL) as url:
        yield url


@pytest.mark.parametrize("name", STATEMENTS)
async def test_postgresql_does_with_many_rows(filled: str, name: str) -> None:
    sql, parameters = STATEMENTS[name]
    async with Database(filled, clock=StandingClock()) as db:
        steps = await db.read(lambda tx: query_plan(tx, sql, *parameters))
    assert any(re.search(INDEXES[name], step) for step in steps), steps
    assert not any(step.startswith("Seq Scan") for step in steps), steps
