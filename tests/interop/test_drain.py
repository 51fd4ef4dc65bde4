"""A hub is stopped and started again under hundreds of official clients at work: they return one by one, and lose
nothing.

`make chaos` does it with 500 of them.
"""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from random import Random

import pytest

from tests.interop.clients import COMETD, ROOT
from tests.support.checker import Client, Gap, Received, Stream
from tests.support.figures import Figures
from tests.support.history import History
from tests.support.hub_process import HubProcess
from tests.support.publisher import Publisher
from tests.support.tokens import SECRET, mint

CALLS = "/v2/me/calls"
CLIENTS = 500 if "HUB_CHAOS" in os.environ else 100
DRAIN_SECONDS = 4
EVENTS = 200
PATIENCE = 60.0


class Crowd:
    """The desktops of one process, by user."""

    def __init__(self, users: list[str], process: asyncio.subprocess.Process) -> None:
        self.log: dict[str, list[Received | Gap]] = {user: [] for user in users}
        self.since: dict[str, int] = {}
        self.subscribed: Counter[str] = Counter()
        self.shaken_at: dict[str, list[float]] = {user: [] for user in users}
        self._process = process
        self._changed = asyncio.Event()

    async def listen(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            self._take(said.pop("is"), said.pop("user"), said)
            self._changed.set()

    def _take(self, kind: str, user: str, said: dict[str, object]) -> None:
        match kind, said:
            case "shaken", {"at": int(at)}:
                self.shaken_at[user].append(at / 1000)
            case "subscribed", {"since": int(since)}:
                self.since.setdefault(user, since)
                self.subscribed[user] += 1
            case "gap", {"live": int(live)}:
                self.log[user].append(Gap(channel=CALLS, live=live))
            case "event", {"seq": int(seq), "data": {"n": n}}:
                self.log[user].append(Received(channel=CALLS, seq=seq, data={"n": n}))
            case _:
                raise AssertionError((kind, said))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def client(self, user: str) -> Client:
        since = {CALLS: self.since[user]}
        roles = frozenset({"ROLE_AGENT"})
        return Client(name=user, organization="acme", user=user, roles=roles, since=since, log=self.log[user])

    def is_back(self, times: int) -> bool:
        """Whether everybody has subscribed that often, each time in a new session."""
        return all(self.subscribed[user] >= times and len(self.shaken_at[user]) >= times for user in self.log)

    def has(self, heads: dict[Stream, int]) -> bool:
        """Whether everybody has the last event of its stream."""
        return all(self.log[head.user] and self.log[head.user][-1].seq == seq for head, seq in heads.items())  # type: ignore[union-attr]


@asynccontextmanager
async def crowd(hub: HubProcess, directory: Path) -> AsyncIterator[Crowd]:
    """All desktops, at work."""
    users = [f"u{number}" for number in range(CLIENTS)]
    tokens = directory / "tokens"
    tokens.write_text("\n".join(f"{user} {mint(user)}" for user in users))
    process = await asyncio.create_subprocess_exec(
        *["node", "tests/interop/drivers/crowd.mjs", json.dumps({"url": hub.bayeux_url, "tokens": str(tokens)})],
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    started = Crowd(users, process)
    listening = asyncio.create_task(started.listen())
    try:
        await started.until(lambda: started.is_back(1))
        yield started
    finally:
        process.kill()
        await listening
        await process.wait()


@asynccontextmanager
async def load(hub: HubProcess, users: list[str], history: History) -> AsyncIterator[None]:
    """A back end that goes on publishing to all of them, through everything."""
    over, random, numbers = asyncio.Event(), Random(7), count(1)

    async def work(publisher: Publisher) -> None:
        while not over.is_set():
            chosen = random.sample(users, 5)
            await publisher.publish(*((Stream("acme", user, CALLS), {"n": next(numbers)}) for user in chosen))

    token = mint("crm", "ROLE_CLIENT_SERVICE")
    async with Publisher(hub.url, token, history, name="crm") as publisher, asyncio.TaskGroup() as group:
        group.create_task(work(publisher))
        yield
        over.set()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    with HubProcess(tmp_path / "hub", secret=SECRET, settings={"HUB_DRAIN_SECONDS": str(DRAIN_SECONDS)}) as process:
        yield process


@pytest.mark.skipif(COMETD.missing() is not None, reason=str(COMETD.missing()))
async def test_clients_are_sent_away_one_by_one_and_lose_nothing(
    hub: HubProcess, tmp_path: Path, history: History, figures: Figures
) -> None:
    async with crowd(hub, tmp_path) as desktops:
        for user in desktops.log:
            history.follow(partial(desktops.client, user))
        async with load(hub, list(desktops.log), history):
            await history.until_published(EVENTS)
            stopping = time.monotonic()
            assert await asyncio.to_thread(hub.terminate) == 0
            stopped = time.monotonic() - stopping
            await asyncio.to_thread(hub.start)
            await desktops.until(lambda: desktops.is_back(2))
            await history.until_published(len(history.published) + EVENTS)
        heads = history.heads()
        await desktops.until(lambda: desktops.has(heads))
        returns = sorted(times[1] for times in desktops.shaken_at.values())
    history.verify()
    busiest = max(Counter(int(at * 10) for at in returns).values())
    figures(clients=CLIENTS, drain_seconds=stopped, return_span_seconds=returns[-1] - returns[0], busiest_tenth=busiest)
    assert busiest < CLIENTS / 2, "they came back all at once"
