"""The clock of the machine steps, as time synchronization makes it do; the hub goes on."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx2
import pytest

from tests.support.checker import Stream
from tests.support.crowd import caught_up, desktops
from tests.support.desktop import at_work
from tests.support.history import History
from tests.support.hub_process import HubProcess
from tests.support.publisher import Publisher
from tests.support.tokens import SECRET, mint

CALLS = "/v2/me/calls"
HOUR = 3600


class SteppingClock:
    """What a process started with `environment` takes for the time: ours, and so many seconds more."""

    def __init__(self, file: Path) -> None:
        if shutil.which("faketime") is None:
            pytest.skip("faketime is not installed")
        (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
        self._file = file
        self.step(0)
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, seconds: int) -> None:
        """Be so far ahead of the real time from now on."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}")
        fresh.rename(self._file)


@pytest.fixture
def clock(tmp_path: Path) -> SteppingClock:
    return SteppingClock(tmp_path / "clock")


@pytest.fixture
def hub(tmp_path: Path, clock: SteppingClock) -> Iterator[HubProcess]:
    with HubProcess(tmp_path / "hub", secret=SECRET, settings=clock.environment) as process:
        yield process


async def ahead(hub: HubProcess) -> float:
    """By how many seconds the hub believes to be ahead of us; it looks at its clock once a second for that."""
    async with httpx2.AsyncClient(base_url=hub.url, trust_env=False) as http:
        said = (await http.get("/healthz")).headers["date"]
    return parsedate_to_datetime(said).timestamp() - time.time()


async def until_ahead(hub: HubProcess, seconds: float) -> None:
    """Return when the step has taken effect."""
    async with asyncio.timeout(30):
        while abs(await ahead(hub) - seconds) > 60:
            pass


@pytest.mark.parametrize("steps", [(HOUR // 2, 0), (-HOUR // 2, 0)], ids=["forward and back", "back and forward"])
async def test_sessions_and_events_outlast_a_step(
    hub: HubProcess, clock: SteppingClock, history: History, steps: tuple[int, ...]
) -> None:
    everybody = desktops(hub.bayeux_url, ("alice",))
    for desktop in everybody:
        history.follow(desktop.client)
    stream, token = Stream("acme", "alice", CALLS), mint("crm", "ROLE_CLIENT_SERVICE", iat=0, ttl=24 * HOUR)
    async with at_work(*everybody), Publisher(hub.url, token, history, name="crm") as publisher:
        for step in (0, *steps):
            clock.step(step)
            await until_ahead(hub, step)
            await publisher.publish(*((stream, {"step": step, "n": n}) for n in range(10)))
            await caught_up(everybody, history)
    history.verify()
    assert [desktop.handshakes for desktop in everybody] == [1] * len(everybody)
