"""Background tasks with an owner: nothing is started and forgotten, nothing dies unnoticed.

    async with Background(clock) as background:
        background.keep("relay.heal", heal_forever)
        background.start("warm cache", warm_cache)

A kept body that raises, or returns, is logged, counted and run again after a pause that doubles from 0.1 to 30 seconds
and begins anew once the body has run for a minute. A started one runs once. Leaving the block cancels all of them and
waits until they have ended.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Final, Self, TypeAlias

from hub.kernel import logs, metrics
from hub.kernel.clock import Clock, SystemClock

Body: TypeAlias = Callable[[], Awaitable[None]]

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 30.0
HEALTHY_AFTER: Final = 60.0

_log = logs.get(__name__)


class Background:
    """Owner of the background tasks of one component. Use on one event loop."""

    def __init__(self, clock: Clock | None = None, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._clock = clock or SystemClock()
        self._pause = pause
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def running(self) -> frozenset[str]:
        """Names of the tasks that have not ended."""
        return frozenset(task.get_name() for task in self._tasks)

    def keep(self, name: str, body: Body) -> None:
        """Runs `body` until `stop`, again and again. `name` is a label of a metric: take it from a fixed set."""
        self._spawn(self._supervise, name, body)

    def start(self, name: str, body: Body) -> None:
        """Runs `body` once; an exception is logged and counted and ends only this task."""
        self._spawn(self._once, name, body)

    async def stop(self) -> None:
        """Cancels everything and returns when all has ended. Idempotent; every caller waits."""
        self._stopped = True
        this = asyncio.current_task()
        while others := {task for task in self._tasks if task is not this}:
            for task in others:
                task.cancel()
            await asyncio.wait(others)

    def _spawn(self, run: Callable[[str, Body], Coroutine[None, None, None]], name: str, body: Body) -> None:
        if self._stopped:
            raise RuntimeError("stopped")
        task = asyncio.get_running_loop().create_task(run(name, body), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _supervise(self, name: str, body: Body) -> None:
        pause = FIRST_PAUSE
        while not self._stopped:
            began = self._clock.monotonic()
            await self._once(name, body)
            if self._clock.monotonic() - began >= HEALTHY_AFTER:
                pause = FIRST_PAUSE
            metrics.TASK_RESTARTS.labels(name).inc()
            await self._pause(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _once(self, name: str, body: Body) -> None:
        try:
            await body()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._stopped or (task is not None and task.cancelling()):
                raise
            # Something inside was cancelled, not we.
            self._crashed(name)
        except Exception:  # noqa: BLE001 - whatever it was, the others go on
            self._crashed(name)

    def _crashed(self, name: str) -> None:
        metrics.TASK_CRASHES.labels(name).inc()
        _log.exception("background task crashed", task=name)
