"""What only the official JavaScript client has: batches, and pages that are loaded again."""

import pytest

from tests.interop.clients import COMETD, Way, parameters, require
from tests.interop.conftest import Agent
from tests.support.hub_process import HubProcess

CALLS, ECHO = "/v2/me/calls", "/echo/room"
TRANSPORTS = tuple(COMETD.tokens)


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    require(COMETD)


@pytest.mark.parametrize("way", parameters(*(Way(COMETD, name, by="ext") for name in TRANSPORTS)))
async def test_a_batch_is_carried_out_in_order(way: Way, agent: Agent, interop_hub: HubProcess) -> None:
    async with way.start(interop_hub.bayeux_url, agent.token) as client:
        assert (await client.do("handshake"))["successful"] is True
        commands = [
            {"do": "publish", "channel": ECHO, "data": {"n": 1}},
            {"do": "subscribe", "channel": ECHO},
            {"do": "publish", "channel": ECHO, "data": {"n": 2}},
            {"do": "publish", "channel": CALLS, "data": {"n": 3}},
        ]
        client.begin("batch", commands=commands)
        first, second = await client.reply("publish", ECHO), await client.reply("publish", ECHO)
        assert (first["successful"], second["successful"]) == (True, True)
        assert (await client.reply("subscribe", ECHO))["successful"] is True
        refused = await client.reply("publish", CALLS)
        assert refused["error"] == "403:denied_by_security_policy:publish_denied"
        assert [event["data"] for event in await client.heard(1)] == [{"n": 2}]


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
