"""Time as a dependency: decisions take `now` as an argument, edges take a `Clock`."""

import time
from typing import Protocol

MICROSECONDS = 1_000_000


class Clock(Protocol):
    """Where the edges get the time from.

    `now` is the wall clock and may step in both directions; compare it with stored instants only.
    `monotonic` never goes back and has no meaning outside this process; measure durations with it.
    """

    def now(self) -> float:
        """Unix time in seconds, UTC, with a fraction."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment; never decreases."""
        ...


class SystemClock:
    """The clock of this machine, corrected to that of the database where several machines share one."""

    def __init__(self) -> None:
        self._correction = 0.0

    def now(self) -> float:
        """Unix time in seconds, UTC, with a fraction."""
        return time.time() + self._correction

    def correct(self, seconds: float) -> None:
        """From now on, be so many seconds ahead of this machine's own time."""
        self._correction = seconds

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment; never decreases."""
        return time.monotonic()


def micros(now: float) -> int:
    """Unix seconds as the integer microseconds that the database stores, rounded to the nearest."""
    return round(now * MICROSECONDS)


def seconds(at: int) -> float:
    """Stored microseconds as Unix seconds; the inverse of `micros`."""
    return at / MICROSECONDS
