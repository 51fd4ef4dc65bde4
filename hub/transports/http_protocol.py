"""Uvicorn's HTTP protocol with the patience and the appetite that a stranger deserves.

Uvicorn waits for ever for the rest of a request's headers and takes as many of them as come. Both are bounded here;
what comes after the headers is the business of the endpoints.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS = 100
HEADER_BYTES = 32_768
HEADER_SECONDS = 5.0
TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class HTTPProtocol(HttpToolsProtocol):
    """Closes connections whose request headers are too long in coming, too many or too large."""

    most = 20_000
    """Connections of any kind; further ones are turned away. `bounded` sets it."""
    _patience: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio."""
        super().connection_made(transport)
        self.headers = []  # uvicorn makes them with the first letter of a request; line breaks may come before
        self._wait_for_headers()
        if len(self.connections) > self.most:
            transport.write(TOO_MANY)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._header_bytes = 0
        self._wait_for_headers()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        super().on_header(name, value)
        self._count(0)

    def on_headers_complete(self) -> None:
        """The headers are there."""
        self._stop_waiting()
        if not self.transport.is_closing():
            super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._patience is not None:
            self._count(len(data))  # a header may be endless in itself, and is not told of before its end

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if (self._header_bytes > HEADER_BYTES or len(self.headers) > HEADERS) and not self.transport.is_closing():
            self.transport.write(TOO_LARGE)
            self.transport.close()

    def _wait_for_headers(self) -> None:
        self._stop_waiting()
        self._patience = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _too_slow(self) -> None:
        self._patience = None
        self.transport.abort()

    def handle_websocket_upgrade(self) -> None:
        """The connection changes hands, unless its request has been refused."""
        self._stop_waiting()
        if not self.transport.is_closing():
            super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Refuse the request, unless it has been refused already."""
        if not self.transport.is_closing():
            super().send_400_response(msg)


def bounded(connections: int) -> type[HTTPProtocol]:
    """The protocol for a hub that takes so many WebSockets: polling clients have two connections each."""
    return type("BoundedHTTPProtocol", (HTTPProtocol,), {"most": 2 * connections})
