"""Bayeux over WebSocket, outside ASGI: a protocol class that uvicorn is given for upgrades.

Bytes that arrive become messages in `framing`. Events leave as frames prepared once for all receivers, several of them
in one write. There is no task per connection; whatever is to happen later stands in the wheel of the node.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.datastructures import MultipleValuesError
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import CONNECTING, OPEN, Event
from websockets.server import ServerProtocol

from hub.bayeux import codec
from hub.kernel import metrics
from hub.kernel.errors import HubError
from hub.realtime.node import Node
from hub.realtime.ports import Credentials
from hub.realtime.prepared import frame
from hub.transports import framing, upgrade
from hub.transports.framing import Framing
from hub.transports.limits import Limits

if TYPE_CHECKING:
    from hub.realtime.session import Session


class WebSockets:
    """What all connections share. Call it as uvicorn calls a protocol class."""

    def __init__(self, node: Node, limits: Limits, origins: frozenset[str]) -> None:
        self.node = node
        self.limits = limits
        self.origins = origins
        self.open: set[Connection] = set()
        self.strangers: set[Connection] = set()
        """Those of the open ones that came without a good token and that no session speaks through."""
        metrics.CONNECTIONS.set_function(lambda: len(self.open))

    def is_full(self) -> bool:
        """Whether one more connection, which counts already, is one too many."""
        return len(self.open) > self.limits.connections

    def is_crowded(self) -> bool:
        """The same for a stranger."""
        return len(self.strangers) > self.limits.half_open

    def __call__(self, *, config: Config, server_state: ServerState, app_state: dict[str, object]) -> "Connection":
        """A protocol for one connection that asked for an upgrade."""
        del config, app_state
        return Connection(self, server_state)


class Connection(asyncio.Protocol):
    """One WebSocket; the `Link` of the session that speaks through it."""

    __slots__ = (
        "_choked",
        "_closed",
        "_closing",
        "_credentials",
        "_due",
        "_fragments",
        "_framing",
        "_full",
        "_heard_at",
        "_limits",
        "_node",
        "_open",
        "_opening",
        "_out",
        "_paused",
        "_pinged",
        "_server_state",
        "_session",
        "_shared",
        "_transport",
        "browser",
        "deflates",
        "filed",
        "write",
    )

    def __init__(self, shared: WebSockets, server_state: ServerState) -> None:
        self._shared = shared
        self._node = shared.node
        self._limits = shared.limits
        self._server_state = server_state
        self._opening: ServerProtocol | None = ServerProtocol(logger=framing.logger)
        self._framing = Framing(self._opening, shared.limits.stranger_bytes)
        self._transport: asyncio.Transport
        self.write: Callable[[bytes], object]
        self._fragments: list[bytes] = []
        self._out: list[bytes] = []
        self._closing: tuple[int, str, Session | None] | None = None
        self._open = False
        """Whether the protocol is, which takes it long to say."""
        self._closed = False
        """Whether we have ended the conversation; what the client said before it closed itself still counts."""
        self._heard_at = self._now()
        self._due = self._heard_at + shared.limits.hello
        self._pinged = False
        self.filed = -1
        self.deflates = False
        self._credentials = Credentials()
        self.browser: str | None = None
        self._session: Session | None = None
        self._full = False
        self._paused = True
        self._choked = False

    def _now(self) -> float:
        return self._node.clock.monotonic()

    # asyncio.Protocol -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Uvicorn hands over a connection, and then the request that it has read."""
        self._transport = cast("asyncio.Transport", transport)
        self.write = self._transport.write
        self._transport.set_write_buffer_limits(high=self._limits.write_buffer)
        self._server_state.connections.add(self)  # type: ignore[arg-type]
        self._shared.open.add(self)
        self._shared.strangers.add(self)
        self._node.wheel.file(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone; the session may come back on another one."""
        del exc
        self._server_state.connections.discard(self)
        self._shared.open.discard(self)
        self._due = math.inf
        session, self.session = self.session, None
        if session is not None:
            session.lost(self)
        self._shared.strangers.discard(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of the client."""
        events = self._framing.receive(data)
        self._look()
        self._heard_at = self._now()
        self._pinged = False
        for event in events:
            self._happened(event)
        self._flush_protocol()
        if self._opening is not None and self._open and data.endswith(b"\r\n\r\n") and len(events) == 1:
            self._opening = None
            self._framing.opened()
        self._balance()

    def eof_received(self) -> None:
        """The client sends no more."""
        self._framing.protocol().receive_eof()
        self._look()
        self._flush_protocol()

    def pause_writing(self) -> None:
        """The network takes no more."""
        self._full = True
        self._look()

    def resume_writing(self) -> None:
        """It does again."""
        self._full = False
        self._look()
        self._balance()

    def _balance(self) -> None:
        """Read no faster than messages get their turn, and no faster than the client takes what they bring about."""
        waiting = 0 if self._session is None else self._session.engine.waiting
        much = waiting > self._limits.waiting or self._transport.get_write_buffer_size() > self._limits.unread
        if much is self._choked or self._transport.is_closing():
            return
        self._choked = much
        if much:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def shutdown(self) -> None:
        """Uvicorn stops; whoever is still here after the drain has to go."""
        self.close(CloseCode.SERVICE_RESTART, "restart")

    # Arrivals ---------------------------------------------------------------------------------------------------

    def _happened(self, event: bytes | Event) -> None:
        if isinstance(event, Request):
            self._upgrade(event)
        elif isinstance(event, bytes) and not self._closed:
            self._message(event)
        elif isinstance(event, Frame) and not self._closed:
            self._framed(event)

    def _upgrade(self, request: Request) -> None:
        opening = self._opening
        if opening is None or opening.state is not CONNECTING:
            self._transport.abort()  # what came along with the request was no WebSocket
            return
        try:
            response = self._refusal(request, opening) or opening.accept(request)
        except MultipleValuesError as error:
            response = opening.reject(HTTPStatus.BAD_REQUEST, f"more than one {error.args[0]}\n")
        opening.send_response(response)
        self.deflates = upgrade.deflates(opening)
        self._look()
        self._flush_protocol()  # before anything that answers what came along with the request

    def _refusal(self, request: Request, protocol: ServerProtocol) -> Response | None:
        refused = upgrade.refusal(request, protocol, self._shared)
        if refused is not None:
            return refused
        self._credentials = upgrade.credentials(request, self._shared, self._transport.get_extra_info("peername"))
        if self._credentials.principal is not None:
            self._shared.strangers.discard(self)
            self._framing.most = self._limits.message_bytes
            self._due = self._now() + self._limits.body
            if self._limits.deflate:
                upgrade.offer_deflate(protocol)
        elif self._shared.is_crowded():
            return upgrade.full(protocol, "strangers")
        return None

    def _framed(self, received: Frame) -> None:
        match received.opcode:
            case Opcode.TEXT | Opcode.CONT:
                self._text(received)
            case Opcode.BINARY:
                self._reject(CloseCode.UNSUPPORTED_DATA, "text frames only", "binary")
            case _:
                pass  # the protocol itself answers pings and closes

    def _text(self, received: Frame) -> None:
        if received.fin and not self._fragments:
            self._message(bytes(received.data))
            return
        self._fragments.append(bytes(received.data))
        if len(self._fragments) > self._limits.fragments:
            self._reject(CloseCode.POLICY_VIOLATION, "too many fragments", "protocol")
        elif received.fin:
            whole = b"".join(self._fragments)
            self._fragments.clear()
            self._message(whole)

    def _message(self, payload: bytes) -> None:
        try:
            messages = codec.decode(payload, max_bytes=self._limits.message_bytes, max_depth=self._limits.depth)
        except HubError as error:
            self._reject(CloseCode.INVALID_DATA, error.code, "malformed")
            return
        if messages:
            self._node.receive(messages, self, link=self)
            if self._session is None:
                self._bear_with_stranger()

    def _bear_with_stranger(self) -> None:
        """One read may bring twenty times its size in answers, and without a session nothing else is written."""
        self._flush()
        if self._transport.get_write_buffer_size() > self._limits.unread:
            self._reject(CloseCode.POLICY_VIOLATION, "too many messages without a session", "protocol")

    def _reject(self, code: int, reason: str, counted: str) -> None:
        metrics.BAD_FRAMES.labels(counted).inc()
        self.close(code, reason)

    # Link -------------------------------------------------------------------------------------------------------

    @property
    def credentials(self) -> Credentials:
        """See `hub.realtime.ports.Origin`; what was refused is looked at again, for its key may be known by now."""
        if self._credentials.fault is not None and self._credentials.token is not None:
            self._credentials = self._node.admission.again(self._credentials)
        return self._credentials

    @property
    def session(self) -> "Session | None":
        """See `hub.realtime.ports.Link`."""
        return self._session

    @session.setter
    def session(self, session: "Session | None") -> None:
        self._session = session
        if self._credentials.principal is None and (session is None or not session.engine.alive):
            self._shared.strangers.add(self)
            self._framing.most = self._limits.stranger_bytes
        else:
            self._shared.strangers.discard(self)
            self._framing.most = self._limits.message_bytes
        self.caught_up()

    def expect(self, answers: int) -> None:
        """See `hub.realtime.ports.Origin`; on a socket answers need not wait for each other."""

    def answer(self, messages: Sequence[bytes], *, displaced: bool = False) -> None:
        """See `hub.realtime.ports.Origin`. Answers of one loop tick leave together, and before its events."""
        del displaced
        if not self._out:
            self._node.fanout.first(self._flush)
        self._out.append(frame(b"[%b]" % b",".join(messages)))

    def clear(self) -> bool:
        """See `hub.realtime.ports.Link`."""
        return not (self._paused or self._transport.is_closing())

    def caught_up(self) -> None:
        """See `hub.realtime.ports.Link`."""
        if self._choked:
            self._balance()

    def close(self, code: int, reason: str, *, after: float = 0.0) -> None:
        """See `hub.realtime.ports.Link`."""
        if after:
            self._closing = (code, reason, self.session)
            self._due = self._now() + after
            self._node.wheel.file(self)
            return
        self._flush()
        self._closed = True
        if self._open:
            self._framing.protocol().send_close(code, reason)
            self._look()
            self._flush_protocol()
            self._due = self._now() + self._limits.close
            self._node.wheel.file(self)

    def _look(self) -> None:
        self._open = self._framing.state is OPEN
        self._pause(paused=self._full or not self._open)

    def _pause(self, *, paused: bool) -> None:
        if paused is self._paused:
            return
        self._paused = paused
        if self._session is not None:
            if paused:
                self._session.steer()
            else:
                self._session.resumed()

    def _abort(self) -> None:
        self._pause(paused=True)
        self._transport.abort()

    def _flush(self) -> None:
        if self._out and self._open and not self._transport.is_closing():
            self._transport.write(self._out[0] if len(self._out) == 1 else b"".join(self._out))
        self._out.clear()

    def _flush_protocol(self) -> None:
        self._flush()
        for data in self._framing.leaving():
            if self._transport.is_closing():
                return
            if data:
                self._transport.write(data)
            elif self._framing.is_over:
                self._transport.close()
            else:
                self._linger()

    def _linger(self) -> None:
        """Say that no more comes, and read on: a socket closed with bytes unread would take the close code with it."""
        if self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()
        self._due = self._now() + self._limits.close
        self._node.wheel.file(self)

    # The wheel --------------------------------------------------------------------------------------------------

    @property
    def deadline(self) -> float:
        """When something is due: a ping, the end of a patience."""
        if self._open and self.session is not None and self._closing is None:
            return self._heard_at + self._limits.ping + (self._limits.pong if self._pinged else 0.0)
        return self._due

    def wake(self, now: float) -> None:
        """The deadline has come."""
        if self._closing is not None:
            (code, reason, session), self._closing = self._closing, None
            if self.session is session:  # unless the client went on with a new session
                self.close(code, reason)
        elif self._open and self.session is not None and not self._pinged:
            self._pinged = True
            self._framing.protocol().send_ping(b"")
            self._flush_protocol()
        elif self._open and self.session is None:
            self.close(CloseCode.POLICY_VIOLATION, "no session")
        else:
            self._due = math.inf
            self._abort()
        del now
