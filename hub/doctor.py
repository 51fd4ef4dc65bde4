"""What `hub doctor` looks at: the settings in effect, and each thing that the hub depends on.

Looking changes nothing: no key is made, no database migrated, no lock taken for longer than the look.
"""

import asyncio
import fcntl
import resource
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from hub.auth import jwks
from hub.auth.keys import KeyRing
from hub.auth.tokens import Tokens
from hub.brokers import checkup
from hub.brokers.dialing import Unreachable
from hub.kernel import redis_url
from hub.kernel.clock import SystemClock
from hub.kernel.config import load
from hub.kernel.errors import Conflict, HubError
from hub.kernel.faults import SettingsError
from hub.kernel.secret import Secret
from hub.kernel.settings import Settings
from hub.store import clocks, dialects, streams
from hub.store.database import READERS, Database
from hub.store.migrations import NotMigrated, is_migrated
from hub.store.postgresql import Server, inspect
from hub.store.transaction import Snapshot, Tx

T = TypeVar("T")

CONNECTIONS = 1 + READERS
"""What a process keeps open to a PostgreSQL server."""

MOST_AHEAD = 1.0
"""Seconds by which the clocks of the machines may differ before that is worth a word: hubs take the database's."""

LEAST_OUTPUT = 1_048_576
"""Bytes that Redis should hold for a subscriber before it cuts it off."""
SPARE_DESCRIPTORS = 256
"""File descriptors of a process besides its connections: the database, logs, listening sockets, outgoing requests."""


class HubRunning(Conflict):
    """A hub holds the data directory."""

    code = "hub_running"
    default_detail = "a hub is running on this data directory: stop it first"


class Verdict(StrEnum):
    """How a check came out; only BAD keeps the hub from working."""

    GOOD = "ok"
    WEAK = "warning"
    BAD = "FAILED"


class Finding(NamedTuple):
    """One line of the report."""

    verdict: Verdict
    subject: str
    detail: str

    def __str__(self) -> str:
        return f"{self.verdict:8}{self.subject:18}{self.detail}"


def settings_lines(settings: Settings) -> list[str]:
    """Every setting with its effective value, one a line; secrets show as a mask, absent ones as a dash."""
    names = [field.name for field in msgspec.structs.fields(Settings)]
    width = max(map(len, names)) + len("HUB_") + 1
    shown = {name: _shown(getattr(settings, name)) for name in names}
    shown["database_url"] = dialects.without_secrets(settings.database.reveal())
    return [f"{'HUB_' + name.upper():{width}}{text}" for name, text in shown.items()]


def examine(settings: Settings, notify: Callable[[str], None]) -> Iterator[Finding]:
    """All checks, each with its verdict as soon as there is one; a check that fails does not keep the others from
    running. Blocks. What takes unusually long is told by `notify` while it does.
    """
    yield _configuration(settings)
    yield from _database(settings)
    yield from _redis(settings, notify)
    yield _keys(settings)
    yield _descriptors(settings)


def write(settings: Settings, change: Callable[[Tx, float], T]) -> T:
    """Run `change` in a transaction on the settings' database, beside whatever serves it.

    The time that `change` gets is the database's. Blocks until it is committed. Raises NotMigrated.
    """
    clock = SystemClock()
    if (database := _opened(settings)) is None:
        raise NotMigrated

    async def run() -> T:
        async with database:
            return await database.write(lambda tx: change(tx, clock.now() + (clocks.difference(tx) or 0.0)))

    return asyncio.run(run())


def read(settings: Settings, look: Callable[[Snapshot], T]) -> T:
    """What `look` sees in the settings' database, beside whatever serves it. Blocks. Raises NotMigrated."""
    if (database := _opened(settings)) is None:
        raise NotMigrated

    async def run() -> T:
        async with database:
            return await database.read(look)

    return asyncio.run(run())


def renew_epoch(settings: Settings, lock_file: str) -> str:
    """Give the log a new identity and return it. Raises HubRunning while the lock file in the data directory is held.

    A hub that runs on the same PostgreSQL database all the same notices, and ends.
    """
    if _is_held(settings.data_dir / lock_file):
        raise HubRunning
    return write(settings, lambda tx, _: streams.new_epoch(tx))


def _is_held(path: Path) -> bool:
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _opened(settings: Settings) -> Database | None:
    """The settings' database, to be entered; None while there is none or an older one."""
    url = settings.database.reveal()
    return Database(url, clock=SystemClock(), readers=1) if is_migrated(url) else None


def _configuration(settings: Settings) -> Finding:
    try:
        found = load(settings.config)
    except SettingsError as error:
        return Finding(Verdict.BAD, "configuration", "; ".join(map(str, error.faults)))
    parts = ", ".join(
        f"{name} {len(part)}"
        for name, part in (
            ("organizations", found.organizations),
            ("custom_channels", found.custom_channels),
            ("applications", found.applications),
            ("services", found.services),
            ("callback_services", found.callback_services),
        )
    )
    return Finding(Verdict.GOOD, "configuration", f"{settings.config or 'no file'}: {parts}")


def _database(settings: Settings) -> list[Finding]:
    subject, on_server = "database", dialects.is_postgresql(settings.database.reveal())
    try:
        if (database := _opened(settings)) is None:
            needed = "run `hub migrate`" if on_server else "`hub migrate` or `hub serve` does it"
            return [
                Finding(Verdict.BAD if on_server else Verdict.WEAK, subject, f"not there or not up to date: {needed}")
            ]
        epoch, server = asyncio.run(_looked_into(database, on_server=on_server))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        return [Finding(Verdict.BAD, subject, dialects.unusable(error) or _line(error))]
    return [Finding(Verdict.GOOD, subject, f"newest schema, writable, epoch {epoch}"), *server]


