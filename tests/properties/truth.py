"""What was really published: against this the clients judge what they hear."""

import json
from collections.abc import Sequence

from channels.envelope import LoggedEvent, Stream


class Truth:
    """Every event of every stream, by position; and how much of the log was trimmed away."""

    def __init__(self) -> None:
        self._logged: dict[Stream, list[int]] = {}
        self._trimmed: dict[Stream, int] = {}
        self._ephemeral: dict[Stream, list[int]] = {}

    def committed(self, events: Sequence[LoggedEvent]) -> None:
        """Hooked to the databases: these have become durable."""
        for event in events:
            numbers = self._logged.setdefault(event.stream, [])
            numbers.append(json.loads(event.data)["n"])
            assert event.seq == len(numbers), "positions have no gaps"

    def announced(self, stream: Stream, number: int) -> None:
        """An ephemeral event was published."""
        self._ephemeral.setdefault(stream, []).append(number)

    def trimmed(self, keep: int) -> None:
        """Every stream was shortened to its last events."""
        for stream, numbers in self._logged.items():
            self._trimmed[stream] = max(self._trimmed.get(stream, 0), len(numbers) - keep)

    def streams(self) -> list[Stream]:
        """All durable streams so far."""
        return list(self._logged)

    def head(self, stream: Stream) -> int:
        """The last position given out."""
        return len(self._logged.get(stream, ()))

    def gone(self, stream: Stream) -> int:
        """The last position that is no longer in the log."""
        return max(0, self._trimmed.get(stream, 0))

    def position(self, stream: Stream, number: int) -> int:
        """Where in the stream the event with this number stands; 0 for an ephemeral one."""
        if number in self._ephemeral.get(stream, ()):
            return 0
        assert number in self._logged.get(stream, ()), f"{number} was never published on {stream}"
        return self._logged[stream].index(number) + 1

    def count(self, number: int) -> int:
        """How often an event with this number was published, on whatever stream."""
        return sum(numbers.count(number) for numbers in self._logged.values())
