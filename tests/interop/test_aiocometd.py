"""What only aiocometd has: it asks the application for better credentials when it was refused."""

import pytest

from tests.interop.clients import AIOCOMETD, Way, parameters
from tests.interop.conftest import Agent
from tests.support.hub_process import HubProcess
from tests.support.tokens import mint

CALLS = "/v2/me/calls"
SHORT = 5.0  # seconds; enough for a handshake on a busy machine


@pytest.mark.parametrize("way", parameters(*(Way(AIOCOMETD, name, by="header") for name in AIOCOMETD.tokens)))
async def test_it_comes_with_a_new_token_after_an_expired_one(way: Way, agent: Agent, interop_hub: HubProcess) -> None:
    expired = mint(agent.name, ttl=-3600)
    async with way.start(interop_hub.bayeux_url, expired, next=agent.token) as client:
        assert (await client.do("handshake"))["successful"] is True
        assert [meta["error"] for meta in client.metas if not meta["successful"]] == ["401::token_expired"]
        assert (await client.do("subscribe", CALLS))["successful"] is True
        await agent.called(1)
        assert await client.heard(1) == [{"channel": CALLS, "data": {"n": 1}}]


@pytest.mark.parametrize("way", parameters(*(Way(AIOCOMETD, name, by="header") for name in AIOCOMETD.tokens)))
async def test_it_goes_on_with_a_new_token_when_its_session_expires(
    way: Way, agent: Agent, interop_hub: HubProcess
) -> None:
    async with way.start(interop_hub.bayeux_url, agent.token, next=agent.token) as client:
        # Its process is up before the short life of the token begins.
        assert (await client.do("use", token=agent.token))["successful"] is True
        assert (await client.do("use", token=mint(agent.name, ttl=SHORT)))["successful"] is True
        assert (await client.do("handshake"))["successful"] is True
        assert (await client.do("subscribe", CALLS))["successful"] is True
        await client.answered("/meta/handshake", 2)
        await client.answered("/meta/subscribe", 2)
        await agent.called(1)
        assert await client.heard(1) == [{"channel": CALLS, "data": {"n": 1}}]
