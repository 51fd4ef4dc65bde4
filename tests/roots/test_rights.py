"""A database that does not let the hub do what it must: one sentence, whatever the command."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hub.cli import main
from tests.support.hub_process import HubProcess
from tests.support.postgres import PostgresServer

GRANTED = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO newcomer"
ADVICE = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO newcomer, as their owner"


@pytest.fixture
def url(postgres_server: PostgresServer) -> Iterator[str]:
    """A migrated database, for somebody who owns nothing and has been given nothing."""
    name = postgres_server.migrated()
    postgres_server.execute("CREATE ROLE newcomer LOGIN")
    yield postgres_server.url(name).replace("postgres@", "newcomer@")
    postgres_server.drop(name)
    postgres_server.execute("DROP ROLE newcomer")


@pytest.fixture
def lent(url: str, postgres_server: PostgresServer) -> str:
    """The same, with what is needed but for the tables of a later migration."""
    database = url.rpartition("/")[2]
    postgres_server.execute(f"GRANT {GRANTED}", database)
    postgres_server.execute("REVOKE UPDATE ON timer FROM newcomer", database)
    postgres_server.execute("REVOKE SELECT ON event FROM newcomer", database)
    return url


def hub(url: str, tmp_path: Path, *arguments: str) -> Result:
    environment = {"HUB_DATA_DIR": str(tmp_path), "HUB_DATABASE_URL": url}
    return CliRunner(env=environment).invoke(main, arguments, prog_name="hub", input="")


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["scheduler"]], ids=lambda words: words[0])
def test_nothing_starts_without_rights(url: str, tmp_path: Path, command: list[str]) -> None:
    process = HubProcess(tmp_path / "hub", settings={"HUB_DATABASE_URL": url})
    done = process.command(*command)
    assert (done.returncode, done.stdout) == (1, "")
    said = "Error: the database role newcomer may not read and write account, agent_work, alembic_version and "
    assert re.fullmatch(rf"{said}\d+ more: {ADVICE}\n", done.stderr)


@pytest.mark.parametrize(
    "command",
    [
        ["kick", "--user", "alice", "--organization", "acme"],
        ["user", "add", "alice", "--organization", "acme", "--role", "ROLE_AGENT"],
        ["timers", "buried"],
        ["doctor", "--new-epoch"],
    ],
    ids=" ".join,
)
def test_a_right_that_was_forgotten_is_named(lent: str, tmp_path: Path, command: list[str]) -> None:
    done = hub(lent, tmp_path, *command)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"Error: the database role newcomer may not read and write event, timer: {ADVICE}\n"


def test_the_doctor_finds_it(lent: str, tmp_path: Path) -> None:
    done = hub(lent, tmp_path, "doctor")
    assert done.exit_code == 1
    assert f"FAILED  database          the database role newcomer may not read and write event, timer: {ADVICE}\n" in (
        done.stdout
    )


def test_a_role_without_a_schema(url: str, postgres_server: PostgresServer, tmp_path: Path) -> None:
    postgres_server.execute("REVOKE USAGE ON SCHEMA public FROM PUBLIC", url.rpartition("/")[2])
    done = hub(url, tmp_path, "timers", "buried")
    said = "Error: the database role newcomer may use no schema: GRANT USAGE ON SCHEMA public TO newcomer\n"
    assert (done.exit_code, done.stderr) == (1, said)


def test_migrating_is_for_the_owner(url: str, postgres_server: PostgresServer, tmp_path: Path) -> None:
    name = postgres_server.database()
    try:
        done = hub(f"{url.rpartition('/')[0]}/{name}", tmp_path, "migrate")
    finally:
        postgres_server.drop(name)
    said = "Error: the role in HUB_DATABASE_URL may not do this: permission denied for schema public\n"
    assert (done.exit_code, done.stderr) == (1, said)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "hub.db").write_text("something else entirely " * 200)
    done = hub(f"sqlite:///{tmp_path}/hub.db", tmp_path, "timers", "buried")
    assert (done.exit_code, done.stderr) == (1, "Error: the database file cannot be used: file is not a database\n")
