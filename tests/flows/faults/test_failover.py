"""Redis fails over to a replica that never got the last writes: positions come from the log, so that does no harm."""

import asyncio
import time
from pathlib import Path

from tests.support import redis_groups
from tests.support.crowd import caught_up, desktops, load
from tests.support.desktop import at_work
from tests.support.figures import Figures
from tests.support.history import History
from tests.support.hub_process import HubProcess
from tests.support.redis_groups import Watched
from tests.support.tokens import SECRET

AGENTS = ("alice", "bob")
EVENTS = 100
RECOVERY_SECONDS = 30.0


def hubs(home: Path, group: Watched) -> list[HubProcess]:
    """Two processes on one database file."""
    settings = {"HUB_REDIS_URL": group.url, "HUB_DATA_DIR": str(home / "var"), "HUB_BAYEUX_TIMEOUT_MS": "2000"}
    return [HubProcess(home / f"hub{number}", secret=SECRET, settings=settings) for number in range(2)]


async def test_a_failover_that_loses_the_tail_loses_no_event(
    tmp_path: Path, history: History, figures: Figures
) -> None:
    with redis_groups.watched(tmp_path / "redis") as group:
        processes = hubs(tmp_path, group)
        for process in processes:
            await asyncio.to_thread(process.start)
        try:
            everybody = [each for process in processes for each in desktops(process.bayeux_url, AGENTS)]
            for desktop in everybody:
                history.follow(desktop.client)
            primary, replica = group.servers
            async with at_work(*everybody):
                async with load([process.url for process in processes], history, AGENTS, pause=0.02):
                    await history.until_published(EVENTS)
                    await asyncio.to_thread(replica.ask, "REPLICAOF", "NO", "ONE")  # it gets nothing any more
                    await history.until_published(len(history.published) + EVENTS)
                    await asyncio.to_thread(primary.kill)
                    killed = time.monotonic()
                    await history.until_published(len(history.published) + EVENTS, RECOVERY_SECONDS)
                await caught_up(everybody, history, RECOVERY_SECONDS)
                figures(recovery_seconds=time.monotonic() - killed, events=len(history.published))
            history.verify()
        finally:
            for process in processes:
                await asyncio.to_thread(process.__exit__)
