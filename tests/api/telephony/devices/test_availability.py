"""Who is free for a queue: one indexed query; promises of agents; and where it is known that one has become free."""

import asyncio
import re
from functools import partial
from typing import Any

from api.telephony.devices import actions, availability, records
from api.telephony.devices.availability import Wanted
from api.telephony.devices.records import Requirement
from api.telephony.devices.rules import Wish
from hub.kernel.clock import micros
from hub.store import presence
from hub.store.database import Database
from hub.store.dialects import is_postgresql
from hub.store.postgresql import PostgreSQL
from hub.store.transaction import Snapshot, Tx
from tests.api.telephony.devices.office import Office
from tests.api.telephony.devices.test_actions import due
from tests.store.harness import query_plan

SALES = Wanted("sales")


async def free(office: Office, wanted: Wanted = SALES, limit: int = 10) -> list[str]:
    db = office.world.services.db
    return [each.user for each in await db.read(lambda tx: availability.free(tx, "acme", wanted, office.now, limit))]


async def reserve(office: Office, user: str, reference: str, seconds: float = 30) -> bool:
    until = office.now + seconds
    done: bool = await office.write(lambda tx: availability.reserve(tx, "acme", user, reference, office.now, until))
    return done


async def ready(office: Office, user: str, number: str, *, connected: bool = True, **profile: Any) -> None:
    """Ready for sales, a second later than whoever was before."""
    await office.hire(user, number, **({"queues": ("sales",)} | profile))
    if connected:
        await office.connect(user)
    await office.start(user, state="Ready")
    office.world.clock.at += 1


async def test_whoever_has_been_free_for_longest_comes_first(either: Office) -> None:
    await ready(either, "alice", "1001", skills={"english": 5, "golf": 1}, languages=("en", "de"))
    await ready(either, "bob", "1002", skills={"english": 3}, languages=("en",))
    await ready(either, "carol", "1003", queues=("sales", "support"), languages=("de",))
    assert await free(either) == ["alice", "bob", "carol"]
    assert await free(either, limit=1) == ["alice"]
    assert await free(either, Wanted("support")) == ["carol"]
    assert await free(either, Wanted("sales", {"english": 3})) == ["alice", "bob"]
    assert await free(either, Wanted("sales", {"english": 4})) == ["alice"]
    assert await free(either, Wanted("sales", {"english": 3, "golf": 1}, "de")) == ["alice"]
    assert await free(either, Wanted("sales", language="de")) == ["alice", "carol"]
    assert await free(either, Wanted("sales", language="de", users=("carol", "bob"))) == ["carol"]
    assert await free(either, Wanted("nothing")) == []
    await either.be("alice", "NotReady")
    await either.be("alice", "Ready")
    assert await free(either) == ["bob", "carol", "alice"]


async def test_who_cannot_take_a_call_is_not_free(either: Office) -> None:
    await ready(either, "bob", "1002")
    await ready(either, "alice", "1001")
    device, floor = "phone-1001", either.floor

    async def do(action: Any, *more: Any, **named: Any) -> None:
        await either.write(lambda tx: action(tx, floor, "acme", *more, either.now, **named))
        either.world.clock.at += 1

    for take, give in (
        (lambda: either.be("alice", "NotReady"), lambda: either.be("alice", "Ready")),
        (lambda: either.be("alice", "Lunch"), lambda: either.be("alice", "Ready")),
        (
            lambda: do(actions.set_do_not_disturb, "alice", device, on=True),
            lambda: do(actions.set_do_not_disturb, "alice", device, on=False),
        ),
        (
            lambda: do(actions.set_forwarding, "alice", device, "1002"),
            lambda: do(actions.set_forwarding, "alice", device, None),
        ),
        (lambda: do(actions.call_began, device), lambda: do(actions.call_ended, device, wrap_up=False)),
        (lambda: reserve(either, "alice", "one"), lambda: either.write(release("alice", "one", either.now))),
    ):
        assert await free(either) == ["bob", "alice"]
        await take()
        assert await free(either) == ["bob"]
        await give()
    await do(actions.call_began, device)
    await do(actions.call_ended, device)
    assert await free(either) == ["bob"], "wrap-up"
    either.world.clock.at += 20
    await do(actions.wrap_up_over, "alice")
    assert await free(either) == ["bob", "alice"]
    await do(actions.end, "alice")
    assert await free(either) == ["bob"]


