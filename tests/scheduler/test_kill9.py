"""Processes that die with a timer in hand, and processes that race for the same ones: each effect once."""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.store import streams
from hub.store.database import Database
from scheduler.retries import Audience
from tests.scheduler.world import (
    MACHINES,
    PEOPLE,
    REMIND,
    STREAM,
    Calls,
    calling,
    effects,
    firing,
    outward,
    plan,
    table,
)
from tests.support.clock import FakeClock
from tests.support.hub_process import ROOT, clean_environment

VICTIM = Path(__file__).with_name("victim.py")


@contextmanager
def victim(url: str, how: str) -> Iterator["subprocess.Popen[str]"]:
    """A scheduler process; killed with SIGKILL when the block ends, if it has not ended by itself."""
    process = subprocess.Popen(
        [sys.executable, VICTIM, url, how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
        cwd=ROOT,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def line(process: "subprocess.Popen[str]", beginning: str) -> str:
    """The next line that begins so."""
    assert process.stdout is not None
    while not (text := process.stdout.readline()).startswith(beginning):
        assert text, "the process has ended"
    return text.strip()


def run_until(url: str, how: str, beginning: str) -> str:
    """Start a scheduler process and kill it at the line that begins so."""
    with victim(url, how) as process:
        return line(process, beginning)


@pytest.fixture
def now() -> FakeClock:
    """Long after everything that the victims, who have the real time, can have done."""
    clock = FakeClock()
    clock.advance(10 * 365 * 86_400)
    return clock


async def test_killed_between_claim_and_commit_it_happens_once_afterwards(
    url: str, db: Database, now: FakeClock
) -> None:
    await plan(db, REMIND, "a", at=0)
    await asyncio.to_thread(run_until, url, "acting", "acting")
    assert await effects(db) == []
    assert [(timer.key, timer.attempt) for timer in await table(db)] == [("a", 0)]
    async with asyncio.timeout(10):
        while not await effects(db):  # a server lets go of what a dead client held when it notices
            await firing(db, now).work()
    await firing(db, now).work()
    assert await effects(db) == ["a"]
    assert await table(db) == []


async def test_killed_between_commit_and_publish_it_has_happened_and_stands_in_the_log(
    url: str, db: Database, now: FakeClock
) -> None:
    await plan(db, REMIND, "a", at=0)
    await asyncio.to_thread(run_until, url, "committed", "committed")
    assert await effects(db) == ["a"]
    assert [stream for stream, _ in await db.read(lambda tx: streams.heads_touched(tx, 0))] == [STREAM]
    await firing(db, now).work()
    assert await effects(db) == ["a"]


async def test_killed_during_calls_machines_are_called_again_and_people_are_not(
    url: str, db: Database, now: FakeClock
) -> None:
    await plan(db, PEOPLE, "p", at=0)
    await plan(db, MACHINES, "m", at=0)

    def die_calling_both() -> None:
        with victim(url, "calling") as process:
            assert {line(process, "calling"), line(process, "calling")} == {"calling p", "calling m"}

    await asyncio.to_thread(die_calling_both)
    people, machines = Calls(), Calls()
    for job in (calling(db, now, outward(people)), calling(db, now, outward(machines, Audience.MACHINES))):
        await job.settle_lapsed()
        now.advance(60)
        await job.work()
        await job.ended()
    assert (people.begun, [timer.key for timer in machines.begun]) == ([], ["m"])
    [buried] = await table(db)
    assert (buried.key, buried.due_at) == ("p", None)
    assert buried.error == "uncertain: the attempt was cut off, nothing is known of its outcome"


async def test_two_processes_race_for_a_thousand_timers_and_each_happens_once(url: str, db: Database) -> None:
    keys = [f"{n}" for n in range(1000)]
    calls = [f"{n}" for n in range(40)]

    async def until_done() -> None:
        while await table(db):
            pass

    def outputs(processes: list["subprocess.Popen[str]"]) -> list[str]:
        texts = []
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
        for process in processes:
            assert process.stdout is not None
            texts.append(process.stdout.read())
            assert process.wait(30) == 0
        return texts

    with victim(url, "racing") as one, victim(url, "racing") as other:
        await asyncio.to_thread(line, one, "started")
        await asyncio.to_thread(line, other, "started")
        await plan(db, REMIND, *keys, at=0)
        await plan(db, MACHINES, *calls, at=0)
        async with asyncio.timeout(60):
            await until_done()
        texts = await asyncio.to_thread(outputs, [one, other])
    assert Counter(await effects(db)) == Counter(keys)
    said = [text.split() for output in texts for text in output.splitlines()]
    assert Counter(what for how, what in said if how == "calling") == Counter(calls)
    assert sum(int(what) for how, what in said if how == "done") == len(keys)
