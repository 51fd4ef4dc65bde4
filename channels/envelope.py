"""What every event has in common: the stream it belongs to, its position there, and one JSON object as its data.

A stream is an unbroken, numbered row of events; `Stream` and `LoggedEvent` are what store, relay, brokers and sessions
hand to each other. Both are tuples because they are keys and are made for every event.
"""

from functools import cache
from typing import Any, NamedTuple, TypeVar

import msgspec


class Stream(NamedTuple):
    """Identity of a stream. Personal channels have one for each user; of shared channels `user` is empty.

    `channel` is a concrete name, never a pattern.
    """

    organization: str
    user: str
    channel: str


class LoggedEvent(NamedTuple):
    """One event as it travels. `seq` counts from 1 without gaps in its stream; 0 marks an ephemeral event, which has
    no position and is not kept. `data` is one JSON object in UTF-8, carried verbatim from its origin to the wire.
    `binary`: it is bytes in the form of CometD's binary extension, and receivers have to be told.
    """

    stream: Stream
    seq: int
    data: bytes
    binary: bool = False


class Notification(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="messageType", tag=True):
    """Base of the typed messages. On the wire the name of the class is the `messageType`.

    Optional fields that are UNSET stay absent; fields that a message does not know are ignored when it is read, so
    that newer senders are understood. Construction is not validated: `decode` is for foreign data. Subclasses repeat
    `frozen=True, kw_only=True`, which are not inherited.
    """


N = TypeVar("N", bound=Notification)

_ENCODER = msgspec.json.Encoder()


def message_type(kind: type[Notification]) -> str:
    """The `messageType` of a class of messages."""
    return str(kind.__struct_config__.tag)


def encode(message: Notification) -> bytes:
    """`message` as compact JSON, `messageType` first."""
    return _ENCODER.encode(message)


def decode(kind: type[N], data: bytes | msgspec.Raw) -> N:
    """`data` as a message of the class `kind`.

    Raises the errors of msgspec (all of them ValueError), UnicodeDecodeError for text that is not UTF-8 in a known
    field, and RecursionError for absurd nesting. Unknown fields are skipped unread: `catalog.check` is the one for
    data that is passed on.
    """
    decoder: msgspec.json.Decoder[N] = _decoder(kind)
    return decoder.decode(data)


@cache
def _decoder(kind: type[Notification]) -> Any:  # noqa: ANN401 a cache forgets which kind it was asked for
    return msgspec.json.Decoder(kind)
