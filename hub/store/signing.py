"""Short signatures that every process on the database makes and knows.

One key signs; the first is made with the tables. What it has signed outlives it: a key that was rotated away goes on
to be good for a while, and is remembered for longer, so that whoever comes with something that it has signed can be
told from somebody who makes things up.
"""

import hmac
import os
from enum import StrEnum
from typing import Final

from hub.kernel.clock import micros
from hub.store.transaction import Snapshot, Tx

SIGNATURE_BYTES: Final = 16
KEY_BYTES: Final = 32
REMEMBERED_SECONDS: Final = 400 * 86_400.0
"""For so long a key that is not good any more is told from one that never was."""

READ: Final = "SELECT key FROM signing_key"
LOCK: Final = "SELECT key FROM signing_key {locked}"
REPLACE: Final = "UPDATE signing_key SET key = ?"
FORMER: Final = "SELECT key, good_until FROM former_signing_key"
KEEP: Final = "INSERT INTO former_signing_key (key, good_until) VALUES (?, ?)"
WITHDRAW: Final = "UPDATE former_signing_key SET good_until = ? WHERE good_until > ?"
FORGET: Final = "DELETE FROM former_signing_key WHERE good_until < ?"


class Standing(StrEnum):
    """What a signature is worth."""

    GOOD = "good"
    WITHDRAWN = "withdrawn"
    """It is ours, and the key is not good any more."""
    UNKNOWN = "unknown"


def sign(tx: Snapshot, purpose: str, text: bytes) -> bytes:
    """The signature of the text; what is signed for one purpose is worth nothing for another."""
    tx.cursor.execute(READ)
    return _signature(bytes(tx.cursor.fetchall()[0][0]), purpose, text)


def standing(tx: Snapshot, purpose: str, text: bytes, signature: bytes, now: float) -> Standing:
    """What the signature is worth at `now`; for each key it takes as long wherever it differs."""
    if hmac.compare_digest(sign(tx, purpose, text), signature):
        return Standing.GOOD
    tx.cursor.execute(FORMER)
    for key, good_until in tx.cursor.fetchall():
        if hmac.compare_digest(_signature(bytes(key), purpose, text), signature):
            return Standing.GOOD if micros(now) < good_until else Standing.WITHDRAWN
    return Standing.UNKNOWN


def rotate(tx: Tx, now: float, keep: float) -> None:
    """Sign with another key from now on. What was signed before is good for `keep` more seconds; with 0 for none, and
    neither is then what still older keys have signed.
    """
    tx.cursor.execute(LOCK.format(locked=tx.dialect.for_update))
    key = bytes(tx.cursor.fetchall()[0][0])
    if not keep:
        tx.cursor.execute(WITHDRAW, (micros(now), micros(now)))
    tx.cursor.execute(KEEP, (key, micros(now + keep)))
    tx.cursor.execute(REPLACE, (os.urandom(KEY_BYTES),))
    tx.cursor.execute(FORGET, (micros(now - REMEMBERED_SECONDS),))


def _signature(key: bytes, purpose: str, text: bytes) -> bytes:
    return hmac.digest(key, purpose.encode() + b"\0" + text, "sha256")[:SIGNATURE_BYTES]
