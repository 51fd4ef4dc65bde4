"""Long-polling past ASGI: ordinary requests are answered by the connection that they came on.

A held connect is then a session with the request in its hands, and nothing else: no task, no chain of coroutines, no
scope and no headers. What is out of the ordinary (a body in chunks or of unusual size, credentials that have to be
waited for, a client that does not take its answers) goes the way of all requests, to `hub.transports.http`, under the
same rules.
"""

from collections.abc import Iterable
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from hub.kernel import ids, logs
from hub.kernel.errors import HubError
from hub.realtime.ports import Credentials
from hub.realtime.session import Session
from hub.transports import bodies, browser, paths
from hub.transports.heads import Head
from hub.transports.poll import Poll
from hub.transports.polling import JSON, Polling, RequestHeaders, cookies_for, has_handshake

LARGEST: Final = 65_536
"""Of a body; beyond, uvicorn stops reading until somebody takes what is there."""

_log = logs.get("hub.polling")


def _lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


_JSON: Final = _lines(JSON)


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
        head = self._head(headers, credentials, keep_alive=protocol.parser.should_keep_alive())
        return Exchange(protocol, self._polling, head, credentials) if 0 < int(size) <= head.most else None

    def _head(self, headers: RequestHeaders, credentials: Credentials, *, keep_alive: bool) -> Head:
        limits = self._polling.limits
        return Head(
            credentials=credentials,
            browser=browser.read(headers.get(b"cookie")),
            request_id=headers.get(b"x-request-id"),
            answer=_lines(self._polling.across(headers)),
            most=min(LARGEST, limits.message_bytes if credentials.principal else limits.stranger_bytes),
            keep_alive=keep_alive,
        )

    def again(self, protocol: HttpToolsProtocol, head: Head, body: bytes) -> "Exchange | None":
        """The same for a whole request with a known head, whose credentials may have lost their worth meanwhile."""
        credentials = self._polling.node.admission.again(head.credentials)
        if credentials.fault is not None or protocol.flow.write_paused:
            return None
        return Exchange(protocol, self._polling, head, credentials, body)


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
        "_polling",
        "_protocol",
        "_sessions",
        "_shook",
        "body",
        "disconnected",
        "head",
        "keep_alive",
        "more_body",
        "response_complete",
    )

    def __init__(
        self,
        protocol: HttpToolsProtocol,
        polling: Polling,
        head: Head,
        credentials: Credentials,
        body: bytes | None = None,
    ) -> None:
        """`body`: the whole of it, if it is there already; `receive` is to be called then."""
        super().__init__(credentials, head.browser)
        self._protocol = protocol
        self._polling = polling
        self._shook = False
        self._sessions: list[Session] | None = None
        self.head = head
        self.body: bytearray | bytes = bytearray() if body is None else body
        self.more_body = body is None
        self.keep_alive = head.keep_alive
        self.disconnected = False
        self.response_complete = False

    @property
    def patience(self) -> float:
        """Seconds for the whole request."""
        limits = self._polling.limits
        return limits.hello if self.credentials.principal is None else limits.body

    @property
    def message_event(self) -> "Exchange":
        """What uvicorn sets when something has happened to the request."""
        return self

    def set(self) -> None:
        """Something has happened: more of the body, its end, or the end of the connection."""
        if self.disconnected:
            self._leave()
        elif not self.more_body and self._sessions is None and not self.response_complete:
            self.receive()

    def receive(self) -> None:
        """The request is whole."""
        try:
            messages = self._polling.messages(bodies.messages_in(bytes(self.body)))
            self._shook = self.browser is None and has_handshake(messages)
            self._sessions = self._polling.node.receive(messages, self)
        except HubError as error:
            self._respond(*self._polling.refusal(error))
        except Exception:  # noqa: BLE001 - the parser, which calls this, would take it for a fault of the request
            _log.exception("request failed")
            self._respond(500, b'{"error":"internal_error"}')
        self.body = b""
        if self.whole is not None:
            self._finish()

    def completed(self) -> None:
        """See `Poll`."""
        if self._sessions is not None:
            self._finish()  # otherwise by `receive`, which does not know yet whose sessions they are

    def _finish(self) -> None:
        if self.whole is None or self.disconnected or self.response_complete:
            return
        cookies = b""
        if self._shook:
            cookies = _lines(cookies_for(self, self._sessions or (), secure=self._protocol.scheme == "https"))
        self._respond(self._polling.status(self), self.whole, cookies)

    def _leave(self) -> None:
        """The client has gone before it was answered."""
        if self.whole is None:
            for session in self._sessions or ():
                session.lost(self)

    def _respond(self, status: int, body: bytes, cookies: bytes = b"") -> None:
        protocol = self._protocol
        if protocol.transport.is_closing():
            return
        content = (
            STATUS_LINE[status],
            _JSON,
            _lines(protocol.server_state.default_headers),
            b"x-request-id: %b\r\n" % ids.request_id(self.head.request_id).encode(),
            self.head.answer,
            cookies,
            b"" if self.keep_alive else b"connection: close\r\n",
            b"content-length: %d\r\n\r\n" % len(body),
            body,
        )
        protocol.transport.write(b"".join(content))
        self.response_complete = True
        self.whole = b""  # the connection keeps the exchange until the next one
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()
