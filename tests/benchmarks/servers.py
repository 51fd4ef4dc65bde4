"""The servers that are measured, each on a core of its own, and what they use of the machine."""

import os
import resource
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.hub_process import ROOT, HubProcess, free_port
from tests.support.tokens import SECRET
from tests.support.waiting import eventually_blocking

SERVER_CORE, GENERATOR_CORE = 0, 1
START_SECONDS = 20.0
CONFIGURATION = """
[[custom_channels]]
pattern = "/bench/**"
subscribe = ["ROLE_AGENT"]
publish = ["ROLE_AGENT"]
"""
SETTINGS = {
    "HUB_HANDSHAKES_PER_SECOND": "100000",
    "HUB_MAX_CONNECTIONS": "11000",
    "HUB_DRAIN_SECONDS": "0",
    "HUB_SCHEDULER": "external",
    "HUB_PUBLISHES_PER_SECOND": "1000000",
    "HUB_WS_DEFLATE": "1",  # for the clients that want it
}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `bayeux`: it speaks that, and has the hub's ingest."""

    name: str
    port: int
    pids: tuple[int, ...]
    bayeux: bool

    def cpu(self) -> float:
        """Seconds of all threads of its processes so far, in user space and in the kernel."""
        return sum(_cpu_of(pid) for pid in self._processes())

    def resident(self) -> int:
        """Bytes of memory now, without those of the kernel."""
        return sum(_pages_of(pid) for pid in self._processes()) * resource.getpagesize()

    def _processes(self) -> list[int]:
        return [process for pid in self.pids for process in (pid, *_children(pid))]


def _cpu_of(pid: int) -> float:
    """To the nanosecond where the kernel says it so exactly: a tick is ten milliseconds."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


def _pages_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1])


def machine_busy() -> float:
    """Seconds that all cores have worked so far, for whomever."""
    ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, _, _, interrupt, soft, _ = ticks
    return (user + nice + system + interrupt + soft) / os.sysconf("SC_CLK_TCK")


def kernel_socket_bytes() -> int:
    """Memory of the kernel for all TCP sockets of this machine."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            return int(line.split()[-1]) * resource.getpagesize()
    raise AssertionError("no figures for TCP")


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """What starts inside runs on this core, if the machine has more than one."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core} & before or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def hub(settings: Mapping[str, str] | None = None, *, module: str = "hub", name: str = "hub") -> Iterator[Server]:
    """A hub with an SQLite database in a directory of its own."""
    with TemporaryDirectory() as directory:
        home = Path(directory)
        (home / "hub.toml").write_text(CONFIGURATION)
        process = HubProcess(
            home,
            secret=SECRET,
            settings={"HUB_CONFIG": str(home / "hub.toml"), **SETTINGS, **(settings or {})},
            module=module,
        )
        with pinned(SERVER_CORE):
            process.start()
        try:
            yield Server(name, process.port, (process.pid,), bayeux=True)
        finally:
            process.terminate()


@contextmanager
def bare() -> Iterator[Server]:
    """The bare loop."""
    with program("bare loop", f"{sys.executable} -m tests.benchmarks.bare {{port}}") as server:
        yield server


@contextmanager
def program(name: str, command: str) -> Iterator[Server]:
    """A server without a protocol; `{port}` in its command is where it shall listen."""
    port = free_port()
    with pinned(SERVER_CORE):
        process = subprocess.Popen(shlex.split(command.replace("{port}", str(port))), cwd=ROOT)
    try:
        eventually_blocking(lambda: _listens(port), START_SECONDS)
        yield Server(name, port, (process.pid,), bayeux=False)
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found.append(int(entry.name))
    return found
