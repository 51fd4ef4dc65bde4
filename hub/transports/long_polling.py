"""Bayeux over plain HTTP: a POST carries messages, the response their answers, and a held connect waits for events."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

from starlette.types import Receive, Scope, Send

from hub.bayeux import codec
from hub.bayeux import events as on
from hub.bayeux.messages import Message
from hub.kernel import metrics
from hub.kernel.errors import BadInput, HubError, TooLarge
from hub.realtime.node import Node
from hub.realtime.ports import Credentials
from hub.realtime.session import Session
from hub.transports import browser
from hub.transports.limits import Limits

HEADERS = [
    (b"content-type", b"application/json;charset=UTF-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]
DISPLACED = 500  # a newer connect of the same client took the place of this one; clients ignore the failure

ASGIMessage = MutableMapping[str, Any]


class ClientGone(Exception):
    """The client closed its connection before its request was complete."""


class Poll:
    """One HTTP request: collects the answers to its messages until the last one is there."""

    __slots__ = ("_answers", "_missing", "browser", "complete", "credentials", "displaced")

    def __init__(self, credentials: Credentials, browser: str | None) -> None:
        self.credentials = credentials
        self.browser = browser
        self.displaced = False
        self.complete: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answers: list[bytes] = []
        self._missing = 0

    def expect(self, answers: int) -> None:
        """See `hub.realtime.ports.Origin`."""
        self._missing = answers

    def answer(self, messages: Sequence[bytes], *, displaced: bool = False) -> None:
        """See `hub.realtime.ports.Origin`."""
        self._answers += messages
        self.displaced = self.displaced or displaced
        self._missing -= 1
        if self._missing == 0 and not self.complete.done():
            self.complete.set_result(b"[%b]" % b",".join(self._answers))


class LongPolling:
    """The ASGI endpoint."""

    def __init__(self, node: Node, limits: Limits) -> None:
        self._node = node
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one POST."""
        try:
            messages = self._decode(await _body(receive, self._limits.message_bytes))
        except ClientGone:
            return
        except HubError as error:
            metrics.BAD_FRAMES.labels("too_large" if isinstance(error, TooLarge) else "malformed").inc()
            await _respond(send, error.status, b'{"error":"%b"}' % error.code.encode())
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        poll = Poll(self._credentials(scope, headers), browser.read(headers.get(b"cookie")))
        sessions = self._node.receive(messages, poll)
        try:
            if not poll.complete.done():
                await _first(poll.complete, receive())
        finally:
            if not poll.complete.done():
                self._lost(sessions, poll)
        if poll.complete.done():
            await _respond(send, DISPLACED if poll.displaced else 200, poll.complete.result())
            for session in sessions:
                session.feed(on.Written())

    def _decode(self, body: bytes) -> list[Message]:
        messages = codec.decode(body, max_bytes=self._limits.message_bytes, max_depth=self._limits.depth)
        if not messages:
            raise BadInput("a request without messages")
        return messages

    def _credentials(self, scope: Scope, headers: Mapping[bytes, str]) -> Credentials:
        return self._node.admission.credentials(
            headers.get(b"authorization"), scope["query_string"].decode("latin-1"), headers.get(b"user-agent")
        )

    def _lost(self, sessions: Sequence[Session], poll: Poll) -> None:
        for session in sessions:
            session.lost(poll)


async def _first(complete: "asyncio.Future[bytes]", message: Awaitable[ASGIMessage]) -> None:
    """Wait for the answer, or for the client to go away: after the body nothing else can come in."""
    gone = asyncio.ensure_future(message)
    either: set[asyncio.Future[Any]] = {complete, gone}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()


async def _body(receive: Callable[[], Awaitable[ASGIMessage]], limit: int) -> bytes:
    """The whole body. Raises `TooLarge` as soon as it is known to be, `ClientGone`."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise TooLarge(f"more than {limit} bytes")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def _respond(send: Send, status: int, body: bytes) -> None:
    headers = [*HEADERS, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
