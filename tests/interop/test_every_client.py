"""Clients that others wrote do their whole job here without a change, over each of their transports."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.interop.clients import Way, parameters, require, ways, ways_with_each_token
from tests.interop.conftest import Agent
from tests.support.checker import Stream
from tests.support.driver import DrivenClient
from tests.support.hub_process import HubProcess
from tests.support.lossy_proxy import LossyProxy

SAMPLE = Path(__file__).parents[1] / "channels" / "samples" / "call.json"
CALLS, DEVICES, ECHO = "/v2/me/calls", "/v2/me/devices", "/echo/room"
HANDSHAKE, SUBSCRIBE = "/meta/handshake", "/meta/subscribe"
RECOVERY_SECONDS = 30.0


@pytest.fixture
async def client(way: Way, agent: Agent, network: LossyProxy) -> AsyncIterator[DrivenClient]:
    """The client, with a session and listening to its calls."""
    require(way.client)
    async with way.start(network.url, agent.token) as started:
        await handshake(started)
        reply = await started.do("subscribe", CALLS)
        assert (reply["successful"], reply["transport"]) == (True, way.transport), reply
        yield started


async def handshake(client: DrivenClient) -> None:
    reply = await client.do("handshake")
    assert reply["successful"] is True, reply


async def subscribe(client: DrivenClient, channel: str) -> None:
    reply = await client.do("subscribe", channel)
    assert reply["successful"] is True, reply


def numbers(client: DrivenClient) -> list[int]:
    return [event["data"]["n"] for event in client.events]


async def handshakes(hub: HubProcess) -> dict[str, int]:
    """How many the hub has answered so far, by their outcome."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"{hub.url}/metrics")).text
    found = re.findall(r'^hub_handshakes_total\{outcome="(\w+)"\} (\d+)', text, re.MULTILINE)
    return {outcome: int(number) for outcome, number in found}


