"""The official JavaScript CometD 9 client does its whole job here, over both of its transports."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import javascript
from tests.support.checker import Stream
from tests.support.history import History
from tests.support.hub_process import HubProcess
from tests.support.javascript import JavaScriptClient, javascript_client
from tests.support.publisher import Publisher
from tests.support.tokens import mint

SAMPLE = Path(__file__).parents[1] / "channels" / "samples" / "call.json"
CALLS, DEVICES = "/v2/me/calls", "/v2/me/devices"
MINE = Stream("acme", "alice", CALLS)


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if (reason := javascript.missing()) is not None:
        pytest.skip(reason)


@pytest.fixture(params=["websocket", "long-polling"])
async def client(request: pytest.FixtureRequest, shared_hub: HubProcess) -> AsyncIterator[JavaScriptClient]:
    async with javascript_client(shared_hub.bayeux_url, request.param, mint("alice")) as started:
        said = await started.do("handshake")
        assert said["reply"]["successful"] is True, said
        assert said["transport"] == request.param
        yield started


@pytest.fixture
async def publisher(shared_hub: HubProcess) -> AsyncIterator[Publisher]:
    # Nobody here has a history checked: the client without replay is compared event by event.
    token = mint("connector", "ROLE_CLIENT_SERVICE")
    async with Publisher(shared_hub.url, token, History(), name="interop") as started:
        yield started


async def subscribe(client: JavaScriptClient, channel: str) -> None:
    said = await client.do("subscribe", channel)
    assert said["reply"]["successful"] is True, said
    assert said["reply"]["subscription"] == channel


async def test_it_receives_the_very_event_that_was_sent(client: JavaScriptClient, publisher: Publisher) -> None:
    sample = json.loads(SAMPLE.read_text())["data"]
    await subscribe(client, CALLS)
    await publisher.publish((MINE, sample))
    assert await client.until_heard(1) == [{"channel": CALLS, "data": sample}]


async def test_it_receives_a_hundred_events_in_order(client: JavaScriptClient, publisher: Publisher) -> None:
    await subscribe(client, CALLS)
    for number in range(50):
        await publisher.publish((MINE, {"n": number}))
    await publisher.publish(*((MINE, {"n": number}) for number in range(50, 100)))
    heard = await client.until_heard(100)
    assert [event["data"]["n"] for event in heard] == list(range(100))


async def test_it_is_told_why_a_subscription_is_refused_and_goes_on(
    client: JavaScriptClient, publisher: Publisher
) -> None:
    await subscribe(client, CALLS)
    said = await client.do("subscribe", "/v2/users")
    assert said["reply"]["successful"] is False
    assert said["reply"]["error"] == "403:denied_by_security_policy:subscribe_denied"
    assert said["reply"]["subscription"] == "/v2/users"
    assert said["reply"].get("advice", {}).get("reconnect") != "handshake"
    await publisher.publish((MINE, {"n": 1}))
    assert [event["data"] for event in await client.until_heard(1)] == [{"n": 1}]


async def test_what_it_unsubscribed_from_is_not_delivered(client: JavaScriptClient, publisher: Publisher) -> None:
    await subscribe(client, CALLS)
    await subscribe(client, DEVICES)
    said = await client.do("unsubscribe", CALLS)
    assert said["reply"]["successful"] is True
    await publisher.publish((MINE, {"n": 1}), (Stream("acme", "alice", DEVICES), {"n": 2}))
    assert [event["channel"] for event in await client.until_heard(1)] == [DEVICES]


async def test_it_disconnects_and_lets_go_of_everything(client: JavaScriptClient, publisher: Publisher) -> None:
    await subscribe(client, CALLS)
    said = await client.do("disconnect")
    assert said["reply"]["successful"] is True
    await publisher.publish((MINE, {"n": 1}))
    assert await client.end() == 0
    assert client.events == []


@pytest.mark.parametrize("transport", ["websocket", "long-polling"])
async def test_a_bad_token_is_refused_without_a_loop(shared_hub: HubProcess, transport: str) -> None:
    async with javascript_client(shared_hub.bayeux_url, transport, "nonsense") as started:
        said: Any = await started.do("handshake")
        assert said["reply"]["successful"] is False
        assert said["reply"]["error"] == "401::token_invalid"
        assert said["reply"]["advice"]["reconnect"] == "none"
        assert await started.end() == 0, "the client does not come back, so nothing keeps its process alive"
