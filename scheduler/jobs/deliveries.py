"""Kinds `deliver.*`: messages that leave the house."""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from hub.store import deliveries
from hub.store.deliveries import KINDS, M, Mail, Sms, Webhook
from hub.store.timers import Timer
from scheduler.claims import Outward
from scheduler.retries import Audience, Retries
from scheduler.senders import Senders
from scheduler.senders.port import Outcome, RefusedForGood, Sender

# Eight attempts at a mail span an hour and a half, five at an SMS five minutes, twelve at a webhook four hours.
MAIL: Final = Retries(attempts=8, first=60.0)
SMS: Final = Retries(attempts=5, first=20.0)
WEBHOOK: Final = Retries(attempts=12, first=10.0)


def outward(senders: Senders) -> tuple[Outward, ...]:
    """The jobs that hand messages to these senders. Each sender has a tighter limit of its own within `seconds`."""
    return (
        Outward(KINDS[Mail], _with(senders.mail, Mail), Audience.PEOPLE, at_once=4, seconds=90.0, retries=MAIL),
        Outward(KINDS[Sms], _with(senders.sms, Sms), Audience.PEOPLE, at_once=8, seconds=45.0, retries=SMS),
        Outward(
            KINDS[Webhook],
            _with(senders.webhook, Webhook),
            Audience.MACHINES,
            at_once=32,
            share=8,
            seconds=60.0,
            retries=WEBHOOK,
        ),
    )


def _with(sender: Sender[M], type_: type[M]) -> Callable[[Timer], Awaitable[Outcome]]:
    async def deliver(timer: Timer) -> Outcome:
        try:
            message = deliveries.read(timer, type_)
        except msgspec.MsgspecError as error:
            return RefusedForGood(f"unreadable, nothing was sent: {error}")
        return await sender.send(message, timer.key)

    return deliver
