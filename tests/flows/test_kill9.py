"""Twenty desktops, two organizations, and a server that is killed three times under load: nothing lost, none twice."""

import asyncio

from tests.support.crowd import all_back, caught_up, desktops, load
from tests.support.desktop import at_work
from tests.support.history import History
from tests.support.hub_process import HubProcess

KILLS = 3
EVENTS_BETWEEN_KILLS = 200


async def test_nothing_is_lost_repeated_or_crossed_when_the_server_dies_under_load(
    hub: HubProcess, history: History
) -> None:
    everybody = desktops(hub.bayeux_url)
    for desktop in everybody:
        history.follow(desktop.client)
    async with at_work(*everybody):
        async with load([hub.url], history) as publishers:
            for life in range(KILLS):
                await all_back(everybody, life + 1)
                await history.until_published(len(history.published) + EVENTS_BETWEEN_KILLS)
                await asyncio.to_thread(hub.kill9)
                await asyncio.to_thread(hub.start)
            await history.until_published(len(history.published) + EVENTS_BETWEEN_KILLS)
        await caught_up(everybody, history)
    history.verify()
    assert sum(publisher.repeats for publisher in publishers) > 0, "no request met a dead server"
    assert [desktop.name for desktop in everybody if desktop.handshakes <= KILLS] == []
    assert [desktop.name for desktop in everybody if not desktop.log] == []
