"""Two nodes on one database, and time as the test has it: what the supervisors are told of who comes and goes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from api.users import actions as users
from hub.kernel import metrics
from hub.kernel.errors import Overloaded
from hub.realtime.presence import Presence
from hub.realtime.pressure import Bounds
from hub.store import streams
from hub.store.database import Database
from hub.store.migrations import migrate
from hub.store.transaction import OutcomeUnknown, Tx
from tests.realtime.world import USERS, HookedDatabase, World, ours
from tests.support.clock import FakeClock

GRACE = 60.0
BASE = "https://hub.example"


class FlakyDatabase(HookedDatabase):
    """Its writes fail while `fault` is set: before they happen, or after."""

    fault: type[Overloaded] | None = None

    async def write(self, function: Callable[[Tx], Any]) -> Any:
        if self.fault is Overloaded:
            raise Overloaded
        done = await super().write(function)
        if self.fault is not None:
            raise self.fault
        return done


class Site:
    """One node with its presence."""

    def __init__(self, world: World, db: FlakyDatabase) -> None:
        self.world, self.db, self.node = world, db, world.node
        announce = partial(users.tell_presence, base=BASE)
        self.presence = Presence(self.node.name, self.node.attendance, db, announce, world.clock, GRACE)

    def leave(self, client_id: str) -> None:
        """A client says goodbye."""
        session = self.node._sessions[client_id]
        self.node.ended(session, "disconnected")


class Land:
    """All nodes, whose time goes by together. `told`: who came (+) and went (-), in the order of the log."""

    def __init__(self, directory: Path, clock: FakeClock) -> None:
        self.url = f"sqlite:///{directory / 'hub.db'}"
        self.clock = clock
        self.sites: list[Site] = []

    @asynccontextmanager
    async def site(self) -> AsyncIterator[Site]:
        async with FlakyDatabase(self.url, clock=self.clock) as db:
            world = World(db, self.clock, await db.read(streams.epoch), Bounds())
            site = Site(world, db)
            await site.presence.enter()
            self.sites.append(site)
            yield site
            db.hook, db.fault = None, None
            await site.node.close()

    async def go_on(self, seconds: float) -> None:
        """So many seconds, in each of which every node ticks."""
        for _ in range(round(seconds)):
            self.clock.advance(1)
            for site in self.sites:
                site.node.wheel.advance(self.clock.monotonic())
                try:
                    await site.presence.tick()
                except Overloaded:
                    assert site.db.fault is not None

    async def told(self) -> list[str]:
        async with Database(self.url, clock=self.clock) as db:
            events = await db.read(lambda tx: streams.history(tx, ours(USERS), 0, 1000))
        messages = [json.loads(event.data) for event in events]
        return [("+" if message["connected"] else "-") + message["userId"] for message in messages]


@pytest.fixture
async def land(tmp_path: Path) -> Land:
    await asyncio.to_thread(migrate, f"sqlite:///{tmp_path / 'hub.db'}")
    return Land(tmp_path, FakeClock())


@pytest.fixture
async def one(land: Land) -> AsyncIterator[Site]:
    async with land.site() as site:
        yield site


@pytest.fixture
async def two(land: Land) -> AsyncIterator[Site]:
    async with land.site() as site:
        yield site


async def test_tabs_transports_and_nodes_count_as_one_user(land: Land, one: Site, two: Site) -> None:
    tabs = [one.world.desk().open(), one.world.desk().open(), two.world.desk().open()]
    polling = two.world.desk()
    polling.shake(over=polling.post)
    one.world.desk("bob").open()
    await land.go_on(1)
    assert await land.told() == ["+alice", "+bob"]
    for site, desk in zip((one, one, two), tabs, strict=True):
        site.leave(desk.client_id)
    await land.go_on(55)
    assert await land.told() == ["+alice", "+bob"]
    two.leave(polling.client_id)
    assert await land.told() == ["+alice", "+bob"]


async def test_what_a_supervisor_hears(land: Land, one: Site) -> None:
    sue = one.world.desk("sue", "ROLE_SUPERVISOR").open()
    await sue.subscribe(USERS)
    alice = one.world.desk().open()
    await land.go_on(1)
    await one.world.settled()
    one.leave(alice.client_id)
    for _ in range(62):
        sue.connect()
        await land.go_on(1)
    await one.world.settled()
    heard = [message for message in sue.heard if message["channel"] == USERS]
    assert [message["data"]["userId"] for message in heard] == ["alice", "sue", "alice"]
    assert [message["ext"]["replay"] for message in heard] == [1, 2, 3]
    assert heard[2]["data"] == {
        "messageType": "UserStateChangeMessage",
        "notificationType": "Disconnected",
        "userUri": f"{BASE}/api/v2/users/alice",
        "userId": "alice",
        "userState": {"state": "LoggedOut"},
        "connected": False,
        "event": {"replayId": 3},
    }
    assert (heard[0]["data"]["notificationType"], heard[0]["data"]["connected"]) == ("Connected", True)


async def test_a_client_that_falls_silent_is_gone_a_minute_after_its_last_sign(land: Land, one: Site) -> None:
    """Its session takes as long to expire as the grace: that is not waited for twice."""
    one.world.desk().open().line.lose()
    await land.go_on(59)
    assert await land.told() == ["+alice"]
    await land.go_on(3)
    assert (await land.told(), one.node.sessions()) == (["+alice", "-alice"], [])


async def test_a_client_that_says_goodbye_has_its_grace(land: Land, one: Site) -> None:
    desk = one.world.desk().open()
    await land.go_on(1)
    one.leave(desk.client_id)
    await land.go_on(59)
    one.world.desk().open()
    await land.go_on(30)
    assert await land.told() == ["+alice"]


async def test_a_dead_node_is_noticed_by_one_of_the_others(land: Land, one: Site, two: Site) -> None:
    async with land.site() as three:
        three.world.desk().open()
        three.world.desk("bob").open()
        await land.go_on(1)
        land.sites.remove(three)
    dead = metrics.PRESENCE_NODES_DEAD._value.get()
    await land.go_on(9)
    assert metrics.PRESENCE_NODES_DEAD._value.get() == dead
    await land.go_on(3)
    assert metrics.PRESENCE_NODES_DEAD._value.get() == dead + 1
    two.world.desk("bob").open()
    await land.go_on(55)
    assert await land.told() == ["+alice", "+bob"]
    await land.go_on(10)
    assert await land.told() == ["+alice", "+bob", "-alice"]


async def test_a_node_that_ends_in_good_order_is_not_missed(land: Land, one: Site) -> None:
    async with land.site() as two:
        two.world.desk().open()
        await land.go_on(1)
        land.sites.remove(two)
        await two.presence.leave()
    dead = metrics.PRESENCE_NODES_DEAD._value.get()
    await land.go_on(59)
    assert await land.told() == ["+alice"]
    await land.go_on(2)
    assert (await land.told(), metrics.PRESENCE_NODES_DEAD._value.get()) == (["+alice", "-alice"], dead)


async def test_the_only_node_starts_again(land: Land) -> None:
    async with land.site() as site:
        site.world.desk().open()
        site.world.desk("bob").open()
        await land.go_on(1)
        land.sites.clear()
    land.clock.advance(600)
    async with land.site() as site:
        site.world.desk().open()
        await land.go_on(60)
        assert await land.told() == ["+alice", "+bob"]
        await land.go_on(12)
        assert await land.told() == ["+alice", "+bob", "-bob"]


async def test_a_node_that_was_given_up_writes_everybody_anew(land: Land, one: Site, two: Site) -> None:
    """As after a long suspension: it had been declared dead, and its users' grace had begun."""
    desks = [two.world.desk(user).open() for user in ("alice", "bob")]
    await land.go_on(1)
    land.sites.remove(two)
    await land.go_on(30)
    land.sites.append(two)
    for desk in desks:
        desk.connect()
    await land.go_on(1)
    for _ in range(100):
        for desk in desks:
            desk.connect()
        await land.go_on(1)
    assert await land.told() == ["+alice", "+bob"]


