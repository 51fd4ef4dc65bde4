"""The broker of a single process: publishing is a function call."""

from channels.envelope import LoggedEvent
from hub.brokers.port import Receiver, Topic


class MemoryBroker:
    """Implements `hub.brokers.port.Broker` for one process; nothing is ever missed, so it never interrupts."""

    def __init__(self) -> None:
        self._receiver: Receiver | None = None
        self._topics: set[Topic] = set()

    def connect(self, receiver: Receiver) -> None:
        """See the port."""
        self._receiver = receiver

    async def listen(self, topic: Topic) -> None:
        """See the port."""
        self._topics.add(topic)

    def ignore(self, topic: Topic) -> None:
        """See the port."""
        self._topics.discard(topic)

    def publish(self, topic: Topic, event: LoggedEvent) -> None:
        """See the port."""
        if self._receiver is not None and topic in self._topics:
            self._receiver.event(event)

    def trouble(self) -> str | None:
        """See the port."""
        return None
