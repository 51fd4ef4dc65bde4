"""Which indexes SQLite uses. Its planner does not look at the data, so that an empty database shows it."""

import pytest

from hub.store import idempotency, revocations, streams, timers
from hub.store.database import Database
from hub.store.transaction import Snapshot
from tests.store.harness import query_plan


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


async def test_statements_use_their_indexes(db: Database) -> None:
    def plans(tx: Snapshot) -> dict[str, list[str]]:
        key = ("acme", "alice", "/v2/me/calls")
        return {
            "heads": query_plan(tx, streams.heads_of(2), *key, *key),
            "touched": query_plan(tx, streams.HEADS_TOUCHED, 0),
            "under": query_plan(tx, streams.HEADS_UNDER, "acme", "/a", "/b"),
            "history": query_plan(tx, streams.HISTORY, *key, 0, 10),
            "overdue": query_plan(tx, streams.OVERDUE, 1, 1, 1, 1, 1, 1),
            "young": query_plan(tx, streams.FIRST_YOUNG, 1, 1, 1, 1),
            "remove": query_plan(tx, streams.REMOVE, 1, 1),
        }

    found = await db.read(plans)
    by_name = "SEARCH {} USING INDEX sqlite_autoindex_stream_head_1 (organization=? AND user=? AND channel=?)"
    by_key = "INDEX sqlite_autoindex_event_1"
    assert found["heads"][-1] == by_name.format("h")
    assert found["touched"] == ["SEARCH stream_head USING INDEX ix_stream_head_touched_at (touched_at>?)"]
    assert found["under"] == [
        by_name.format("stream_head").replace("channel=?", "channel>? AND channel<?"),
    ]
    assert found["history"][0] == f"SEARCH event USING {by_key} (stream_id=? AND seq>?)"
    assert found["history"][-1] == by_name.format("stream_head").replace("USING INDEX", "USING COVERING INDEX")
    assert found["overdue"] == [
        "SCAN h",
        "CORRELATED SCALAR SUBQUERY 1",
        f"SEARCH e USING {by_key} (stream_id=? AND seq=?)",
    ]
    assert found["young"] == [f"SEARCH event USING {by_key} (stream_id=? AND seq>? AND seq<?)"]
    assert found["remove"] == [f"SEARCH event USING {by_key} (stream_id=? AND seq<?)"]


async def test_looking_for_timers_walks_the_index_on_due_at(db: Database) -> None:
    def plans(tx: Snapshot) -> list[list[str]]:
        return [
            query_plan(tx, timers.DUE.format(kinds="?, ?"), 0, "a", "b", 10),
            query_plan(tx, timers.DUE_OUTWARD.format(others=timers.OTHERS.format(receivers="?")), 0, "a", "b", 10),
            query_plan(tx, timers.LAPSED.format(kinds="?, ?"), 0, "a", "b", 0, 0, 10),
            query_plan(tx, timers.NEXT_DUE.format(kinds="?, ?"), 0, "a", "b"),
            query_plan(tx, timers.BACKLOG, 0),
            query_plan(tx, timers.FORGET, "a", "b"),
            query_plan(tx, timers.TAKE.format(locked=""), 1, 0),
            query_plan(tx, timers.LEASE, 0, 1, 0),
        ]

    due, outward, lapsed, next_due, backlog, forget, take, lease = await db.read(plans)
    assert due == outward == lapsed == ["SEARCH timer USING INDEX ix_timer_due_at (due_at<?)"]
    assert next_due == ["SEARCH timer USING INDEX ix_timer_due_at (due_at>?)"]
    assert backlog == ["SEARCH timer USING COVERING INDEX ix_timer_due_at (due_at<?)"]
    assert forget == ["SEARCH timer USING INDEX sqlite_autoindex_timer_1 (key=? AND kind=?)"]
    assert take == lease == ["SEARCH timer USING INTEGER PRIMARY KEY (rowid=?)"]


async def test_polling_uses_the_index_on_at(db: Database) -> None:
    plan = await db.read(lambda tx: query_plan(tx, revocations.SINCE, 0))
    assert plan == ["SEARCH revocation USING INDEX ix_revocation_at (at>?)"]


async def test_expiry_uses_its_index(db: Database) -> None:
    def plans(tx: Snapshot) -> list[str]:
        return query_plan(tx, idempotency.EXPIRE, 0, 1)

    found = await db.read(plans)
    assert "SEARCH idempotency USING INDEX ix_idempotency_at (at<?)" in found
    assert not any(step.startswith("SCAN idempotency") for step in found)
