"""What is particular to SQLite: its file, its pragmas, its one writer among all processes."""

import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from channels.envelope import Stream
from hub.kernel.errors import Overloaded
from hub.store import outbox, sqlite, streams
from hub.store.database import Database
from hub.store.migrations import is_migrated, migrate
from hub.store.transaction import Snapshot, TransactionFailed
from tests.store.harness import ALICE, NOW, StandingClock, rows


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


def open_files(directory: Path) -> list[str]:
    links: list[str] = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            links.append(str(descriptor.readlink()))
        except FileNotFoundError:
            continue
    return [link for link in links if link.startswith(str(directory))]


async def test_connections_are_durable_and_check_references(db: Database) -> None:
    def settings(tx: Snapshot) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [rows(tx, f"PRAGMA {name}")[0][0] for name in names]

    assert await db.write(settings) == ["wal", 2, 1, 5000]
    assert await db.read(settings) == ["wal", 2, 1, 5000]


async def test_leaving_closes_every_file(url: str, tmp_path: Path) -> None:
    async with Database(url, clock=StandingClock()):
        assert open_files(tmp_path)
    assert open_files(tmp_path) == []


async def test_a_database_that_cannot_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="unable to open"):
        async with Database(f"sqlite:///{tmp_path}/missing/hub.db", clock=StandingClock()):
            pytest.fail("opened")
    assert [each.name for each in threading.enumerate() if each.name.startswith("store-")] == []


async def test_a_connection_that_breaks_is_replaced(db: Database) -> None:
    def break_it(tx: Snapshot) -> None:
        tx.connection.connection.driver_connection.close()  # type: ignore[union-attr]

    with pytest.raises(TransactionFailed):
        await db.write(break_it)
    assert (await db.write(lambda tx: outbox.emit(tx, ALICE, b"{}", NOW))).seq == 1
    for _ in range(4):
        with pytest.raises(sqlite3.ProgrammingError):
            await db.read(break_it)
    for _ in range(4):
        assert await db.read(streams.epoch)


async def test_a_database_locked_by_another_process_is_overloaded(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.01)
    async with Database(url, clock=StandingClock()) as db:
        with closing(sqlite3.connect(tmp_path / "hub.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Overloaded):
                await db.write(lambda tx: outbox.emit(tx, ALICE, b"{}", NOW))
        assert (await db.write(lambda tx: outbox.emit(tx, ALICE, b"{}", NOW))).seq == 1


def test_migrating_makes_the_directory_and_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "hub.db"
    migrate(f"sqlite:///{path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert is_migrated(f"sqlite:///{path}")


def test_the_working_directory_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    migrate(f"sqlite:///{tmp_path}/hub.db")
    assert {path.name for path in tmp_path.iterdir()} == {"hub.db"}


def test_only_the_newest_revision_counts_as_migrated(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/hub.db"
    assert not is_migrated(url)
    assert not (tmp_path / "hub.db").exists()
    sqlite.make_file(tmp_path / "hub.db")
    assert not is_migrated(url)
    migrate(url)
    assert is_migrated(url)


async def test_events_of_many_streams_share_pages(db: Database, tmp_path: Path) -> None:
    crowd = [Stream("acme", f"user{number}", "/v2/me/calls") for number in range(200)]
    data = b'{"text":"%b"}' % (b"x" * 300)

    async def tell_all() -> None:
        await db.write(lambda tx: [outbox.emit(tx, stream, data, NOW) for stream in crowd])

    for _ in range(12):
        await tell_all()
    before = (tmp_path / "hub.db-wal").stat().st_size
    await tell_all()
    pages = ((tmp_path / "hub.db-wal").stat().st_size - before) // 4096
    assert pages < len(crowd) / 3
