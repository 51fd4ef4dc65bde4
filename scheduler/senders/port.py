"""What a way out of the house promises, and how a call can end."""

from typing import Protocol, TypeAlias, TypeVar

from msgspec import Struct

Message_contra = TypeVar("Message_contra", contravariant=True)


class Accepted(Struct, frozen=True):
    """The receiver has it and is responsible for it. `reference` is the receiver's own name for it, if it gave one."""

    reference: str = ""


class RefusedForGood(Struct, frozen=True):
    """The receiver does not have it and will not take it, or it cannot be sent at all."""

    reason: str


class RefusedForNow(Struct, frozen=True):
    """The receiver does not have it and may take it later, not before `retry_after` seconds."""

    reason: str
    retry_after: float = 0.0


class Uncertain(Struct, frozen=True):
    """It was on its way when the connection or the time ended: the receiver may have it."""

    reason: str


Outcome: TypeAlias = Accepted | RefusedForGood | RefusedForNow | Uncertain


class Sender(Protocol[Message_contra]):
    """Hands messages to one kind of receiver.

    `send` makes one attempt, within its own time limit, and says how it ended. It does not raise for anything that the
    receiver or the network does. What it calls refused has certainly not been taken: in doubt it says Uncertain.
    `id` stays the same over all attempts for one message, so that the receiver can recognize a repetition, as far as
    its protocol has a place for it. Reasons are one line, short, and name nobody in full.

    Cancelling `send` breaks the connection off; the receiver may have the message then.
    """

    async def send(self, message: Message_contra, id: str) -> Outcome: ...
