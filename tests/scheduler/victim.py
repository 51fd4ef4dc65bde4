"""A scheduler process with the tests' jobs, to be killed. Run by test_kill9: `victim.py URL HOW`.

It prints one line when it is where it shall die, or what it has done:

racing      does what is due until standard input is closed, then says how many timers it did
acting      stops inside an action, after its effect and before the commit
committed   stops after the commit of its first timer, before anything is published
calling     stops during a call
"""

import asyncio
import sys
import threading

from hub.kernel import metrics
from hub.kernel.clock import SystemClock
from hub.store.changes import Changes
from hub.store.database import Database
from hub.store.timers import Timer
from hub.store.transaction import Tx
from scheduler.claims import Jobs, Outward, Transactional
from scheduler.retries import Audience
from scheduler.runner import Runner
from scheduler.senders.port import Accepted, Outcome
from tests.scheduler.world import MACHINES, PEOPLE, REMIND, remind


def say(text: str) -> None:
    print(text, flush=True)


def hang() -> None:
    threading.Event().wait(60)


def act(tx: Tx, timer: Timer, now: float) -> None:
    remind(tx, timer, now)
    if HOW == "acting":
        say("acting")
        hang()


async def call(timer: Timer) -> Outcome:
    say(f"calling {timer.key}")
    if HOW == "calling":
        await asyncio.Event().wait()
    return Accepted()


async def main(url: str) -> None:
    jobs = Jobs(
        [Transactional(REMIND, act)],
        [
            Outward(PEOPLE, call, Audience.PEOPLE, at_once=4, seconds=30.0),
            Outward(MACHINES, call, Audience.MACHINES, at_once=4, seconds=30.0),
        ],
    )
    clock = SystemClock()
    async with Database(url, clock=clock) as database:
        if HOW == "committed":
            database.after_commit(lambda _: (say("committed"), hang()))  # type: ignore[arg-type, func-returns-value]
        async with Runner(database, jobs, clock) as runner, Changes(url, runner.wake):
            say("started")
            await asyncio.to_thread(sys.stdin.read)
    done = metrics.REGISTRY.get_sample_value("hub_timers_claimed_total", {"kind": REMIND}) or 0
    say(f"done {done:.0f}")


HOW = sys.argv[2] if __name__ == "__main__" else ""

if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
