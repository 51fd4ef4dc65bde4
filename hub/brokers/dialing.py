"""From a host to a connection that is logged in."""

import asyncio
import os
import socket
import ssl
from typing import Any, Final

from hub.brokers import resp
from hub.brokers.connection import Connection, Owner, Refused
from hub.kernel.redis_url import Host, Login, RedisURL

OLDEST: Final = 6
"""The first version of Redis that speaks RESP3."""


class Unreachable(Exception):
    """There is no connection. The text is a sentence about the host, and safe to show."""


class Nobody:
    """The owner of a connection on which nothing but questions is sent."""

    def heard(self, channel: bytes, message: bytes) -> None:
        """See `Owner`."""

    def confirmed(self, channel: bytes) -> None:
        """See `Owner`."""

    def revoked(self, channel: bytes) -> None:
        """See `Owner`."""

    def refused(self, error: str) -> None:
        """See `Owner`."""

    def writable(self) -> None:
        """See `Owner`."""


NOBODY: Final = Nobody()


def tls_of(url: RedisURL) -> ssl.SSLContext | None:
    """What connections to the hosts of the URL are secured with. Reads files. Raises ValueError, naming the file."""
    if not url.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=url.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"ssl_ca_certs={url.ca_file}: {_line(error)}") from None
    if url.certificate_file:
        try:
            context.load_cert_chain(url.certificate_file, url.key_file)
        except (OSError, ssl.SSLError) as error:
            raise ValueError(f"ssl_certfile={url.certificate_file}, ssl_keyfile: {_line(error)}") from None
    return context


class Dialer:
    """Opens connections in one manner: same login, same TLS, same patience."""

    def __init__(
        self,
        login: Login,
        tls: ssl.SSLContext | None,
        name: str,
        *,
        seconds: float,
        stuck: float,
        noun: str = "Redis",
    ) -> None:
        """`name`: how CLIENT LIST shows us; `seconds`: what one dial may take; `stuck`: after how long the kernel gives
        up a connection on which nothing gets through; `noun`: what is dialled, for those who read of its failures.
        """
        self._noun = noun
        self._stuck = stuck
        self._tls = tls
        self._seconds = seconds
        self._hello = [b"HELLO", b"3"]
        if login.password is not None:
            self._hello += [b"AUTH", login.user.encode(), login.password.reveal().encode("utf-8", "surrogateescape")]
        shown = f"{name}:{socket.gethostname()}:{os.getpid()}"
        self._hello += [b"SETNAME", shown.encode("ascii", "replace")]

    async def dial(self, host: Host, owner: Owner = NOBODY, *first: bytes) -> tuple[Connection, Any]:
        """A connection that is logged in, and the answer to the command `first`, or else to the login.

        Raises Unreachable.
        """
        try:
            async with asyncio.timeout(self._seconds):
                connection = await self._open(host, owner)
                return connection, await self._greet(connection, first)
        except Refused as error:
            reason = _refusal(str(error))
        except TimeoutError:
            reason = f"no answer within {self._seconds:g} s"
        except OSError as error:
            reason = _line(error)
        raise Unreachable(f"{self._noun} at {host}: {reason}")

    async def _open(self, host: Host, owner: Owner) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(owner, self._stuck),
            host.name,
            host.port,
            ssl=self._tls,
            server_hostname=host.name if self._tls else None,
        )
        return connection

    async def _greet(self, connection: Connection, first: tuple[bytes, ...]) -> Any:  # noqa: ANN401 - any reply
        try:
            hello = await connection.ask(*self._hello)
            return await connection.ask(*first) if first else hello
        except BaseException:
            connection.abort("not logged in")
            raise


def _refusal(error: str) -> str:
    match resp.code(error):
        case "WRONGPASS":
            return "refuses the login: wrong user or password, or the user is disabled (WRONGPASS)"
        case "NOAUTH":
            return "wants a login, and HUB_REDIS_URL has no password (NOAUTH)"
        case "NOPROTO" | "ERR" if "unknown command" in error or error.startswith("NOPROTO"):
            return f"is older than Redis {OLDEST}"
        case _:
            return f"refuses: {error}"


def _line(error: BaseException) -> str:
    """The error in one line, without the number and the address that asyncio adds."""
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
