"""What was published and what arrived: how much, how late, and whether anything is missing, twice, or out of order."""

import re
from collections.abc import Sequence

MARK = re.compile(rb"#(\d+):(\d+)#")
Event = tuple[int, int]
"""The number of a channel, and the number of an event on it, counted from 0."""


def marked(channel: int, number: int, size: int) -> bytes:
    """A payload of about so many bytes that can be told from all others; it means nothing to JSON."""
    mark = b"#%d:%d#" % (channel, number)
    return mark + b"x" * (size - len(mark))


class Tally:
    """`members` says how many listen to each channel. `ordered`: events of a channel have to come in their order."""

    def __init__(self, members: Sequence[int], *, ordered: bool) -> None:
        self._members = members
        self._ordered = ordered
        self._sent: list[list[float]] = [[] for _ in members]
        self._left: list[list[int]] = [[] for _ in members]
        self.outstanding = 0
        """Events that have not reached everybody yet."""
        self.chunk = b""
        self.chunk_events: list[Event] = []
        """The last bytes that a desktop received, and what is in them: others receive the very same."""
        self.begin()

    def begin(self) -> None:
        """Count from here."""
        self.published = self.delivered = self.repeated = self.disordered = self.misrouted = 0
        self.latencies: list[float] = []

    def publish(self, channel: int, at: float) -> int:
        """An event leaves, or should have left, at that time; its number."""
        number = len(self._sent[channel])
        self._sent[channel].append(at)
        self._left[channel].append(self._members[channel])
        self.outstanding += 1
        self.published += 1
        return number

    def heard(self, expected: dict[int, int], events: Sequence[Event], now: float) -> None:
        """A desktop, which expects these numbers next, has received these events."""
        for channel, number in events:
            next_number = expected.get(channel)
            if number == next_number:
                expected[channel] = number + 1
            elif next_number is None:
                self.misrouted += 1
                continue
            elif self._ordered:
                self._out_of_order(expected, channel, number)
            self.latencies.append(now - self._sent[channel][number])
            left = self._left[channel]
            left[number] -= 1
            if left[number] == 0:
                self.outstanding -= 1
        self.delivered += len(events)

    def _out_of_order(self, expected: dict[int, int], channel: int, number: int) -> None:
        if number < expected[channel]:
            self.repeated += 1
        else:
            self.disordered += 1
            expected[channel] = number + 1

    def excuse(self, desktops: int) -> None:
        """So many listeners of every channel hear nothing from now on."""
        self._members = [members - desktops for members in self._members]

    def expected(self, channels: Sequence[int]) -> dict[int, int]:
        """For a desktop that begins to listen now."""
        return {channel: len(self._sent[channel]) for channel in channels}

    @property
    def lost(self) -> int:
        """Deliveries that have not happened; below zero where some happened twice."""
        return sum(map(sum, self._left))

    def latency(self, quantile: float) -> float:
        """In milliseconds."""
        ranked = sorted(self.latencies)
        return ranked[min(int(quantile * len(ranked)), len(ranked) - 1)] * 1000 if ranked else 0.0
