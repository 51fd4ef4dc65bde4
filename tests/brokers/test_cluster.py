"""A cluster that changes: slots move, primaries die, come back and are replaced."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.envelope import LoggedEvent, Stream
from hub.brokers.cluster import SLOTS, Cluster, by_slot, slot_of
from hub.brokers.message import channel_of, scope
from hub.brokers.port import Topic
from hub.brokers.redis import RedisBroker
from tests.support import redis_groups
from tests.support.brokers import Listener, broker, counted, unique_prefix, well
from tests.support.hub_process import free_port
from tests.support.redis_groups import ClusterGroup
from tests.support.redis_server import RedisServer
from tests.support.waiting import eventually

USERS = [Topic("acme", f"user-{n}", "") for n in range(60)]


@pytest.fixture
def group(tmp_path: Path) -> Iterator[ClusterGroup]:
    with redis_groups.cluster(tmp_path) as group:
        yield group


def sent(topic: Topic, seq: int) -> LoggedEvent:
    return LoggedEvent(Stream(topic.organization, topic.user, "/v2/me"), seq, b"{}")


def slot(topic: Topic) -> int:
    return slot_of(channel_of(scope("hub", 0), topic))


async def all_arrive(here: Listener, there: RedisBroker, seq: int) -> None:
    for topic in USERS:
        there.publish(topic, sent(topic, seq))
    for topic in USERS:
        await here.until(sent(topic, seq))


def probe_of(node: RedisBroker, server: RedisServer) -> bytes:
    assert isinstance(node.route, Cluster)
    return next(shard._probe for host, shard in node.route._shards.items() if host.port == server.port)


# The arithmetic of slots ---------------------------------------------------------------------------------------


def test_slots_are_those_of_redis(redis_cluster: ClusterGroup) -> None:
    names = [channel_of(scope("hub", 0), Topic("acme", name, "")) for name in ("alice", "bob", "ä", "", "a{b}c")]
    wanted = [redis_cluster.servers[0].ask("CLUSTER", "KEYSLOT", name) for name in names]
    assert [slot_of(name) for name in names] == wanted
    assert slot_of(b"123456789") == 0x31C3


def test_channels_of_one_slot_share_a_command() -> None:
    names = [b"%d" % n for n in range(3 * SLOTS)]
    groups = list(by_slot(names))
    assert all(len({slot_of(name) for name in group}) == 1 for group in groups)
    assert sorted(name for group in groups for name in group) == sorted(names)


# What changes --------------------------------------------------------------------------------------------------


async def test_topics_are_spread_and_each_process_hears_all(redis_cluster: ClusterGroup) -> None:
    prefix = unique_prefix()
    async with broker(redis_cluster.url, prefix) as (here, ours), broker(redis_cluster.url, prefix) as (there, theirs):
        await well(here, ours, 3)
        await well(there, theirs, 3)
        await asyncio.gather(*(here.listen(topic) for topic in USERS))
        await all_arrive(ours, there, 1)
        for server in redis_cluster.servers:
            assert 0 < len(server.ask("PUBSUB", "SHARDCHANNELS", f"{prefix}:0:acme:*")) < len(USERS)


async def test_a_slot_that_moves_takes_its_topics_along(group: ClusterGroup) -> None:
    async with broker(group.url, "hub") as (here, ours), broker(group.url, "hub") as (there, theirs):
        await well(here, ours, 3)
        await well(there, theirs, 3)
        await asyncio.gather(*(here.listen(topic) for topic in USERS))
        await all_arrive(ours, there, 1)
        moving = slot(USERS[0])
        source = group.owner(moving)
        target = next(each for each in group.servers if each is not source)
        before = ours.interruptions
        await asyncio.to_thread(group.move, moving, target)
        name = channel_of(scope("hub", 0), USERS[0])
        await eventually(lambda: name in target.ask("PUBSUB", "SHARDCHANNELS", "*"))
        await well(here, ours, before + 3)  # lost the old one, connected it anew, listens at the new one
        assert isinstance(there.route, Cluster)
        route = there.route
        there.publish(USERS[0], sent(USERS[0], 2))  # goes astray, if nobody has told the publisher yet
        await eventually(lambda: (owner := route._owners[moving]) is not None and owner.port == target.port)
        await all_arrive(ours, there, 3)


async def test_a_publish_that_goes_astray_is_counted_and_shows_the_way(group: ClusterGroup) -> None:
    async with broker(group.url, "hub") as (node, listener):
        await well(node, listener, 3)
        moving = slot(USERS[0])
        source = group.owner(moving)
        target = next(each for each in group.servers if each is not source)
        assert probe_of(node, source)
        await asyncio.to_thread(group.move, moving, target)
        before = refused()
        node.publish(USERS[0], sent(USERS[0], 1))
        await eventually(lambda: refused() == before + 1)
        assert isinstance(node.route, Cluster)
        route = node.route
        await eventually(lambda: (owner := route._owners[moving]) is not None and owner.port == target.port)
        await node.listen(USERS[0])
        node.publish(USERS[0], sent(USERS[0], 2))
        assert await listener.until(sent(USERS[0], 2)) == [sent(USERS[0], 2)]


def refused() -> float:
    return counted("hub_redis_dropped_total", reason="refused")


async def test_a_probe_whose_slot_moves_is_replaced(group: ClusterGroup) -> None:
    async with broker(group.url, "hub") as (node, listener):
        await well(node, listener, 3)
        source, target, _ = group.servers
        probe = probe_of(node, source)
        await asyncio.to_thread(group.move, slot_of(probe), target)
        await well(node, listener, 5)
        assert probe_of(node, source) != probe


async def test_a_primary_that_dies_and_returns_is_heard_again(group: ClusterGroup) -> None:
    async with broker(group.url, "hub") as (here, ours):
        await well(here, ours, 3)
        await asyncio.gather(*(here.listen(topic) for topic in USERS))
        await all_arrive(ours, here, 1)
        victim = group.servers[1]
        await asyncio.to_thread(victim.kill)
        await eventually(lambda: f"127.0.0.1:{victim.port}: Connection refused" in (here.trouble() or ""))
        await asyncio.to_thread(victim.start)
        await asyncio.to_thread(redis_groups.until, group.settled, "the cluster is whole again")
        await well(here, ours, 5)
        await all_arrive(ours, here, 2)


async def test_a_replica_that_takes_over_is_followed(group: ClusterGroup) -> None:
    replica = await asyncio.to_thread(group.add_replica, group.servers[0])
    async with broker(group.url, "hub") as (here, ours), broker(group.url, "hub") as (there, theirs):
        await well(here, ours, 3)
        await well(there, theirs, 3)
        await asyncio.gather(*(here.listen(topic) for topic in USERS))
        group.servers[0].kill()
        await asyncio.to_thread(
            redis_groups.until, lambda: replica.ask("ROLE")[0] == b"master", "the replica has taken over"
        )
        await asyncio.gather(well(here, ours, 5), well(there, theirs, 5))
        await all_arrive(ours, there, 1)


async def test_a_frozen_primary_is_said(group: ClusterGroup) -> None:
    async with broker(group.url, "hub") as (node, listener):
        await well(node, listener, 3)
        group.servers[2].freeze()
        await eventually(lambda: f"127.0.0.1:{group.servers[2].port}" in (node.trouble() or ""))


# Coming in -----------------------------------------------------------------------------------------------------


async def test_a_cluster_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    bus = str(free_port())
    with RedisServer(tmp_path / "one", "--cluster-enabled", "yes", "--cluster-port", bus) as server:
        async with broker(f"redis+cluster://127.0.0.1:{server.port}", "hub") as (node, listener):
            await eventually(lambda: node.trouble() == f"Redis cluster: {SLOTS} of {SLOTS} slots have no primary")
            node.publish(USERS[0], sent(USERS[0], 1))
            await node.listen(USERS[0])
            server.ask("CLUSTER", "ADDSLOTSRANGE", 0, SLOTS - 1)
            await well(node, listener, 1, seconds=15)
            node.publish(USERS[0], sent(USERS[0], 2))
            assert await listener.until(sent(USERS[0], 2)) == [sent(USERS[0], 2)]


async def test_what_is_no_cluster_is_said(redis_server: RedisServer) -> None:
    url = redis_server.url.replace("redis:", "redis+cluster:")
    async with broker(url, unique_prefix()) as (node, _):
        await eventually(lambda: "refuses: ERR This instance has cluster support disabled" in (node.trouble() or ""))
