"""Long-polling past ASGI: ordinary requests are answered by the connection that they came on.

A held connect is then a session with the request in its hands, and nothing else: no task, no chain of coroutines, no
scope and no headers. What is out of the ordinary (a body in chunks or of unusual size, credentials that have to be
waited for, a client that does not take its answers) goes the way of all requests, to `hub.transports.http`, under the
same rules.
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from hub.bayeux import events as on
from hub.kernel import ids, logs
from hub.kernel.errors import HubError
from hub.realtime.ports import Credentials
from hub.realtime.session import Session
from hub.transports import bodies, browser, paths
from hub.transports.cross_origin import Headers
from hub.transports.poll import Poll
from hub.transports.polling import JSON, Polling, RequestHeaders, cookies_for, has_handshake

LARGEST: Final = 65_536
"""Of a body; beyond, uvicorn stops reading until somebody takes what is there."""

_HEAD: Final = b"".join(b"%b: %b\r\n" % header for header in JSON)
_log = logs.get("hub.polling")


class Direct:
    """Tells the ordinary requests from the others."""

    def __init__(self, polling: Polling) -> None:
        self._polling = polling

    def begin(self, protocol: HttpToolsProtocol) -> "Exchange | None":
        """What takes over the request whose headers have just come, None if it shall go through ASGI.

        Nothing else may be under way on the connection.
        """
        url, _, query = protocol.url.partition(b"?")
        path = url.decode("latin-1")
        if not paths.is_bayeux(path) or not _is_plain(protocol):
            return None
        headers = {name: value.decode("latin-1") for name, value in protocol.headers}
        size = headers.get(b"content-length", "")
        if b"transfer-encoding" in headers or not size.isdecimal():
            return None
        peer = protocol.client[0] if protocol.client else ""
        credentials = self._polling.credentials(headers, query.decode("latin-1"), peer, path)
        if not self._polling.node.admission.is_settled(credentials):
            return None
        limits = self._polling.limits
        known = credentials.principal is not None
        if not 0 < int(size) <= min(LARGEST, limits.message_bytes if known else limits.stranger_bytes):
            return None
        return Exchange(protocol, self._polling, credentials, headers)


def _is_plain(protocol: HttpToolsProtocol) -> bool:
    parser = protocol.parser
    return (
        parser.get_method() == b"POST"
        and not parser.should_upgrade()
        and parser.get_http_version() == "1.1"
        and not protocol.expect_100_continue
        and not protocol.flow.write_paused
    )


class Exchange(Poll):
    """One request and its response. Stands where uvicorn keeps its own record of a request, and has what uvicorn sets
    and looks at there.
    """

    __slots__ = (
        "_extra",
        "_polling",
        "_protocol",
        "_sessions",
        "_shook",
        "body",
        "disconnected",
        "keep_alive",
        "more_body",
        "patience",
        "response_complete",
    )

    def __init__(
        self, protocol: HttpToolsProtocol, polling: Polling, credentials: Credentials, headers: RequestHeaders
    ) -> None:
        super().__init__(credentials, browser.read(headers.get(b"cookie")))
        limits = polling.limits
        self.patience = limits.hello if credentials.principal is None else limits.body
        """Seconds for the whole request."""
        self._protocol = protocol
        self._polling = polling
        self._extra: Headers = [
            (b"x-request-id", ids.request_id(headers.get(b"x-request-id")).encode()),
            *polling.across(headers),
        ]
        self._shook = False
        self._sessions: list[Session] | None = None
        self.body = bytearray()
        self.more_body = True
        self.keep_alive = protocol.parser.should_keep_alive()
        self.disconnected = False
        self.response_complete = False

    @property
    def message_event(self) -> "Exchange":
        """What uvicorn sets when something has happened to the request."""
        return self

    def set(self) -> None:
        """Something has happened: more of the body, its end, or the end of the connection."""
        if self.disconnected:
            self._leave()
        elif not self.more_body and self._sessions is None and not self.response_complete:
            self._receive()

    def _receive(self) -> None:
        """The request is whole."""
        try:
            messages = self._polling.messages(bodies.messages_in(bytes(self.body)))
            self._shook = has_handshake(messages)
            self._sessions = self._polling.node.receive(messages, self)
        except HubError as error:
            self._respond(*self._polling.refusal(error))
        except Exception:  # noqa: BLE001 - the parser, which calls this, would take it for a fault of the request
            _log.exception("request failed")
            self._respond(500, b'{"error":"internal_error"}')
        self.body = bytearray()

    def completed(self) -> None:
        """See `Poll`."""
        asyncio.get_running_loop().call_soon(self._finish)

    def _finish(self) -> None:
        sessions = self._sessions or []
        if self.whole is not None and not (self.disconnected or self.response_complete):
            if self._shook:
                self._extra += cookies_for(self, sessions, secure=self._protocol.scheme == "https")
            self._respond(self._polling.status(self), self.whole)
        for session in sessions:
            session.feed(on.Written())

    def _leave(self) -> None:
        """The client has gone before it was answered."""
        if self.whole is None:
            for session in self._sessions or ():
                session.lost(self)

    def _respond(self, status: int, body: bytes) -> None:
        protocol = self._protocol
        if protocol.transport.is_closing():
            return
        headers = [*protocol.server_state.default_headers, *self._extra]
        content = [STATUS_LINE[status], _HEAD, *(b"%b: %b\r\n" % header for header in headers)]
        if not self.keep_alive:
            content.append(b"connection: close\r\n")
        content.append(b"content-length: %d\r\n\r\n%b" % (len(body), body))
        protocol.transport.write(b"".join(content))
        self.response_complete = True
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()
