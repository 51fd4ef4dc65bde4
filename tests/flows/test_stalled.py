"""Desktops that stop to read cost little, hold nobody up, and are told everything when they go on."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.desktops import WebSocketDesktop
from tests.benchmarks.loop import Loop
from tests.benchmarks.publishers import Ingesting
from tests.benchmarks.tally import Tally
from tests.support.hub_process import HubProcess
from tests.support.tokens import SECRET, mint

READING, DEAF = 16, 16
EVENTS, SIZE = 70, 8192
BOUND = 256 * 1024
"""Bytes that one of the deaf may take, of the process and of the kernel together."""
WALL = """
[[custom_channels]]
pattern = "/walls/*"
subscribe = ["ROLE_AGENT"]
publish = ["ROLE_AGENT"]
durable = true
"""
PATIENCE = 30.0


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    file = tmp_path / "hub.toml"
    file.write_text(WALL)
    with HubProcess(tmp_path / "hub", secret=SECRET, settings={"HUB_CONFIG": str(file)}) as process:
        yield process


def held_for(hub: HubProcess) -> int:
    """Bytes of memory of the process, and of what its sockets have in the kernel and nobody reads."""
    resident = int(Path(f"/proc/{hub.pid}/statm").read_text().split()[1]) * 4096
    port = f":{hub.port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return resident + sum(int(row[4].partition(":")[0], 16) for row in rows if row[1].endswith(port))


def test_the_deaf_cost_little_and_hear_everything_later(hub: HubProcess) -> None:
    loop = Loop()
    reading, later = Tally([READING], ordered=True), Tally([DEAF], ordered=True)
    try:
        desktops = [
            WebSocketDesktop(loop, hub.port, tally, [(0, "/walls/a")], mint(f"{kind}{number}"))
            for kind, tally, many in (("r", reading, READING), ("d", later, DEAF))
            for number in range(many)
        ]
        loop.until(lambda: all(desktop.is_ready for desktop in desktops), PATIENCE, "all desktops")
        back_end = Ingesting(loop, hub.port, ["/walls/a"], SIZE, mint("crm", "ROLE_CLIENT_SERVICE"), personal=False)

        def publish() -> None:
            for _ in range(EVENTS):
                later.publish(0, time.perf_counter())
                back_end.publish([0], reading, time.perf_counter())
                loop.until(lambda: back_end.is_free, PATIENCE, "an answer")
            loop.until(lambda: reading.outstanding == 0, PATIENCE, "those who read")

        publish()  # what the hub keeps for itself is there from now on
        loop.until(lambda: later.outstanding == 0, PATIENCE, "everybody")
        for desktop in desktops[READING:]:
            desktop.deafen()
        before, heard = held_for(hub), later.delivered
        publish()
        assert later.delivered == heard
        assert held_for(hub) - before < DEAF * BOUND
        for desktop in desktops[READING:]:
            desktop.listen()
        loop.until(lambda: later.outstanding == 0, PATIENCE, "those who had not read")
        for tally, many in ((reading, READING), (later, DEAF)):
            assert tally.delivered == 2 * EVENTS * many
            assert (tally.lost, tally.repeated, tally.misrouted, tally.disordered) == (0, 0, 0, 0)
    finally:
        loop.close()
