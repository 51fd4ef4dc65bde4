"""A primary that is replaced: by Sentinels that saw it die, or by hand while it goes on answering."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from channels.envelope import LoggedEvent, Stream
from hub.brokers.port import Topic
from tests.support import redis_groups
from tests.support.brokers import broker, counted, unique_prefix, well
from tests.support.figures import Figures
from tests.support.redis_groups import Watched
from tests.support.redis_server import RedisServer, deaf_port
from tests.support.resp_server import HELLO, Answer, array, bulk, resp_server
from tests.support.waiting import eventually

ALICE = Topic("acme", "alice", "")
CALLS = Stream("acme", "alice", "/v2/me/calls")
FOLLOWED_SECONDS = 8.0
"""The promise is two, on a machine that has time for it; what it took is shown as a figure."""


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Watched]:
    with redis_groups.watched(tmp_path) as group:
        yield group


def sent(seq: int) -> LoggedEvent:
    return LoggedEvent(CALLS, seq, b"{}")


def echoes() -> float:
    return counted("hub_redis_probe_seconds_count")


def promoted(group: Watched, before: int) -> float:
    """Wait until another primary exists, and return when that was."""
    (other,) = (server for server in group.servers if server.port != before)

    def leads() -> bool:
        try:
            return bool(other.ask("ROLE")[0] == b"master")
        except redis.ConnectionError:  # a Redis that is promoted ends the connections it has
            return False

    redis_groups.until(leads, "a new primary")
    return time.monotonic()


async def hears_on(group: Watched, figures: Figures, fault: Callable[[RedisServer], object]) -> None:
    """Two processes hear each other again soon after there is a new primary."""
    async with broker(group.url, "hub") as (here, ours), broker(group.url, "hub") as (there, theirs):
        await well(here, ours)
        await well(there, theirs)
        await here.listen(ALICE)
        before = await asyncio.to_thread(group.primary_port)
        fault(next(server for server in group.servers if server.port == before))
        at = await asyncio.to_thread(promoted, group, before)
        await asyncio.gather(well(here, ours, 3), well(there, theirs, 3))
        figures(followed=(took := time.monotonic() - at))
        assert took < FOLLOWED_SECONDS
        there.publish(ALICE, sent(1))
        assert await ours.until(sent(1)) == [sent(1)]


async def test_a_primary_that_dies_is_followed(group: Watched, figures: Figures) -> None:
    await hears_on(group, figures, RedisServer.kill)


async def test_a_primary_that_freezes_is_followed(group: Watched, figures: Figures) -> None:
    await hears_on(group, figures, RedisServer.freeze)


async def test_a_primary_that_was_replaced_by_hand_is_left(group: Watched, figures: Figures) -> None:
    await hears_on(group, figures, lambda _: group.sentinels[0].ask("SENTINEL", "FAILOVER", redis_groups.SERVICE))


async def test_a_primary_that_was_replaced_and_does_not_know_it_is_left(group: Watched, figures: Figures) -> None:
    """The old primary is cut off from the Sentinels, but not from us: nobody ends our connections to it."""

    def part(primary: RedisServer) -> None:
        primary.ask("CONFIG", "SET", "requirepass", "secret")  # for whoever comes from now on
        for sentinel in group.sentinels:  # which makes them come again
            sentinel.ask("SENTINEL", "SET", redis_groups.SERVICE, "auth-pass", "wrong")

    await hears_on(group, figures, part)


async def test_who_comes_while_the_sentinels_still_name_a_dead_primary_finds_the_new_one(
    group: Watched, figures: Figures
) -> None:
    before = await asyncio.to_thread(group.primary_port)
    next(server for server in group.servers if server.port == before).kill()
    async with broker(group.url, "hub") as (node, listener):
        await eventually(lambda: f"127.0.0.1:{before}: Connection refused" in (node.trouble() or ""))
        at = await asyncio.to_thread(promoted, group, before)
        await well(node, listener)
        figures(followed=(took := time.monotonic() - at))
        assert took < FOLLOWED_SECONDS
        await node.listen(ALICE)
        node.publish(ALICE, sent(1))
        assert await listener.until(sent(1)) == [sent(1)]


async def test_sentinels_that_are_away_do_not_matter_while_the_primary_is_well(group: Watched) -> None:
    async with broker(group.url, "hub") as (node, listener):
        await well(node, listener)
        await node.listen(ALICE)
        group.sentinels[0].freeze()
        for sentinel in group.sentinels[1:]:
            sentinel.kill()
        before = echoes()
        await eventually(lambda: echoes() >= before + 2)  # one a second, like the looks at the Sentinels
        node.publish(ALICE, sent(1))
        assert await listener.until(sent(1)) == [sent(1)]
        assert listener.interruptions == 1


async def test_what_is_wrong_is_said(redis_sentinels: Watched) -> None:
    known, one = redis_sentinels.url, f"127.0.0.1:{redis_sentinels.sentinels[0].port}"
    with deaf_port() as port:
        wanted = {
            known + "x": f"Sentinel at {one}: refuses to say where 'callsx' is: ERR No such master",
            "redis+sentinel://127.0.0.1:1/calls": "Sentinel at 127.0.0.1:1: Connection refused",
            f"redis+sentinel://127.0.0.1:{port}/calls": f"Sentinel at 127.0.0.1:{port}: no answer within 0.5 s",
            known.replace("://", "://nobody:wrong@"): "refuses the login",
        }
        for url, said in wanted.items():
            async with broker(url, unique_prefix()) as (node, _):
                await eventually(lambda said=said, node=node: said in (node.trouble() or ""))  # type: ignore[misc]


@pytest.mark.parametrize("epochs", [(7, 5), (5, 7), (5, 5)], ids=str)
async def test_of_several_answers_the_newest_counts(redis_server: RedisServer, epochs: tuple[int, int]) -> None:
    """A Sentinel that was cut off goes on naming the last primary: here one that nobody can reach."""

    def names(port: int, epoch: int) -> Answer:
        def answer(command: list[bytes]) -> bytes:
            if command[0] == b"HELLO":
                return HELLO
            if command[1] == b"MASTER":
                return b"%1\r\n" + bulk(b"config-epoch") + bulk(b"%d" % epoch)
            return array(bulk(b"127.0.0.1"), bulk(b"%d" % port))

        return answer

    async with (
        resp_server(names(redis_server.port if epochs[0] >= epochs[1] else 1, epochs[0])) as one,
        resp_server(names(redis_server.port if epochs[0] < epochs[1] else 1, epochs[1])) as two,
        broker(f"redis+sentinel://127.0.0.1:{one},127.0.0.1:{two}/calls", unique_prefix()) as (node, listener),
    ):
        await well(node, listener)
        await node.listen(ALICE)
        node.publish(ALICE, sent(1))
        assert await listener.until(sent(1)) == [sent(1)]


async def test_a_broker_of_a_replica_is_refused(tmp_path: Path) -> None:
    """Sentinels may name it too early."""
    with (
        RedisServer(tmp_path / "a") as primary,
        RedisServer(tmp_path / "b", "--replicaof", f"127.0.0.1 {primary.port}") as replica,
    ):
        home = tmp_path / "sentinel"
        home.mkdir()
        (home / "sentinel.conf").write_text(f"sentinel monitor calls 127.0.0.1 {replica.port} 1\n")
        with RedisServer(home, sentinel=True) as sentinel:
            async with broker(f"redis+sentinel://127.0.0.1:{sentinel.port}/calls", "hub") as (node, _):
                await eventually(lambda: "calls itself slave" in (node.trouble() or ""))
