"""A whole contact centre for fault tests: desktops of two organizations over both transports, and back ends.

Every desktop negotiates replay, so whatever happens to the hub, each has to end up with every event of its streams,
once and in order, or with a gap mark; the history checker says whether it did.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import count
from random import Random

from tests.support.bayeux_http import LongPollingDesktop
from tests.support.bayeux_ws import WebSocketDesktop
from tests.support.checker import Stream, home
from tests.support.desktop import Desktop
from tests.support.history import History
from tests.support.publisher import Publisher
from tests.support.tokens import mint

# The same user ids in both: an id says nothing without its organization.
ORGANIZATIONS = ("acme", "globex")
AGENTS = ("alice", "bob", "carol", "dave")
SUPERVISOR = "sue"
PERSONAL = ("/v2/me/calls", "/v2/me/devices")
PUBLISHERS = 2


def desktops(bayeux_url: str, agents: Sequence[str] = AGENTS, *, patience: float = 40.0) -> list[Desktop]:
    """In each organization every agent and the supervisor, once over WebSocket and once over long-polling.

    `patience`: seconds without a word after which a desktop takes its connection for dead.
    """
    return [
        transport(
            bayeux_url,
            mint(user, role, organization=organization),
            channels,
            user=user,
            organization=organization,
            roles=[role],
            patience=patience,
        )
        for organization in ORGANIZATIONS
        for transport in (WebSocketDesktop, LongPollingDesktop)
        for user, role, channels in [
            *((agent, "ROLE_AGENT", PERSONAL) for agent in agents),
            (SUPERVISOR, "ROLE_SUPERVISOR", (*PERSONAL, "/v2/users")),
        ]
    ]


def streams(organization: str, agents: Sequence[str] = AGENTS) -> list[Stream]:
    """All streams that the desktops of an organization hear."""
    personal = [Stream(organization, user, channel) for user in (*agents, SUPERVISOR) for channel in PERSONAL]
    return [*personal, Stream(organization, "", "/v2/users")]


@asynccontextmanager
async def load(
    urls: Sequence[str], history: History, agents: Sequence[str] = AGENTS, *, pause: float = 0.0
) -> AsyncIterator[list[Publisher]]:
    """Publishers at work in both organizations, spread over the addresses, until the block ends.

    Each sends one to five events a request, waits for the answer and then `pause` seconds; it finishes the request
    that it is in.
    """
    publishers: list[Publisher] = []
    over = asyncio.Event()

    async def work(organization: str, seed: int) -> None:
        token = mint("connector", "ROLE_CLIENT_SERVICE", organization=organization)
        random, targets, numbers = Random(seed), streams(organization, agents), count(1)
        async with Publisher(urls[seed % len(urls)], token, history, name=f"{organization}-{seed}") as publisher:
            publishers.append(publisher)
            while not over.is_set():
                chosen = random.choices(targets, k=random.randint(1, 5))
                await publisher.publish(*((to, {"by": publisher.name, "n": next(numbers)}) for to in chosen))
                if pause:
                    await asyncio.sleep(pause)

    async with asyncio.TaskGroup() as group:
        for seed in range(PUBLISHERS):
            for organization in ORGANIZATIONS:
                group.create_task(work(organization, seed))
        try:
            yield publishers
        finally:
            over.set()


async def all_back(everybody: Sequence[Desktop], handshakes: int, timeout: float = 10.0) -> None:
    """Return when each desktop has shaken hands that often and is subscribed."""
    for desktop in everybody:
        await desktop.until(lambda each: each.subscribed and each.handshakes >= handshakes, timeout)


async def caught_up(everybody: Sequence[Desktop], history: History, timeout: float = 10.0) -> None:
    """Return when each desktop has the last event of each of its streams, or after some seconds without them."""
    with suppress(TimeoutError):  # what is missing then is for the checker to say
        async with asyncio.timeout(timeout):
            for desktop in everybody:
                await _up_to_date(desktop, history)


async def _up_to_date(desktop: Desktop, history: History) -> None:
    heads, client = history.heads(), desktop.client()
    for channel in desktop.channels:
        if head := heads.get(home(client, channel)):
            await desktop.until(partial(_has, channel, head), timeout=3600)


def _has(channel: str, head: int, desktop: Desktop) -> bool:
    return desktop.positions.get(channel, 0) >= head
