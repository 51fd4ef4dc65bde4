"""What is to leave the house, as it waits for it: typed messages, stored as timers of kind `deliver.*`.

They live here because everybody above needs them: use cases plan them, the scheduler sends them, and neither may
import the other. A message is complete; whoever sends it adds nothing and looks nothing up.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from hub.kernel.clock import micros
from hub.kernel.ids import event_id
from hub.store import timers
from hub.store.timers import Timer
from hub.store.transaction import Tx


class Calendar(Struct, frozen=True, kw_only=True):
    """An appointment for the reader's calendar: `text` is an iCalendar object with that method (RFC 5546)."""

    method: Literal["REQUEST", "CANCEL"]
    text: str


class Mail(Struct, frozen=True, kw_only=True):
    """A mail to one person. `sender` is an address, with or without a name; None: that of the settings."""

    to: str
    subject: str
    text: str
    html: str | None = None
    sender: str | None = None
    calendar: Calendar | None = None


class Sms(Struct, frozen=True, kw_only=True):
    """A text to one phone number in E.164 form. `sender` is a number or a name; None: that of the settings."""

    to: str
    text: str
    sender: str | None = None


class Basic(Struct, frozen=True, kw_only=True, tag="basic"):
    """A user name and a password for a receiver."""

    user: str
    password: str


class ClientCredentials(Struct, frozen=True, kw_only=True, tag="client_credentials"):
    """What a token for a receiver is fetched with."""

    token_url: str
    client_id: str
    client_secret: str
    scope: str | None = None


class Webhook(Struct, frozen=True, kw_only=True):
    """An event for a machine: `payload` is JSON and is sent byte for byte, `at` is when it happened, in microseconds.

    `secret` is the key of the signature, None for none. `headers` are the receiver's own wishes, within the bounds of
    `hub.kernel.headers`. `private`: the receiver may be at an address that is not public, and do without TLS.
    """

    url: str
    type: str
    payload: msgspec.Raw
    at: int
    secret: str | None = None
    headers: Mapping[str, str] = {}
    credentials: Basic | ClientCredentials | None = None
    private: bool = False


Message: TypeAlias = Mail | Sms | Webhook
M = TypeVar("M", Mail, Sms, Webhook)

KINDS: Final[Mapping[type[Message], str]] = {Mail: "deliver.mail", Sms: "deliver.sms", Webhook: "deliver.webhook"}


def plan(
    tx: Tx,
    message: Message,
    now: float,
    *,
    key: str | None = None,
    due: float | None = None,
    until: float | None = None,
) -> str:
    """Have the message sent at `due`, or as soon as this transaction is committed; returns its key.

    The key names the message to its receiver, over all attempts. Planning again under the same key replaces what has
    not left yet (one that is on its way at this moment arrives as well); a random key, the default, replaces nothing.
    After `until` it is not sent any more.
    """
    key = event_id() if key is None else key
    not_after = None if until is None else micros(until)
    due_at = micros(now if due is None else due)
    receiver = _receiver(message.url) if isinstance(message, Webhook) else ""
    payload = msgspec.json.encode(message)
    timers.plan(tx, KINDS[type(message)], key, due_at, payload, not_after=not_after, receiver=receiver)
    return key


def read(timer: Timer, type_: type[M]) -> M:
    """The message that a timer carries. Raises `msgspec.MsgspecError` for one that this version cannot read."""
    return msgspec.json.decode(timer.payload, type=type_)


def _receiver(url: str) -> str:
    """Host and port: what hangs is the machine there, for whomever of us it is called."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:  # no address: the sender says so
        return ""
