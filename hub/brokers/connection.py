"""One connection to one Redis, for commands and for what it pushes.

Everything goes over it in RESP3: publishes and questions out, answers back in the order of the commands, and between
them, at any time, messages of the channels subscribed to. What is sent within one turn of the event loop leaves in
one write. What arrives is handed on inside `data_received`; nothing here waits, and no task stands behind it.

A subscription has no answer of its own: it is confirmed by one push for each channel, in its place in the order, or
refused by one error.
"""

import asyncio
import socket
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, Protocol, cast

from hub.brokers import resp
from hub.kernel import metrics

WRITE_AT: Final = 65_536
"""Bytes of one turn after which a write does not wait for its end."""
HIGH_WATER: Final = 262_144
"""Bytes that the socket has not taken, from which on publishes are kept back."""

MESSAGES: Final = frozenset({b"message", b"smessage"})
CONFIRMATIONS: Final = frozenset({b"subscribe", b"unsubscribe", b"ssubscribe", b"sunsubscribe"})


class Refused(Exception):
    """Redis answered with an error; the text is safe to show."""


class Owner(Protocol):
    """Who is told what a connection brings. Called on the event loop's thread; must neither wait nor raise."""

    def heard(self, channel: bytes, message: bytes) -> None:
        """A message on a channel subscribed to."""

    def confirmed(self, channel: bytes) -> None:
        """The oldest SUBSCRIBE of this channel that was not yet confirmed is in force."""

    def revoked(self, channel: bytes) -> None:
        """Redis ended a subscription without having been asked."""

    def refused(self, error: str) -> None:
        """A publish was refused."""

    def writable(self) -> None:
        """`Connection.writable` is true again."""


class _Subscribing:
    """Channels whose confirmations come next."""

    __slots__ = ("left", "verb")

    def __init__(self, verb: bytes, left: int) -> None:
        self.verb = verb
        self.left = left


class Connection(asyncio.Protocol):
    """See above. Made by `hub.brokers.dialing`; `lost` is done when it has ended, and says why."""

    def __init__(self, owner: Owner, user_timeout: float) -> None:
        loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[str] = loop.create_future()
        self.writable = False
        self.unanswered = 0
        """After the end: publishes of which nobody knows whether Redis got them."""
        self._loop = loop
        self._owner = owner
        self._user_timeout = user_timeout
        self._reader = resp.reader()
        self._waiting: deque[asyncio.Future[Any] | _Subscribing | None] = deque()  # None: a publish
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._publishes = 0
        self._reason: str | None = None

    # Sending ----------------------------------------------------------------------------------------------------

    def publish(self, command: bytes) -> None:
        """Send a publish; only a refusal is told to the owner."""
        self._waiting.append(None)
        self._publishes += 1
        self._write(command)

    def ask(self, *command: bytes) -> "asyncio.Future[Any]":
        """Send a command. The answer is its reply; raises Refused, or ConnectionError if the connection ends first."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        if self.lost.done():
            answer.set_exception(ConnectionResetError(self.lost.result()))
        else:
            self._waiting.append(answer)
            self._write(resp.command(*command))
        return answer

    def subscribe(self, verb: bytes, channels: Sequence[bytes]) -> None:
        """Send SUBSCRIBE, UNSUBSCRIBE or one of their sharded kin; a refusal ends the connection."""
        self._waiting.append(_Subscribing(verb.lower(), len(channels)))
        self._write(resp.command(verb, *channels))

    def _write(self, command: bytes) -> None:
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(command)
        self._out_bytes += len(command)
        if self._out_bytes >= WRITE_AT:
            self._flush()

    def _flush(self) -> None:
        if self._out and not self.lost.done():
            self._transport.write(b"".join(self._out))
            metrics.REDIS_PUBLISHED.inc(self._publishes)
        self._out.clear()
        self._out_bytes = self._publishes = 0

    # Receiving --------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Hand on whatever is complete."""
        gets, heard, messages = self._reader.gets, self._owner.heard, 0
        try:
            self._reader.feed(data)
            while (reply := gets()) is not resp.MORE:
                if type(reply) is not resp.Push:
                    self._answered(reply)
                elif reply[0] in MESSAGES:
                    messages += 1
                    heard(reply[1], reply[2])
                else:
                    self._pushed(reply)
        except resp.Broken as error:
            self.abort(f"does not speak the protocol of Redis: {error}")
        metrics.REDIS_RECEIVED.inc(messages)

    def _answered(self, reply: object) -> None:
        if not self._waiting:
            self.abort(f"spoke without having been asked: {ascii(reply)[:80]}")
            return
        waiting = self._waiting.popleft()
        is_error = isinstance(reply, resp.Error)
        match waiting:
            case None:
                if is_error:
                    self._owner.refused(resp.text(reply))
            case _Subscribing():
                self.abort(f"refuses {waiting.verb.decode().upper()}: {resp.text(reply)}")
            case _ if waiting.done():
                pass
            case _ if is_error:
                waiting.set_exception(Refused(resp.text(reply)))
            case _:
                waiting.set_result(reply)

    def _pushed(self, push: list[Any]) -> None:
        kind, channel = push[0], push[1]
        if kind not in CONFIRMATIONS:
            return
        first = self._waiting[0] if self._waiting else None
        if not isinstance(first, _Subscribing) or first.verb != kind:
            self._owner.revoked(channel)
            return
        first.left -= 1
        if first.left == 0:
            self._waiting.popleft()
        if b"un" not in kind:
            self._owner.confirmed(channel)

    # The life of a connection -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, and have the kernel give up a connection on which nothing gets through."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER)
        if sys.platform == "linux":
            patience = round(self._user_timeout * 1000)
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)
        self.writable = True

    def pause_writing(self) -> None:
        """Redis does not read as fast as we write."""
        self.writable = False

    def resume_writing(self) -> None:
        """It does again."""
        if not self.lost.done():
            self.writable = True
            self._owner.writable()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end: whoever waits is told."""
        reason = self._reason or (f"connection lost: {exc}" if exc else "closed the connection")
        self.writable = False
        self.lost.set_result(reason)
        for waiting in self._waiting:
            if waiting is None:
                self.unanswered += 1
            elif isinstance(waiting, asyncio.Future) and not waiting.done():
                waiting.set_exception(ConnectionResetError(reason))
        self._waiting.clear()

    def abort(self, reason: str) -> None:
        """End it now."""
        if self._reason is None:
            self._reason = reason
        self.writable = False
        self._transport.abort()

    async def close(self, seconds: float = 1.0) -> None:
        """End it when Redis has carried out what it was sent, or after that time.

        A socket that is closed before the answers were read is reset, and what Redis has not read yet is lost.
        """
        self.writable = False
        try:
            with suppress(Refused, ConnectionError, TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.ask(b"HELLO", b"3")
        finally:  # also for whoever is cancelled while he waits
            self.abort("closed")
        await asyncio.wait({self.lost})
