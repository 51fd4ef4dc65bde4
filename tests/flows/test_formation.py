"""Several processes behind one nginx, with the configuration that docs/deploy recommends."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import httpx2
import pytest

from tests.support.bayeux_http import LongPollingDesktop
from tests.support.bayeux_ws import WebSocketDesktop
from tests.support.checker import Stream
from tests.support.desktop import Desktop, at_work
from tests.support.history import History
from tests.support.hub_process import HubProcess
from tests.support.nginx import Nginx, nginx
from tests.support.publisher import Publisher
from tests.support.redis_server import RedisServer
from tests.support.tokens import SECRET, mint

CALLS = "/v2/me/calls"
ENDPOINT = "/api/v2/notifications"
SITES = [f"127.0.0.{number}" for number in range(2, 14)]


class Formation(NamedTuple):
    hubs: list[HubProcess]
    proxy: Nginx


@pytest.fixture(scope="module")
def formation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Formation]:
    home = tmp_path_factory.mktemp("formation")
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(home / "redis"))
        settings = {"HUB_REDIS_URL": redis.url, "HUB_DATA_DIR": str(home / "var")}
        hubs = [HubProcess(home / f"hub{number}", secret=SECRET, settings=settings) for number in range(2)]
        for hub in hubs:
            stack.enter_context(hub)
        yield Formation(hubs, stack.enter_context(nginx(home / "nginx", hubs)))


def desktops(formation: Formation) -> list[Desktop]:
    """At every site one over each transport; a site's address decides on the process."""
    url = formation.proxy.url + ENDPOINT
    return [
        transport(url, mint(f"u{site}"), [CALLS], user=f"u{site}", source=site)
        for site in SITES
        for transport in (WebSocketDesktop, LongPollingDesktop)
    ]


async def sessions(hub: HubProcess) -> float:
    async with httpx2.AsyncClient(trust_env=False) as http:
        text = (await http.get(hub.url + "/metrics")).text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("hub_sessions{"))


async def test_everybody_hears_everything_through_the_proxy(formation: Formation, history: History) -> None:
    everybody = desktops(formation)
    for desktop in everybody:
        history.follow(desktop.client)
    publisher = Publisher(formation.proxy.url, mint("crm", "ROLE_CLIENT_SERVICE"), history, name="crm")
    async with at_work(*everybody), publisher:
        spread = [await sessions(hub) for hub in formation.hubs]
        for round_ in range(5):
            await publisher.publish(*((Stream("acme", f"u{site}", CALLS), {"n": round_}) for site in SITES))
        for desktop in everybody:
            await desktop.until_received(CALLS, 5)
    history.verify()
    assert sum(spread) == len(everybody)
    assert min(spread) > 0, f"one process has them all: {spread}"
    assert [desktop.handshakes for desktop in everybody] == [1] * len(everybody), "somebody met the other process"


async def test_the_proxy_does_not_write_tokens_down(formation: Formation) -> None:
    token = mint("alice")
    hello = [{"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}]
    async with httpx2.AsyncClient(trust_env=False) as http:
        answer = await http.post(f"{formation.proxy.url}{ENDPOINT}?access_token={token}", json=hello)
    assert answer.json()[0]["successful"]
    written = formation.proxy.log.read_text()
    assert ENDPOINT in written
    assert token not in written


async def test_the_proxy_does_not_write_tickets_down(formation: Formation) -> None:
    async with httpx2.AsyncClient(trust_env=False) as http:
        pages = [await http.get(f"{formation.proxy.url}/{short}/asecretone") for short in "tq"]
    assert [page.status_code for page in pages] == [404, 404]
    written = formation.proxy.log.read_text()
    assert written.count("GET /ticket 404") == 2
    assert "asecretone" not in written


async def test_figures_are_for_operators(formation: Formation) -> None:
    async with httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(local_address="127.0.0.2")) as stranger:
        for path in ("/metrics", "/readyz", "/healthz"):
            assert (await stranger.get(formation.proxy.url + path)).status_code == 403
        assert (await stranger.get(formation.proxy.url + "/version")).status_code == 200
