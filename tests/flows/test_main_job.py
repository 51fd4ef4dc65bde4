"""The main job as its user sees it: three commands, one event."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import watching
from tests.support.hub_process import HubProcess
from tests.support.postgres import PostgresServer

SAMPLE = Path(__file__).parents[1] / "channels" / "samples" / "call.json"
CALLS = "/v2/me/calls"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    home = tmp_path_factory.mktemp("demo") / "hub"
    settings: dict[str, str] = {}
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        settings["HUB_DATABASE_URL"] = server.url(server.database())
    hub = HubProcess(home, demo=True, settings=settings)
    if settings:
        migrated = hub.command("migrate")
        assert migrated.returncode == 0, migrated.stderr
    with hub as process:
        yield process


async def run(hub: HubProcess, *arguments: str) -> str:
    done = await asyncio.to_thread(hub.command, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def token(hub: HubProcess, user: str, role: str = "ROLE_AGENT") -> str:
    return (await run(hub, "token", "--user", user, "--role", role, "--organization", "demo")).strip()


async def send(hub: HubProcess, data: Any, user: str = "alice", *more: str) -> int:
    arguments = ["send", CALLS, "--user", user, "--organization", "demo", json.dumps(data), *more]
    answer = json.loads(await run(hub, *arguments))
    assert answer["statusCode"] == 0
    (event,) = answer["events"]
    assert event["channel"] == CALLS
    assert event["id"]
    seq: int = event["seq"]
    return seq


async def test_an_agent_hears_about_her_call(demo: HubProcess) -> None:
    sample = json.loads(SAMPLE.read_text())["data"]
    async with watching(demo, CALLS, await token(demo, "alice")) as alice:
        seq = await send(demo, sample)
        assert await alice.event() == {"channel": CALLS, "data": sample, "ext": {"replay": seq}}


async def test_another_agent_hears_nothing_of_it(demo: HubProcess) -> None:
    async with watching(demo, CALLS, await token(demo, "bob")) as bob:
        await send(demo, {"for": "alice"}, "alice")
        await send(demo, {"for": "bob"}, "bob")
        assert (await bob.event())["data"] == {"for": "bob"}


async def test_a_watch_survives_the_death_of_the_server(demo: HubProcess) -> None:
    async with watching(demo, CALLS, await token(demo, "alice")) as alice:
        first = await send(demo, {"n": 1})
        assert (await alice.event())["ext"] == {"replay": first}
        await asyncio.to_thread(demo.kill9)
        await alice.notice("no connection")
        await asyncio.to_thread(demo.start)
        await send(demo, {"n": 2})
        await send(demo, {"n": 3})
        assert [(await alice.event())["data"] for _ in range(2)] == [{"n": 2}, {"n": 3}]


async def test_a_supervisors_channel_is_refused_with_a_line_and_an_exit_code(demo: HubProcess) -> None:
    arguments = ["watch", "/v2/users", "--token", await token(demo, "alice"), "--url", demo.url]
    done = await asyncio.to_thread(demo.command, *arguments)
    assert done.returncode == 1
    assert done.stderr == "Error: 403:denied_by_security_policy:subscribe_denied\n"
    assert done.stdout == ""


async def test_a_bad_token_ends_the_watch(demo: HubProcess) -> None:
    done = await asyncio.to_thread(demo.command, "watch", CALLS, "--token", "nonsense", "--url", demo.url)
    assert done.returncode == 1
    assert "401::token_invalid" in done.stderr


async def test_a_kicked_watch_ends(demo: HubProcess) -> None:
    async with watching(demo, CALLS, await token(demo, "bob")) as bob:
        await run(demo, "kick", "--user", "bob", "--organization", "demo")
        assert "403::session_kicked" in await bob.notice("session_kicked")


async def test_an_agent_may_not_send(demo: HubProcess) -> None:
    arguments = ["send", CALLS, "--user", "alice", "--organization", "demo", "{}", "--url", demo.url]
    done = await asyncio.to_thread(demo.command, *arguments, "--token", await token(demo, "alice"))
    assert done.returncode == 1
    assert "answered 403" in done.stderr
    assert done.stderr.count("\n") == 1
