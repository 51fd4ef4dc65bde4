"""Short signatures that every process on the database makes and knows: there is one key, made with the tables."""

import hmac
from typing import Final

from hub.store.transaction import Snapshot

SIGNATURE_BYTES: Final = 16

READ: Final = "SELECT key FROM signing_key"


def sign(tx: Snapshot, purpose: str, text: bytes) -> bytes:
    """The signature of the text; what is signed for one purpose is worth nothing for another."""
    tx.cursor.execute(READ)
    key = bytes(tx.cursor.fetchall()[0][0])
    return hmac.digest(key, purpose.encode() + b"\0" + text, "sha256")[:SIGNATURE_BYTES]


def is_signed(tx: Snapshot, purpose: str, text: bytes, signature: bytes) -> bool:
    """Whether it is that; takes as long wherever it differs."""
    return hmac.compare_digest(sign(tx, purpose, text), signature)
