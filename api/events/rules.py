"""Whether an event may be put on a channel, decided before anything is written. Pure."""

import re
from typing import NamedTuple

import msgspec

from channels.catalog import CUSTOMERS, Catalog
from channels.checking import InvalidData, check
from channels.envelope import Notification, Stream
from channels.names import is_pattern, is_valid
from hub.kernel.errors import BadInput, Forbidden, MissingParameter, TooLarge

_USER = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_ORGANIZATION = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Submitted(msgspec.Struct, frozen=True):
    """One event as it was asked for; `data` is the JSON text as sent, `None` means "not said"."""

    channel: str
    data: bytes
    user: str | None
    organization: str | None


class Admitted(msgspec.Struct, frozen=True):
    """One event that may be written. `message` is what its data says, where that is a message the channel carries."""

    stream: Stream
    data: bytes
    durable: bool
    message: Notification | None

    @property
    def unknown(self) -> bool:
        """Whether the data named no message that the channel carries."""
        return self.message is None


class Terms(NamedTuple):
    """What events are measured against: the catalogue, the caller's organization and two settings."""

    catalog: Catalog
    organization: str
    strict: bool
    max_bytes: int


def admit(event: Submitted, terms: Terms) -> Admitted:
    """The event with its stream, or the reason why not.

    Raises `BadInput`, `MissingParameter`, `Forbidden` or `TooLarge`, whose detail begins with the member at fault.
    """
    channel = terms.catalog.find(event.channel)
    if channel is None or channel is CUSTOMERS:
        raise BadInput(f"channel {_why_not_found(event.channel)}", pointer="/channel")
    organization = _organization(event.organization, terms.organization)
    user = _user(event.user, event.channel, personal=channel.personal)
    if len(event.data) > terms.max_bytes:
        raise TooLarge(f"data has more than {terms.max_bytes} bytes")
    try:
        checked = check(channel, event.data)
    except InvalidData as error:
        raise BadInput(
            f"data{error.pointer.replace('/', '.')}: {error.detail}", pointer="/data" + error.pointer
        ) from None
    if checked.unknown and terms.strict:
        raise BadInput("data.messageType names no message of this channel", pointer="/data/messageType")
    return Admitted(Stream(organization, user, event.channel), event.data, channel.durable, checked.message)


def _organization(asked: str | None, own: str) -> str:
    if asked is None or asked == own:
        return own
    if _ORGANIZATION.fullmatch(asked) is None:
        raise BadInput("organizationId must be 1 to 64 of A-Z a-z 0-9 . _ -", pointer="/organizationId")
    raise Forbidden("organizationId is not the organization of the token")


def _user(asked: str | None, channel: str, *, personal: bool) -> str:
    if not personal:
        if asked is not None:
            raise BadInput(f"userId does not go with {channel}, which is shared", pointer="/userId")
        return ""
    if asked is None:
        raise MissingParameter(f"userId is required on {channel}", pointer="/userId")
    if _USER.fullmatch(asked) is None:
        raise BadInput("userId must be 1 to 64 of A-Z a-z 0-9 . _ @ -", pointer="/userId")
    return asked


def _why_not_found(name: str) -> str:
    if not is_valid(name):
        return "is not a valid name"
    if is_pattern(name):
        return "must be one channel, not a pattern"
    if name.startswith(("/meta/", "/service/")):
        return "belongs to the protocol"
    return "is unknown"
