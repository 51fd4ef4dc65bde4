"""Everything that is not a meta channel of the five: publishes, and calls of services."""

from typing import TYPE_CHECKING

from channels import names
from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux import replies, validation
from hub.bayeux.repeats import digest

if TYPE_CHECKING:
    from hub.bayeux.engine import Commands, Engine


def publish(engine: "Engine", received: on.Received) -> "Commands":
    """Hand the data to whoever takes it; what was taken over already is only answered again."""
    message = received.message
    refusal = _refusal(received)
    if refusal is not None:
        return [engine.reply(received, replies.failure(message, refusal))]
    known_by = digest(message)
    if engine.state.repeats.is_known(known_by, engine.now):
        return [engine.reply(received, replies.success(message))]
    data = bytes(message.data)
    if message.channel.startswith("/service/"):
        question: do.Question = do.Call(message.channel, data)
        return engine.ask(received, question, lambda answer: _called(engine, received, answer))
    question = do.Publish(message.channel, data, binary="binary" in message.extensions)
    return engine.ask(received, question, lambda answer: _published(engine, received, answer, known_by))


def _refusal(received: on.Received) -> str | None:
    channel: str = received.message.channel
    if channel.startswith("/meta/"):
        return replies.CREATE_DENIED
    if names.is_pattern(channel):
        return replies.CHANNEL_INVALID
    if bytes(received.message.data) in (b"", b"null"):
        return replies.DATA_MISSING
    return None


def _published(engine: "Engine", received: on.Received, answer: on.Answer, known_by: bytes | None) -> "Commands":
    if not isinstance(answer, on.Refused):
        engine.state.repeats.remember(known_by, engine.now)
    return [engine.reply(received, validation.published(received.message, answer))]


def _called(engine: "Engine", received: on.Received, answer: on.Answer) -> "Commands":
    """A remote call is answered twice: the publish, and what the service returns, under the id of the call.

    Without an id nobody waits for a result, and clients would take it for an event.
    """
    message = received.message
    reply = engine.reply(received, validation.published(message, answer))
    if not isinstance(answer, on.Returned) or not message.has_id:
        return [reply]
    returned = replies.returned(message, answer.data, successful=answer.successful)
    return [do.Answered(received.origin, (*reply.replies, returned))]
