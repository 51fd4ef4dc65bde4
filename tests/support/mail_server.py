"""A real SMTP server on the loopback address, on the loop of the test, that behaves as it is told."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

WAIT_SECONDS = 30.0


class MailServer:
    """What it got is in `mails`, the number of its connections in `connections`; `logins` holds user and password.

    `answers` maps a command to what is to be said to it: a line, "hang" or "close". With "DATA" the content has arrived
    before the answer.
    """

    def __init__(self) -> None:
        self.port = 0
        self.mails: list[EmailMessage] = []
        self.envelopes: list[tuple[str, str]] = []
        self.logins: list[tuple[str, str]] = []
        self.tls: list[bool] = []
        self.connections = 0
        self.answers: dict[str, str] = {}
        self.protocols: list[SMTP] = []
        self._asked = asyncio.Event()
        self._released = asyncio.Event()
        self._arrived = asyncio.Event()

    async def asked(self) -> None:
        """Return when a command has been met with "hang"."""
        async with asyncio.timeout(WAIT_SECONDS):
            await self._asked.wait()

    async def arrived(self, count: int, subject: str = "") -> None:
        """Return when so many mails are there whose subjects contain that."""
        async with asyncio.timeout(WAIT_SECONDS):
            while sum(subject in str(mail["Subject"]) for mail in self.mails) < count:
                self._arrived.clear()
                await self._arrived.wait()

    def release(self) -> None:
        """Say yes where "hang" was said."""
        self._released.set()

    def hang_up(self) -> None:
        """Close every connection."""
        for protocol in self.protocols:
            if protocol.transport is not None:
                protocol.transport.close()

    async def handle_MAIL(self, server: SMTP, _s: Session, envelope: Envelope, address: str, _o: list[str]) -> str:  # noqa: N802
        envelope.mail_from = address
        return await self._answer(server, "MAIL")

    async def handle_RCPT(self, server: SMTP, _s: Session, envelope: Envelope, address: str, _o: list[str]) -> str:  # noqa: N802
        answer = await self._answer(server, "RCPT")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_NOOP(self, server: SMTP, _s: Session, _e: Envelope, _a: str) -> str:  # noqa: N802
        return await self._answer(server, "NOOP")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await self._answer(server, "DATA")
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
            self.envelopes.append((envelope.mail_from or "", envelope.rcpt_tos[0]))
            self.tls.append(session.ssl is not None)
            self._arrived.set()
        return answer

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"open sesame", handled=False)

    async def _answer(self, server: SMTP, command: str) -> str:
        answer = self.answers.get(command, "250 OK")
        if answer == "hang":
            self._asked.set()
            await self._released.wait()
            return "250 OK"
        if answer == "close":
            assert server.transport is not None
            server.transport.close()
        return answer


@asynccontextmanager
async def mail_server(context: ssl.SSLContext | None = None, *, tls_at_once: bool = False) -> AsyncIterator[MailServer]:
    """A running server; with a context it offers STARTTLS, or speaks TLS from the beginning."""
    receiver = MailServer()

    def protocol() -> SMTP:
        receiver.connections += 1
        smtp = SMTP(
            receiver,
            hostname="mail.test",
            tls_context=None if tls_at_once else context,
            authenticator=receiver.authenticate,
            auth_require_tls=not tls_at_once and context is not None,
            loop=asyncio.get_running_loop(),
        )
        receiver.protocols.append(smtp)
        return smtp

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context if tls_at_once else None)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        receiver.hang_up()
        for smtp in receiver.protocols:
            if smtp._handler_coroutine is not None:
                smtp._handler_coroutine.cancel()
        await asyncio.gather(
            *(smtp._handler_coroutine for smtp in receiver.protocols if smtp._handler_coroutine is not None),
            return_exceptions=True,
        )
        await server.wait_closed()
