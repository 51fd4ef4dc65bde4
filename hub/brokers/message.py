"""What travels between the processes of one hub: the names of channels in Redis, and the bytes of one event.

A message is a version byte and one MessagePack array, which holds data and nothing that could be executed. Processes
of two versions share a Redis while a deployment rolls: what another version says is dropped and counted, and the log
supplies the event.
"""

from typing import Final
from urllib.parse import quote

import msgspec

from channels.envelope import LoggedEvent
from hub.brokers.port import Topic

VERSION: Final = 1
LARGEST_SEQ: Final = 2**53

_VERSION_BYTE: Final = bytes([VERSION])
_READABLE: Final = "/*@"  # besides letters, digits and _.-~; everything else is escaped, the separator above all
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(LoggedEvent)


class Unreadable(Exception):
    """Not a message that this version understands. `reason` is the label of the metric."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def scope(prefix: str, database: int) -> str:
    """The start of all names of one hub. Redis does not divide channels by database, so the number is in the name."""
    return f"{prefix}:{database}"


def channel_of(scope: str, topic: Topic) -> bytes:
    """The channel of a topic. No two topics, and no two scopes, ever share one: after the scope there are always three
    fields, in which a colon cannot occur.
    """
    return ":".join([scope, *(quote(field, _READABLE, errors="surrogatepass") for field in topic)]).encode()


def probe_channel(scope: str, name: str) -> bytes:
    """A channel that is no topic's, for one process to hear itself."""
    return channel_of(scope, Topic("", "probe", name))


def encoded(event: LoggedEvent) -> bytes:
    """The event as one message."""
    return _VERSION_BYTE + _ENCODER.encode(event)


def decoded(message: bytes) -> LoggedEvent:
    """The event in a message. Raises Unreadable."""
    if message[:1] != _VERSION_BYTE:
        raise Unreadable("version" if message else "form")
    try:
        event = _DECODER.decode(message[1:])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise Unreadable("form") from None
    if not 0 <= event.seq <= LARGEST_SEQ:
        raise Unreadable("form")
    return event
