"""The clients, unmodified as their authors publish them, and every way in which each can be used."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import OPTIONAL
from tests.support.driver import DrivenClient, driven

ROOT = Path(__file__).parents[2]
DRIVERS = "tests/interop/drivers"
QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m")
MODULES = ROOT / "tests" / "interop" / "node_modules" / ".installed"


@dataclass(frozen=True)
class Client:
    """One client library and the driver program that uses it as an application would."""

    name: str
    command: tuple[str, ...]
    installed: Path
    """What `make programs` leaves behind when the client has been installed."""
    tokens: dict[str, tuple[str, ...]]
    """For each transport, the ways in which an application can give its token to the client."""
    extensions: tuple[str, ...] = ("",)
    batches: bool = True
    handshakes_refused: int = 1
    """How often it asks before it believes that its token is no good."""

    builders: tuple[str, ...] = ()
    """Programs that build it and are not on every machine; without them its tests are skipped even with CI=true."""

    def missing(self) -> str | None:
        """Why the client cannot run here, None if it can."""
        for program in self.builders:
            if shutil.which(program) is None:
                return f"{OPTIONAL}{program}, which builds the {self.name} client"
        if shutil.which(self.command[0]) is None:
            return f"{self.command[0]} is not installed"
        if not self.installed.exists():
            return f"{self.name} is not installed: run make programs"
        return None


COMETD = Client(
    "cometd",
    ("node", f"{DRIVERS}/cometd.mjs"),
    MODULES,
    {"websocket": ("ext", "query"), "long-polling": ("query", "ext", "header")},
    extensions=("", "ack"),
)
FAYE = Client(
    "faye",
    ("node", f"{DRIVERS}/faye.mjs"),
    MODULES,
    {"websocket": ("header", "query", "ext"), "long-polling": ("header", "query", "ext")},
    batches=False,
)
AIOCOMETD = Client(
    "aiocometd",
    (sys.executable, "-m", "tests.interop.drivers.aiocometd_driver"),
    Path(sys.executable),
    {"websocket": ("header", "query", "ext"), "long-polling": ("header", "query", "ext")},
    batches=False,
    handshakes_refused=2,  # it lets the application find another token, and asks again
)
BAIOCAS = Client(
    "baiocas",
    (sys.executable, "-m", "tests.interop.drivers.baiocas_driver"),
    Path(sys.executable),
    {"long-polling": ("header", "query", "ext")},
    extensions=("", "ack"),
)
BUILT = f"{DRIVERS}/java/build"
JAVA = Client(
    "java",
    ("java", *QUICK_START, "-cp", f"{BUILT}/classes:{BUILT}/lib/*", "Driver"),
    ROOT / BUILT / ".installed",
    {"websocket": ("header", "query", "ext"), "long-polling": ("header", "query", "ext")},
    extensions=("", "ack"),
    builders=("mvn", "javac"),
)
CLIENTS = (COMETD, FAYE, AIOCOMETD, BAIOCAS, JAVA)


@dataclass(frozen=True)
class Way:
    """One way to use one client."""

    client: Client
    transport: str
    extension: str = ""
    by: str = field(default="", kw_only=True)

    @property
    def acknowledges(self) -> bool:
        """Whether the client tells what it has received."""
        return self.extension == "ack"

    def start(self, url: str, token: str, **settings: Any) -> AbstractAsyncContextManager[DrivenClient]:
        """The client as a process, pointed at that address; it has done nothing yet."""
        given: dict[str, Any] = {"transport": self.transport, "extension": self.extension, "by": self.by, **settings}
        return driven(self.client.command, ROOT, url=url, token=token, **given)

    def __str__(self) -> str:
        return "-".join(filter(None, (self.client.name, self.transport, self.extension)))


def ways() -> Iterator[Way]:
    """Every client over every transport with every extension that it has."""
    for client in CLIENTS:
        for transport, tokens in client.tokens.items():
            for extension in client.extensions:
                yield Way(client, transport, extension, by=tokens[0])


def ways_with_each_token() -> Iterator[Way]:
    """Every client over every transport, once for each way to hand its token over."""
    for client in CLIENTS:
        for transport, tokens in client.tokens.items():
            for by in tokens:
                yield Way(client, transport, by=by)


def parameters(*found: Way) -> list[Any]:
    """For `pytest.mark.parametrize`, with readable names."""
    return [pytest.param(way, id=str(way)) for way in found]


def require(client: Client) -> None:
    """Skip the test if the client is not there."""
    if (reason := client.missing()) is not None:
        pytest.skip(reason)
