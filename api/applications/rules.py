"""Whose an application is, and how it is proved that it may send under a name. Pure.

Stored of a code is an HMAC under a random key that stands beside it: good enough for a number that is worth nothing
after a minute, and that only the organization's administrators could use.
"""

import hmac
from collections.abc import Mapping
from enum import Enum
from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from hub.kernel.applications import Application, MailSender, SmsSender
from hub.kernel.errors import NotFound
from hub.kernel.secret import Secret

Way: TypeAlias = Literal["EMAIL", "SMS"]

DIGITS: Final = 6
TRIES: Final = 5
LIFE_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 30.0


class UnknownApplication(NotFound):
    """There is none of that name, or it is another organization's: which of the two is not said."""

    code = "application_unknown"
    default_detail = "No such application"


class Claim(Struct, frozen=True, kw_only=True):
    """That an application sends from `address`, a mail domain or a phone number, under `name`; proved by a code."""

    organization: str
    application: str
    way: Way
    address: str
    name: str | None = None


class Proof(Struct, frozen=True, kw_only=True):
    """A claim with the code that was sent for it. `delivery` names the message with the code; Unix seconds."""

    claim: Claim
    salt: bytes
    digest: bytes
    tries_left: int
    asked_at: float
    delivery: str


class Senders(NamedTuple):
    """Who an application's messages are from; None: it cannot send any, not yet."""

    email: MailSender | None
    sms: SmsSender | None


class Verdict(Enum):
    """What somebody is told who gives a code."""

    RIGHT = "right"
    WRONG = "wrong"
    GONE = "gone"


def require(applications: Mapping[str, Application], id: str, organization: str) -> Application:
    """The application of that id in that organization. Raises UnknownApplication."""
    application = applications.get(id)
    if application is None or application.organization != organization:
        raise UnknownApplication
    return application


def digest_of(salt: bytes, code: Secret) -> bytes:
    """What stands for a code in the table."""
    return hmac.digest(salt, code.reveal().encode("utf-8", "surrogatepass"), "sha256")


def judged(proof: Proof | None, code: Secret, now: float) -> Verdict:
    """Whether that is the code, and still in time and tries."""
    if proof is None or proof.tries_left <= 0 or now >= proof.asked_at + LIFE_SECONDS:
        return Verdict.GONE
    is_right = hmac.compare_digest(proof.digest, digest_of(proof.salt, code))
    return Verdict.RIGHT if is_right else Verdict.WRONG


def senders(application: Application, proved: Mapping[Way, Claim]) -> Senders:
    """What was proved counts more than what the configuration says, and that only where it says `verified`."""
    email, sms = application.email, application.sms
    if (mail := proved.get("EMAIL")) is not None:
        email = MailSender(domain=mail.address, from_name=mail.name, verified=True)
    if (number := proved.get("SMS")) is not None:
        sms = SmsSender(from_number=number.address, verified=True)
    return Senders(email, sms)


def usable(found: Senders) -> Senders:
    """The same without those that are not verified."""
    email = found.email if found.email and found.email.verified else None
    return Senders(email, found.sms if found.sms and found.sms.verified else None)
