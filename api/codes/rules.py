"""How long a code is good, how often one is sent and tried, and what of it is stored. Pure.

Stored is an HMAC of the code under its verification id, and of that id a hash: whoever reads the table knows neither,
and without the id the million codes cannot be tried against what is stored.
"""

import hashlib
import hmac
from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from api.notifications.rules import is_mail_address, is_phone
from hub.kernel.errors import BadInput
from hub.kernel.secret import Secret

DIGITS: Final = 6
TRIES: Final = 5
LIFE_SECONDS: Final = 300.0
PAUSE_SECONDS: Final = 30.0
BURST: Final = 5
"""Codes for one recipient in a row, each after the pause."""
INTERVAL_SECONDS: Final = 600.0
"""One more code for a recipient in the long run: with five tries each, guessing finds one in a thousand in a day."""

Channel: TypeAlias = Literal["SMS", "EMAIL"]


class Code(Struct, frozen=True, kw_only=True):
    """A code for a recipient, as it is stored. `id` and `digest` are of `id_of` and `digest_of`; Unix seconds.

    Without tries left it is worth nothing any more: guessed at too often, or used. `spent_until` is when everything
    sent to the recipient will be paid for, as in `hub.kernel.rate`. `delivery` names the message that carries the code.
    """

    organization: str
    recipient: str
    id: str
    digest: bytes
    tries_left: int
    sent_at: float
    expires_at: float
    spent_until: float
    delivery: str | None


class Given(NamedTuple):
    """What somebody proves with: the id that the request for a code was answered with, and the code they read."""

    id: str
    code: Secret


class Verified(NamedTuple):
    """What a right code proves: who asked for it reads what `recipient` is sent, within `organization`."""

    organization: str
    recipient: str


def id_of(verification_id: str) -> str:
    """What stands for a verification id in the table."""
    return hashlib.sha256(_bytes(verification_id)).hexdigest()


def digest_of(verification_id: str, code: Secret) -> bytes:
    """What stands for its code."""
    return hmac.digest(_bytes(verification_id), _bytes(code.reveal()), "sha256")


def is_right(code: Code | None, given: Given, now: float) -> bool:
    """Whether that is the code, and still in time and tries. Takes as long without a code to compare with."""
    stored = bytes(32) if code is None else code.digest
    same = hmac.compare_digest(stored, digest_of(given.id, given.code))
    return same and code is not None and code.tries_left > 0 and now < code.expires_at


def wait(last: Code, now: float) -> float:
    """0 if the recipient may be sent another code, else the seconds until then."""
    return max(0.0, last.sent_at + PAUSE_SECONDS - now, last.spent_until - INTERVAL_SECONDS * (BURST - 1) - now)


def spent_until(last: Code | None, now: float) -> float:
    """The same number once another code has been sent."""
    return max(now, now if last is None else last.spent_until) + INTERVAL_SECONDS


def require_recipient(channel: Channel | None, to: str) -> str:
    """The number or address in its one form; without a channel, whichever of the two it is. Raises BadInput."""
    if channel != "EMAIL" and is_phone(number := "".join(to.split())):
        return number
    if channel != "SMS" and len(to) <= 254 and is_mail_address(to):
        return to.lower()
    expected = "a mail address" if channel == "EMAIL" else "a phone number in the form +306931234567"
    raise BadInput(f"to: must be {expected}", pointer="/to")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
