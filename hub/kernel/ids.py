"""Identifiers: unguessable, lower-case base 36, safe in URLs, file names and Bayeux fields."""

import os
import re
import secrets
import threading
from typing import Final
from uuid import uuid4

ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_EVEN: Final = 256 - 256 % len(ALPHABET)
_DIGITS: Final = (ALPHABET * (256 // len(ALPHABET) + 1))[:256].encode()
_SURPLUS: Final = bytes(range(_EVEN, 256))
"""Bytes that would make some characters likelier than others; one in sixty-four."""
_STORED: Final = 8192
_ACCEPTABLE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class _Store(threading.local):
    """Characters drawn in advance by a thread, each given out once: asking the system lets other threads go first."""

    drawn = ""
    given = 0


_store = _Store()
NODE_LENGTH = 8
CLIENT_RANDOM_LENGTH = 26
EVENT_LENGTH = 20
REQUEST_LENGTH = 16
EPOCH_LENGTH = 8
PASSWORD_LENGTH = 20
SECRET_LENGTH = 50
BEARER_LENGTH = 26


def random_base36(length: int) -> str:
    """`length` characters, uniformly distributed, from the system's secure source (5.17 bits each)."""
    start = _store.given
    if len(_store.drawn) < start + length:
        start, _store.drawn = 0, _draw(length)
    _store.given = end = start + length
    return _store.drawn[start:end]


def _draw(least: int) -> str:
    drawn = ""
    while len(drawn) < least:
        drawn += os.urandom(_STORED).translate(_DIGITS, _SURPLUS).decode("ascii")
    return drawn


def node_id() -> str:
    """The name of this process: 8 characters, new at each start."""
    return random_base36(NODE_LENGTH)


def client_id(node: str) -> str:
    """A Bayeux clientId: the node that owns the session, then 26 random characters (134 bits)."""
    return node + random_base36(CLIENT_RANDOM_LENGTH)


def event_id() -> str:
    """The id of one emitted event, 103 bits."""
    return random_base36(EVENT_LENGTH)


def request_id(sent: str | None = None) -> str:
    """The value of `X-Request-Id`: what the client sent, if that is at most 64 of `[A-Za-z0-9._-]`, else a new one."""
    return sent if sent is not None and _ACCEPTABLE.fullmatch(sent) else random_base36(REQUEST_LENGTH)


def epoch() -> str:
    """The identity of a log; positions of another epoch mean nothing."""
    return random_base36(EPOCH_LENGTH)


def bearer_id() -> str:
    """An id that is a secret as well: whoever has it may do something. 134 bits."""
    return random_base36(BEARER_LENGTH)


def uuid() -> str:
    """An id in the form of RFC 9562, 122 random bits: for what outlives the hub's own formats."""
    return str(uuid4())


def digits(length: int) -> str:
    """A code for people to type, uniformly distributed; a text, since it may begin with zeros."""
    return f"{secrets.randbelow(10**length):0{length}}"
