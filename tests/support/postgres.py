"""A throw-away PostgreSQL server: its own directory, a free port of the loopback address, gone with the test run."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg
import pytest

from hub.store.migrations import migrate
from tests.support.hub_process import free_port

START_SECONDS = 30.0
SMALL = MappingProxyType(
    {
        "listen_addresses": "127.0.0.1",
        "max_connections": "60",
        "shared_buffers": "32MB",
        "autovacuum": "off",
        "timezone": "UTC",
        "lc_messages": "C",
        "deadlock_timeout": "100ms",
    }
)
# What is written need not outlive this machine, except where a test is about just that.
FAST = MappingProxyType({"fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0"})


def programs() -> Path | None:
    """Where `initdb` and `postgres` are; Debian keeps them out of the path. None where they are not installed."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return installed[-1].parent if installed else None


def _identity() -> dict[str, Any]:
    """The server refuses to run as root; its package has brought a user for it."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("postgres")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


class PostgresServer:
    """A server that may be stopped in any way and started again on the same data and port. Blocking."""

    def __init__(self, home: Path, binaries: Path, settings: Mapping[str, str]) -> None:
        self._home = home
        self._binaries = binaries
        self._settings = {**SMALL, **settings}
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._template = ""
        self._strategy = ""
        if owner := _identity():
            os.chown(home, owner["user"], owner["group"])
        self._run("initdb", "-D", self._data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")

    @property
    def _data(self) -> str:
        return str(self._home / "data")

    def url(self, database: str = "postgres", *, password: str = "") -> str:
        """The URL of one of its databases; any password is accepted."""
        who = f"postgres:{password}" if password else "postgres"
        return f"postgresql://{who}@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        """Return when connections are accepted, recovery included."""
        assert self._process is None, "already running"
        options = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        command = [
            str(self._binaries / "postgres"),
            "-D",
            self._data,
            "-p",
            str(self._port),
            "-k",
            self._data,
            *options,
        ]
        with (self._home / "log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._home, **_identity())
        self._process = process
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
                return
            except psycopg.OperationalError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"PostgreSQL did not start: {error}\n{self.log()}") from None
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT: at once, as in a crash; SIGINT: orderly, ending all connections."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_SECONDS)
            self._process = None

    def kill9(self) -> None:
        """SIGKILL to the server and all that it has started."""
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(START_SECONDS)
        self._process = None

    def freeze(self) -> None:
        """SIGSTOP to all of them: the kernel still takes connections and bytes, nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "not running"
        for process in (self._process.pid, *children(self._process.pid)):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def log(self) -> str:
        """The end of what the server has written."""
        return (self._home / "log").read_text(errors="replace")[-4000:]

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as the superuser, in autocommit mode; its rows, if any."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def database(self, template: str = "template0") -> str:
        """The name of a new database, a copy of `template`."""
        self._databases += 1
        name = f"hub{self._databases}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}{self._strategy}")
        return name

    def migrated(self) -> str:
        """The name of a new database with the newest schema. All of them have the same epoch."""
        if not self._template:
            [(version,)] = self.execute("SHOW server_version_num")
            if int(version) >= 150_000:
                self._strategy = " STRATEGY file_copy"  # a third cheaper than through the log; before 15 the only one
            self._template = self.database()
            migrate(self.url(self._template))
        return self.database(self._template)

    @contextmanager
    def filled(self, statements: Iterable[str]) -> Iterator[str]:
        """The URL of a migrated database in which these statements have been carried out; it is gone afterwards."""
        name = self.migrated()
        for statement in statements:
            self.execute(statement, name)
        yield self.url(name)
        self.drop(name)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.execute(f"DROP DATABASE {database} WITH (FORCE)")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._binaries / program, *arguments], check=True, capture_output=True, cwd=self._home, **_identity()
        )


def children(parent: int) -> list[int]:
    """The processes that a process has started and that are alive."""
    return [int(word) for word in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


@contextmanager
def running(settings: Mapping[str, str]) -> Iterator[PostgresServer]:
    """A server started, and removed at the end with all that it holds. Skips where PostgreSQL is not installed."""
    if (binaries := programs()) is None:
        pytest.skip("PostgreSQL is not installed: initdb is missing")
    with tempfile.TemporaryDirectory(prefix="hub-postgres-") as home:
        server = PostgresServer(Path(home), binaries, settings)
        try:
            server.start()
            yield server
        finally:
            server.stop()
