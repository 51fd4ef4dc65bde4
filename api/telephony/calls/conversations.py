"""What switches need of conversations: to have one for themselves, and names for what is new in it."""

import secrets
from typing import Final

from api.telephony.calls import records
from api.telephony.calls.legs import MOST_CALLS, Conversation
from hub.store.transaction import Snapshot, Tx

_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
UUID_LENGTH: Final = 32

UNHEARD: Final = "telephony.unheard"
"""The kind of the timers that end the waiting for a switch outside; they end as soon as it is heard of the call."""


def lock(tx: Tx, organization: str, id: str) -> Conversation | None:
    """The conversation, which nobody else changes before this transaction ends; None if there is none (any more)."""
    return records.lock(tx, organization, id)


def has_room(tx: Snapshot, organization: str, user: str) -> bool:
    """Whether the user may have one call more."""
    return records.count(tx, organization, user) < MOST_CALLS


def new_id() -> str:
    """The id of a leg, in the form of the product's ConnIDs: 16 hexadecimal digits."""
    return secrets.token_hex(8)


def new_uuid() -> str:
    """The id of a call: 32 letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(UUID_LENGTH))


def unheard_key(organization: str, user: str, id: str) -> str:
    """The key of such a timer. Ids that others give are unique for one user only."""
    return f"{organization}/{user}/{id}"


def leg_of(key: str) -> str:
    """The id of the leg in such a key."""
    return key.split("/", 2)[2]
