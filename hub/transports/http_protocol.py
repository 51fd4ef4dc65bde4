"""Uvicorn's HTTP protocol with the patience and the appetite that a stranger deserves.

Uvicorn waits for ever for the rest of a request's headers and takes as many of them as come. Both are bounded here;
what comes after the headers is the business of the endpoints, or of `hub.transports.direct`.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from hub.transports.direct import Direct, Exchange
from hub.transports.heads import Known, known
from hub.transports.joined import Joined

HEADERS = 100
HEADER_BYTES = 32_768
HEADER_SECONDS = 5.0
TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


_WRITABLE: Final = asyncio.Event()
_WRITABLE.set()


class Flow(FlowControl):
    """Uvicorn's, in less memory: there is something to wait on only while somebody may have to wait."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._is_writable_event = _WRITABLE

    def pause_writing(self) -> None:
        """The client takes no more."""
        if not self.write_paused:
            self._is_writable_event = asyncio.Event()
        super().pause_writing()


class Pipeline(list[Any]):
    """What uvicorn needs of a deque, in a tenth of the memory: it is nearly always empty."""

    __slots__ = ()

    def appendleft(self, request: object) -> None:
        """Last in line."""
        self.insert(0, request)


class HTTPProtocol(HttpToolsProtocol):
    """Closes connections whose request headers are too long in coming, too many or too large."""

    most = 20_000
    """Connections of any kind; further ones are turned away. `serving` sets it."""
    direct: Direct
    """Serves the ordinary requests of polling clients. `serving` sets it."""
    cycle: RequestResponseCycle | Exchange | None  # type: ignore[assignment]

    # Beyond thirty attributes Python gives every object a dictionary of its own, which is a tenth of a held poll.
    __slots__ = ("_header_bytes", "_in_headers", "_is_between", "_known", "_patience", "_stalled")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio."""
        self._in_headers = True
        self._is_between = True  # the parser has seen the end of a request, and not the beginning of the next
        self._header_bytes = 0
        self._known: Known | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        self.flow = Flow(transport)
        self.pipeline = Pipeline()  # type: ignore[assignment]
        self.headers = []  # uvicorn makes them with the first letter of a request; line breaks may come before
        self._wait(HEADER_SECONDS)
        if len(self.connections) > self.most:
            transport.write(TOO_MANY)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._stop_waiting()
        self._stop_watching()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client takes no more. It may be as long about that as it may be silent."""
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(self.timeout_keep_alive, self.transport.abort)

    def resume_writing(self) -> None:
        """It does again."""
        self._stop_watching()
        super().resume_writing()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._header_bytes = 0
        self._in_headers = True
        self._is_between = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        super().on_header(name, value)
        self._count(0)

    def on_headers_complete(self) -> None:
        """The headers are there."""
        self._stop_waiting()
        self._in_headers = False
        if self.transport.is_closing():
            return
        idle = self.cycle is None or self.cycle.response_complete
        exchange = self.direct.begin(self) if idle else None
        if exchange is None:
            self._begin_by_asgi()
        else:
            self.cycle = exchange
            self.headers = []
            self.scope.clear()  # type: ignore[attr-defined]

    def _begin_by_asgi(self) -> None:
        before = self.cycle
        super().on_headers_complete()
        cycle = self.cycle
        if cycle is before or not isinstance(cycle, RequestResponseCycle):
            return  # the connection changes hands
        if cycle.scope["method"] != "HEAD" and not cycle.waiting_for_100_continue:
            cycle.transport = Joined(self.transport)  # type: ignore[assignment]

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._is_between = True
        self._stop_waiting()
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if self.transport.is_closing() or self._comes_again(data):
            return
        last, was_between = self.cycle, self._is_between
        super().data_received(data)
        if self._in_headers:
            self._count(len(data))  # a header may be endless in itself, and is not told of before its end
            self._wait(HEADER_SECONDS)
        elif isinstance(self.cycle, Exchange):
            if self.cycle.more_body:
                self._wait(self.cycle.patience)
            elif was_between and self.cycle is not last:
                self._known = known(self.cycle.head, data)
        self._stay_patient()

    def _stay_patient(self) -> None:
        """Uvicorn waits for the next request no longer once anything has come: line breaks before it, or the rest of
        one that was answered early.
        """
        answered = self.cycle is not None and self.cycle.response_complete
        if answered and self.timeout_keep_alive_task is None and self._is_ours():
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _is_ours(self) -> bool:
        """Whether the connection has neither been closed nor changed hands."""
        return self in self.connections and not self.transport.is_closing()

    def _comes_again(self, data: bytes) -> bool:
        """Whether this is one request with the head of the last one, which is under way then without having been
        parsed: to the parser it is as if it had never come.
        """
        if self._known is None or not self._is_between or self.cycle is None or not self.cycle.response_complete:
            return False
        body = self._known.body(data)
        exchange = self.direct.again(self, self._known.head, body) if body is not None else None
        if exchange is None:
            return False
        self._unset_keepalive_if_required()
        self.cycle = exchange
        exchange.receive()
        return True

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if (self._header_bytes > HEADER_BYTES or len(self.headers) > HEADERS) and not self.transport.is_closing():
            self.transport.write(TOO_LARGE)
            self.transport.close()

    def _wait(self, seconds: float) -> None:
        """For so long at most; not anew with everything that comes."""
        if self._patience is None and not self.transport.is_closing():
            self._patience = self.loop.call_later(seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _stop_watching(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _too_slow(self) -> None:
        self._patience = None
        self.transport.abort()

    def handle_websocket_upgrade(self) -> None:
        """The connection changes hands, unless its request has been refused."""
        self._stop_waiting()
        self._stop_watching()
        if not self.transport.is_closing():
            super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Refuse the request, unless it has been refused already."""
        if not self.transport.is_closing():
            super().send_400_response(msg)


def serving(direct: Direct, connections: int) -> type[HTTPProtocol]:
    """The protocol for a hub that takes so many WebSockets: polling clients have two connections each."""
    return type("BoundHTTPProtocol", (HTTPProtocol,), {"most": 2 * connections, "direct": direct})
