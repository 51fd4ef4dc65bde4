"""Several `redis-server` processes that belong together: a primary with its replica and Sentinels, and a cluster."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.hub_process import free_port
from tests.support.redis_server import RedisServer

SERVICE = "calls"
DOWN_AFTER_MS = 500
AT_ONCE = ("--repl-diskless-sync-delay", "0")
"""A replica that has just come is not made to wait for others."""
SETTLED_SECONDS = 60.0
SLOTS = 16_384


def until(condition: Callable[[], bool], what: str) -> None:
    """Poll other programs until they agree."""
    deadline = time.monotonic() + SETTLED_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {SETTLED_SECONDS} s: {what}"
        time.sleep(0.02)


@dataclass
class Watched:
    """Two data servers, one of which is the primary, and three Sentinels."""

    servers: list[RedisServer]
    sentinels: list[RedisServer]

    @property
    def url(self) -> str:
        return f"redis+sentinel://{','.join(f'127.0.0.1:{each.port}' for each in self.sentinels)}/{SERVICE}"

    def primary_port(self, sentinel: RedisServer | None = None) -> int:
        address = (sentinel or self.sentinels[0]).ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        return int(address[1])

    def settled(self) -> bool:
        """Whether all Sentinels know each other and the replica, so that a failover can succeed."""
        for each in self.sentinels:
            state = each.ask("SENTINEL", "MASTER", SERVICE)
            if int(state[b"num-other-sentinels"]) != len(self.sentinels) - 1 or int(state[b"num-slaves"]) != 1:
                return False
        replicas = self.sentinels[0].ask("SENTINEL", "REPLICAS", SERVICE)
        return all(each[b"master-link-status"] == b"ok" and b"disconnected" not in each[b"flags"] for each in replicas)


@contextmanager
def watched(home: Path) -> Iterator[Watched]:
    with ExitStack() as stack:
        primary = stack.enter_context(RedisServer(home / "a", *AT_ONCE))
        replica = stack.enter_context(RedisServer(home / "b", "--replicaof", f"127.0.0.1 {primary.port}", *AT_ONCE))
        group = Watched([primary, replica], [])
        for number in range(3):
            sentinel = RedisServer(home / f"sentinel-{number}", sentinel=True)
            sentinel.home.mkdir(parents=True)
            (sentinel.home / "sentinel.conf").write_text(
                f"sentinel monitor {SERVICE} 127.0.0.1 {primary.port} 2\n"
                f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n"
                f"sentinel failover-timeout {SERVICE} 2000\n"
            )
            group.sentinels.append(stack.enter_context(sentinel))
        until(group.settled, "the Sentinels know each other")
        yield group


class ClusterGroup:
    """Three primaries, and replicas where a test wants them."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self.servers: list[RedisServer] = []
        self._home = home
        self._stack = stack

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(f'127.0.0.1:{each.port}' for each in self.servers)}"

    def add(self) -> RedisServer:
        """One more process, that everybody knows after a while."""
        own = ["--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-node-timeout", "1000"]
        server = RedisServer(self._home / f"node-{len(self.servers)}", *own, *AT_ONCE)
        self._stack.enter_context(server)
        if self.servers:
            self.servers[0].ask("CLUSTER", "MEET", "127.0.0.1", server.port, own[3])
        self.servers.append(server)
        return server

    def add_replica(self, primary: RedisServer) -> RedisServer:
        """A replica that could take over from the primary."""
        replica, name = self.add(), self.identity(primary)
        until(self.settled, "everybody knows the new node")
        replica.ask("CLUSTER", "REPLICATE", name)
        until(lambda: replica.lines("INFO", "replication").get("master_link_status") == "up", "the replica follows")
        return replica

    def identity(self, server: RedisServer) -> str:
        return str(server.ask("CLUSTER", "MYID"), "ascii")

    def owner(self, slot: int) -> RedisServer:
        for first, last, primary, *_ in self.servers[0].ask("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(each for each in self.servers if each.port == primary[1])
        raise AssertionError(f"nobody has slot {slot}")

    def move(self, slot: int, target: RedisServer) -> None:
        """Hand a slot over as an operator does, and return when everybody knows."""
        source = self.owner(slot)
        names = self.identity(source), self.identity(target)
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", names[0])
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", names[1])
        for each in [target, source, *self.servers]:
            each.ask("CLUSTER", "SETSLOT", slot, "NODE", names[1])

    def settled(self) -> bool:
        states = [each.lines("CLUSTER", "INFO") for each in self.servers]
        known = str(len(self.servers))
        return all(each["cluster_state"] == "ok" and each["cluster_known_nodes"] == known for each in states)


@contextmanager
def cluster(home: Path) -> Iterator[ClusterGroup]:
    with ExitStack() as stack:
        group = ClusterGroup(home, stack)
        for _ in range(3):
            group.add()
        share = SLOTS // 3 + 1
        for number, each in enumerate(group.servers):
            each.ask("CLUSTER", "ADDSLOTSRANGE", number * share, min(SLOTS, (number + 1) * share) - 1)
        until(group.settled, "the nodes of the cluster know each other")
        yield group
