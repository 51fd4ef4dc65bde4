"""Two processes of one hub on one machine: one database file, one Redis, two ports."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from tests.support.bayeux_http import LongPollingDesktop
from tests.support.bayeux_ws import WebSocketDesktop
from tests.support.brokers import unique_prefix
from tests.support.checker import Stream
from tests.support.desktop import Desktop, Refused, at_work
from tests.support.history import History
from tests.support.hub_process import HubProcess
from tests.support.publisher import Publisher
from tests.support.redis_server import RedisServer
from tests.support.tokens import SECRET, mint
from tests.support.waiting import eventually

CALLS = "/v2/me/calls"
ALICE = Stream("acme", "alice", CALLS)


class Nodes(NamedTuple):
    """Two processes, and the Redis between them."""

    one: HubProcess
    two: HubProcess
    redis: RedisServer


def node(home: Path, redis: RedisServer, prefix: str) -> HubProcess:
    process = HubProcess(home, secret=SECRET, settings={"HUB_REDIS_URL": redis.url, "HUB_REDIS_PREFIX": prefix})
    process.output = home / f"output-{process.port}.txt"
    return process


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(tmp_path / "redis"))
        one, two = (stack.enter_context(node(tmp_path / "hub", redis, "hub")) for _ in range(2))
        yield Nodes(one, two, redis)


def desktop(hub: HubProcess, kind: type[Desktop] = WebSocketDesktop, user: str = "alice") -> Desktop:
    return kind(hub.bayeux_url, mint(user, "ROLE_AGENT"), [CALLS], user=user)


def publisher(hub: HubProcess, history: History) -> Publisher:
    token = mint("connector", "ROLE_CLIENT_SERVICE")
    return Publisher(hub.url, token, history, name=f"connector-{hub.port}")


async def get(hub: HubProcess, path: str) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
        return await http.get(hub.url + path)


async def metric(hub: HubProcess, name: str) -> float:
    text = (await get(hub, "/metrics")).text
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " "))


async def test_what_is_published_on_one_is_heard_on_both(nodes: Nodes, history: History) -> None:
    here, there = desktop(nodes.one), desktop(nodes.two, LongPollingDesktop)
    history.follow(here.client)
    history.follow(there.client)
    async with at_work(here, there), publisher(nodes.one, history) as one, publisher(nodes.two, history) as two:
        for n in range(100):
            await (one if n % 3 else two).publish((ALICE, {"n": n}))
        for each in (here, there):
            await each.until_received(CALLS, 100)
    history.verify()
    heard = [await metric(hub, 'hub_deliveries_total{transport="websocket"}') for hub in (nodes.one, nodes.two)]
    assert heard == [100.0, 0.0], "each process counts its own"
    assert await metric(nodes.two, "hub_redis_received_total") >= 100


async def test_a_session_is_known_to_its_own_process_only(nodes: Nodes) -> None:
    async def ask(hub: HubProcess, message: dict[str, Any]) -> Any:
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
            return (await http.post(hub.bayeux_url, json=[message])).json()[0]

    hello = {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}
    token = mint("alice", "ROLE_AGENT")
    shaken = await ask(nodes.one, {**hello, "ext": {"authentication": {"token": token}}})
    client_id = shaken["clientId"]
    connect = {"channel": "/meta/connect", "clientId": client_id, "connectionType": "long-polling"}
    elsewhere = await ask(nodes.two, connect)
    assert (elsewhere["successful"], elsewhere["error"]) == (False, "402::session_unknown")
    assert elsewhere["advice"]["reconnect"] == "handshake"
    assert (await ask(nodes.one, {**connect, "advice": {"timeout": 0}}))["successful"] is True


async def test_a_kick_on_one_ends_sessions_on_both(nodes: Nodes) -> None:
    everybody = [desktop(nodes.one), desktop(nodes.two)]
    for each in everybody:
        each.token = mint("alice", "ROLE_AGENT")
    runs = [asyncio.create_task(each.run()) for each in everybody]
    for each in everybody:
        await each.until(lambda desktop: desktop.subscribed)
    done = await asyncio.to_thread(nodes.one.command, "kick", "--user", "alice", "--organization", "acme")
    assert done.returncode == 0
    async with asyncio.timeout(20):
        ended = await asyncio.gather(*runs, return_exceptions=True)
    assert [isinstance(each, Refused) and "session_kicked" in str(each) for each in ended] == [True, True]


async def test_without_redis_both_go_on_by_the_log_and_say_that_they_are_not_ready(
    nodes: Nodes, history: History
) -> None:
    here, there = desktop(nodes.one), desktop(nodes.two)
    history.follow(here.client)
    history.follow(there.client)
    async with at_work(here, there), publisher(nodes.one, history) as one:
        await one.publish((ALICE, {"n": 1}))
        await asyncio.to_thread(nodes.redis.kill)
        await one.publish(*((ALICE, {"n": n}) for n in range(2, 11)))
        for each in (here, there):
            await each.until_received(CALLS, 10, timeout=20)
        for hub in (nodes.one, nodes.two):
            answer = await get(hub, "/readyz")
            assert answer.status_code == 503
            assert f"Redis at 127.0.0.1:{nodes.redis.port}: Connection refused" in answer.json()["reasons"]["broker"]
        await asyncio.to_thread(nodes.redis.start)
        await eventually(lambda: all(hub._is_ready() for hub in (nodes.one, nodes.two)))
        await one.publish((ALICE, {"n": 11}))
        for each in (here, there):
            await each.until_received(CALLS, 11)
        assert [each.handshakes for each in (here, there)] == [1, 1], "nobody was sent away"
    history.verify()


async def test_a_redis_that_stalls_turns_readiness_red_within_seconds(nodes: Nodes) -> None:
    nodes.redis.freeze()
    try:
        await eventually(lambda: not nodes.one._is_ready(), seconds=5)
        answer = await get(nodes.one, "/readyz")
        assert "has not come back for 3 s" in answer.json()["reasons"]["broker"]
        assert (await get(nodes.one, "/healthz")).status_code == 200
    finally:
        nodes.redis.thaw()
    await eventually(lambda: nodes.one._is_ready() and nodes.two._is_ready(), seconds=5)


async def test_desktops_of_a_killed_process_go_on_at_the_other(nodes: Nodes, history: History) -> None:
    client = desktop(nodes.one)
    history.follow(client.client)
    async with at_work(client), publisher(nodes.two, history) as two:
        await two.publish((ALICE, {"n": 1}))
        await client.until_received(CALLS, 1)
        await asyncio.to_thread(nodes.one.kill9)
        client.url = nodes.two.bayeux_url
        await two.publish(*((ALICE, {"n": n}) for n in range(2, 21)))
        await client.until_received(CALLS, 20)
    history.verify()


def test_hubs_with_and_without_redis_do_not_share_a_directory(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as redis, node(tmp_path / "hub", redis, unique_prefix()) as shared:
        alone = HubProcess(shared.home, secret=SECRET)
        done = alone.command("serve", "--port", str(alone.port))
        assert done.returncode == 2
        assert "HUB_DATA_DIR: another hub serves from" in done.stderr
        refused = shared.command("doctor", "--new-epoch")
        assert refused.returncode == 1
        assert "a hub is running" in refused.stderr
