"""`hub scheduler` as a process of its own, beside a hub or alone."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

START_SECONDS = 60.0
STOP_SECONDS = 30.0


class SchedulerProcess:
    """One `hub scheduler`. Blocking: call it through `asyncio.to_thread` where a loop is running.

    Leaving the context stops the process and asserts that SIGTERM was enough, unless it was killed.
    """

    def __init__(self, home: Path, environment: dict[str, str], name: str = "scheduler") -> None:
        self.output = home / f"{name}.txt"
        self._home = home
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it and return when it says that it has started, within START_SECONDS."""
        self._home.mkdir(parents=True, exist_ok=True)
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hub", "scheduler"],
                cwd=self._home,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.until("scheduler started")
        return self

    def until(self, said: str) -> None:
        """Return when it has said so, within START_SECONDS."""
        assert self._process is not None, "not running"
        deadline = time.monotonic() + START_SECONDS
        while said not in self.tail():
            assert self._process.poll() is None, f"hub scheduler ended:\n{self.tail()}"
            assert time.monotonic() < deadline, f"hub scheduler did not say {said!r}:\n{self.tail()}"
            time.sleep(0.02)

    def kill9(self) -> None:
        """SIGKILL."""
        assert self._process is not None, "not running"
        self._process.kill()
        self._process.wait()
        self._process = None

    def terminate(self) -> int:
        """SIGTERM, then the exit code."""
        assert self._process is not None, "not running"
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()
            self._process = None

    def tail(self, characters: int = 4000) -> str:
        """The end of what it has written."""
        return self.output.read_text(errors="replace")[-characters:]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            code = self.terminate()
            assert code == 0, f"hub scheduler ended with {code} after SIGTERM:\n{self.tail()}"
