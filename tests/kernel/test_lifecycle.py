import asyncio

import pytest

from hub.kernel import metrics
from hub.kernel.lifecycle import Background


class Bench:
    """A clock and a pause under control; each pause is noted and takes no time."""

    def __init__(self) -> None:
        self.time = 0.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def count(name: str, task: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, {"task": task}) or 0.0


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_kept_body_runs_again_after_growing_pauses(bench: Bench) -> None:
    runs, done = 0, asyncio.Event()

    async def crash() -> None:
        nonlocal runs
        runs += 1
        if runs == 11:
            done.set()
            await forever()
        raise ValueError("boom")

    async with Background(bench, bench.pause) as background:
        background.keep("test.crash", crash)
        await done.wait()
    assert bench.pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0]
    assert count("hub_task_crashes_total", "test.crash") == 10
    assert count("hub_task_restarts_total", "test.crash") == 10


async def test_a_body_that_was_healthy_is_restarted_at_once(bench: Bench) -> None:
    runs, done = 0, asyncio.Event()

    async def crash() -> None:
        nonlocal runs
        runs += 1
        if runs == 5:
            done.set()
            await forever()
        if runs == 4:
            bench.time += 60
        raise ValueError("boom")

    async with Background(bench, bench.pause) as background:
        background.keep("test.healthy", crash)
        await done.wait()
    assert bench.pauses == [0.1, 0.2, 0.4, 0.1]


async def test_a_kept_body_that_returns_is_run_again(bench: Bench) -> None:
    runs, done = 0, asyncio.Event()

    async def finish() -> None:
        nonlocal runs
        runs += 1
        if runs == 3:
            done.set()

    async with Background(bench, bench.pause) as background:
        background.keep("test.returns", finish)
        await done.wait()
    assert count("hub_task_crashes_total", "test.returns") == 0


async def test_a_started_body_runs_once_and_its_crash_ends_nothing_else(bench: Bench) -> None:
    async def crash() -> None:
        raise ValueError("boom")

    async with Background(bench, bench.pause) as background:
        background.keep("test.other", forever)
        background.start("test.once", crash)
        (task,) = (task for task in asyncio.all_tasks() if task.get_name() == "test.once")
        await task
        assert background.running == {"test.other"}
    assert bench.pauses == []
    assert count("hub_task_crashes_total", "test.once") == 1


async def test_a_cancellation_from_inside_is_a_crash_and_no_end(bench: Bench) -> None:
    runs, done = 0, asyncio.Event()

    async def cancelled_inside() -> None:
        nonlocal runs
        runs += 1
        if runs == 2:
            done.set()
            await forever()
        raise asyncio.CancelledError

    async with Background(bench, bench.pause) as background:
        background.keep("test.cancelled", cancelled_inside)
        await done.wait()
    assert count("hub_task_crashes_total", "test.cancelled") == 1


async def test_stop_waits_until_everything_has_ended(bench: Bench) -> None:
    events: list[str] = []
    started = asyncio.Event()

    async def slow_to_end() -> None:
        started.set()
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            events.append("cleaned up")

    background = Background(bench, bench.pause)
    background.keep("test.slow", slow_to_end)
    await started.wait()
    await asyncio.gather(background.stop(), background.stop())
    assert events == ["cleaned up"]
    assert background.running == frozenset()
    await background.stop()


async def test_a_body_that_shrugs_off_one_cancellation_is_cancelled_again(bench: Bench) -> None:
    started = asyncio.Event()

    async def stubborn() -> None:
        started.set()
        try:
            await forever()
        except asyncio.CancelledError:
            return

    async with Background(bench, bench.pause) as background:
        background.keep("test.stubborn", stubborn)
        await started.wait()
    assert background.running == frozenset()


async def test_a_task_may_stop_its_owner(bench: Bench) -> None:
    background = Background(bench, bench.pause)
    stopped = asyncio.Event()

    async def stopper() -> None:
        await background.stop()
        stopped.set()

    background.keep("test.forever", forever)
    background.start("test.stopper", stopper)
    await stopped.wait()
    assert background.running <= {"test.stopper"}


async def test_nothing_starts_after_stop(bench: Bench) -> None:
    background = Background(bench, bench.pause)
    await background.stop()
    with pytest.raises(RuntimeError, match="stopped"):
        background.keep("test.late", forever)
