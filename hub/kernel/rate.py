"""How much of something is admitted in a time: the generic cell rate algorithm, which needs one number a rate.

The number is the instant at which everything admitted so far would be paid for, one after the other. It may lie in the
future by as much as a burst is worth, and what would push it further is refused. Refusing costs nothing.
"""

from collections import OrderedDict
from collections.abc import Hashable

_SLACK = 1e-9  # what adding up fractions of a second may lose


class Rate:
    """`per_second` in the long run, and `burst` (by default a second's worth) at once after a pause.

    Instants are seconds of a clock that does not go back.
    """

    __slots__ = ("_interval", "_paid_at", "_tolerance")

    def __init__(self, per_second: float, burst: float | None = None) -> None:
        self._interval = 1 / per_second
        self._tolerance = self._interval * ((per_second if burst is None else burst) - 1)
        self._paid_at = float("-inf")

    def admits(self, now: float) -> bool:
        """Whether one more is admitted at `now`; it counts if it is."""
        return self.take(now) == 0

    def take(self, now: float) -> float:
        """0 if one more is admitted at `now`, else the seconds after which it would be."""
        paid_at = max(self._paid_at, now)
        wait = paid_at - now - self._tolerance
        if wait > _SLACK:
            return wait
        self._paid_at = paid_at + self._interval
        return 0.0

    def give_back(self) -> None:
        """One that was admitted does not count after all."""
        self._paid_at -= self._interval

    def is_idle(self, now: float) -> bool:
        """Whether nothing is owed, so that a new rate would behave the same."""
        return self._paid_at <= now


class Rates:
    """A rate for each key, of which at most `capacity` are remembered: the ones longest unused are forgotten first."""

    def __init__(self, per_second: float, burst: float, capacity: int = 10_000) -> None:
        self._per_second = per_second
        self._burst = burst
        self._capacity = capacity
        self._rates: OrderedDict[Hashable, Rate] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rates)

    def take(self, key: Hashable, now: float) -> float:
        """0 if one more of this key is admitted at `now`, else the seconds after which it would be."""
        rate = self._rates.get(key)
        if rate is None:
            rate = self._rates[key] = Rate(self._per_second, self._burst)
            self._forget(now)
        self._rates.move_to_end(key)
        return rate.take(now)

    def give_back(self, key: Hashable) -> None:
        """One of this key that was admitted does not count after all."""
        if (rate := self._rates.get(key)) is not None:
            rate.give_back()

    def _forget(self, now: float) -> None:
        while len(self._rates) > 1:
            oldest, rate = next(iter(self._rates.items()))
            if len(self._rates) <= self._capacity and not rate.is_idle(now):
                return
            del self._rates[oldest]
