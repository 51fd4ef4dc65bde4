"""A node that is told to stop while what it needs does not answer ends all the same, and takes nothing with it."""

import asyncio
import time

from tests.support.checker import Stream
from tests.support.crowd import caught_up, desktops
from tests.support.desktop import at_work
from tests.support.estate import PATIENCE, Estate
from tests.support.figures import Figures
from tests.support.history import History
from tests.support.publisher import Publisher
from tests.support.tokens import mint

ALICE = Stream("acme", "alice", "/v2/me/calls")


async def test_a_node_ends_although_its_database_and_its_redis_are_stuck(
    site: Estate, history: History, figures: Figures
) -> None:
    node, everybody = site.nodes[0], desktops(site.networks[1].url, ("alice",), patience=PATIENCE)
    for desktop in everybody:
        history.follow(desktop.client)
    token = mint("crm", "ROLE_CLIENT_SERVICE")
    async with (
        at_work(*everybody),
        Publisher(node.url, token, history, name="crm") as publisher,
        asyncio.TaskGroup() as asking,
    ):
        await publisher.publish((ALICE, {"n": 1}))
        site.database.freeze()
        site.redis.freeze()
        asked = asking.create_task(publisher.publish((ALICE, {"n": 2})))
        began = time.monotonic()
        try:
            assert await asyncio.to_thread(node.terminate) == 0
        finally:
            figures(stop_seconds=time.monotonic() - began)
            site.database.thaw()
            site.redis.thaw()
            await asyncio.to_thread(node.start)
        await asked
        await caught_up(everybody, history)
    history.verify()
