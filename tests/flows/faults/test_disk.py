"""A disk without room under the database of a hub, and what its clients see of it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.checker import Stream
from tests.support.crowd import caught_up, desktops
from tests.support.desktop import at_work
from tests.support.history import History
from tests.support.hub_process import HubProcess
from tests.support.publisher import Publisher
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.tokens import SECRET, mint
from tests.support.waiting import eventually

CALLS = "/v2/me/calls"
LARGE = "x" * 20_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk") as mounted:
        yield mounted


@pytest.fixture
def hub(tmp_path: Path, disk: SmallDisk) -> Iterator[HubProcess]:
    process = HubProcess(tmp_path / "hub", secret=SECRET, settings={"HUB_DATA_DIR": str(disk.path / "var")})
    process.start()
    yield process
    process.terminate()


async def ready(hub: HubProcess) -> tuple[int, str | None]:
    async with httpx2.AsyncClient(base_url=hub.url, trust_env=False) as http:
        answer = await http.get("/readyz")
    return answer.status_code, answer.json().get("reasons", {}).get("database")


async def test_a_full_disk_refuses_what_it_cannot_keep_and_loses_nothing(
    hub: HubProcess, disk: SmallDisk, history: History
) -> None:
    everybody = desktops(hub.bayeux_url, ("alice",))
    for desktop in everybody:
        history.follow(desktop.client)
    stream, token = Stream("acme", "alice", CALLS), mint("crm", "ROLE_CLIENT_SERVICE")
    async with at_work(*everybody), Publisher(hub.url, token, history, name="crm") as publisher:
        await publisher.publish((stream, {"n": 1}))
        disk.fill()
        refused = asyncio.create_task(publisher.publish(*((stream, {"n": n, "pad": LARGE}) for n in range(2, 60))))
        await eventually(lambda: publisher.repeats > 2)
        assert await ready(hub) == (503, "the database has no room left")
        assert not refused.done()
        disk.free()
        await refused
        await publisher.publish((stream, {"n": 60}))
        assert (await ready(hub))[0] == 200
        await caught_up(everybody, history)
    history.verify()
    output = hub.tail()
    assert output.count("no room left") == 1, "said once, not for every request"
    assert "Traceback" not in output


async def test_readiness_comes_back_by_itself(hub: HubProcess, disk: SmallDisk) -> None:
    headers = {"Authorization": f"Bearer {mint('crm', 'ROLE_CLIENT_SERVICE')}"}
    events = [{"channel": CALLS, "userId": "alice", "data": {"pad": LARGE}}] * 58
    async with httpx2.AsyncClient(base_url=hub.url, trust_env=False, headers=headers) as http:
        disk.fill()
        answer = await http.post("/api/v2/events", json=events)
        assert (answer.status_code, answer.json()["statusCode"]) == (503, 4)
        assert answer.headers["retry-after"]
    assert (await ready(hub))[0] == 503
    disk.free()
    await eventually(hub._is_ready)
