"""Nodes restarted one after the other, as a deployment does, under load and with everybody at work."""

import asyncio
import os
import time

from tests.support.crowd import caught_up, desktops, load
from tests.support.desktop import at_work
from tests.support.estate import PATIENCE, Estate
from tests.support.figures import Figures
from tests.support.history import History

ROUNDS = 10 if "HUB_CHAOS" in os.environ else 2
EVENTS = 100
RECOVERY_SECONDS = 30.0
QUIET = 0.02  # seconds between two requests of a back end


async def test_a_deployment_loses_nothing(site: Estate, history: History, figures: Figures) -> None:
    everybody = [each for way in site.networks for each in desktops(way.url, patience=PATIENCE)]
    for desktop in everybody:
        history.follow(desktop.client)
    began = time.monotonic()
    async with at_work(*everybody, timeout=RECOVERY_SECONDS):
        async with load(site.urls, history, pause=QUIET) as publishers:
            for _ in range(ROUNDS):
                for node in site.nodes:
                    await history.until_published(len(history.published) + EVENTS, RECOVERY_SECONDS)
                    assert await asyncio.to_thread(node.terminate) == 0
                    await asyncio.to_thread(node.start)
        await caught_up(everybody, history, RECOVERY_SECONDS)
    figures(restarts=2 * ROUNDS, events=len(history.published), seconds=time.monotonic() - began)
    history.verify()
    # At least once: whoever still waited to come back when its node was restarted again has saved a round.
    assert [desktop.name for desktop in everybody if desktop.handshakes < 2] == [], "not everybody was sent away"
    assert sum(publisher.repeats for publisher in publishers) > 0
