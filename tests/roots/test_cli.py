"""The command line without a server: what it prints, what it refuses, and with which exit code."""

import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from alembic.script import ScriptDirectory
from click.testing import CliRunner, Result

from channels.access import Role
from hub.cli import ROLES, main
from hub.store.migrations import HERE
from tests.support.hub_process import HubProcess, free_port
from tests.support.tokens import SECRET

AGENT = ("--user", "alice", "--role", "ROLE_AGENT", "--organization", "acme")
CLOSED = f"http://127.0.0.1:{free_port()}"


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory of its own and no settings from outside."""
    for name in (
        "HUB_CONFIG",
        "HUB_DATABASE_URL",
        "HUB_JWKS_URL",
        "HUB_JWT_SECRET",
        "HUB_PUBLIC_URL",
        "PORT",
        "WEB_CONCURRENCY",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "var"))
    return tmp_path


def hub(*arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=input, prog_name="hub", terminal_width=200)


def claims(token: str) -> dict[str, Any]:
    found = jwt.decode(token, SECRET, algorithms=["HS256"], audience="hub", issuer="hub")
    assert isinstance(found, dict)
    return found


def test_token_prints_one_token_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_JWT_SECRET", SECRET)
    done = hub("token", *AGENT, "--role", "ROLE_SUPERVISOR", "--application", "a1", "--conference", "c1", "--ttl", "90")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    found = claims(done.stdout.strip())
    assert found["exp"] - found["iat"] == pytest.approx(90)
    assert abs(found["iat"] - time.time()) < 60
    assert {name: value for name, value in found.items() if name not in {"iat", "exp"}} == {
        "sub": "alice",
        "organizationId": "acme",
        "roles": ["ROLE_AGENT", "ROLE_SUPERVISOR"],
        "applicationId": "a1",
        "conferenceId": "c1",
        "iss": "hub",
        "aud": "hub",
    }


@pytest.mark.parametrize(
    "command",
    [["token", *AGENT], ["send", "/v2/users", "{}", "--organization", "acme", "--url", CLOSED]],
    ids=["token", "send"],
)
def test_nothing_is_signed_for_a_foreign_issuer(
    command: list[str], surroundings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_JWKS_URL", "https://issuer.example/keys")
    done = hub(*command)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "HUB_JWKS_URL: tokens are made by the issuer behind it" in done.stderr
    assert not (surroundings / "var").exists()


def test_a_token_of_the_foreign_issuer_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_JWKS_URL", "https://issuer.example/keys")
    done = hub("send", "/v2/users", "{}", "--organization", "acme", "--url", CLOSED, "--token", "a.b.c")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "no answer from" in done.stderr


def test_token_makes_the_key_once(surroundings: Path) -> None:
    first, second = hub("token", *AGENT), hub("token", *AGENT)
    assert first.exit_code == second.exit_code == 0
    kids = [jwt.get_unverified_header(done.stdout.strip())["kid"] for done in (first, second)]
    assert kids[0] == kids[1]
    (key,) = (surroundings / "var" / "keys").iterdir()
    assert key.stat().st_mode & 0o777 == 0o600


def test_the_roles_are_those_of_the_catalogue() -> None:
    assert list(ROLES) == [role.value for role in Role]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["token", "--user", "alice", "--organization", "acme"], "Missing option '--role'"),
        (["token", "--role", "ROLE_AGENT", "--organization", "acme"], "Missing option '--user'"),
        (["token", *AGENT, "--role", "ROLE_KING"], "'ROLE_KING' is not one of"),
        (["token", *AGENT, "--ttl", "0"], "0 is not in the range"),
        (["token", "--user", "al ice", "--role", "ROLE_AGENT", "--organization", "acme"], "sub"),
        (["send", "/v2/me/calls", "--organization", "acme", "{}"], "say whom it is for with --user"),
        (["send", "/v2/me", "--organization", "acme", "{}"], "say whom it is for with --user"),
        (["send", "/v2/users", "--user", "alice", "--organization", "acme", "{}"], "leave --user out"),
        (["send", "/v2/meadow", "--user", "alice", "--organization", "acme", "{}"], "leave --user out"),
        (["send", "/v2/users", "{}"], "Missing option '--organization'"),
        (["send", "v2/users", "--organization", "acme", "{}"], "is no channel name"),
        (["send", "/v2/users", "--organization", "acme", "[1]"], "one JSON object"),
        (["send", "/v2/users", "--organization", "acme", "{"], "one JSON object"),
        (["send", "/v2/users", "--organization", "acme", '{"n":NaN}'], "one JSON object"),
        (["send", "/v2/users", "--organization", "acme", "[" * 5000], "one JSON object"),
        (["send", "/v2/users", "--organization", "acme", "{}", "--url", "ftp://x"], "must begin with http"),
        (["watch", "/v2/me/calls"], "Missing option '--token'"),
        (["watch", "/v2//calls", "--token", "t"], "is no channel name"),
        (["watch", "/v2/me/calls", "--token", "t", "--url", "127.0.0.1:8080"], "must begin with http"),
        (["serve", "--port", "eighty"], "'eighty' is not a valid integer"),
        (["serve", "--workers", "4"], "No such option '--workers'"),
        (["kick", "--user", "alice"], "Missing option '--organization'"),
        (["scheduler", "--metrics-port", "eighty"], "'eighty' is not a valid integer"),
        (["timers", "replay"], "Give ids, or --all"),
        (["timers", "replay", "1", "--all"], "Give ids, or --all"),
        (["timers", "replay", "1", "--kind", "deliver.sms"], "Give ids, or --all"),
        (["timers", "forget"], "Missing argument 'ID...'"),
    ],
)
def test_wrong_usage_is_said_and_ends_with_2(arguments: list[str], complaint: str) -> None:
    done = hub(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert complaint in done.stderr
    assert "\nError: " in f"\n{done.stderr}"


@pytest.mark.parametrize("command", [["token", *AGENT], ["serve"], ["migrate"], ["doctor"], ["asyncapi"]])
def test_wrong_settings_are_all_named_and_end_with_2(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_HISTORY_SECOND", "5")
    monkeypatch.setenv("HUB_BAYEUX_TIMEOUT_MS", "soon")
    done = hub(*command)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "HUB_HISTORY_SECOND: unknown; did you mean HUB_HISTORY_SECONDS?" in done.stderr
    assert "HUB_BAYEUX_TIMEOUT_MS" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_configuration_file_is_named_with_the_path_of_the_key(surroundings: Path) -> None:
    (surroundings / "hub.toml").write_text('[[custom_channels]]\npattern = "/v2/me/**"\ncolour = "red"\n')
    done = hub("asyncapi")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "custom_channels[0].colour: unknown" in done.stderr


def test_nobody_there_is_one_line_and_1() -> None:
    done = hub("send", "/v2/users", "--organization", "acme", "{}", "--url", CLOSED)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: no answer from {CLOSED}/api/v2/events: ")
    assert done.stderr.count("\n") == 1


def test_kick_needs_a_database() -> None:
    done = hub("kick", "--user", "alice", "--organization", "acme")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "Error: the database is missing or not up to date: run `hub migrate`\n"


def test_kick_writes_the_revocation() -> None:
    assert hub("migrate").exit_code == 0
    done = hub("kick", "--user", "alice", "--organization", "acme")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "alice in acme" in done.stderr


def test_migrate_says_what_it_has_done_and_may_be_repeated() -> None:
    newest = ScriptDirectory(str(HERE)).get_current_head()
    first, second = hub("migrate"), hub("migrate")
    assert (first.exit_code, first.stdout) == (second.exit_code, second.stdout) == (0, "")
    assert first.stderr == f"The database was brought from nothing to revision {newest}.\n"
    assert second.stderr == f"The database already has revision {newest}.\n"


def test_openapi_and_asyncapi_are_documents_of_this_hub(surroundings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (surroundings / "hub.toml").write_text('[[custom_channels]]\npattern = "/teams/**"\n')
    monkeypatch.setenv("HUB_PUBLIC_URL", "https://hub.example.org")
    openapi = json.loads(hub("openapi").stdout)
    assert openapi["servers"] == [{"url": "https://hub.example.org"}]
    assert "/api/v2/events" in openapi["paths"]
    asyncapi = json.loads(hub("asyncapi").stdout)
    assert {channel["address"] for channel in asyncapi["channels"].values()} >= {"/v2/me/calls", "/teams/{name}"}


def test_serve_refuses_settings_before_it_listens(tmp_path: Path) -> None:
    process = HubProcess(tmp_path / "hub", settings={"HUB_LOG_LEVEL": "loud"})
    done = process.command("serve", "--port", str(process.port))
    assert done.returncode == 2
    assert done.stderr == "Error: HUB_LOG_LEVEL: must be debug or info or warning or error, not 'loud'\n"
