"""Reading what clients send: what is sound, and what to answer when it is not."""

from msgspec import UNSET

from channels import names
from hub.bayeux import events as on
from hub.bayeux import replies
from hub.bayeux.extensions import timesync
from hub.bayeux.messages import CONNECT, Message, Reply


def malformed(message: Message) -> Reply | None:
    """The reply to a message whose channel or id is no good, None for a sound one."""
    if not isinstance(message.channel, str):
        return replies.failure(message, replies.CHANNEL_MISSING)
    if message.channel != CONNECT and not names.is_valid(message.channel):
        return replies.failure(message, replies.CHANNEL_INVALID)
    if not replies.has_valid_id(message):
        return replies.failure(message, replies.ID_INVALID)
    return None


def subscriptions(message: Message) -> tuple[str, ...] | str:
    """The names asked for, or the error."""
    found = message.subscription
    if found is None or found in ("", []):
        return replies.SUBSCRIPTION_MISSING
    asked = tuple(found) if isinstance(found, list) else (found,)
    if not all(isinstance(name, str) and names.is_valid(name) for name in asked):
        return replies.SUBSCRIPTION_INVALID
    return asked


def subscription_refused(message: Message, error: str) -> Reply:
    """A negative reply that echoes the subscription, by which clients find the listener to drop.

    Only names are echoed: what else stands there may be a number that cannot be written again.
    """
    found = message.subscription
    asked = found if isinstance(found, list) else [found]
    echoed = found if all(isinstance(name, str) for name in asked) else UNSET
    return replies.failure(message, error, subscription=echoed)


def published(message: Message, answer: on.Answer) -> Reply:
    """The reply to a publish: it never carries data, or clients would take it for an event."""
    return replies.failure(message, answer.error) if isinstance(answer, on.Refused) else replies.success(message)


def without_body(message: Message) -> Message:
    """What a held connect needs to be answered, and nothing that keeps its request's bytes in memory.

    Of the client's advice only remains that there was some.
    """
    time = timesync.kept(message)
    return Message(
        channel=message.channel,
        id=message.id.copy(),
        advice=None if message.advice is None else {},
        ext=None if time is None else {"timesync": time},
    )
