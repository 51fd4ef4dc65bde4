"""What a supervisor's desktop hears of an agent who has three tabs over two processes, which restart and die."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import pytest

from tests.support.bayeux_http import LongPollingDesktop
from tests.support.bayeux_ws import WebSocketDesktop
from tests.support.desktop import Desktop, at_work
from tests.support.hub_process import HubProcess
from tests.support.postgres import PostgresServer
from tests.support.redis_server import RedisServer
from tests.support.tokens import SECRET, mint

USERS, CALLS = "/v2/users", "/v2/me/calls"
GRACE = 3
PATIENCE = 40.0  # seconds until a test gives up; never waited for when all is well


@pytest.fixture(params=["sqlite", "postgresql"])
def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[HubProcess]]:
    """Three processes of one hub."""
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(tmp_path / "redis"))
        settings = {"HUB_REDIS_URL": redis.url, "HUB_PRESENCE_GRACE_SECONDS": str(GRACE)}
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            name = server.migrated()
            stack.callback(server.drop, name)
            settings["HUB_DATABASE_URL"] = server.url(name)
        processes = [HubProcess(tmp_path / "hub", secret=SECRET, settings=settings) for _ in range(3)]
        for process in processes:
            process.output = tmp_path / f"output-{process.port}.txt"
            stack.enter_context(process)
        yield processes


def desktop(hub: HubProcess, user: str, channel: str, role: str, kind: type[Desktop] = WebSocketDesktop) -> Desktop:
    return kind(hub.bayeux_url, mint(user, role), [channel], user=user, roles=[role])


def heard(sue: Desktop) -> list[tuple[str, str]]:
    return [(event.data["userId"], event.data["notificationType"]) for event in sue.events(USERS)]


async def test_an_agent_comes_once_and_goes_once(nodes: list[HubProcess]) -> None:
    one, two, three = nodes
    sue = desktop(three, "sue", USERS, "ROLE_SUPERVISOR")
    marks = (desktop(three, user, CALLS, "ROLE_AGENT") for user in ("mark1", "mark2"))
    tabs = [
        desktop(one, "alice", CALLS, "ROLE_AGENT"),
        desktop(one, "alice", CALLS, "ROLE_AGENT", LongPollingDesktop),
        desktop(two, "alice", CALLS, "ROLE_AGENT"),
    ]
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(at_work(sue))
        await sue.until(lambda each: ("sue", "Connected") in heard(each), PATIENCE)
        await stack.enter_async_context(at_work(*tabs))
        await sue.until(lambda each: ("alice", "Connected") in heard(each), PATIENCE)

        for restart in (one.terminate, one.start):
            await asyncio.to_thread(restart)
        for tab in tabs[:2]:
            await tab.until(lambda each: each.handshakes > 1 and each.subscribed, PATIENCE)
        await stack.enter_async_context(at_work(next(marks)))
        await sue.until(lambda each: ("mark1", "Connected") in heard(each), PATIENCE)

        await asyncio.gather(asyncio.to_thread(one.kill9), asyncio.to_thread(two.kill9))
        await sue.until(lambda each: ("alice", "Disconnected") in heard(each), PATIENCE)
        await stack.enter_async_context(at_work(next(marks)))
        await sue.until(lambda each: ("mark2", "Connected") in heard(each), PATIENCE)
    assert heard(sue) == [
        ("sue", "Connected"),
        ("alice", "Connected"),
        ("mark1", "Connected"),
        ("alice", "Disconnected"),
        ("mark2", "Connected"),
    ]


async def test_an_agent_whose_process_is_killed_and_who_goes_on_at_another_was_never_away(
    nodes: list[HubProcess],
) -> None:
    one, two, three = nodes
    sue, alice = desktop(three, "sue", USERS, "ROLE_SUPERVISOR"), desktop(one, "alice", CALLS, "ROLE_AGENT")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(at_work(sue, alice))
        await sue.until(lambda each: len(heard(each)) == 2, PATIENCE)
        bob = desktop(one, "bob", CALLS, "ROLE_AGENT")
        async with at_work(bob):
            await sue.until(lambda each: ("bob", "Connected") in heard(each), PATIENCE)
        alice.url = two.bayeux_url
        await asyncio.to_thread(one.kill9)
        # Bob was at the same process, and does not come back.
        await sue.until(lambda each: ("bob", "Disconnected") in heard(each), PATIENCE)
    assert sorted(heard(sue)[:2]) == [("alice", "Connected"), ("sue", "Connected")]
    assert heard(sue)[2:] == [("bob", "Connected"), ("bob", "Disconnected")]
