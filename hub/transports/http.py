"""Bayeux over plain HTTP: a POST carries messages, the response their answers, and a held connect waits for events."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

from starlette.types import Receive, Scope, Send

from hub.auth import login
from hub.bayeux import codec
from hub.bayeux import events as on
from hub.bayeux.messages import HANDSHAKE, Message
from hub.kernel import metrics
from hub.kernel.addresses import client_address
from hub.kernel.errors import BadInput, HubError, TooLarge
from hub.realtime.node import Node
from hub.realtime.ports import Credentials
from hub.realtime.session import Session
from hub.transports import bodies, browser, callback_polling, cross_origin
from hub.transports.cross_origin import Headers
from hub.transports.limits import Limits
from hub.transports.poll import Poll

JSON = [
    (b"content-type", b"application/json;charset=UTF-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]
CLIENT_ID = b'"clientId"'

ASGIMessage = MutableMapping[str, Any]
RequestHeaders = Mapping[bytes, str]


class ClientGone(Exception):
    """The client closed its connection before its request was complete."""


class HTTPTransports:
    """The ASGI endpoint of long-polling and callback-polling."""

    def __init__(self, node: Node, limits: Limits, origins: frozenset[str], *, callbacks: bool) -> None:
        self._node = node
        self._limits = limits
        self._origins = origins
        self._callbacks = callbacks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        match scope["method"]:
            case "OPTIONS":
                await _respond(send, 204, b"", cross_origin.preflight_headers(headers, self._origins))
            case "POST":
                await self._serve(scope, headers, receive, send, self._post)
            case "GET" if self._callbacks:
                await self._serve(scope, headers, receive, send, self._get)
            case _:
                allow = (b"allow", b"POST, GET, OPTIONS" if self._callbacks else b"POST, OPTIONS")
                await _respond(send, 405, b'{"error":"method_not_allowed"}', [*JSON, allow])

    async def _serve(
        self,
        scope: Scope,
        headers: RequestHeaders,
        receive: Receive,
        send: Send,
        serve: Callable[[Scope, RequestHeaders, Receive, Send], Awaitable[None]],
    ) -> None:
        try:
            await serve(scope, headers, receive, send)
        except ClientGone:
            return
        except HubError as error:
            metrics.BAD_FRAMES.labels("too_large" if isinstance(error, TooLarge) else "malformed").inc()
            across = cross_origin.answer_headers(headers, self._origins)
            await _respond(send, error.status, b'{"error":"%b"}' % error.code.encode(), [*JSON, *across])

    # The two transports -----------------------------------------------------------------------------------------

    async def _post(self, scope: Scope, headers: RequestHeaders, receive: Receive, send: Send) -> None:
        credentials = await self._credentials(scope, headers, self._cookie(headers))
        messages = self._decode(bodies.messages_in(await self._body(receive, credentials)))
        poll = Poll(credentials, browser.read(headers.get(b"cookie")))
        sessions = await self._exchange(messages, poll, receive)
        answer = [*JSON, *cross_origin.answer_headers(headers, self._origins)]
        if poll.browser is None and _opened(messages, sessions):
            answer.append((b"set-cookie", browser.set_new(secure=scope["scheme"] == "https")))
        await _respond(send, self._status(poll), poll.complete.result(), answer)
        _written(sessions)

    async def _get(self, scope: Scope, headers: RequestHeaders, receive: Receive, send: Send) -> None:
        query, callback = callback_polling.read(scope["query_string"].decode("latin-1"))
        poll = Poll(await self._credentials(scope, headers, None), None)
        await self._body(receive, poll.credentials)
        sessions = await self._exchange(self._decode(query), poll, receive)
        script = callback_polling.script(callback, poll.complete.result())
        await _respond(send, self._status(poll), script, callback_polling.HEADERS)
        _written(sessions)

    def _status(self, poll: Poll) -> int:
        return self._limits.displaced if poll.displaced else 200

    async def _exchange(self, messages: list[Message], poll: Poll, receive: Receive) -> list[Session]:
        """Hand the messages over and return when all are answered. Raises `ClientGone`."""
        sessions = self._node.receive(messages, poll)
        try:
            if not poll.complete.done():
                await _first(poll.complete, receive())
        finally:
            if not poll.complete.done():
                for session in sessions:
                    session.lost(poll)
        if not poll.complete.done():
            raise ClientGone
        return sessions

    # Reading a request ------------------------------------------------------------------------------------------

    def _decode(self, payload: bytes) -> list[Message]:
        messages = codec.decode(payload, max_bytes=self._limits.message_bytes, max_depth=self._limits.depth)
        if not messages:
            raise BadInput("a request without messages")
        return messages

    async def _credentials(self, scope: Scope, headers: RequestHeaders, cookie: str | None) -> Credentials:
        peer = scope["client"][0] if scope.get("client") else ""
        admission = self._node.admission
        credentials = admission.credentials(
            headers.get(b"authorization"),
            scope["query_string"].decode("latin-1"),
            headers.get(b"user-agent"),
            cookie=cookie,
            address=client_address(peer, headers.get(b"x-forwarded-for"), self._limits.proxies),
        )
        return await admission.settled(credentials)

    def _cookie(self, headers: RequestHeaders) -> str | None:
        """The login cookie, if a page of ours has sent it on purpose; any other is as good as none."""
        cookie = login.cookie(headers.get(b"cookie"))
        if cookie is None or b"authorization" in headers:
            return None
        is_meant = login.is_meant(
            cookie,
            token=headers.get(login.CSRF_HEADER.lower().encode()),
            origin=headers.get(b"origin"),
            host=headers.get(b"host"),
            allowed=self._origins,
        )
        return cookie if is_meant else None

    async def _body(self, receive: Receive, credentials: Credentials) -> bytes:
        """The whole body: little, and quickly, from strangers. Raises `TooLarge`, `ClientGone`."""
        parts: list[bytes] = []
        size = 0
        known = credentials.principal is not None
        try:
            async with asyncio.timeout(self._limits.body) as patience:
                if not known:
                    patience.reschedule(asyncio.get_running_loop().time() + self._limits.hello)
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    known = known or (size > self._limits.stranger_bytes and self._is_known(b"".join(parts)))
                    if size > (self._limits.message_bytes if known else self._limits.stranger_bytes):
                        raise TooLarge
                    more = message.get("more_body", False)
        except TimeoutError:
            raise ClientGone from None
        return b"".join(parts)

    def _is_known(self, beginning: bytes) -> bool:
        """Whether the beginning of a body names a session of this process; its client may send more."""
        _, _, rest = beginning.partition(CLIENT_ID)
        name = rest[:80].partition(b'"')[2].partition(b'"')[0]
        return self._node.is_session(name.decode("latin-1"))


def _opened(messages: list[Message], sessions: Sequence[Session]) -> bool:
    shook = any(message.channel == HANDSHAKE for message in messages)
    return shook and any(not session.ended for session in sessions)


def _written(sessions: Sequence[Session]) -> None:
    for session in sessions:
        session.feed(on.Written())


async def _first(complete: "asyncio.Future[bytes]", message: Awaitable[ASGIMessage]) -> None:
    """Wait for the answer, or for the client to go away: after the body nothing else can come in."""
    gone = asyncio.ensure_future(message)
    either: set[asyncio.Future[Any]] = {complete, gone}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()


async def _respond(send: Send, status: int, body: bytes, headers: Headers) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
