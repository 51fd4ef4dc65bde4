"""Clients that come and go leave nothing behind: no session, no descriptor, no memory.

In the suite as many come as in two minutes of a large site; `make soak` goes on for an hour, or HUB_SOAK_SECONDS.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.benchmarks.desktops import Desktop, PollingDesktop, WebSocketDesktop
from tests.benchmarks.loop import Loop
from tests.benchmarks.publishers import Ingesting
from tests.benchmarks.tally import Tally
from tests.support.hub_process import HubProcess
from tests.support.tokens import SECRET, mint

CLIENTS = 150
WARM, WAVES = 6, 8
SOAK_SECONDS = float(os.environ.get("HUB_SOAK_SECONDS", "0"))
GROWTH = (40 if SOAK_SECONDS else 6) * 2**20
"""Bytes: what the allocator has not found a place for after the first waves; in an hour SQLite also fills its cache of
12 MiB. A leak of 5 KiB a client is found by it.
"""
QUIET = (
    "hub_connections",
    "hub_subscriptions",
    'hub_sessions{transport="websocket"}',
    'hub_sessions{transport="long-polling"}',
)
PATIENCE = 20.0
TOKENS = {f"u{number}": mint(f"u{number}", ttl=SOAK_SECONDS + 3600) for number in range(CLIENTS)}
BACK_END = mint("crm", "ROLE_CLIENT_SERVICE", ttl=SOAK_SECONDS + 3600)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    """A hub whose sessions end three seconds after their client has gone."""
    settings = {
        "HUB_BAYEUX_MAX_INTERVAL_MS": "3000",
        "HUB_HANDSHAKES_PER_SECOND": "10000",
        "HUB_HISTORY_EVENTS": "10",
    }
    with HubProcess(tmp_path, secret=SECRET, settings=settings) as process:
        yield process


def figures(hub: HubProcess) -> dict[str, float]:
    connection = HTTPConnection("127.0.0.1", hub.port, timeout=PATIENCE)
    try:
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    finally:
        connection.close()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def resident(hub: HubProcess) -> float:
    return figures(hub)["process_resident_memory_bytes"]


@contextmanager
def looping() -> Iterator[Loop]:
    loop = Loop()
    try:
        yield loop
    finally:
        loop.close()


def wave(hub: HubProcess) -> None:
    """Clients of both kinds come, hear an event each, and hang up without a word; return when nothing is left."""
    names = list(TOKENS)
    tally = Tally([1] * CLIENTS, ordered=True)
    with looping() as loop:
        desktops: list[Desktop] = []
        for number, token in enumerate(TOKENS.values()):
            kind = PollingDesktop if number % 2 else WebSocketDesktop
            desktops.append(kind(loop, hub.port, tally, [(number, "/v2/me/calls")], token))
        loop.until(lambda: all(desktop.is_ready for desktop in desktops), PATIENCE, "all desktops")
        back_end = Ingesting(loop, hub.port, names, 200, BACK_END, personal=True)
        back_end.publish(range(CLIENTS), tally, time.perf_counter())
        loop.until(lambda: tally.outstanding == 0 and back_end.is_free, PATIENCE, "all events")
        assert (tally.lost, tally.repeated, tally.misrouted, tally.disordered) == (0, 0, 0, 0)
    with looping() as loop:  # time goes by without any client
        loop.until(lambda: is_quiet(hub), PATIENCE, "the end of the sessions")


def is_quiet(hub: HubProcess) -> bool:
    found = figures(hub)
    return all(found[name] == 0 for name in QUIET)


@pytest.mark.timeout(SOAK_SECONDS + 120)
def test_memory_stays_what_it_is_however_many_come_and_go(hub: HubProcess) -> None:
    for _ in range(WARM):
        wave(hub)
    before, descriptors = resident(hub), len(list(Path(f"/proc/{hub.pid}/fd").iterdir()))
    end = time.monotonic() + SOAK_SECONDS
    waves = 0
    while waves < WAVES or time.monotonic() < end:
        wave(hub)
        waves += 1
    grown = resident(hub) - before
    print(
        f"{waves * CLIENTS} clients came and went; {grown / 1024:.0f} KiB more than before, of {before / 2**20:.0f} MiB"
    )
    assert grown < GROWTH
    assert len(list(Path(f"/proc/{hub.pid}/fd").iterdir())) <= descriptors + 2
