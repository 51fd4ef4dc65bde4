"""What only the official JavaScript client is driven with: pages loaded again, and replay as an application adds it."""

import asyncio

import pytest

from tests.interop.clients import COMETD, Way, parameters, require
from tests.interop.conftest import Agent
from tests.support.hub_process import HubProcess
from tests.support.lossy_proxy import LossyProxy

CALLS = "/v2/me/calls"
TRANSPORTS = tuple(COMETD.tokens)


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    require(COMETD)


@pytest.mark.parametrize("way", parameters(*(Way(COMETD, name, "reload", by="ext") for name in TRANSPORTS)))
async def test_a_page_loaded_again_goes_on_with_its_session(way: Way, agent: Agent, interop_hub: HubProcess) -> None:
    async with way.start(interop_hub.bayeux_url, agent.token) as page:
        session = (await page.do("handshake"))["clientId"]
        assert (await page.do("subscribe", CALLS))["successful"] is True
        await agent.called(1)
        await page.heard(1)
        state = (await page.do("save"))["state"]
    await agent.called(2)
    async with way.start(interop_hub.bayeux_url, agent.token, saved=state, channels=[CALLS]) as again:
        reply = await again.do("handshake")
        assert (reply["clientId"], reply["ext"]) == (session, {"reload": True})
        await again.heard(1)
        await agent.called(3)
        assert [event["data"] for event in await again.heard(2)] == [{"n": 2}, {"n": 3}]
        (connected, *_) = await again.answered("/meta/connect", 1)
        assert connected["successful"] is True


@pytest.mark.parametrize("way", parameters(*(Way(COMETD, name, "replay", by="ext") for name in TRANSPORTS)))
async def test_with_replay_nothing_is_lost_over_a_dying_connection_and_a_dying_hub(
    way: Way, agent: Agent, interop_hub: HubProcess, network: LossyProxy
) -> None:
    async with way.start(network.url, agent.token) as client:
        assert (await client.do("handshake"))["successful"] is True
        assert (await client.do("subscribe", CALLS))["successful"] is True
        await agent.called(1)
        await client.heard(1)
        network.deafen()
        await agent.called(2)
        await network.until_swallowed(b'"n":2')
        await asyncio.to_thread(interop_hub.kill9)
        network.cut()
        await asyncio.to_thread(interop_hub.start)
        await agent.called(3)
        await client.answered("/meta/subscribe", 2)
        await agent.called(4)
        assert [event["data"]["n"] for event in await client.heard(4)] == [1, 2, 3, 4]
