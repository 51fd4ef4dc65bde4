"""The acknowledgement extension: nothing is lost while a session lives, whatever happens to its responses.

    handshake  →  ext {"ack": true}      ←  ext {"ack": true}
    connect    →  ext {"ack": 3}         the client has everything up to batch 3
               ←  events …, ext {"ack": 4}

Every connect reply closes a batch, also an empty one. What it carried is kept until a later connect acknowledges the
batch; if the response was lost, the next connect still says 3, and the same events travel again with whatever is new.
Events therefore reach such a session with connect replies only, over WebSocket too.

What clients send as number is taken with care: it counts only when it rises and is not above the last batch sent.
Anything else (null, -1 and 0 of clients that begin, a constant, a number never given out) acknowledges nothing.
"""

from msgspec import Struct

from hub.bayeux.messages import Message

RESENDS_AT_ONCE = 3


class Batches(Struct):
    """The two numbers of a session: the last batch closed, and the last one acknowledged."""

    closed: int = 0
    acknowledged: int = 0
    unheeded: int = 0
    """Connects in a row that acknowledged nothing new."""

    def close(self) -> int:
        """The number of the batch that a connect reply carries now."""
        self.closed += 1
        return self.closed

    def acknowledge(self, connect: Message) -> bool:
        """Take the number of a connect; whether it acknowledges anything new."""
        number = connect.extensions.get("ack")
        if not isinstance(number, int) or isinstance(number, bool) or not self.acknowledged < number <= self.closed:
            self.unheeded += 1
            return False
        self.acknowledged, self.unheeded = number, 0
        return True

    @property
    def impatient(self) -> bool:
        """Whether unacknowledged events are worth an answer at once: a client that never acknowledges gets them at
        the pace of its connects, or it would poll as fast as the network lets it.
        """
        return self.unheeded <= RESENDS_AT_ONCE


def wanted(handshake: Message) -> bool:
    """Whether the handshake asks for the extension; clients that have switched it off send `false`."""
    asked = handshake.extensions.get("ack")
    return asked is True or (isinstance(asked, dict) and asked.get("enabled") is True)
