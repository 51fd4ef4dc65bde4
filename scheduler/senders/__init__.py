"""Ways out of the house. Transport only: what is said was decided, and written, by `api.notifications`."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from hub.kernel.clock import Clock
from hub.kernel.settings import Settings
from hub.store.deliveries import Mail, Sms, Webhook
from scheduler.senders import http, smtp
from scheduler.senders.console import Console
from scheduler.senders.port import Sender
from scheduler.senders.sms import SmsGateway
from scheduler.senders.smtp import Mailer
from scheduler.senders.webhook import WebhookCaller


class Senders(NamedTuple):
    """One sender a kind of message."""

    mail: Sender[Mail]
    sms: Sender[Sms]
    webhook: Sender[Webhook]


@asynccontextmanager
async def opened(settings: Settings, clock: Clock) -> AsyncIterator[Senders]:
    """The senders that the settings name, usable within the block; the console stands in for those they do not."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(await http.client())
        mail: Sender[Mail] = Console()
        sms: Sender[Sms] = Console()
        if settings.smtp_url is not None:
            context = await asyncio.to_thread(ssl.create_default_context)
            server = smtp.server_of(settings.smtp_url.reveal())
            mail = mailer = Mailer(server, settings.smtp_from or "", clock, context)
            stack.push_async_callback(mailer.aclose)
        if settings.sms_url is not None:
            sms = SmsGateway(client, settings.sms_url.reveal(), settings.sms_from or "")
        yield Senders(mail, sms, WebhookCaller(client, clock.now, private=settings.webhook_private))
