"""Wires that lose, delay and cut. What happens to each message is decided by the test, one step at a time.

Both ends see what they would see of TCP: on one connection messages keep their order, between connections they do not;
a connection may be dead for its client long before the hub notices.
"""

import json
from collections import deque
from collections.abc import Sequence
from typing import Any

from channels.envelope import LoggedEvent
from hub.brokers.memory import MemoryBroker
from hub.brokers.port import Topic
from tests.realtime.world import Line, Request, World, decoded, unframed

Message = dict[str, Any]


class Cable(Line):
    """A WebSocket. What either side sends is under way until the test moves it."""

    def __init__(self, world: World, token: str) -> None:
        super().__init__(world.node.admission.credentials(f"Bearer {token}", "", None))
        self._world = world
        self.up: deque[list[Message]] = deque()
        self.down: deque[list[Message]] = deque()
        self.cut = False
        """The client has given it up."""
        self.gone = False
        """The hub knows it too."""

    # The hub's end ----------------------------------------------------------------------------------------------

    def answer(self, messages: Sequence[bytes], *, displaced: bool = False) -> None:
        self.down.append([json.loads(message) for message in messages])

    def write(self, frames: bytes) -> None:
        assert self.clear()
        self.down.extend([message] for message in unframed(frames))

    def close(self, code: int, reason: str, *, after: float = 0.0) -> None:
        super().close(code, reason, after=after)
        self.down.append([])

    def arrive(self) -> None:
        """The oldest message of the client reaches the hub."""
        self._world.node.receive(decoded(self.up.popleft()), self, self)

    def notice(self) -> None:
        """The hub finds the connection dead."""
        if not self.gone:
            self.gone = True
            self.up.clear()
            self.lose()


class Exchange:
    """One HTTP request and its response."""

    def __init__(self, world: World, token: str, messages: list[Message]) -> None:
        self._world = world
        self._credentials = world.node.admission.credentials(f"Bearer {token}", "", None)
        self.messages = messages
        self.request: Request | None = None
        self._sessions: list[Any] = []
        self.cut = False
        """The client has given it up."""
        self.gone = False
        """The hub knows it too."""

    def arrive(self) -> None:
        """The request reaches the hub."""
        self.request = Request(self._credentials)
        self._sessions = self._world.node.receive(decoded(self.messages), self.request)

    @property
    def answered(self) -> bool:
        return self.request is not None and self.request.answered

    def notice(self) -> None:
        """The hub finds that the client has hung up."""
        if not self.gone:
            self.gone = True
            if self.request is not None and not self.request.answered:
                for session in self._sessions:
                    session.lost(self.request)

    def again(self) -> "Exchange":
        """The same request on another connection, as HTTP libraries repeat it when theirs breaks."""
        other = Exchange.__new__(Exchange)
        other.__dict__ |= self.__dict__ | {"request": None, "_sessions": [], "cut": False, "gone": False}
        return other


class Bus(MemoryBroker):
    """A broker that reaches the own process at once and the other one when, and if, the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way: deque[tuple[Topic, LoggedEvent]] = deque()

    def publish(self, topic: Topic, event: LoggedEvent) -> None:
        super().publish(topic, event)
        self.under_way.append((topic, event))

    def pass_on(self, other: "Bus", *, lost: bool = False, twice: bool = False) -> None:
        """The oldest event reaches the other process, or does not. Positions make up for both, ephemeral ones apart."""
        topic, event = self.under_way.popleft()
        for _ in range(0 if lost else 2 if twice and event.seq else 1):
            MemoryBroker.publish(other, topic, event)