def release(user: str, reference: str, now: float) -> Any:
    return lambda tx: availability.release(tx, "acme", user, reference, now)


async def test_who_has_no_desktop_is_not_free(either: Office) -> None:
    await ready(either, "alice", "1001")
    await ready(either, "bob", "1002", connected=False)
    assert await free(either) == ["alice"]

    def leave(tx: Tx) -> None:
        presence.beat(tx, "node", either.now)
        presence.change(tx, "node", [], {("acme", "alice"): either.now})

    await either.write(leave)
    assert await free(either) == [], "within the grace the session goes on, but nobody is at the desktop"
    assert not await reserve(either, "alice", "one")
    await either.connect("alice", "bob")
    assert await free(either) == ["alice", "bob"]


async def test_a_session_for_one_queue_serves_no_other(either: Office) -> None:
    await either.hire("alice", "1001", queues=("sales", "support"))
    await either.connect("alice")
    await either.start("alice", Wish(("voice",), queue="support"), "Ready")
    assert (await free(either), await free(either, Wanted("support"))) == ([], ["alice"])


async def test_a_changed_profile_counts_for_a_session_that_is_going_on(either: Office) -> None:
    await ready(either, "alice", "1001")
    await either.qualify("alice", queues=("support",))
    assert await due(either, "users.changed") == ["acme/alice"]
    await either.write(lambda tx: actions.user_changed(tx, either.floor, "acme", "alice", either.now))
    assert (await free(either), await free(either, Wanted("support"))) == ([], ["alice"])


async def test_a_promise_lapses_and_ends_with_whatever_makes_the_agent_busy(either: Office) -> None:
    await ready(either, "alice", "1001")
    assert await reserve(either, "alice", "one")
    assert not await reserve(either, "alice", "two")
    assert not await either.write(release("alice", "two", either.now))
    either.world.clock.at += 30
    assert await reserve(either, "alice", "two"), "its time is over"
    assert not await either.write(release("alice", "one", either.now))
    await either.write(lambda tx: actions.call_began(tx, either.floor, "acme", "phone-1001", either.now))
    await either.write(lambda tx: actions.call_ended(tx, either.floor, "acme", "phone-1001", either.now, wrap_up=False))
    assert await free(either) == ["alice"], "the call has ended the promise"


async def test_it_is_said_when_an_agent_has_become_free(either: Office) -> None:
    async def told() -> bool:
        """Whether it was said since the last time that was asked."""
        keys = await due(either, availability.ROUTE)
        await either.write(lambda tx: tx.cursor.execute("DELETE FROM timer WHERE kind = ?", (availability.ROUTE,)))
        assert keys in ([], ["acme/alice"])
        return bool(keys)

    floor, device = either.floor, "phone-1001"
    await either.hire("alice", "1001", queues=("sales",))
    await either.start("alice")
    assert not await told()
    await either.be("alice", "Ready")
    assert await told()
    await either.be("alice", "Ready")
    assert not await told(), "she was free already"
    await either.write(lambda tx: actions.call_began(tx, floor, "acme", device, either.now))
    await either.write(lambda tx: actions.call_ended(tx, floor, "acme", device, either.now))
    assert not await told()
    either.world.clock.at += 20
    await either.write(lambda tx: actions.wrap_up_over(tx, floor, "acme", "alice", either.now))
    assert await told()
    await either.connect("alice")
    await either.write(lambda tx: actions.tell_presence(tx, "acme", "alice", either.now, floor=floor, connected=True))
    assert await told(), "she is at a desktop now"
    await reserve(either, "alice", "one")
    assert await either.write(release("alice", "one", either.now))
    assert await told()


