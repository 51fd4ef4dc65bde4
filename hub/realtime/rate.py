"""How much of something is admitted in a second: a bucket that fills evenly and is never fuller than one second."""


class Rate:
    """`admits` takes one out of the bucket, if there is one."""

    __slots__ = ("_at", "_left", "_per_second")

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._left = per_second
        self._at: float | None = None

    def admits(self, now: float) -> bool:
        """Whether one more is admitted at `now`, in seconds of a clock that does not go back."""
        passed = 0.0 if self._at is None else now - self._at
        self._at = now
        self._left = min(self._per_second, self._left + passed * self._per_second)
        if self._left < 1:
            return False
        self._left -= 1
        return True
