"""What it costs to give a waiting callback to an agent, with many of both.

    python -m tests.benchmarks.callbacks [--database sqlite|postgresql] [--waiting 10000] [--agents 1000] [--lines 50]

Everybody waits at first and nobody is ready. Then one agent after the other becomes free: the time is that of the
transaction in which the agent gets the first callback of the lines that fit, its dialling included, commit and all. In
the second half everybody is free and callbacks come one by one: each is asked for in one transaction, and given to an
agent in another, as the hub does it. The first few of each half are not measured: the database gets to know the tables.
"""

import argparse
import asyncio
import statistics
import time
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

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


Act: TypeAlias = Callable[[Tx, int], object]


async def timed(db: Database, numbers: range, *acts: Act) -> list[str]:
    """What transactions take, one at a time, of each of the acts: the function alone, and with its commit."""
    inside: list[list[float]] = [[] for _ in acts]
    whole: list[list[float]] = [[] for _ in acts]

    def measured(tx: Tx, number: int, act: Act, times: list[float]) -> None:
        began = time.perf_counter()
        act(tx, number)
        times.append((time.perf_counter() - began) * 1000)

    for number in numbers:
        for act, alone, committed in zip(acts, inside, whole, strict=True):
            began = time.perf_counter()
            await db.write(partial(measured, number=number, act=act, times=alone))
            committed.append((time.perf_counter() - began) * 1000)
    return [
        f"{_shown(alone)} ms; with the commit {_shown(committed)} ms"
        for alone, committed in zip(inside, whole, strict=True)
    ]


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
        half, few = agents // 2, agents // 20

        def free(tx: Tx, number: int) -> None:
            devices.set_state(tx, HOUSE.switches.floor, "acme", f"agent{number}", None, "Ready", now)

        def route(tx: Tx, number: int) -> None:
            routing.route(tx, HOUSE, "acme", f"agent{number}", now)

        await timed(db, range(half), free)
        await timed(db, range(few), route)
        await db.write(lambda tx: tx.cursor.execute("ANALYZE"))
        [routed] = await timed(db, range(few, half), route)
        print(f"{waiting} wait in {lines} lines, an agent becomes free: {routed}")
        await db.write(lambda tx: tx.cursor.execute("UPDATE callback SET line = NULL"))
        await timed(db, range(half, agents), free)
        asked: dict[int, str] = {}

        def come(tx: Tx, number: int) -> None:
            asked[number] = ask(tx, waiting + number, number % lines, now)

        def assign(tx: Tx, number: int) -> None:
            routing.assign(tx, HOUSE, asked[number], now)

        await timed(db, range(few), come, assign)
        came, given_to = await timed(db, range(few, half), come, assign)
        print(f"{half} agents free, a callback is asked for: {came}")
        print(f"and goes to an agent: {given_to}")
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
