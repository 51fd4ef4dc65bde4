"""Serves one hub on one port: the listening socket, the lock, the signals, and the drain before the end."""

import asyncio
import fcntl
import gc
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import uvicorn
import uvloop

from hub import app
from hub.app import Hub
from hub.demo import Entrance, populate
from hub.kernel import logs, zones
from hub.kernel.config import Configuration
from hub.kernel.errors import Conflict
from hub.kernel.faults import Fault, SettingsError
from hub.kernel.settings import Settings
from hub.realtime.drain import drain

BACKLOG = 2048
SEND_BUFFER = 65_536  # bytes the kernel keeps for a client that does not read; its own choice would be megabytes
KEEP_ALIVE = 75  # seconds; above that of usual proxies, so that they close first
LOCK_FILE = "hub.lock"


class LogReplaced(Conflict):
    """The epoch of the log has changed, as after a failover or a restore."""

    code = "log_replaced"
    default_detail = (
        "the log was replaced under the hub, which has ended: start it again, its clients come back by then"
    )


def serve(settings: Settings, configuration: Configuration, host: str, port: int, demo: bool) -> None:  # noqa: FBT001
    """Serve until SIGTERM or SIGINT.

    Raises `SettingsError` for what is wrong, `OSError` for a port in use or a database out of reach, `NotMigrated`, and
    `LogReplaced` where a hub has to begin anew.
    """
    logs.configure(settings.log_format, settings.log_level)
    zones.use_packaged()
    with _placed(settings), _listening(host, port, settings) as listener:
        uvloop.run(_serve(settings, configuration, listener, demo=demo))


async def _serve(settings: Settings, configuration: Configuration, listener: socket.socket, *, demo: bool) -> None:
    entrance = Entrance() if demo and settings.jwks_url is None else None
    further = () if entrance is None else (entrance.operation,)
    async with app.running(settings, configuration, further=further) as hub:
        server = server_of(hub)
        passwords = await populate(hub.database, configuration.clients, settings.public_url) if demo else {}
        _calm_collector()
        _greet(listener, passwords, entrance, demo=demo)
        await server.serve(sockets=[listener])
        if hub.node.outdated:
            raise LogReplaced


def _calm_collector() -> None:
    """What is there now stays, and need not be looked at again. What a request leaves behind is free without the
    collector but for rare cycles; looking for them every 700 objects would take a tenth of the processor.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 50)


def server_of(hub: Hub) -> "Server":
    """The server of a running hub; `serve(sockets=[…])` runs it until it is told to stop."""
    config = uvicorn.Config(
        hub.asgi,
        ws=cast("type[asyncio.Protocol]", hub.websockets),
        http=hub.http,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=max(1, round(hub.settings.drain_seconds)),
        workers=1,
    )
    return Server(config, hub)


class Server(uvicorn.Server):
    """Uvicorn's server, which sends its clients away in good order before it closes."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on a signal and then return, so that everything that is open gets closed."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop: on a signal, or because the log is not the one that the sessions were promised."""
        return await super().on_tick(counter) or self._hub.node.outdated

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then close. A second Ctrl-C skips the drain."""
        farewell = asyncio.create_task(drain(self._hub.node, self._hub.settings.drain_seconds))
        while not farewell.done() and not self.force_exit:
            await asyncio.wait({farewell}, timeout=0.1)
        farewell.cancel()
        await asyncio.gather(farewell, return_exceptions=True)
        await super().shutdown(sockets)


@contextmanager
def _placed(settings: Settings) -> Iterator[None]:
    """Holds the lock of the data directory: alone with the memory broker, since a second hub would keep its events to
    itself; together with other hubs that share a Redis.
    """
    data_dir = settings.data_dir
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / LOCK_FILE).open("ab") as lock:
        try:
            fcntl.flock(lock, (fcntl.LOCK_SH if settings.redis_url else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            fault = Fault("HUB_DATA_DIR", f"another hub serves from {data_dir}; it holds {LOCK_FILE}")
            raise SettingsError([fault]) from None
        yield


@contextmanager
def _listening(host: str, port: int, settings: Settings) -> Iterator[socket.socket]:
    """A listening socket whose accepted sockets let go of clients that make no progress."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if sys.platform == "linux":
            patience = round(settings.ws_user_timeout_seconds * 1000)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)
        try:
            listener.bind((host, port))
        except OSError as error:
            why = error.strerror or error
            raise OSError(f"cannot listen on {host}:{port}: {why}; --port, or PORT, names another port") from None
        listener.listen(BACKLOG)
        listener.setblocking(False)
        yield listener


def _shown(passwords: Mapping[str, str]) -> list[str]:
    if not passwords:
        return ["The people of the demo are here already; `hub user password NAME` gives them another password."]
    width = max(map(len, passwords))
    return ["These passwords are shown once:", *(f"  {name:{width}}  {passwords[name]}" for name in passwords)]


def _greet(listener: socket.socket, passwords: Mapping[str, str], entrance: Entrance | None, *, demo: bool) -> None:
    """Say on standard output where the hub is, and in a demo how to try it, with the passwords made just now."""
    host, port = listener.getsockname()[:2]
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    lines = [f"hub listening on {base}"]
    if entrance is not None:
        lines += ["", "Open the console, and be anybody of the demo in any number of windows:"]
        lines += [f"  {base}/console#demo={entrance.key}", f"The API is described at {base}/docs."]
    if demo:
        lines += ["", *_shown(passwords)]
    print("\n".join(lines), flush=True)  # noqa: T201 - this is what the command is to say
