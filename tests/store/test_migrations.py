import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from hub.store import sqlite
from hub.store.migrations import is_migrated, migrate
from hub.store.schema import metadata

Structure = dict[str, dict[str, set[tuple[object, ...]]]]


def epoch_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        value: str = connection.execute("SELECT epoch FROM log").fetchone()[0]
        return value


def structure(connection: Connection) -> Structure:
    """Tables as SQLite understands them, whatever order or statements they were made with."""

    def ask(pragma: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in connection.exec_driver_sql(pragma)]

    found: Structure = {}
    for _, table, kind, _, without_rowid, strict in ask("PRAGMA main.table_list"):
        if kind != "table" or str(table).startswith("sqlite_") or table == "alembic_version":
            continue
        found[str(table)] = {
            "options": {(without_rowid, strict)},
            "columns": {tuple(row[1:]) for row in ask(f"PRAGMA table_xinfo({table})")},
            "references": {tuple(row[2:]) for row in ask(f"PRAGMA foreign_key_list({table})")},
            "indexes": {
                (*index[2:], tuple(key[2] for key in ask(f"PRAGMA index_info({index[1]})")))
                for index in ask(f"PRAGMA index_list({table})")
            },
        }
    return found


def test_migrating_makes_the_directory_and_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "hub.db"
    migrate(f"sqlite:///{path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(epoch_of(path)) == 8


def test_migrating_again_keeps_the_epoch(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    migrate(f"sqlite:///{path}")
    first = epoch_of(path)
    migrate(f"sqlite:///{path}")
    assert epoch_of(path) == first


def test_two_logs_have_two_epochs(tmp_path: Path) -> None:
    for name in ("one.db", "two.db"):
        migrate(f"sqlite:///{tmp_path}/{name}")
    assert epoch_of(tmp_path / "one.db") != epoch_of(tmp_path / "two.db")


def test_the_working_directory_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    migrate(f"sqlite:///{tmp_path}/hub.db")
    assert {path.name for path in tmp_path.iterdir()} == {"hub.db"}


def test_processes_that_start_together_make_one_log(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate, [f"sqlite:///{path}"] * 4))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM log").fetchone() == (1,)


def test_the_migrated_schema_is_that_of_the_metadata(url: str, tmp_path: Path) -> None:
    with sqlite.engine(url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        migrated = structure(connection)
    with sqlite.engine(f"sqlite:///{tmp_path}/declared.db").connect() as connection:
        metadata.create_all(connection)
        declared = structure(connection)
    assert migrated == declared


def test_only_the_newest_revision_counts_as_migrated(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/hub.db"
    assert not is_migrated(url)
    assert not (tmp_path / "hub.db").exists()
    sqlite.make_file(tmp_path / "hub.db")
    assert not is_migrated(url)
    migrate(url)
    assert is_migrated(url)


def test_a_database_migrated_by_newer_code_serves_older_code(url: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "hub.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert is_migrated(url)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/hub"])
def test_what_is_no_sqlite_file_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="SQLite file"):
        migrate(url)
