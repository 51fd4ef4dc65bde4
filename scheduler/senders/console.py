"""Prints what would be sent: the sender of a hub that has no mail server or SMS gateway."""

import asyncio
import sys
from typing import TextIO

from hub.store.deliveries import Mail, Sms
from scheduler.senders.port import Accepted, Outcome


class Console:
    """Accepts every mail and every SMS, and prints it, on standard output unless told otherwise."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    async def send(self, message: Mail | Sms, id: str) -> Outcome:
        """See `Sender`."""
        if isinstance(message, Mail):
            head = [f"mail to {message.to}, not sent: HUB_SMTP_URL is not set", f"Subject: {message.subject}"]
        else:
            head = [f"SMS to {message.to}, not sent: HUB_SMS_URL is not set"]
        lines = [*head, *message.text.splitlines()]
        # What somebody wrote cannot pass for output of the hub: every line is indented, control characters are shown.
        shown = [line if line.isprintable() else line.encode("unicode_escape").decode() for line in lines]
        await asyncio.to_thread(print, "\n    ".join(shown), file=self._out or sys.stdout, flush=True)
        return Accepted(id)
