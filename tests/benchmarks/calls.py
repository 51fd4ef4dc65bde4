"""Calls: how many a second one process carries from Dial to Released, and how soon a desktop hears of what was asked.

    python -m tests.benchmarks.calls [--database sqlite|postgresql] [--agents 16] [--seconds 10] [--pace 10]

A cycle is what an agent does: POST Dial, hear Dialing and Established (the other side answers at once, by a timer),
POST Hangup, hear Released. First all agents go round without a pause; that gives the cycles a second. Then so many
cycles begin a second, in all (`--pace`); that gives the times from the beginning of a POST to the arrival of its frame
on the agent's WebSocket.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

from tests.benchmarks.servers import GENERATOR_CORE, SERVER_CORE, pinned
from tests.benchmarks.timers import database
from tests.support.bayeux_ws import WebSocketDesktop
from tests.support.desktop import at_work
from tests.support.hub_process import HubProcess
from tests.support.tokens import SECRET, mint

CALLS = "/v2/me/calls"
CONFIGURATION = """
[[telephony.outside]]
number = "*"
answers_after = 0
"""


class Agent:
    """An agent with a desktop; `late` has the seconds from a request to its frame."""

    def __init__(self, hub: HubProcess, name: str) -> None:
        token = mint(name)
        self.name = name
        self.desktop = WebSocketDesktop(hub.bayeux_url, token, [CALLS], user=name, replay=False)
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx2.AsyncClient(base_url=f"{hub.url}/api/v2", headers=headers, trust_env=False, timeout=60)
        self.late: list[float] = []

    async def log_in(self, hub: HubProcess, number: str) -> None:
        admin = {"Authorization": f"Bearer {mint('adam', 'ROLE_ADMIN')}"}
        await self._client.get("/me")
        device = {"phoneNumber": number, "userId": self.name}
        (await self._client.post("/devices", json=device, headers=admin)).raise_for_status()
        await self._post("/me", operationName="StartContactCenterSession", channels=["voice"])

    async def cycle(self) -> None:
        """One call from beginning to end."""
        began, heard = time.monotonic(), len(self.desktop.events(CALLS))
        await self._post("/me/calls", operationName="Dial", destination={"phoneNumber": "+15550001111"})
        dialing = await self._heard(heard, "Dialing")
        self.late.append(dialing - began)
        await self._heard(heard + 1, "Established")
        call = self.desktop.events(CALLS)[heard].data["call"]["id"]
        began = time.monotonic()
        await self._post(f"/me/calls/{call}", operationName="Hangup")
        self.late.append(await self._heard(heard + 2, "Released") - began)
        self.desktop.log.clear()

    async def _heard(self, index: int, state: str) -> float:
        """When that event arrived."""
        await self.desktop.until(lambda each: len(each.events(CALLS)) > index, 60)
        event = self.desktop.events(CALLS)[index]
        assert event.data["call"]["state"] == state, event
        return event.at

    async def _post(self, path: str, **body: object) -> None:
        (await self._client.post(path, json=body)).raise_for_status()

    async def close(self) -> None:
        await self._client.aclose()


async def run(hub: HubProcess, agents: int, seconds: float, pace: float) -> None:
    everybody = [Agent(hub, f"agent-{number}") for number in range(agents)]
    for number, agent in enumerate(everybody):
        await agent.log_in(hub, str(1000 + number))
    async with at_work(*(agent.desktop for agent in everybody)):
        await asyncio.gather(*(agent.cycle() for agent in everybody))
        print(f"{agents} agents without a pause: {await saturated(everybody, seconds):.0f} calls a second")
        for agent in everybody:
            agent.late.clear()
        await paced(everybody, seconds, pace)
        late = sorted(second * 1000 for agent in everybody for second in agent.late)
        quantiles = statistics.quantiles(late, n=100)
        print(
            f"{pace:g} calls a second: from request to frame p50 {quantiles[49]:.1f} ms, p99 {quantiles[98]:.1f} ms, "
            f"largest {late[-1]:.1f} ms, of {len(late)}"
        )
    for agent in everybody:
        await agent.close()


async def saturated(everybody: list[Agent], seconds: float) -> float:
    """Calls a second when each agent begins the next one as soon as the last is over."""
    began, done = time.monotonic(), 0

    async def work(agent: Agent) -> None:
        nonlocal done
        while time.monotonic() < began + seconds:
            await agent.cycle()
            done += 1

    await asyncio.gather(*(work(agent) for agent in everybody))
    return done / (time.monotonic() - began)


async def paced(everybody: list[Agent], seconds: float, pace: float) -> None:
    """Cycles that begin in a steady rhythm, the agents in turn."""
    running: list[asyncio.Task[None]] = []
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(int(seconds * pace)):
        turn = asyncio.Event()
        loop.call_at(began + number / pace, turn.set)
        await turn.wait()
        agent = everybody[number % len(everybody)]
        if number >= len(everybody):
            await running[number - len(everybody)]  # one call at a time an agent
        running.append(asyncio.create_task(agent.cycle()))
    await asyncio.gather(*running)


@contextmanager
def office(name: str) -> Iterator[HubProcess]:
    """A hub whose parties outside answer at once, on a core of its own."""
    with database(name) as url, TemporaryDirectory() as directory:
        home = Path(directory)
        (home / "hub.toml").write_text(CONFIGURATION)
        settings = {"HUB_CONFIG": str(home / "hub.toml"), "HUB_DATABASE_URL": url}
        process = HubProcess(home / "hub", secret=SECRET, settings=settings)
        process.home.mkdir(parents=True)
        if name == "postgresql":
            process.command("migrate").check_returncode()
        with pinned(SERVER_CORE):
            process.start()
        try:
            with pinned(GENERATOR_CORE):
                yield process
        finally:
            process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description="Calls: cycles a second, and time from request to frame.")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--agents", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--pace", type=float, default=10)
    options = parser.parse_args()
    with office(options.database) as hub:
        print(options.database)
        asyncio.run(run(hub, options.agents, options.seconds, options.pace))


if __name__ == "__main__":
    main()
