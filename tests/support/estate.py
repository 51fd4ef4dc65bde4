"""Two nodes of one hub with their PostgreSQL and their Redis, each behind a network of its own that can fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.support import postgres
from tests.support.hub_process import HubProcess
from tests.support.lossy_proxy import LossyProxy, lossy_proxy
from tests.support.postgres import PostgresServer
from tests.support.redis_server import RedisServer
from tests.support.tokens import SECRET

HOLD_MS = 2000
PATIENCE = 5.0
"""Seconds of silence after which a desktop of this estate takes its connection for dead."""


class Estate:
    """`networks[n]` leads from the clients to `nodes[n]`; `to_redis` and `to_database` from both nodes to theirs."""

    def __init__(
        self,
        nodes: list[HubProcess],
        networks: list[LossyProxy],
        redis: RedisServer,
        to_redis: LossyProxy,
        database: PostgresServer,
        to_database: LossyProxy,
    ) -> None:
        self.nodes, self.networks = nodes, networks
        self.redis, self.to_redis = redis, to_redis
        self.database, self.to_database = database, to_database

    @property
    def urls(self) -> list[str]:
        """Of the nodes, without a network that fails in between: for back ends that publish."""
        return [node.url for node in self.nodes]


@asynccontextmanager
async def estate(home: Path, nodes: int = 2) -> AsyncIterator[Estate]:
    """Everything running and ready."""
    async with AsyncExitStack() as stack:
        database = stack.enter_context(postgres.running({}))
        redis = stack.enter_context(RedisServer(home / "redis"))
        to_database = await stack.enter_async_context(lossy_proxy(_web(database.url())))
        to_redis = await stack.enter_async_context(lossy_proxy(_web(redis.url)))
        name = await asyncio.to_thread(database.migrated)
        settings = {
            "HUB_DATABASE_URL": f"postgresql://postgres@127.0.0.1:{to_database.address}/{name}",
            "HUB_REDIS_URL": f"redis://127.0.0.1:{to_redis.address}",
            "HUB_BAYEUX_TIMEOUT_MS": str(HOLD_MS),
        }
        processes = [HubProcess(home / f"node{number}", secret=SECRET, settings=settings) for number in range(nodes)]
        networks = [await stack.enter_async_context(lossy_proxy(process.bayeux_url)) for process in processes]
        for process in processes:  # in a thread: the networks in between live on this loop
            await asyncio.to_thread(process.start)
            stack.push_async_callback(asyncio.to_thread, process.__exit__)
        yield Estate(processes, networks, redis, to_redis, database, to_database)


def _web(url: str) -> str:
    """The address in a form that the proxy takes."""
    return "http://" + url.rpartition("@")[2].rpartition("://")[2]
