"""One timer wheel for everything that has a deadline: sessions, pings, sockets that never said who they are.

Items are filed once and refiled lazily: when a slot comes up, an item whose deadline has moved on is put where it
belongs now. Moving a deadline later, which every heartbeat does, therefore costs nothing.
"""

import math
from typing import Protocol


class Timed(Protocol):
    """Something with a deadline. `filed` belongs to the wheel: the slot that counts, or -1."""

    filed: int

    @property
    def deadline(self) -> float:
        """When `wake` is due, in seconds; infinity for never."""

    def wake(self, now: float) -> None:
        """The deadline has come. Whether it is filed again depends on the deadline afterwards."""


class Wheel:
    """Call `file` whenever a deadline may have come nearer, and `advance` regularly."""

    def __init__(self, now: float, *, resolution: float = 0.1) -> None:
        self._resolution = resolution
        self._slots: dict[int, list[Timed]] = {}
        self._reached = self._slot(now)

    def __len__(self) -> int:
        return sum(len(slot) for slot in self._slots.values())

    def file(self, item: Timed) -> None:
        """Make sure the item is woken at its deadline, not more than one resolution later than the next `advance`."""
        deadline = item.deadline
        if math.isinf(deadline) or deadline >= item.filed * self._resolution >= 0:
            return  # never due, or looked at before that
        slot = max(self._slot(deadline) + 1, self._reached + 1)
        if item.filed == -1 or slot < item.filed:
            item.filed = slot
            self._slots.setdefault(slot, []).append(item)

    def advance(self, now: float) -> None:
        """Wake everything whose deadline has passed, each item once, however far the time has gone on."""
        current = self._slot(now)
        due = range(self._reached + 1, current + 1)
        slots = due if len(due) <= len(self._slots) else sorted(slot for slot in self._slots if slot <= current)
        self._reached = max(self._reached, current)  # first: what is filed from now on comes up another time
        for slot in slots:
            for item in self._slots.pop(slot, ()):
                if item.filed == slot:
                    self._come_up(item, now)

    def _come_up(self, item: Timed, now: float) -> None:
        item.filed = -1
        if item.deadline <= now:
            item.wake(now)
        self.file(item)

    def _slot(self, at: float) -> int:
        return math.floor(at / self._resolution)
