"""How long it takes from a customer's "I am waiting" until the agent's desktop shows it.

    python -m tests.benchmarks.waiting [--database sqlite|postgresql] [--times 300]

From the moment in which the request leaves the customer's page to the one in which the event has arrived at the desktop
over its WebSocket: one process, one desktop, an idle machine.
"""

import argparse
import asyncio
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from tests.benchmarks.timers import database
from tests.support.bayeux_ws import WebSocketDesktop
from tests.support.desktop import at_work
from tests.support.hub_process import HubProcess
from tests.support.tokens import SECRET, mint

ME = "/v2/me"
CONFIGURATION = '[applications.shop]\norganization = "acme"\n'
WARM = 20


async def scheduled(client: httpx2.AsyncClient) -> tuple[str, str]:
    """Path of the customer in an appointment of alice's, and the customer's token."""
    body = {
        "applicationId": "shop",
        "customer": {"username": "maria"},
        "duration": "PT30M",
        "start": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600)),
        "timezone": "Europe/Berlin",
    }
    alice = {"Authorization": f"Bearer {mint('alice', 'ROLE_AGENT')}"}
    made: dict[str, Any] = (await client.post("/api/appointments/", json=body, headers=alice)).json()
    secret = made["roomAccess"]["url"].rpartition("/")[2]
    token = (await client.post("/security/ticket/exchange", json={"id": secret})).json()["accessToken"]
    return f"/api/appointments/{made['id']}/participants/{made['participantIds'][0]['id']}", token


async def run(hub: HubProcess, times: int) -> list[float]:
    """Milliseconds, one for each change."""
    desktop = WebSocketDesktop(hub.bayeux_url, mint("alice", "ROLE_AGENT"), [ME], user="alice")
    taken: list[float] = []
    async with at_work(desktop), httpx2.AsyncClient(base_url=hub.url, trust_env=False) as client:
        path, token = await scheduled(client)
        for number in range(WARM + times):
            heard = len(desktop.events(ME))
            state = ("WAITING", "LEFT")[number % 2]
            begun = time.monotonic()
            request = client.put(path, json={"state": state}, headers={"Authorization": f"Bearer {token}"})
            answer = asyncio.ensure_future(request)
            await desktop.until(lambda each, heard=heard: len(each.events(ME)) > heard)  # type: ignore[misc]
            event = desktop.events(ME)[-1]
            assert event.data["participant"]["state"] == state
            (await answer).raise_for_status()
            taken.append((event.at - begun) * 1000)
    return taken[WARM:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--times", type=int, default=300)
    wanted = parser.parse_args()
    with TemporaryDirectory() as home, database(wanted.database) as url:
        file = Path(home) / "hub.toml"
        file.write_text(CONFIGURATION)
        settings = {"HUB_CONFIG": str(file), "HUB_DATABASE_URL": url}
        hub = HubProcess(Path(home) / "hub", secret=SECRET, settings=settings)
        if wanted.database == "postgresql":
            migrated = hub.command("migrate")
            assert migrated.returncode == 0, migrated.stderr
        with hub:
            taken = sorted(asyncio.run(run(hub, wanted.times)))
    p99 = taken[int(len(taken) * 0.99)]
    print(
        f"waiting customer to desktop, {wanted.database}, {len(taken)} times: "
        f"median {statistics.median(taken):.1f} ms, p99 {p99:.1f} ms, longest {taken[-1]:.1f} ms"
    )


if __name__ == "__main__":
    main()
