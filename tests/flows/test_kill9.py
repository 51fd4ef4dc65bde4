"""Twenty desktops, two organizations, and a server that is killed three times under load: nothing lost, none twice."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from random import Random

from tests.support.bayeux_http import LongPollingDesktop
from tests.support.bayeux_ws import WebSocketDesktop
from tests.support.checker import Stream, home
from tests.support.desktop import Desktop, at_work
from tests.support.history import History
from tests.support.hub_process import HubProcess
from tests.support.publisher import Publisher
from tests.support.tokens import mint

# The same user ids in both: an id says nothing without its organization.
ORGANIZATIONS = ("acme", "globex")
AGENTS = ("alice", "bob", "carol", "dave")
SUPERVISOR = "sue"
PERSONAL = ("/v2/me/calls", "/v2/me/devices")
KILLS = 3
EVENTS_BETWEEN_KILLS = 200
PUBLISHERS = 2


def desktops(hub: HubProcess) -> list[Desktop]:
    """In each organization every agent and the supervisor, once over WebSocket and once over long-polling."""
    return [
        transport(
            hub.bayeux_url,
            mint(user, role, organization=organization),
            channels,
            user=user,
            organization=organization,
            roles=[role],
        )
        for organization in ORGANIZATIONS
        for transport in (WebSocketDesktop, LongPollingDesktop)
        for user, role, channels in [
            *((agent, "ROLE_AGENT", PERSONAL) for agent in AGENTS),
            (SUPERVISOR, "ROLE_SUPERVISOR", (*PERSONAL, "/v2/users")),
        ]
    ]


def streams(organization: str) -> list[Stream]:
    personal = [Stream(organization, user, channel) for user in (*AGENTS, SUPERVISOR) for channel in PERSONAL]
    return [*personal, Stream(organization, "", "/v2/users")]


@asynccontextmanager
async def load(hub: HubProcess, history: History) -> AsyncIterator[list[Publisher]]:
    """Publishers at work in both organizations until the block ends; each finishes the request that it is in."""
    publishers: list[Publisher] = []
    over = asyncio.Event()

    async def work(organization: str, seed: int) -> None:
        token = mint("connector", "ROLE_CLIENT_SERVICE", organization=organization)
        random, targets, numbers = Random(seed), streams(organization), count(1)
        async with Publisher(hub.url, token, history, name=f"{organization}-{seed}") as publisher:
            publishers.append(publisher)
            while not over.is_set():
                chosen = random.choices(targets, k=random.randint(1, 5))
                await publisher.publish(*((to, {"by": publisher.name, "n": next(numbers)}) for to in chosen))

    async with asyncio.TaskGroup() as group:
        for seed in range(PUBLISHERS):
            for organization in ORGANIZATIONS:
                group.create_task(work(organization, seed))
        yield publishers
        over.set()


async def all_back(everybody: Sequence[Desktop], handshakes: int) -> None:
    """Return when each desktop has shaken hands that often and is subscribed."""
    for desktop in everybody:
        await desktop.until(lambda each: each.subscribed and each.handshakes >= handshakes)


async def caught_up(everybody: Sequence[Desktop], history: History) -> None:
    """Return when each desktop has the last event of each of its streams, or after some seconds without them."""
    heads = history.heads()
    with suppress(TimeoutError):  # what is missing then is for the checker to say
        for desktop in everybody:
            client = desktop.client()
            for channel in desktop.channels:
                if head := heads.get(home(client, channel)):
                    await desktop.until_received(channel, head)


async def test_nothing_is_lost_repeated_or_crossed_when_the_server_dies_under_load(
    hub: HubProcess, history: History
) -> None:
    everybody = desktops(hub)
    for desktop in everybody:
        history.follow(desktop.client)
    async with at_work(*everybody):
        async with load(hub, history) as publishers:
            for life in range(KILLS):
                await all_back(everybody, life + 1)
                await history.until_published(len(history.published) + EVENTS_BETWEEN_KILLS)
                await asyncio.to_thread(hub.kill9)
                await asyncio.to_thread(hub.start)
            await history.until_published(len(history.published) + EVENTS_BETWEEN_KILLS)
        await caught_up(everybody, history)
    history.verify()
    assert sum(publisher.repeats for publisher in publishers) > 0, "no request met a dead server"
    assert [desktop.name for desktop in everybody if desktop.handshakes <= KILLS] == []
    assert [desktop.name for desktop in everybody if not desktop.log] == []
