"""Bytes to messages and back. The only place that knows how a Bayeux message looks as JSON."""

from typing import Final

import msgspec

from hub.bayeux.messages import Message, Reply
from hub.kernel import wire
from hub.kernel.errors import TooLarge

MOST_MESSAGES = 1000

_MESSAGES: Final = list[Message] | Message
_encoder = msgspec.json.Encoder()


def decode(payload: bytes, *, max_bytes: int, max_depth: int) -> list[Message]:
    """The messages of one request body or WebSocket frame; a lone object counts as an array of one.

    Raises `BadInput` for what is not JSON or not made of objects, `TooLarge` beyond `max_bytes` and beyond 1,000
    messages, since the smallest of them is answered with thirty times its size.
    """
    found = wire.decode(_MESSAGES, payload, max_bytes=max_bytes, max_depth=max_depth)
    if isinstance(found, Message):
        return [found]
    if len(found) > MOST_MESSAGES:
        raise TooLarge(f"{len(found)} messages exceed the limit of {MOST_MESSAGES}")
    return found


def encode(reply: Reply) -> bytes:
    """A reply as JSON."""
    return _encoder.encode(reply)


def event(channel: str, data: bytes, *, binary: bool = False) -> bytes:
    """An event as JSON for sessions without the replay extension; `data` is spliced in untouched.

    `binary` events carry the mark of CometD's binary extension, without which receivers would not decode them.
    """
    ext = b',"ext":{"binary":{}}' if binary else b""
    return b'{"channel":%b,"data":%b%b}' % (_encoder.encode(channel), data, ext)


def replayable_event(channel: str, data: bytes, position: int, *, binary: bool = False) -> bytes:
    """An event as JSON for sessions with the replay extension.

    The position stands in `ext.replay`, and in `data.event.replayId` for clients written for Salesforce,
    unless the data has an `event` of its own.
    """
    return b'{"channel":%b,"data":%b,"ext":{%b"replay":%d}}' % (
        _encoder.encode(channel),
        _with_replay_id(data, position),
        b'"binary":{},' if binary else b"",
        position,
    )


class _Top(msgspec.Struct, frozen=True):
    """The one field of a payload that matters here; decoding finds it under any spelling of its name."""

    event: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_top = msgspec.json.Decoder(_Top)


def _with_replay_id(data: bytes, position: int) -> bytes:
    body = data.strip()
    if not body.startswith(b"{") or _top.decode(body).event is not msgspec.UNSET:
        return data
    rest = body[1:].lstrip()
    separator = b"" if rest.startswith(b"}") else b","
    return b'{"event":{"replayId":%d}%b%b' % (position, separator, rest)
