"""Which indexes PostgreSQL uses, with as much in the tables as there is after a day."""

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeAlias

import pytest

from hub.store import idempotency, revocations, streams, timers
from hub.store.database import Database
from hub.store.postgresql import PostgreSQL, numbered
from hub.store.transaction import Tx
from tests.store.harness import StandingClock, query_plan
from tests.support.postgres import PostgresServer

Plan: TypeAlias = Callable[..., Awaitable[list[str]]]

FILL = (
    """
    INSERT INTO stream_head (organization, "user", channel, seq, touched_at)
    SELECT 'acme', 'user' || n, '/v2/me/calls', 4, n * 1000 FROM generate_series(1, 20000) n
    """,
    """
    INSERT INTO stream_head (organization, "user", channel, seq, touched_at)
    SELECT 'acme', '', '/wall/' || n, 4, n * 1000 FROM generate_series(1, 500) n
    """,
    """
    INSERT INTO event (stream_id, seq, at, id, data)
    SELECT s, n, 1000000, s || '.' || n, '{}' FROM generate_series(1, 20500) s,
    generate_series(1, CASE s WHEN 1 THEN 40000 ELSE 4 END) n
    """,
    """
    INSERT INTO timer (kind, key, due_at, payload)
    SELECT CASE n % 2 WHEN 0 THEN 'a' ELSE 'b' END, 'k' || n, n * 1000, '' FROM generate_series(1, 20000) n
    """,
    """
    INSERT INTO idempotency (organization, principal, path, key, body_hash, at)
    SELECT 'acme', 'alice', '/', 'k' || n, '', n * 1000 FROM generate_series(1, 50000) n
    """,
    """
    INSERT INTO revocation (organization, "user", at, tokens)
    SELECT 'acme', 'user' || n, n * 1000, true FROM generate_series(1, 20000) n
    """,
    "ANALYZE",
)


@pytest.fixture(scope="module")
def filled(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.filled(FILL) as url:
        yield url


@pytest.fixture
def url(filled: str) -> str:
    return filled


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture(params=["custom", "generic"])
def plan(request: pytest.FixtureRequest, db: Database) -> Plan:
    """Explains a statement, planned for its parameters, or for any as it is once it has been prepared for a while."""

    async def explain(sql: str, *parameters: object) -> list[str]:
        def look(tx: Tx) -> list[str]:
            tx.cursor.execute(f"SET LOCAL plan_cache_mode = force_{request.param}_plan")
            types = ", ".join("bigint" if isinstance(each, int) else "text" for each in parameters)
            tx.cursor.execute(f"PREPARE hot ({types}) AS {numbered(sql).decode()}")
            values = ", ".join(str(each) if isinstance(each, int) else f"'{each}'" for each in parameters)
            steps = query_plan(tx, f"EXECUTE hot({values})")
            tx.cursor.execute("DEALLOCATE hot")
            return steps

        return await db.write(look)

    return explain


def scans(steps: list[str]) -> list[str]:
    """What is read of the tables or indexes, by which index."""
    return [step for step in steps if re.match(r"(Seq|Index|Index Only|Bitmap Index) Scan (on|using)", step)]


@pytest.mark.parametrize("count", [1, 2, 64], ids=["one", "two", "many"])
async def test_heads_are_looked_up_by_name(plan: Plan, count: int) -> None:
    sql = streams.heads_of(count)
    steps = await plan(sql, *[name for n in range(count) for name in ("acme", f"user{n}", "/v2/me/calls")])
    assert scans(steps) == ["Index Scan using uq_stream_head_organization_user_channel on stream_head h"]


async def test_heads_touched_lately(plan: Plan) -> None:
    steps = await plan(streams.HEADS_TOUCHED, 19_990_000)
    assert "ix_stream_head_touched_at" in scans(steps)[0]


async def test_heads_under_a_prefix_are_a_range_of_names(plan: Plan) -> None:
    steps = await plan(streams.HEADS_UNDER, "acme", "/wall/1", "/wall/1" + streams.ABOVE_ALL_NAMES)
    assert scans(steps) == ["Index Scan using uq_stream_head_organization_user_channel on stream_head"]
    [condition] = (step for step in steps if step.startswith("Index Cond"))
    assert condition.count("channel") == 2


@pytest.mark.parametrize("user", ["user1", "user2"], ids=["long", "short"])
async def test_history_is_read_by_stream_and_position(plan: Plan, user: str) -> None:
    steps = await plan(streams.HISTORY, "acme", user, "/v2/me/calls", 2, 100)
    by_name, by_position = scans(steps)
    assert by_name == "Index Scan using uq_stream_head_organization_user_channel on stream_head"
    assert "pk_event" in by_position


async def test_trimming_looks_at_one_event_a_stream(plan: Plan) -> None:
    steps = await plan(streams.OVERDUE, 100, 100, 100, 100, 0, 1000)
    assert scans(steps) == ["Seq Scan on stream_head h", "Index Scan using pk_event on event e"]
    assert "pk_event" in scans(await plan(streams.FIRST_YOUNG, 7, 1, 15, 0))[0]
    assert "pk_event" in scans(await plan(streams.REMOVE, 7, 3))[0]


@pytest.mark.parametrize("kinds", [["a"], ["a", "b"]], ids=["half", "all"])
async def test_due_timers_are_found_along_their_due_times(plan: Plan, kinds: list[str]) -> None:
    marks = timers._marks(kinds)
    by_due_time = ["Index Scan using ix_timer_due_at on timer"]
    assert scans(await plan(timers.DUE.format(kinds=marks), 5_000, *kinds, 100)) == by_due_time
    outward = timers.DUE_OUTWARD.format(others=timers.OTHERS.format(receivers="?, ?"))
    assert scans(await plan(outward, 5_000, "a", "b", "c", 32)) == by_due_time
    assert scans(await plan(timers.LAPSED.format(kinds=marks), 5_000, *kinds, 5_000, 9_000, 100)) == by_due_time
    assert scans(await plan(timers.NEXT_DUE.format(kinds=marks), 5_000, *kinds)) == by_due_time
    assert "ix_timer_due_at" in scans(await plan(timers.BACKLOG, 5_000))[0]
    by_id = ["Index Scan using pk_timer on timer"]
    assert scans(await plan(timers.TAKE.format(locked=PostgreSQL.skip_locked), 7, 5_000)) == by_id
    assert scans(await plan(timers.HELD.format(locked=PostgreSQL.for_update), 7, 5_000)) == by_id
    assert scans(await plan(timers.LEASE, 5_000, 7, 5_000)) == by_id


async def test_a_timer_is_found_by_its_name(plan: Plan) -> None:
    assert scans(await plan(timers.FORGET, "a", "k7")) == ["Index Scan using uq_timer_key_kind on timer"]


async def test_idempotency_keys_are_found_by_name_and_expire_by_age(plan: Plan) -> None:
    found = scans(await plan(idempotency.FIND, "acme", "alice", "/", "k7"))
    assert found == ["Index Scan using pk_idempotency on idempotency"]
    assert "ix_idempotency_at" in " ".join(scans(await plan(idempotency.EXPIRE, 300_000, 100)))


async def test_revocations_since(plan: Plan) -> None:
    assert "ix_revocation_at" in scans(await plan(revocations.SINCE, 19_990_000))[0]
