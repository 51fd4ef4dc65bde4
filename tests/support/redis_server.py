"""A real `redis-server` on a free port, with its own directory; started, stopped, frozen and killed by tests."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import pytest
import redis

from tests.support.hub_process import free_port

PROGRAM = shutil.which("redis-server") or "/usr/bin/redis-server"
READY_SECONDS = 30.0


class RedisServer:
    """One process. Blocking: call it through `asyncio.to_thread` where a loop is running and it matters.

    `client` is the redis-py client of the test, independent of the hub's own code.
    """

    def __init__(
        self, home: Path, *arguments: str, port: int | None = None, sentinel: bool = False, **client: Any
    ) -> None:
        self.home = home
        self.port = port or free_port()
        self.output = home / "redis.txt"
        self._arguments = [*arguments]
        self._sentinel = sentinel
        self._process: subprocess.Popen[bytes] | None = None
        self._client_options: Mapping[str, Any] = client

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def client(self) -> "redis.Redis":
        """A new client that neither retries nor waits long; close it."""
        options: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "socket_timeout": 5.0,
            "retry": None,
            "protocol": 3,
        }
        return redis.Redis(**{**options, **self._client_options})

    def ask(self, *command: Any) -> Any:
        """One command over a connection of its own, answered as Redis does: in bytes."""
        with self.client as client:
            client.response_callbacks.clear()
            return client.execute_command(*command)

    def lines(self, *command: str) -> dict[str, str]:
        """One command that answers as INFO does: a name, a colon and a value on each line."""
        text: bytes = self.ask(*command)
        lines = [line.partition(":") for line in text.decode().splitlines()]
        return {name: value for name, _, value in lines if value}

    def start(self) -> Self:
        """Start the process and return when it answers."""
        assert self._process is None, "already running"
        if not Path(PROGRAM).exists():
            pytest.skip("redis-server is not installed")
        self.home.mkdir(parents=True, exist_ok=True)
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [PROGRAM, *self._command()], cwd=self.home, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"redis-server did not start:\n{self.output.read_text()[-2000:]}")
            time.sleep(0.01)
        return self

    def _command(self) -> list[str]:
        own = ["--port", str(self.port), "--bind", "127.0.0.1", "--daemonize", "no", "--dir", str(self.home)]
        if self._sentinel:
            return [str(self.home / "sentinel.conf"), "--sentinel", *own, *self._arguments]
        return [*own, "--save", "", "--appendonly", "no", *self._arguments]

    def _answers(self) -> bool:
        try:
            return bool(self.ask("PING"))
        except redis.BusyLoadingError:
            return False
        except (redis.AuthenticationError, redis.ResponseError):
            return True
        except redis.ConnectionError:
            return False

    def freeze(self) -> None:
        """SIGSTOP: the kernel still takes connections and bytes, nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """SIGTERM, also while frozen."""
        if self._process is not None:
            self._process.terminate()
            with suppress(ProcessLookupError):
                self.thaw()
            self._process.wait(10)
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "not running"
        self._process.send_signal(number)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]
