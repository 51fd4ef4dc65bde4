"""`hub serve` as a process of its own: started, killed and started again on the same port and the same data."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60.0  # seconds until a start counts as failed, on a machine that is busy
STOP_SECONDS = 30.0


class HubDied(AssertionError):
    """The process ended, or never became ready. The message carries the end of its output."""


def free_port() -> int:
    """A port of the loopback address on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment(**settings: str) -> dict[str, str]:
    """The environment of a hub under test: none of the settings of whoever runs the tests, and no proxies."""
    unwanted = ("HUB_", "PORT", "WEB_CONCURRENCY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(unwanted)}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **settings}


class HubProcess:
    """One `hub serve`. Blocking: call it through `asyncio.to_thread` where a loop is running.

    Everything that it writes lies below `home`; `kill9` and `start` may alternate as often as wanted. Leaving the
    context stops the process and asserts that SIGTERM was enough.
    """

    def __init__(
        self,
        home: Path,
        *,
        demo: bool = False,
        secret: str | None = None,
        settings: Mapping[str, str] | None = None,
        module: str = "hub",
    ) -> None:
        self.home = home
        self.port = free_port()
        self.output = home / "output.txt"
        own = {"HUB_DATA_DIR": str(home / "var"), "HUB_PUBLIC_URL": self.url, "HUB_DRAIN_SECONDS": "1"}
        if demo:
            own["HUB_CONFIG"] = str(ROOT / "hub.toml")
        if secret is not None:
            own["HUB_JWT_SECRET"] = secret
        self.environment = clean_environment(**{**own, **(settings or {})})
        self._arguments = [
            "-m",
            module,
            "serve",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            *(["--demo"] if demo else []),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def bayeux_url(self) -> str:
        return f"{self.url}/api/v2/notifications"

    @property
    def pid(self) -> int:
        assert self._process is not None, "not running"
        return self._process.pid

    def start(self) -> Self:
        """Start the process and return when `/readyz` answers 200, within READY_SECONDS."""
        assert self._process is None, "already running"
        self.home.mkdir(parents=True, exist_ok=True)
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *self._arguments],
                cwd=self.home,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None:
                code, self._process = self._process.returncode, None
                raise HubDied(f"hub serve ended with {code}:\n{self.tail()}")
            if time.monotonic() > deadline:
                self.kill9()
                raise HubDied(f"hub serve was not ready after {READY_SECONDS} s:\n{self.tail()}")
            time.sleep(0.02)
        return self

    def kill9(self) -> None:
        """SIGKILL: nothing is flushed, nothing is closed."""
        assert self._process is not None, "not running"
        self._process.kill()
        self._process.wait()
        self._process = None

    def freeze(self) -> None:
        """SIGSTOP: the kernel still takes connections and bytes, nobody answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def terminate(self) -> int:
        """SIGTERM, then the exit code; a process that does not obey within STOP_SECONDS is killed and reported."""
        assert self._process is not None, "not running"
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise HubDied(f"hub serve ignored SIGTERM for {STOP_SECONDS} s:\n{self.tail()}") from None
        finally:
            self._process = None

    def command(self, *arguments: str, timeout: float = 30.0) -> "subprocess.CompletedProcess[str]":
        """Run another `hub` command on the same data, to its end."""
        self.home.mkdir(parents=True, exist_ok=True)
        return subprocess.run(
            [sys.executable, "-m", "hub", *arguments],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def tail(self, characters: int = 4000) -> str:
        """The end of what the process has written."""
        return self.output.read_text(errors="replace")[-characters:] if self.output.exists() else ""

    def _is_ready(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            code = self.terminate()
            assert code == 0, f"hub serve ended with {code} after SIGTERM:\n{self.tail()}"
