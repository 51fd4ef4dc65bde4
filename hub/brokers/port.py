"""What the hub expects of a broker.

A broker fans out, nothing else. The log in the database is the truth, so a broker may lose a message, and may lose all
of them while it is away; it must never invent one, and within one stream it must keep the order in which one process
published. Positions make up for the rest: a receiver drops what it has and reads from the log what it misses.

Terms: a *topic* is what processes listen to: everything personal of one user, or everything under one shared channel
or pattern of one organization. An event is published to exactly one topic; a process that listens to several topics
gets it once.
"""

from typing import NamedTuple, Protocol

from channels.catalog import Catalog
from channels.envelope import LoggedEvent, Stream


class Topic(NamedTuple):
    """The unit of listening. `channel` is empty for a user's topic, `user` for a shared one."""

    organization: str
    user: str
    channel: str


def topic_of(stream: Stream, catalog: Catalog) -> Topic:
    """Where events of this stream are published; a stream that the catalogue does not know has a topic of its own."""
    if stream.user:
        return Topic(stream.organization, stream.user, "")
    channel = catalog.find(stream.channel)
    return Topic(stream.organization, "", channel.pattern if channel else stream.channel)


class Receiver(Protocol):
    """Who is told; called on the event loop's thread and must not wait."""

    def event(self, event: LoggedEvent) -> None:
        """An event of a topic that this process listens to."""

    def interrupted(self) -> None:
        """Something may have been missed, on any topic: compare with the log."""


class Broker(Protocol):
    """One connection to all other processes."""

    def connect(self, receiver: Receiver) -> None:
        """Name the receiver; once, before anything else."""

    async def listen(self, topic: Topic) -> None:
        """Receive the topic. Returns when everything published from now on will arrive, or `interrupted` be called."""

    def ignore(self, topic: Topic) -> None:
        """Stop receiving the topic, soon; late arrivals are allowed."""

    def publish(self, topic: Topic, event: LoggedEvent) -> None:
        """Hand the event to every process that listens, this one included. Never waits, never raises for a fault."""

    def trouble(self) -> str | None:
        """Why other processes are not heard, in a sentence for operators; None while they are."""
