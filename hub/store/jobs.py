"""The bounded hand-over of functions from the event loop to the database threads, and of their outcomes back."""

import asyncio
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Generic, NamedTuple, TypeVar

from hub.kernel.errors import Overloaded
from hub.store.transaction import Snapshot

S = TypeVar("S", bound=Snapshot)
T = TypeVar("T")

RETRY_AFTER_SECONDS = 1.0


class Job(NamedTuple, Generic[S]):
    """A function to run and the future of whoever waits for it."""

    function: Callable[[S], object]
    future: asyncio.Future[Any]


class Outcome(NamedTuple):
    """What a function returned, or what it raised."""

    future: asyncio.Future[Any]
    value: object
    error: BaseException | None


class Jobs(Generic[S]):
    """A queue from one event loop to any number of threads.

    `submit` and `close` belong to the loop's thread, `take` to the others. After `close` nothing is
    accepted; what was accepted before is still taken.
    """

    def __init__(self, bound: int) -> None:
        self._queue: SimpleQueue[Job[S] | None] = SimpleQueue()
        self._bound = bound
        self._closed = True

    def open(self) -> None:
        """Accept functions from now on."""
        self._closed = False

    def submit(self, function: Callable[[S], T]) -> asyncio.Future[T]:
        """Queue `function`; raises Overloaded when the queue is full or closed."""
        if self._closed:
            raise Overloaded("The database is closed", retry_after=RETRY_AFTER_SECONDS)
        if self.waiting() >= self._bound:
            raise Overloaded("Too many requests are waiting for the database", retry_after=RETRY_AFTER_SECONDS)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put(Job(function, future))
        return future

    def close(self, takers: int) -> None:
        """Refuse further functions and tell each of `takers` threads to stop after the ones accepted."""
        self._closed = True
        for _ in range(takers):
            self._queue.put(None)

    def waiting(self) -> int:
        """How many functions nobody has taken yet."""
        return self._queue.qsize()

    def take(self, limit: int, patience: float | None = None) -> tuple[list[Job[S]], bool]:
        """Wait for a function, then take what waits with it, up to `limit`; False when this thread is to stop.

        Takes nothing if `patience` (in seconds) ends first.
        """
        taken: list[Job[S]] = []
        try:
            job = self._queue.get(timeout=patience)
            while job is not None:
                taken.append(job)
                if len(taken) == limit:
                    return taken, True
                job = self._queue.get_nowait()
        except Empty:
            return taken, True
        return taken, False


def settle(outcomes: Sequence[Outcome]) -> None:
    """Resolve the futures, on the loop's thread; those whose awaiter was cancelled are passed over."""
    for future, value, error in outcomes:
        if future.done():
            continue
        if error is None:
            future.set_result(value)
        elif isinstance(error, StopIteration):  # a future refuses it, since it would end the awaiting coroutine
            replacement = RuntimeError("function raised StopIteration")
            replacement.__cause__ = error
            future.set_exception(replacement)
        else:
            future.set_exception(error)
