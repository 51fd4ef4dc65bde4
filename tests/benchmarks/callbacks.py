"""What it costs to give a waiting callback to an agent, with many of both.

    python -m tests.benchmarks.callbacks [--database sqlite|postgresql] [--waiting 10000] [--agents 1000] [--lines 50]

Everybody waits at first and nobody is ready. Then one agent after the other becomes free: the time is that of the
transaction in which the agent gets the first callback of the lines that fit, its dialling included, commit and all. In
the second half everybody is free and callbacks come one by one.
"""

import argparse
import asyncio
import statistics
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

from api.callbacks.actions import booking, routing
from api.callbacks.actions.house import House
from api.callbacks.rules import services
from api.callbacks.rules.lines import Demand
from api.callbacks.rules.requests import Request, Routing
from api.security.rules import Account
from api.telephony.devices import actions as devices
from api.telephony.devices.rules import Phone, Wish
from api.telephony.switch.switches import Switches
from api.users import actions as users
from api.users.rules import Profile, User
from hub.auth.principal import Principal
from hub.kernel import config
from hub.kernel.clock import SystemClock
from hub.store import presence
from hub.store.database import Database
from hub.store.migrations import migrate
from hub.store.transaction import Snapshot, Tx
from tests.benchmarks.timers import database

CONFIGURATION = config.parse(
    tomllib.loads(
        "[callback_services.bench]\norganization = 'acme'\nqueue = 'q0'\n_enable_in_queue_checking = false\n"
        "_throttle_callbacks_per_service_1 = 1000000\n_throttle_callbacks_per_service_2 = 1000000\n"
        "max_queued_callbacks_per_service = 1000000\n"
    ),
    Path(),
)
BASE = "http://127.0.0.1:8080"
HOUSE = House(CONFIGURATION, Switches(CONFIGURATION, BASE), BASE)


def ask(tx: Tx, number: int, line: int, now: float) -> str:
    service = services.find(CONFIGURATION, "bench")
    assert service is not None
    demand = Demand(f"q{line % 10}", {"skill": line // 10}, None)
    request = Request(
        uuid=f"{number:08x}-0000-4000-8000-000000000000",
        number=f"+1555{number:07}",
        desired=None,
        properties={"_customer_number": f"+1555{number:07}", "topic": "invoice"},
        routing=Routing(demand=demand),
    )
    return booking.start(tx, service, request, now, base=BASE).id


def hire(tx: Tx, number: int, lines: int, now: float) -> None:
    """An agent of one queue, with a device, logged in, at a desktop, and not ready."""
    user, floor = f"agent{number}", HOUSE.switches.floor
    account = Account(organization="acme", id=user, user_name=None, roles=frozenset({"ROLE_AGENT"}))
    profile = Profile(queues=(f"q{number % 10}",), skills={"skill": lines // 10})
    users.create(tx, User(account, profile), now)
    phone = Phone(organization="acme", id=f"phone{number}", number=str(10_000 + number), user=user)
    devices.add(tx, floor, phone, now)
    caller = Principal(
        user=user, organization="acme", roles=frozenset({"ROLE_AGENT"}), issued_at=now, expires_at=now + 3600
    )
    devices.start(tx, floor, caller, Wish(channels=("voice",), place=phone.number), now)
    presence.change(tx, "node", [("acme", user)], {})


async def timed(db: Database, times: int, act: Callable[[Tx, int], object]) -> str:
    """What transactions take, one at a time: the function alone, and with its commit."""
    inside, whole = [], []

    def measured(tx: Tx, number: int) -> None:
        began = time.perf_counter()
        act(tx, number)
        inside.append((time.perf_counter() - began) * 1000)

    for number in range(times):
        began = time.perf_counter()
        await db.write(lambda tx, number=number: measured(tx, number))  # type: ignore[misc]
        whole.append((time.perf_counter() - began) * 1000)
    return f"{_shown(inside)} ms; with the commit {_shown(whole)} ms"


def _shown(milliseconds: list[float]) -> str:
    quantiles = statistics.quantiles(milliseconds, n=100)
    return f"p50 {quantiles[49]:.2f}, p99 {quantiles[98]:.2f}"


async def run(url: str, waiting: int, agents: int, lines: int) -> None:
    await asyncio.to_thread(migrate, url)
    clock = SystemClock()
    async with Database(url, clock=clock) as db:
        now = clock.now()
        await db.write(lambda tx: presence.enter(tx, "node", now))
        await asyncio.gather(*(db.write(lambda tx, n=n: hire(tx, n, lines, now)) for n in range(agents)))  # type: ignore[misc]
        for first in range(0, waiting, 500):
            await asyncio.gather(
                *(db.write(lambda tx, n=n: ask(tx, n, n % lines, now + n / 1000)) for n in range(first, first + 500))  # type: ignore[misc]
            )
        await db.write(lambda tx: tx.cursor.execute("ANALYZE"))
        half = agents // 2

        def free(tx: Tx, number: int) -> None:
            devices.set_state(tx, HOUSE.switches.floor, "acme", f"agent{number}", None, "Ready", now)

        def route(tx: Tx, number: int) -> None:
            routing.route(tx, HOUSE, "acme", f"agent{number}", now)

        await timed(db, half, free)
        print(f"{waiting} wait in {lines} lines, an agent becomes free: {await timed(db, half, route)}")
        await db.write(lambda tx: tx.cursor.execute("UPDATE callback SET line = NULL"))
        for number in range(half, agents):
            await db.write(lambda tx, number=number: free(tx, number))  # type: ignore[misc]

        def come(tx: Tx, number: int) -> None:
            routing.assign(tx, HOUSE, ask(tx, waiting + number, number % lines, now), now)

        print(f"{half} agents free, a callback comes: {await timed(db, half, come)}")
        given = await db.read(_given)
        assert given == agents, f"{given} of {agents} were given one"


def _given(tx: Snapshot) -> int:
    tx.cursor.execute("SELECT COUNT(*) FROM callback WHERE state = 'ROUTING'")
    count: int = tx.cursor.fetchall()[0][0]
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description="Callbacks: the cost of an assignment.")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--lines", type=int, default=50)
    options = parser.parse_args()
    with database(options.database) as url:
        print(options.database)
        asyncio.run(run(url, options.waiting, options.agents, options.lines))


if __name__ == "__main__":
    main()
