"""A whole hub in this process without a network: bytes go in where uvicorn would hand them over, and come out again.

Time moves one second with every visit, so that what fuzzing leaves behind expires as it would.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from channels.access import Role
from hub import app, server
from hub.auth.keys import KeyRing
from hub.auth.tokens import Tokens
from hub.kernel.config import Configuration, CustomChannel
from hub.kernel.secret import Secret
from hub.kernel.settings import Settings
from tests.support.clock import FakeClock
from tests.support.raw_websocket import PATH
from tests.support.tokens import SECRET

T = TypeVar("T")
CONFIGURATION = Configuration(
    custom_channels=(CustomChannel(pattern="/echo/**", subscribe=(Role.AGENT,), publish=(Role.AGENT,)),)
)
MONTH = 30 * 86_400.0
PATIENCE = 20.0
TURNS = 50  # of the loop: more than any answer takes that needs no thread


class Response(NamedTuple):
    """An HTTP answer; status 0 where the hub let the request go unanswered."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class Troubles(logging.Handler):
    """Keeps what is logged as an error: nothing that a client sends may be one."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(self.format(record))


class FakeTransport(asyncio.Transport):
    """A socket whose other end takes everything."""

    def __init__(self, protocol: asyncio.Protocol, *, strict: bool = True) -> None:
        super().__init__()
        self.protocol = protocol
        self._strict = strict
        self.written = b""
        self.closing = False
        protocol.connection_made(self)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = cast("asyncio.Protocol", protocol)

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def hang_up(self) -> None:
        """The other end is gone."""
        self.closing = True
        self.protocol.connection_lost(None)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        assert not (self.closing and self._strict), f"written after the end: {bytes(data[:100])!r}"
        if not self.closing:
            self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        pass

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = True


class HubInside:
    """The hub, and a loop to run it on."""

    def __init__(self, hub: app.Hub, clock: FakeClock, loop: asyncio.AbstractEventLoop, troubles: Troubles) -> None:
        self._hub, self._clock, self._loop, self._troubles = hub, clock, loop, troubles
        self._config = server.server_of(hub).config
        self._http = hub.http
        self.agent, self.back_end = self._token(Role.AGENT), self._token(Role.CLIENT_SERVICE)

    def _token(self, role: Role) -> str:
        tokens = Tokens(KeyRing.of_secret(Secret(SECRET)), "hub", "hub")
        return tokens.mint(user="alice", organization="acme", roles=[role], ttl=MONTH, now=self._clock.now())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run one visit to its end. Raises AssertionError for everything that was logged as an error meanwhile."""
        result = self._loop.run_until_complete(work)
        self._clock.advance(1)
        self._hub.node.wheel.advance(self._clock.monotonic())
        troubles, self._troubles.found = self._troubles.found, []
        assert troubles == []
        return result

    async def request(self, body: bytes, *, token: str, path: str = PATH, content_type: bytes = b"") -> Response:
        """One POST whose client goes away when there is no answer at once."""
        headers = [
            (b"authorization", f"Bearer {token}".encode()),
            *([(b"content-type", content_type)] * bool(content_type)),
        ]
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "scheme": "http",
            "server": ("hub", 80),
            "root_path": "",
        }
        incoming = iter([{"type": "http.request", "body": body, "more_body": False}])
        outgoing: list[Any] = []

        async def receive() -> Any:
            return next(incoming, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            outgoing.append(message)

        await self._hub.asgi(scope, receive, send)
        if not outgoing:
            return Response(0, {}, b"")
        start, *rest = outgoing
        return Response(start["status"], dict(start["headers"]), b"".join(part.get("body", b"") for part in rest))

    async def socket(self, *pieces: bytes) -> bytes:
        """A connection that sends these pieces, the first being the opening request, and then hangs up."""
        make = self._hub.websockets
        transport = FakeTransport(make(config=cast("Config", None), server_state=ServerState(), app_state={}))
        await self._send(transport, pieces)
        transport.hang_up()
        return transport.written

    async def port(self, *pieces: bytes) -> bytes:
        """The same from the first byte on, through the HTTP parser, which decides whose connection it is."""
        if not self._config.loaded:
            self._config.load()
        state = ServerState()
        # Uvicorn answers what it has read although it has hung up on what came after; real sockets do not mind either.
        transport = FakeTransport(self._http(self._config, state, {}, self._loop), strict=False)
        await self._send(transport, pieces)
        transport.hang_up()
        while state.tasks:
            await asyncio.wait(state.tasks, timeout=PATIENCE)
        return transport.written

    async def _send(self, transport: FakeTransport, pieces: tuple[bytes, ...]) -> None:
        for piece in pieces:
            if not transport.closing:
                transport.protocol.data_received(piece)
                await asyncio.sleep(0)
        for _ in range(TURNS):
            await asyncio.sleep(0)


@contextmanager
def hub_inside() -> Iterator[HubInside]:
    """A hub on an empty database, for as long as the block runs."""
    troubles = Troubles()
    logging.getLogger().addHandler(troubles)
    with TemporaryDirectory() as directory, asyncio.Runner() as runner:
        settings = Settings(data_dir=Path(directory), jwt_secret=Secret(SECRET))
        clock, stack, loop = FakeClock(), AsyncExitStack(), runner.get_loop()
        loop.set_exception_handler(lambda _, context: troubles.found.append(str(context)))
        hub = runner.run(stack.enter_async_context(app.running(settings, CONFIGURATION, clock)))
        try:
            yield HubInside(hub, clock, loop, troubles)
        finally:
            runner.run(stack.aclose())
            logging.getLogger().removeHandler(troubles)