async def test_no_two_routers_take_the_same_agent(either: Office) -> None:
    agents = [f"agent{n}" for n in range(6)]
    for n, user in enumerate(agents):
        await ready(either, user, f"20{n}")

    promise: dict[str, Any] = {"organization": "acme", "now": either.now, "until": either.now + 60}

    async def route(db: Database, router: str) -> list[str]:
        """Take whoever is free until nobody is."""
        taken: list[str] = []
        while found := await db.read(lambda tx: availability.free(tx, "acme", SALES, either.now, 1)):
            user = found[0].user
            if await db.write(partial(availability.reserve, **promise, user=user, reference=router)):
                taken.append(user)
        return taken

    url = either.world.url
    async with Database(url, clock=either.world.clock) as one, Database(url, clock=either.world.clock) as two:
        routers = await asyncio.gather(*(route(db, f"{n}") for n, db in enumerate((one, two, one, two))))
    assert sorted(user for taken in routers for user in taken) == agents


FILL = (
    """
    INSERT INTO agent_work (organization, user_id, channel, device, state, since, free_since)
    SELECT 'acme', 'user' || n, 'voice', 'd' || n, 'Ready', 0, CASE n % 4 WHEN 0 THEN n END FROM numbers
    """,
    """
    INSERT INTO qualification (organization, kind, name, user_id, level)
    SELECT 'acme', 'queue', 'q' || (n % 20), 'user' || n, 0 FROM numbers
    """,
    """
    INSERT INTO qualification (organization, kind, name, user_id, level)
    SELECT 'acme', 'skill', 'english', 'user' || n, n % 10 FROM numbers
    """,
    """INSERT INTO presence (organization, "user", returns) SELECT 'acme', 'user' || n, 0 FROM numbers""",
    "ANALYZE",
)
NUMBERS = {
    True: "WITH numbers (n) AS (SELECT * FROM generate_series(1, 4000))",
    False: "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 4000)",
}


async def test_finding_somebody_reads_along_indexes_only(either: Office) -> None:
    postgresql = is_postgresql(either.world.url)

    def fill(tx: Tx) -> None:
        for statement in FILL:
            with_numbers = re.sub(r"(?=SELECT)", NUMBERS[postgresql] + " ", statement, count=1)
            tx.cursor.execute(with_numbers if "numbers" in statement else statement)

    def plan(tx: Snapshot) -> tuple[list[str], list[records.Free]]:
        required = [Requirement("queue", "q4", 0), Requirement("skill", "english", 3)]
        steps = steps_of(tx, *records.free_sql("acme", "q4", required, (), micros(either.now), 5))
        return steps, records.free(tx, "acme", "q4", required, (), micros(either.now), 5)

    def plan_of_one(tx: Snapshot) -> list[list[str]]:
        who = ("acme", "user4", micros(either.now))
        return [steps_of(tx, records.ABLE, who), steps_of(tx, records.RESERVE, (1, "x", *who))]

    await either.write(fill)
    steps, found = await either.world.services.db.read(plan)
    assert [each.user for each in found] == ["user4", "user24", "user44", "user64", "user84"]
    assert len(scans(steps)) >= 4, "the agents, each of two requirements, and who is there"
    assert any("ix_agent_work_organization_channel_free_since" in step for step in steps)

    def nobody_is_free(tx: Tx) -> None:
        tx.cursor.execute("UPDATE agent_work SET free_since = NULL")
        tx.cursor.execute("ANALYZE")

    await either.write(nobody_is_free)  # which a planner remembers when everybody has long been free
    steps, _ = await either.world.services.db.read(plan)
    assert not any("Sort" in step or "TEMP B-TREE" in step for step in steps), "the first few are enough"
    for steps in await either.world.services.db.read(plan_of_one):
        assert any(re.search(r"(pk|sqlite_autoindex)_agent_work", step) for step in scans(steps)), steps


def steps_of(tx: Snapshot, sql: str, parameters: tuple[object, ...]) -> list[str]:
    """The plan for these very values."""
    if not isinstance(tx.dialect, PostgreSQL):
        return query_plan(tx, sql, *parameters)
    values = iter(parameters)
    return query_plan(tx, re.sub(r"\?", lambda _: repr(next(values)), sql))


def scans(steps: list[str]) -> list[str]:
    """Those that read a table, none of them as a whole."""
    used = [step for step in steps if re.search(r"\b(Scan|SEARCH|SCAN)\b", step)]
    assert [step for step in used if "Seq Scan" in step or re.match(r"SCAN \w+$", step)] == []
    return used