@pytest.mark.parametrize("way", parameters(*ways()))
class TestEveryClient:
    async def test_hears_what_was_sent_in_order(self, client: DrivenClient, agent: Agent) -> None:
        sample = json.loads(SAMPLE.read_text())["data"]
        await agent.publisher.publish((Stream("acme", agent.name, CALLS), sample))
        assert await client.heard(1) == [{"channel": CALLS, "data": sample}]
        client.events.clear()
        for number in range(50):
            await agent.called(number)
        await agent.called(*range(50, 100))
        await client.heard(100)
        assert numbers(client) == list(range(100))

    async def test_is_told_what_it_may_not_do_and_goes_on(self, client: DrivenClient, agent: Agent) -> None:
        reply = await client.do("subscribe", "/v2/users")
        assert (reply["successful"], reply["error"]) == (False, "403:denied_by_security_policy:subscribe_denied")
        reply = await client.do("publish", CALLS, data={"n": 1})
        assert (reply["successful"], reply["error"]) == (False, "403:denied_by_security_policy:publish_denied")
        await subscribe(client, ECHO)
        reply = await client.do("publish", ECHO, data={"n": 2})
        assert reply["successful"] is True, reply
        await client.heard(1)
        await agent.called(3)
        await client.heard(2)
        assert [(event["channel"], event["data"]) for event in client.events] == [(ECHO, {"n": 2}), (CALLS, {"n": 3})]

    async def test_leaves_what_it_heard_and_then_everything(self, client: DrivenClient, agent: Agent) -> None:
        await subscribe(client, DEVICES)
        reply = await client.do("unsubscribe", CALLS)
        assert reply["successful"] is True, reply
        await agent.called(1)
        await agent.called(2, channel=DEVICES)
        assert await client.heard(1) == [{"channel": DEVICES, "data": {"n": 2}}]
        reply = await client.do("disconnect")
        assert reply["successful"] is True, reply
        await agent.called(3, channel=DEVICES)
        assert await client.end() == 0
        assert numbers(client) == [2]

    async def test_comes_back_when_its_connection_was_cut(
        self, way: Way, client: DrivenClient, agent: Agent, network: LossyProxy
    ) -> None:
        await agent.called(1)
        await client.heard(1)
        network.deafen()
        await agent.called(2)
        await network.until_swallowed(b'"n":2')
        await network.go_down()
        await agent.called(3)
        await agent.called(4)
        network.come_up()
        await client.until_heard({"n": 4})
        await agent.called(5)
        await client.until_heard({"n": 5})
        if way.acknowledges:
            assert list(dict.fromkeys(numbers(client))) == [1, 2, 3, 4, 5]
        else:
            # What was in the dying connection may be lost; what the hub had not written yet is not, and comes once.
            assert [number for number in numbers(client) if number != 2] == [1, 3, 4, 5]
        assert len(client.successes(HANDSHAKE)) == 1, "it needed a new session, so this has shown nothing"

    async def test_comes_back_when_the_hub_was_killed(
        self, client: DrivenClient, agent: Agent, interop_hub: HubProcess
    ) -> None:
        await agent.called(1)
        await client.heard(1)
        await asyncio.to_thread(interop_hub.kill9)
        await asyncio.to_thread(interop_hub.start)
        async with asyncio.timeout(RECOVERY_SECONDS):
            before, after = await client.answered(HANDSHAKE, 2)
            await client.answered(SUBSCRIBE, 2)
        assert before["clientId"] != after["clientId"]
        await agent.called(2)
        await client.until_heard({"n": 2})
        assert numbers(client) == [1, 2]

    async def test_comes_back_when_the_hub_is_restarted(
        self, client: DrivenClient, agent: Agent, interop_hub: HubProcess
    ) -> None:
        """The hub says goodbye with an interval of up to five seconds, which clients spend in their own ways."""
        assert await asyncio.to_thread(interop_hub.terminate) == 0
        await asyncio.to_thread(interop_hub.start)
        async with asyncio.timeout(RECOVERY_SECONDS):
            await client.answered(HANDSHAKE, 2)
            await client.answered(SUBSCRIBE, 2)
        await agent.called(1)
        assert await client.heard(1) == [{"channel": CALLS, "data": {"n": 1}}]

    async def test_stays_away_when_it_was_kicked(
        self, client: DrivenClient, agent: Agent, interop_hub: HubProcess
    ) -> None:
        before = await handshakes(interop_hub)
        kick = ("kick", "--user", agent.name, "--organization", "acme")
        done = await asyncio.to_thread(interop_hub.command, *kick)
        assert done.returncode == 0, done.stderr
        assert await client.end() == 0, "it does not come back, so nothing keeps its process alive"
        assert await handshakes(interop_hub) == before

    async def test_does_not_storm_the_hub_with_a_bad_token(self, way: Way, interop_hub: HubProcess) -> None:
        require(way.client)
        before = await handshakes(interop_hub)
        async with way.start(interop_hub.bayeux_url, "nonsense") as client:
            reply = await client.do("handshake")
            assert (reply["successful"], reply["error"]) == (False, "401::token_invalid")
            assert await client.end() == 0, "it does not come back, so nothing keeps its process alive"
        after = await handshakes(interop_hub)
        assert after["unauthenticated"] - before["unauthenticated"] == way.client.handshakes_refused
        assert after["ok"] == before["ok"]


@pytest.mark.parametrize("way", parameters(*(way for way in ways() if way.client.batches)))
async def test_a_batch_is_carried_out_in_order(way: Way, agent: Agent, network: LossyProxy) -> None:
    require(way.client)
    async with way.start(network.url, agent.token) as client:
        await handshake(client)
        commands = [
            {"do": "publish", "channel": ECHO, "data": {"n": 1}},
            {"do": "subscribe", "channel": ECHO},
            {"do": "publish", "channel": ECHO, "data": {"n": 2}},
            {"do": "publish", "channel": CALLS, "data": {"n": 3}},
        ]
        client.begin("batch", commands=commands)
        for _ in range(2):
            assert (await client.reply("publish", ECHO))["successful"] is True
        assert (await client.reply("subscribe", ECHO))["successful"] is True
        assert (await client.reply("publish", CALLS))["error"] == "403:denied_by_security_policy:publish_denied"
        assert await client.heard(1) == [{"channel": ECHO, "data": {"n": 2}}]


@pytest.mark.parametrize("way", [pytest.param(way, id=f"{way}-{way.by}") for way in ways_with_each_token()])
async def test_every_client_can_hand_over_its_token(way: Way, agent: Agent, interop_hub: HubProcess) -> None:
    require(way.client)
    async with way.start(interop_hub.bayeux_url, agent.token) as client:
        await handshake(client)
        await subscribe(client, CALLS)
        await agent.called(1)
        assert await client.heard(1) == [{"channel": CALLS, "data": {"n": 1}}]
