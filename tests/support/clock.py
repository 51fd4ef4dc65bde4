"""Time that stands still until a test moves it."""

START = 1_800_000_000.0


class FakeClock:
    """A `hub.kernel.clock.Clock`; wall and monotonic time move together, but start at different numbers."""

    def __init__(self, at: float = START) -> None:
        self._at = at
        self._since = 0.0

    def now(self) -> float:
        return self._at

    def monotonic(self) -> float:
        return 1000.0 + self._since

    def advance(self, seconds: float) -> None:
        """Let so much time go by."""
        assert seconds >= 0, "time goes forward; `step` sets the wall clock"
        self._at += seconds
        self._since += seconds

    def step(self, seconds: float) -> None:
        """Set the wall clock, forward or back, as an operator or a time server does."""
        self._at += seconds
