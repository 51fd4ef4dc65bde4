"""Bayeux over plain HTTP: a POST carries messages, the response their answers, and a held connect waits for events.

Requests that are ordinary never come here: see `hub.transports.direct`.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.types import Receive, Scope, Send

from hub.bayeux import events as on
from hub.bayeux.messages import Message
from hub.kernel.errors import HubError, TooLarge
from hub.realtime.ports import Credentials
from hub.realtime.session import Session
from hub.transports import bodies, browser, callback_polling, cross_origin
from hub.transports.cross_origin import Headers
from hub.transports.poll import AwaitedPoll
from hub.transports.polling import JSON, Polling, RequestHeaders, cookies_for, has_handshake

CLIENT_ID = b'"clientId"'

ASGIMessage = MutableMapping[str, Any]


class ClientGone(Exception):
    """The client closed its connection before its request was complete."""


class HTTPTransports:
    """The ASGI endpoint of long-polling and callback-polling."""

    def __init__(self, polling: Polling, *, callbacks: bool) -> None:
        self._polling = polling
        self._limits = polling.limits
        self._callbacks = callbacks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        match scope["method"]:
            case "OPTIONS":
                await _respond(send, 204, b"", cross_origin.preflight_headers(headers, self._polling.origins))
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
            await _respond(send, *self._polling.refusal(error), [*JSON, *self._polling.across(headers)])

    # The two transports -----------------------------------------------------------------------------------------

    async def _post(self, scope: Scope, headers: RequestHeaders, receive: Receive, send: Send) -> None:
        credentials = await self._credentials(scope, headers, cookies=True)
        messages = self._polling.messages(bodies.messages_in(await self._body(receive, credentials)))
        poll = AwaitedPoll(credentials, browser.read(headers.get(b"cookie")))
        sessions = await self._exchange(messages, poll, receive)
        answer = [*JSON, *self._polling.across(headers)]
        if has_handshake(messages):
            answer += cookies_for(poll, sessions, secure=scope["scheme"] == "https")
        await _respond(send, self._polling.status(poll), poll.whole or b"", answer)
        _written(sessions)

    async def _get(self, scope: Scope, headers: RequestHeaders, receive: Receive, send: Send) -> None:
        query, callback = callback_polling.read(scope["query_string"].decode("latin-1"))
        poll = AwaitedPoll(await self._credentials(scope, headers, cookies=False), None)
        await self._body(receive, poll.credentials)
        sessions = await self._exchange(self._polling.messages(query), poll, receive)
        script = callback_polling.script(callback, poll.whole or b"")
        await _respond(send, self._polling.status(poll), script, callback_polling.HEADERS)
        _written(sessions)

    async def _exchange(self, messages: list[Message], poll: AwaitedPoll, receive: Receive) -> list[Session]:
        """Hand the messages over and return when all are answered. Raises `ClientGone`."""
        sessions = self._polling.node.receive(messages, poll)
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

    async def _credentials(self, scope: Scope, headers: RequestHeaders, *, cookies: bool) -> Credentials:
        peer = scope["client"][0] if scope.get("client") else ""
        query = scope["query_string"].decode("latin-1")
        return await self._polling.node.admission.settled(
            self._polling.credentials(headers, query, peer, scope["path"], cookies=cookies)
        )

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
        return self._polling.node.is_session(name.decode("latin-1"))


def _written(sessions: list[Session]) -> None:
    for session in sessions:
        session.feed(on.Written())


async def _first(complete: "asyncio.Future[None]", message: Awaitable[ASGIMessage]) -> None:
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
