"""Publishes that come twice: clients send again, under the old id, what was unanswered when their socket broke."""

from hashlib import blake2b

from msgspec import Struct, field

from hub.bayeux.messages import Message

REMEMBERED_SECONDS = 120.0
REMEMBERED_PUBLISHES = 256


class Repeats(Struct):
    """The publishes of a session that were taken over lately, by a digest of id, channel and data.

    Ids alone do not tell: after a reload of its page a client counts from 1 again.
    """

    taken: dict[bytes, float] = field(default_factory=dict)

    def is_known(self, message: bytes | None, now: float) -> bool:
        """Whether exactly this message has been taken over within the last two minutes."""
        taken = self.taken.get(message) if message is not None else None
        return taken is not None and now - taken < REMEMBERED_SECONDS

    def remember(self, message: bytes | None, now: float) -> None:
        """The message has been taken over."""
        if message is None:
            return
        self.taken[message] = now
        while len(self.taken) > REMEMBERED_PUBLISHES:
            del self.taken[next(iter(self.taken))]


def digest(message: Message) -> bytes | None:
    """What `Repeats` knows a message by, None for one without an id, which is never sent again."""
    if not message.has_id:
        return None
    text = b"\n".join((bytes(message.id), str(message.channel).encode(), bytes(message.data)))
    return blake2b(text, digest_size=16).digest()