async def test_an_outage_of_the_database_disconnects_nobody(land: Land, one: Site, two: Site) -> None:
    """Alice comes back in time, at a node that cannot write it; all seem silent when the database is back."""
    desk = one.world.desk().open()
    bob = two.world.desk("bob").open()
    await land.go_on(1)
    one.leave(desk.client_id)
    await land.go_on(1)
    for site in land.sites:
        site.db.fault = Overloaded
    await land.go_on(10)
    back = two.world.desk().open()
    for _ in range(120):
        for each in (back, bob):
            each.connect()
        await land.go_on(1)
    one.db.fault = None
    await land.go_on(3)
    two.db.fault = None
    for _ in range(100):
        for each in (back, bob):
            each.connect()
        await land.go_on(1)
    assert await land.told() == ["+alice", "+bob"]


async def test_a_commit_without_an_answer_is_told_once(land: Land, one: Site) -> None:
    one.db.fault = OutcomeUnknown
    desk = one.world.desk().open()
    await land.go_on(3)
    one.db.fault = None
    await land.go_on(1)
    one.leave(desk.client_id)
    one.db.fault = OutcomeUnknown
    await land.go_on(3)
    one.db.fault = None
    await land.go_on(70)
    assert await land.told() == ["+alice", "-alice"]


async def test_coming_and_going_is_counted(land: Land, one: Site) -> None:
    def figures() -> list[float]:
        return [metrics.PRESENCE_CHANGES.labels(change)._value.get() for change in ("came", "left")]

    def users_here() -> float:
        return next(iter(metrics.PRESENCE_USERS.collect())).samples[0].value

    before = figures()
    desks = [one.world.desk(user).open() for user in ("alice", "alice", "bob")]
    await land.go_on(2)
    assert users_here() == 2
    one.leave(desks[2].client_id)
    await land.go_on(2)
    assert [after - ago for after, ago in zip(figures(), before, strict=True)] == [2.0, 1.0]
    assert users_here() == 1
