"""`hub user`, `hub client`, `hub keys`, `hub links`: what they print, store and refuse."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hub.auth.passwords import matches
from hub.cli import main
from hub.kernel.secret import Secret

DEMO = ("--organization", "acme", "--role", "ROLE_AGENT")
PASSWORD = "a password of the tests"


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HUB_CONFIG", "HUB_DATABASE_URL", "HUB_JWKS_URL", "HUB_JWT_SECRET", "HUB_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def migrated() -> None:
    assert hub("migrate").exit_code == 0


def hub(*arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=input, prog_name="hub", terminal_width=200)


def rows(directory: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(directory / "hub.db")) as connection:
        return connection.execute(sql).fetchall()


ACCOUNT = "SELECT organization, id, user_name, roles, enabled, must_change FROM account"


@pytest.mark.usefixtures("migrated")
def test_a_user_is_added_with_a_password_that_is_printed_once_and_has_to_be_changed(surroundings: Path) -> None:
    done = hub("user", "add", "zoe", *DEMO, "--role", "ROLE_SUPERVISOR")
    assert (done.exit_code, done.stderr) == (0, "zoe may log in to acme.\n")
    password = done.stdout.strip()
    assert len(password) == 20
    assert rows(surroundings, ACCOUNT) == [("acme", "zoe", "zoe", "ROLE_AGENT ROLE_SUPERVISOR", 1, 1)]
    [(stored,)] = rows(surroundings, "SELECT password FROM account")
    assert matches(str(stored), Secret(password))
    assert password.encode() not in (surroundings / "hub.db").read_bytes()


@pytest.mark.usefixtures("migrated")
def test_a_password_may_come_from_standard_input_and_is_not_printed(surroundings: Path) -> None:
    done = hub("user", "add", "zoe", *DEMO, "--password-stdin", input=f"{PASSWORD}\n")
    assert (done.exit_code, done.stdout) == (0, "")
    assert rows(surroundings, ACCOUNT) == [("acme", "zoe", "zoe", "ROLE_AGENT", 1, 0)]
    [(stored,)] = rows(surroundings, "SELECT password FROM account")
    assert matches(str(stored), Secret(PASSWORD))


@pytest.mark.usefixtures("migrated")
def test_another_password_ends_sessions_and_tokens(surroundings: Path) -> None:
    hub("user", "add", "zoe", *DEMO)
    done = hub("user", "password", "zoe", "--password-stdin", input=PASSWORD)
    assert (done.exit_code, done.stdout) == (0, "")
    [(stored,)] = rows(surroundings, "SELECT password FROM account")
    assert matches(str(stored), Secret(PASSWORD))
    assert rows(surroundings, 'SELECT organization, "user", tokens FROM revocation') == [("acme", "zoe", 1)]


@pytest.mark.usefixtures("migrated")
def test_a_client_is_registered_and_its_secret_shown_once(surroundings: Path) -> None:
    done = hub("client", "add", "bot", "--organization", "acme")
    assert done.exit_code == 0
    name, secret = (line.partition("=")[2] for line in done.stdout.splitlines())
    assert (name, len(secret)) == ("bot", 50)
    assert rows(surroundings, "SELECT id, organization FROM client") == [("bot", "acme")]
    assert secret.encode() not in (surroundings / "hub.db").read_bytes()
    again = hub("client", "add", "bot", "--organization", "globex")
    assert (again.exit_code, again.stdout) == (1, "")
    assert "exists already" in again.stderr


@pytest.mark.usefixtures("migrated")
def test_a_configured_client_is_not_registered_as_well(surroundings: Path) -> None:
    (surroundings / "hub.toml").write_text('[clients.crm]\norganization = "acme"\nsecret = "x"\n')
    done = hub("client", "add", "crm", "--organization", "acme")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "hub.toml has a client crm" in done.stderr


@pytest.mark.usefixtures("migrated")
@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["user", "add", "zoe"], 2, "Missing option"),
        (["user", "add", "with space", *DEMO], 2, "NAME: must be 1 to 64"),
        (["user", "add", "zoe", "--organization", "a/b", "--role", "ROLE_AGENT"], 2, "--organization must be"),
        (["user", "add", "zoe", "--organization", "acme", "--role", "ROLE_CUSTOMER"], 2, "is not one of"),
        (["user", "add", "zoe", *DEMO, "--password-stdin"], 2, "at least 12 characters"),
        (["user", "password", "nobody"], 1, "nobody logs in as nobody"),
        (["client", "add", "a b", "--organization", "acme"], 2, "NAME: must be 1 to 64"),
        (["keys", "remove", "nothing"], 1, "there is no key nothing"),
    ],
)
def test_what_is_wrong_is_said_and_stores_nothing(
    surroundings: Path, arguments: list[str], code: int, complaint: str
) -> None:
    done = hub(*arguments, input="short\n")
    assert (done.exit_code, done.stdout) == (code, "")
    assert complaint in done.stderr
    assert rows(surroundings, "SELECT * FROM account") == rows(surroundings, "SELECT * FROM client") == []


@pytest.mark.usefixtures("migrated")
def test_a_name_is_given_once() -> None:
    assert hub("user", "add", "zoe", *DEMO).exit_code == 0
    again = hub("user", "add", "zoe", "--organization", "globex", "--role", "ROLE_AGENT")
    assert (again.exit_code, again.stdout) == (1, "")
    assert "userName exists already" in again.stderr


def test_without_a_database_nothing_is_made_up() -> None:
    done = hub("user", "add", "zoe", *DEMO)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "hub migrate" in done.stderr


def test_keys_are_listed_rotated_and_removed(surroundings: Path) -> None:
    old = hub("keys", "list").stdout.split()[0]
    new = hub("keys", "rotate").stdout.strip()
    listed = [line.split("  ") for line in hub("keys", "list").stdout.splitlines()]
    assert [(kid, use) for kid, _, use in listed] == [(old, "signs and checks"), (new, "checks")]
    refused = hub("keys", "remove", old)
    assert refused.exit_code == 1
    assert "the key that signs" in refused.stderr
    assert hub("keys", "remove", new).exit_code == 0
    assert [path.name for path in (surroundings / "keys").iterdir()] == ["es256.pem"]


def test_the_name_of_a_key_may_begin_with_a_dash(surroundings: Path) -> None:
    kid = "-OU-nXrr8ttm3IJCJbuX1BFaIKx7AbMkYCAbcAi-uTc"
    refused = hub("keys", "remove", kid)
    assert refused.exit_code == 1, refused.stderr
    assert kid in refused.stderr, "understood as the name of a key that is not there"


def test_a_secret_has_nothing_to_rotate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_JWT_SECRET", "x" * 40)
    done = hub("keys", "rotate")
    assert done.exit_code == 1
    assert "HUB_JWT_SECRET" in done.stderr


@pytest.mark.usefixtures("migrated")
@pytest.mark.parametrize(
    ("arguments", "said", "kept"),
    [
        ([], "stay good for 90 days", 90 * 86_400),
        (["--days", "3"], "stay good for 3 days", 3 * 86_400),
        (["--now"], "are refused from now on", 0),
    ],
)
def test_links_get_another_key(surroundings: Path, arguments: list[str], said: str, kept: int) -> None:
    [before] = rows(surroundings, "SELECT key FROM signing_key")
    began = time.time()
    done = hub("links", "rotate", *arguments)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"Links have another key; those sent so far {said}.\n"
    [after] = rows(surroundings, "SELECT key FROM signing_key")
    assert after != before
    [(former, good_until)] = rows(surroundings, "SELECT key, good_until FROM former_signing_key")
    assert (former,) == before
    assert isinstance(good_until, int)
    assert began <= good_until / 1_000_000 - kept <= time.time()


@pytest.mark.usefixtures("migrated")
def test_links_are_not_kept_and_refused(surroundings: Path) -> None:
    for wrong in (["--now", "--days", "3"], ["--days", "0"]):
        assert hub("links", "rotate", *wrong).exit_code == 2
    assert rows(surroundings, "SELECT key FROM former_signing_key") == []
