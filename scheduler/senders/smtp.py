"""Mail over SMTP, with connections that are kept for a while.

Until the content goes out, every failure means that the server has nothing: refused. From then on only its answer
tells; without one the outcome is uncertain.
"""

import asyncio
import ssl
import unicodedata
from collections.abc import Awaitable, Callable
from email.errors import MessageError
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException

from hub.kernel.clock import Clock
from hub.kernel.wire import instant
from hub.store.deliveries import Calendar, Mail
from scheduler.senders.port import Accepted, Outcome, RefusedForGood, RefusedForNow, Uncertain
from scheduler.senders.reasons import reason, said

CONNECT_SECONDS: Final = 20.0
ENVELOPE_SECONDS: Final = 20.0
CONTENT_SECONDS: Final = 40.0
IDLE_SECONDS: Final = 30.0
KEPT: Final = 4
FOLDED: Final = 60
"""A word that is longer cannot be kept on a line."""

Connection: TypeAlias = aiosmtplib.SMTP

NETWORK: Final = (SMTPException, OSError, TimeoutError)


class Server(NamedTuple):
    """A mail server: `smtps` speaks TLS from the beginning, `smtp` changes to it if the server offers it.

    A password is never sent in the clear: with one, TLS is required, except on this machine.
    """

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None

    @property
    def start_tls(self) -> bool | None:
        """True: required, None: if offered, False: TLS is there already."""
        if self.tls:
            return False
        return None if self.user is None or self.host in {"localhost", "127.0.0.1", "::1"} else True


def server_of(url: str) -> Server:
    """The server in `smtp[s]://[user:password@]host[:port]`, a form that the settings have checked."""
    parts = urlsplit(url)
    tls = parts.scheme == "smtps"
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    return Server(parts.hostname or "", parts.port or (465 if tls else 587 if user else 25), tls, user, password)


class Mailer:
    """Sends through one server; close it at the end."""

    def __init__(self, server: Server, sender: str, clock: Clock, context: ssl.SSLContext) -> None:
        """`sender` is the address of mails that name none; `context` says which certificates are trusted."""
        self._server = server
        self._sender = sender
        self._clock = clock
        self._context = context
        self._kept: list[tuple[Connection, float]] = []
        self.connected = 0

    async def send(self, message: Mail, id: str) -> Outcome:
        """See `Sender`. The id becomes the Message-ID."""
        try:
            letter = Letter.of(message, message.sender or self._sender, id, self._clock.now())
        except (ValueError, LookupError, MessageError) as error:
            return RefusedForGood(reason(f"cannot be written as a mail: {error}"))
        while (kept := self._taken()) is not None:
            # The server may have hung up meanwhile, which is nobody's refusal.
            if await _is_alive(kept):
                return await self._transact(kept, letter)
        try:
            fresh = await self._connected()
        except NETWORK as error:
            return RefusedForNow(reason(f"no connection to the mail server: {said(error)}"))
        return await self._transact(fresh, letter)

    async def aclose(self) -> None:
        """Take leave of the server."""
        while (kept := self._taken()) is not None:
            try:
                async with asyncio.timeout(1.0):
                    await kept.quit()
            except NETWORK:
                kept.close()

    async def _connected(self) -> Connection:
        server = self._server
        connection = Connection(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls,
            start_tls=server.start_tls,
            tls_context=self._context,
            timeout=CONTENT_SECONDS,
        )
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.connect()
        except BaseException:
            connection.close()
            raise
        self.connected += 1
        return connection

    def _taken(self) -> Connection | None:
        while self._kept:
            connection, since = self._kept.pop()
            if connection.is_connected and self._clock.monotonic() - since < IDLE_SECONDS:
                return connection
            connection.close()
        return None

    async def _transact(self, connection: Connection, letter: "Letter") -> Outcome:
        """One mail on a connection, which is kept afterwards if it is in order."""
        keep = False
        try:
            outcome = await _envelope(connection, letter) or await _content(connection, letter)
            keep = isinstance(outcome, Accepted) or (connection.is_connected and await _is_reset(connection))
        finally:
            if keep and len(self._kept) < KEPT:
                self._kept.append((connection, self._clock.monotonic()))
            else:
                connection.close()
        return outcome


class Letter(NamedTuple):
    """A mail as it goes over the wire, and the bare addresses of its envelope."""

    sender: str
    to: str
    content: bytes

    @classmethod
    def of(cls, mail: Mail, sender: str, id: str, now: float) -> "Letter":
        """Raises ValueError for what no mail can say: line breaks in headers, no address, other letters in one."""
        addresses = parseaddr(sender)[1], parseaddr(mail.to)[1]
        if not all(address.isascii() and "@" in address.strip("@") for address in addresses):
            raise ValueError("sender or recipient is no address that every server takes")
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"] = sender, mail.to
        message["Date"] = format_datetime(instant(now))
        message["Message-ID"] = f"<{id}@{addresses[0].rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        if mail.html is not None:
            message.add_alternative(mail.html, subtype="html")
        if mail.calendar is not None:
            _invite(message, mail.calendar)
        return cls(*addresses, _subject(mail.subject) + message.as_bytes())


def _subject(text: str) -> bytes:
    """The header. Where the policies of `email` fold other letters than ASCII ones, blanks get lost."""
    if len(text.splitlines()) > 1 or any(unicodedata.category(letter) == "Cc" for letter in text):
        raise ValueError("the subject has more than one line")
    is_plain = text.isascii() and "=?" not in text and max(map(len, text.split(" "))) < FOLDED
    header = Header(text, "us-ascii" if is_plain else "utf-8", header_name="Subject")
    return b"Subject: " + header.encode(linesep="\r\n").encode("ascii") + b"\r\n"


def _invite(message: EmailMessage, calendar: Calendar) -> None:
    """Once as what calendars act upon, once as a file for readers that know no calendar."""
    parameters = {"method": calendar.method}
    message.add_alternative(calendar.text, subtype="calendar", cte="base64", params=parameters)
    message.add_attachment(
        calendar.text.encode(), maintype="application", subtype="ics", filename="appointment.ics", params=parameters
    )


async def _envelope(connection: Connection, letter: Letter) -> Outcome | None:
    """From whom and to whom; None: the server is willing."""
    try:
        async with asyncio.timeout(ENVELOPE_SECONDS):
            await connection.mail(letter.sender)
            await connection.rcpt(letter.to)
    except SMTPResponseException as error:
        return _refused(error)
    except NETWORK as error:
        return RefusedForNow(reason(f"lost the mail server before the content: {said(error)}"))
    return None


async def _content(connection: Connection, letter: Letter) -> Outcome:
    try:
        async with asyncio.timeout(CONTENT_SECONDS):
            response = await connection.data(letter.content)
    except SMTPResponseException as error:
        return _refused(error)
    except NETWORK as error:
        return Uncertain(reason(f"lost the mail server after the content: {said(error)}"))
    return Accepted(reason(response.message))


def _refused(error: SMTPResponseException) -> Outcome:
    why = reason(f"the mail server answered {error.code}: {error.message}")
    if 500 <= error.code < 600:
        return RefusedForGood(why)
    return RefusedForNow(why) if 400 <= error.code < 500 else Uncertain(why)


async def _is_alive(connection: Connection) -> bool:
    return await _answers(connection, connection.noop)


async def _is_reset(connection: Connection) -> bool:
    return await _answers(connection, connection.rset)


async def _answers(connection: Connection, ask: Callable[[], Awaitable[object]]) -> bool:
    try:
        async with asyncio.timeout(5.0):
            await ask()
    except NETWORK:
        connection.close()
        return False
    return True
