"""RESP3, the protocol of Redis, as bytes: commands that we send, and the replies that hiredis reads."""

from typing import Final

import hiredis

MORE: Final = object()
"""What a reader gives while a reply is not complete."""

Push = hiredis.PushNotification
Error = hiredis.ReplyError
Broken = hiredis.ProtocolError


def command(*parts: bytes) -> bytes:
    """One command as it goes over the wire."""
    sized = b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"*%d\r\n%b" % (len(parts), sized)


def publishing(verb: bytes, channel: bytes, message: bytes) -> bytes:
    """The command that publishes; made for every event, hence in one go."""
    return b"*3\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (
        len(verb),
        verb,
        len(channel),
        channel,
        len(message),
        message,
    )


def reader() -> hiredis.Reader:
    """A reader of replies: `feed` it bytes, call `gets` until it gives MORE. Errors are values, strings are bytes.

    It raises Broken for what is not RESP.
    """
    return hiredis.Reader(notEnoughData=MORE)


def text(error: object) -> str:
    """What Redis says in an error, without arguments of ours that old versions repeat in it (passwords among them)."""
    return str(error).partition(", with args")[0]


def code(error: str) -> str:
    """The first word, by which programs tell errors apart."""
    return error.partition(" ")[0]
