import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect

import api.tables
from hub.kernel.faults import SettingsError
from hub.store import dialects
from hub.store.migrations import NotMigrated, _config, is_migrated, migrate, prepare
from hub.store.schema import metadata
from tests.support.postgres import PostgresServer

Structure = dict[str, dict[str, set[tuple[object, ...]]]]


@pytest.fixture
def empty_sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/empty.db"


@pytest.fixture
def empty_postgresql(postgres_server: PostgresServer) -> Iterator[str]:
    name = postgres_server.database()
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest) -> str:
    """The address of a database without anything in it."""
    found: str = request.getfixturevalue(f"empty_{request.param}")
    return found


def ask(url: str, sql: str) -> list[tuple[object, ...]]:
    with dialects.of(url).connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def epoch_of(url: str) -> object:
    ((value,),) = ask(url, "SELECT epoch FROM log")
    return value


def structure(connection: Connection) -> Structure:
    """Tables as the database understands them, whatever order or statements they were made with."""
    look = inspect(connection)
    found: Structure = {}
    for table in set(look.get_table_names()) - {"alembic_version"}:
        columns = look.get_columns(table)
        found[table] = {
            "columns": {
                (c["name"], str(c["type"]), getattr(c["type"], "collation", None), c["nullable"], c["default"])
                for c in columns
            },
            "key": {tuple(look.get_pk_constraint(table)["constrained_columns"])},
            "unique": {tuple(each["column_names"]) for each in look.get_unique_constraints(table)},
            "indexes": {(each["name"], each["unique"], *each["column_names"]) for each in look.get_indexes(table)},
            "checks": {(each["name"], each["sqltext"]) for each in look.get_check_constraints(table)},
            "references": {(str(each),) for each in look.get_foreign_keys(table)},
        }
    if connection.dialect.name == "sqlite":
        for _, table, kind, _, without_rowid, strict in connection.exec_driver_sql("PRAGMA main.table_list"):
            if kind == "table" and table in found:
                found[table]["options"] = {(without_rowid, strict)}
    return found


def test_migrating_again_keeps_the_epoch(empty: str) -> None:
    migrate(empty)
    first = epoch_of(empty)
    migrate(empty)
    assert epoch_of(empty) == first


def test_two_logs_have_two_epochs(empty_sqlite: str, empty_postgresql: str) -> None:
    for each in (empty_sqlite, empty_postgresql):
        migrate(each)
    assert epoch_of(empty_sqlite) != epoch_of(empty_postgresql)


def test_processes_that_start_together_make_one_log(empty: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate, [empty] * 4))
    assert ask(empty, "SELECT count(*) FROM log") == [(1,)]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_migrated_schema_is_that_of_the_metadata(kind: str, request: pytest.FixtureRequest) -> None:
    url, empty = (request.getfixturevalue(name) for name in (f"{kind}_url", f"empty_{kind}"))
    with dialects.of(url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert api.tables.__all__, "the domains have registered theirs"
        assert compare_metadata(context, metadata) == []
        migrated = structure(connection)
    with dialects.of(empty).connect() as connection:
        metadata.create_all(connection)
        declared = structure(connection)
    assert migrated == declared


def test_only_a_migrated_database_counts_as_migrated(empty: str) -> None:
    assert not is_migrated(empty)
    migrate(empty)
    assert is_migrated(empty)


def test_a_database_migrated_by_newer_code_serves_older_code(url: str) -> None:
    ask(url, "UPDATE alembic_version SET version_num = '9999' RETURNING version_num")
    assert is_migrated(url)
    prepare(url)
    migrate(url)
    assert ask(url, "SELECT version_num FROM alembic_version") == [("9999",)]


def test_who_serves_migrates_a_file_and_nothing_else(empty_sqlite: str, empty_postgresql: str) -> None:
    prepare(empty_sqlite)
    assert is_migrated(empty_sqlite)
    with pytest.raises(NotMigrated, match="run `hub migrate`"):
        prepare(empty_postgresql)
    assert not is_migrated(empty_postgresql)
    migrate(empty_postgresql)
    prepare(empty_postgresql)


def test_who_serves_says_once_what_was_migrated(empty_sqlite: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(2):
        prepare(empty_sqlite)
    ((after,),) = ask(empty_sqlite, "SELECT version_num FROM alembic_version")
    (line,) = [record.msg for record in caplog.records if record.name.startswith(("alembic", "hub"))]
    assert isinstance(line, dict)
    assert (line["event"], line["before"], line["after"]) == ("database migrated", "nothing", after)


def test_events_kept_by_stream_are_all_there_and_new_ones_come_after_them(empty_sqlite: str) -> None:
    dialect = dialects.of(empty_sqlite)
    dialect.make()
    with dialect.connect() as connection:
        dialect.before_migrating(connection)
        command.upgrade(_config(connection), "0014")
        connection.exec_driver_sql(
            """INSERT INTO event (stream_id, seq, at, id, data, "binary") VALUES
            (2, 7, 30, 'c', x'7b7d', 0), (1, 8, 20, 'b', x'ff00', 1), (1, 9, 10, 'a', x'7b', 0)"""
        )
        connection.exec_driver_sql("COMMIT")
    migrate(empty_sqlite)
    assert ask(empty_sqlite, 'SELECT stream_id, seq, at, id, data, "binary" FROM event ORDER BY stream_id, seq') == [
        (1, 8, 20, "b", b"\xff\0", 1),
        (1, 9, 10, "a", b"{", 0),
        (2, 7, 30, "c", b"{}", 0),
    ]
    with dialect.connect() as connection:
        connection.exec_driver_sql("INSERT INTO event (stream_id, seq, at, id, data) VALUES (1, 10, 40, 'd', x'7b')")
    assert ask(empty_sqlite, "SELECT rowid, id FROM event ORDER BY rowid") == [(1, "b"), (2, "a"), (3, "c"), (4, "d")]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/hub"])
def test_what_is_no_database_of_ours_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="SQLite file"):
        migrate(url)


def test_a_database_that_cannot_hold_every_name_is_refused(postgres_server: PostgresServer) -> None:
    postgres_server.execute("CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(SettingsError, match="the encoding of the database is SQL_ASCII, not UTF8"):
        migrate(postgres_server.url("ascii"))
    postgres_server.drop("ascii")
