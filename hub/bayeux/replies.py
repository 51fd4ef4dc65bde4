"""The hub's answers, in the error strings of CometD 8 that clients know."""

from typing import Any

from msgspec import UNSET, Raw, UnsetType

from hub.bayeux.advice import Terms
from hub.bayeux.messages import CONNECT, DISCONNECT, HANDSHAKE, NO_ID, Advice, Message, Reply

CHANNEL_MISSING = "400::channel_missing"
CHANNEL_INVALID = "405::channel_invalid"
ID_INVALID = "405::message_id_invalid"
DATA_MISSING = "400::data_missing"
POSITION_INVALID = "400::replay_invalid"
SUBSCRIPTION_MISSING = "403::subscription_missing"
SUBSCRIPTION_INVALID = "403::subscription_invalid"
TOO_MANY_SUBSCRIPTIONS = "403:too_many_subscriptions:subscribe_denied"
CREATE_DENIED = "403:denied_by_security_policy:create_denied"
NO_TRANSPORT = "405::no_transport"
HANDSHAKE_DENIED = "403::handshake_denied"
SESSION_INACTIVE = "403::session_inactive"
SESSION_KICKED = "403::session_kicked"
TOKEN_EXPIRED = "401::token_expired"  # noqa: S105 - an error string

ECHOED_BYTES = 64


def success(message: Message, **fields: Any) -> Reply:  # noqa: ANN401 - those of Reply
    """A positive reply; echoes channel and id as they came."""
    return Reply(channel=_channel(message), id=echo(message), successful=True, **fields)


def failure(message: Message, error: str, **fields: Any) -> Reply:  # noqa: ANN401 - those of Reply
    """A negative reply with a Bayeux error string."""
    return Reply(channel=_channel(message), id=echo(message), successful=False, error=error, **fields)


def returned(message: Message, data: bytes, *, successful: bool) -> Reply:
    """What a service says to a call: on the channel of the call, under its id."""
    return Reply(channel=_channel(message), id=echo(message), successful=successful, data=Raw(data))


def unknown_session(message: Message, terms: Terms) -> Reply:
    """402. The advice to handshake stands on connect and handshake replies only: elsewhere it stops live clients."""
    wants_advice = message.channel in (CONNECT, HANDSHAKE)
    advice: Advice | UnsetType = terms.advice("handshake", interval=0) if wants_advice else UNSET
    return failure(message, terms.session_unknown, advice=advice)


def abandoned(message: Message, error: str | None, terms: Terms) -> Reply:
    """The answer to what still waited when its session ended; after a revocation a connect is told why, and to stop."""
    if error is None or message.channel != CONNECT:
        return unknown_session(message, terms)
    return failure(message, error, advice=terms.advice("none"))


def goodbye() -> Reply:
    """The server's own disconnect; without an id, which is how clients tell it from an answer."""
    return Reply(channel=DISCONNECT, successful=True)


def echo(message: Message) -> Raw | UnsetType:
    """The id exactly as received, copied out of the request so that a held connect does not keep the whole body."""
    text = bytes(message.id)
    return Raw(text) if text != NO_ID and _is_valid(text) else UNSET


def has_valid_id(message: Message) -> bool:
    """Strings and numbers of a sane length can be echoed; anything else is refused."""
    text = bytes(message.id)
    return text == NO_ID or _is_valid(text)


def _is_valid(text: bytes) -> bool:
    return len(text) <= ECHOED_BYTES and text[:1] in b'"-0123456789'


def _channel(message: Message) -> str:
    return message.channel if isinstance(message.channel, str) else ""