async def _looked_into(database: Database, *, on_server: bool) -> tuple[str, list[Finding]]:
    async with database:
        epoch = await database.write(streams.epoch)
        return epoch, await database.read(_server) if on_server else []


def _server(tx: Snapshot) -> list[Finding]:
    """What the PostgreSQL server is like, and whether that suits the hub."""
    found = inspect(tx)
    ahead = clocks.difference(tx)
    verdict = Verdict.WEAK if (faults := _faults(found, ahead)) else Verdict.GOOD
    time = "slow to answer" if ahead is None else f"clock {ahead:+.3f} s"
    facts = f"PostgreSQL {found.version}, synchronous_commit {found.synchronous_commit}, fsync {found.fsync}, "
    facts += f"max_connections {found.max_connections} (a process of the hub takes {CONNECTIONS}), {time}"
    return [Finding(verdict, "server", "; ".join([facts, *faults]))]


def _faults(server: Server, ahead: float | None) -> list[str]:
    faults: list[str] = []
    if server.fsync == "off":
        faults.append("with fsync off a crash loses or corrupts what was acknowledged")
    if server.max_connections < 4 * CONNECTIONS:
        faults.append("too few connections for several processes and a restart")
    if ahead is None or abs(ahead) > MOST_AHEAD:
        faults.append("the clocks differ: synchronize them, or expiring tokens and timers come early or late")
    return faults


def _redis(settings: Settings, notify: Callable[[str], None]) -> list[Finding]:
    """A hub starts without Redis and waits for it, but it is not ready until then."""
    if settings.redis_url is None:
        return []
    url, subject = redis_url.parse(settings.redis_url), "redis"
    try:
        found = asyncio.run(checkup.examine(url, settings.redis_prefix, SystemClock(), notify))
    except (Unreachable, SettingsError) as error:
        return [Finding(Verdict.BAD, subject, _line(error))]
    detail = f"version {found.version}; what is published is heard"
    if found.is_slow:
        detail += f", but all that took {found.seconds:.1f} s"
    well = Finding(Verdict.WEAK if found.is_slow else Verdict.GOOD, subject, detail)
    if found.output_buffer is None:
        return [well]
    rights = checkup.rights(url, settings.redis_prefix)
    return [
        well,
        _output_buffer(*found.output_buffer),
        Finding(Verdict.WEAK, "redis user", f"may do more than it needs; this is enough: ACL SETUSER hub {rights}"),
    ]


def _output_buffer(at_once: int, lasting: int, seconds: int) -> Finding:
    detail = f"client-output-buffer-limit pubsub {at_once} {lasting} {seconds}"
    if not at_once:
        return Finding(Verdict.WEAK, "redis output", f"{detail}: a hub that hangs takes all memory of Redis")
    if at_once < LEAST_OUTPUT or 0 < lasting < LEAST_OUTPUT:
        return Finding(Verdict.WEAK, "redis output", f"{detail}: a hub is cut off by a burst of {LEAST_OUTPUT} bytes")
    return Finding(Verdict.GOOD, "redis output", detail)


def _keys(settings: Settings) -> Finding:
    subject = "keys"
    if settings.jwks_url is not None:
        return _foreign_keys(settings, settings.jwks_url)
    made = settings.data_dir / "keys"
    if settings.jwt_secret is None and not any(made.glob("*.pem")):
        return Finding(Verdict.GOOD, subject, "none yet: made when the first token is minted or the hub starts")
    try:
        now = SystemClock().now()
        keys = KeyRing.load(settings, now)
        tokens = Tokens(keys, settings.jwt_issuer, settings.jwt_audience)
        tokens.verify(tokens.mint(user="doctor", organization="doctor", roles=(), ttl=60, now=now), now)
    except (SettingsError, HubError) as error:
        return Finding(Verdict.BAD, subject, _line(error))
    return Finding(Verdict.GOOD, subject, f"{keys.algorithm}, {made if settings.jwt_secret is None else 'a secret'}")


def _foreign_keys(settings: Settings, url: str) -> Finding:
    """A hub starts without the set and waits for it, so an issuer that is down now is only a warning."""
    try:
        found = asyncio.run(jwks.fetch(url))
    except jwks.FetchFailed as failed:
        return Finding(Verdict.WEAK, "keys", f"no key set at {url}: {failed.outcome}, {failed}")
    keys = ", ".join(f"{key.algorithm} {ascii(key.kid) if key.kid else 'without kid'}" for key in found.keys)
    left_out = f"; left out: {'; '.join(sorted(set(found.left_out)))}" if found.left_out else ""
    return Finding(Verdict.GOOD, "keys", f"{keys} of {settings.jwt_issuer}{left_out}")


def _descriptors(settings: Settings) -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.max_connections + SPARE_DESCRIPTORS
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return Finding(Verdict.GOOD, "file descriptors", f"{soft}, enough for HUB_MAX_CONNECTIONS")
    detail = f"{soft} (at most {hard}), HUB_MAX_CONNECTIONS={settings.max_connections} needs {wanted}: raise ulimit -n"
    return Finding(Verdict.WEAK, "file descriptors", detail)


def _shown(value: object) -> str:
    match value:
        case None | () | "":
            return "–"
        case Secret():
            return str(value) if value else "–"
        case bool():
            return "on" if value else "off"
        case tuple():
            return ",".join(map(str, value))
        case _:
            return str(value)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
