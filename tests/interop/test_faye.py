"""What only Faye does: it sends everything again that was unanswered when its connection broke, publishes too."""

import pytest

from tests.interop.clients import FAYE, Way, parameters, require
from tests.interop.conftest import Agent
from tests.support.hub_process import HubProcess
from tests.support.lossy_proxy import LossyProxy

ROOM = "/echo/room"


@pytest.mark.parametrize("way", parameters(*(Way(FAYE, name, by="header") for name in FAYE.tokens)))
async def test_a_publish_that_is_sent_again_takes_effect_once(
    way: Way, agent: Agent, interop_hub: HubProcess, network: LossyProxy
) -> None:
    require(FAYE)
    async with (
        way.start(interop_hub.bayeux_url, agent.token) as listener,
        way.start(network.url, agent.token) as speaker,
    ):
        for client in (listener, speaker):
            assert (await client.do("handshake"))["successful"] is True
        assert (await listener.do("subscribe", ROOM))["successful"] is True
        # Its answer tells that the speaker has arrived at the transport on which it will stay.
        assert (await speaker.do("subscribe", "/v2/me/calls"))["successful"] is True
        network.deafen()
        speaker.begin("publish", ROOM, data={"n": 1})
        await listener.heard(1)
        await network.until_swallowed(ROOM.encode())
        network.cut()
        assert (await speaker.reply("publish", ROOM))["successful"] is True
        assert (await speaker.do("publish", ROOM, data={"n": 2}))["successful"] is True
        assert [event["data"] for event in await listener.heard(2)] == [{"n": 1}, {"n": 2}]
