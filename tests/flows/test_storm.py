"""Everybody loses the connection in the same moment and is back soon, while the others hear on.

`make chaos` does it with 5,000 desktops.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count, cycle
from pathlib import Path
from statistics import quantiles

from tests.support.checker import Stream
from tests.support.figures import Figures
from tests.support.herding import herd
from tests.support.history import History
from tests.support.hub_process import HubProcess
from tests.support.issuer import Issuer, ec_key, serving
from tests.support.publisher import Publisher

CUT = 5000 if "HUB_CHAOS" in os.environ else 1000
OTHERS = 100
BACK_SECONDS = 10.0
CALLS = "/v2/me/calls"


def users(prefix: str, many: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(many)]


def tokens(names: list[str]) -> list[str]:
    return [ec_key().token(name) for name in names]


@asynccontextmanager
async def hub_of(issuer: Issuer, home: Path) -> AsyncIterator[HubProcess]:
    """A hub that knows the issuer's keys."""
    hub = HubProcess(home / "hub", settings={"HUB_JWKS_URL": issuer.url, "HUB_JWKS_REFRESH_SECONDS": "3600"})
    await asyncio.to_thread(hub.start)
    try:
        yield hub
    finally:
        assert await asyncio.to_thread(hub.terminate) == 0, hub.tail()


@asynccontextmanager
async def talking_to(names: list[str], publisher: Publisher) -> AsyncIterator[None]:
    """Each of these users in turn gets an event that says when it was sent."""
    over, numbers = asyncio.Event(), count(1)

    async def talk() -> None:
        for name in cycle(names):
            if over.is_set():
                return
            await publisher.publish((Stream("acme", name, CALLS), {"n": next(numbers), "at": time.monotonic()}))

    async with asyncio.TaskGroup() as group:
        group.create_task(talk())
        yield
        over.set()


async def test_all_come_back_at_once_without_asking_the_issuer(tmp_path: Path, figures: Figures) -> None:
    cut, others = users("cut", CUT), users("other", OTHERS)
    async with serving(ec_key()) as issuer, hub_of(issuer, tmp_path) as hub:
        connector = ec_key().token("crm", roles=["ROLE_CLIENT_SERVICE"])
        history = History()  # the herd counts for itself
        async with (
            herd(hub.bayeux_url, tokens(cut), tmp_path) as storm,
            herd(hub.bayeux_url, tokens(others), tmp_path) as calm,
            Publisher(hub.url, connector, history, name="crm") as publisher,
        ):
            await storm.do("join")
            await calm.do("join")
            asked = len(issuer.requests)
            async with talking_to(others, publisher):
                back = await storm.do("cut")
            heard = await calm.do(f"until {len(history.published)}")
            for name in cut:
                await publisher.publish((Stream("acme", name, CALLS), {"at": time.monotonic()}))
            caught = await storm.do(f"until {CUT}")
    p99 = quantiles(heard["latencies"], n=100)[98]
    figures(sockets=CUT, back_seconds=back["seconds"], others_p99_seconds=p99, others_events=len(heard["latencies"]))
    assert len(issuer.requests) == asked, "the issuer was asked in the storm"
    assert back["handshakes"] == 0, "sessions outlive their sockets"
    assert (heard["holes"], caught["holes"]) == (0, 0)
    assert back["seconds"] <= BACK_SECONDS
