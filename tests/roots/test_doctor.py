"""`hub doctor`: what it shows, what it hides, what it finds."""

import asyncio
import fcntl
import re
import resource
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hub.brokers.shard import Pace
from hub.cli import main
from hub.doctor import Finding, Verdict, _faults, examine, renew_epoch, settings_lines
from hub.kernel.settings import Settings, load
from hub.server import LOCK_FILE
from hub.store.migrations import migrate
from hub.store.postgresql import Server
from tests.support.brokers import unique_prefix
from tests.support.hub_process import free_port
from tests.support.issuer import ec_key, rsa_key, serving
from tests.support.postgres import PostgresServer
from tests.support.redis_groups import ClusterGroup, Watched
from tests.support.redis_server import RedisServer
from tests.support.resp_server import resp_server


@pytest.fixture(autouse=True)
def no_configuration_file(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))


def settings(directory: Path, **environment: str) -> Settings:
    return load({"HUB_DATA_DIR": str(directory), **environment})


def findings(chosen: Settings) -> list[Finding]:
    return list(examine(chosen, print))


def found(subject: str, chosen: Settings) -> Finding:
    (finding,) = (each for each in findings(chosen) if each.subject == subject)
    return finding


def doctor(directory: Path, *arguments: str) -> Result:
    return CliRunner(env={"HUB_DATA_DIR": str(directory)}).invoke(main, ["doctor", *arguments])


def test_every_setting_is_shown_and_no_secret(tmp_path: Path) -> None:
    secret = "x" * 20 + "unmistakable" + "x" * 20
    lines = settings_lines(settings(tmp_path, HUB_JWT_SECRET=secret, HUB_CALLBACK_POLLING="on"))
    shown = dict(line.split(maxsplit=1) for line in lines)
    assert len(shown) == len(Settings.__struct_fields__)
    assert shown["HUB_JWT_SECRET"] == "***"
    assert shown["HUB_DATABASE_URL"] == f"sqlite:///{tmp_path}/hub.db"
    assert shown["HUB_CALLBACK_POLLING"] == "on"
    assert shown["HUB_ALLOWED_ORIGINS"] == "–"
    assert shown["HUB_BAYEUX_TIMEOUT_MS"] == "25000"
    assert "unmistakable" not in "".join(lines)


def test_looking_at_an_empty_directory_changes_nothing(tmp_path: Path) -> None:
    done = doctor(tmp_path)
    assert done.exit_code == 0
    assert "not there or not up to date" in done.stdout
    assert "none yet" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_database_in_order(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    migrate(chosen.database.reveal())
    assert found("database", chosen).verdict is Verdict.GOOD


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "hub.db").write_text("something else entirely, long enough to be taken for a header " * 20)
    finding = found("database", settings(tmp_path))
    assert finding.verdict is Verdict.BAD
    assert "not a database" in finding.detail
    assert doctor(tmp_path).exit_code == 1


def test_a_key_that_is_open_to_others(tmp_path: Path) -> None:
    CliRunner(env={"HUB_DATA_DIR": str(tmp_path)}).invoke(
        main, ["token", "--user", "a", "--role", "ROLE_AGENT", "--organization", "o"]
    )
    assert found("keys", settings(tmp_path)).verdict is Verdict.GOOD
    (key,) = (tmp_path / "keys").iterdir()
    key.chmod(0o644)
    finding = found("keys", settings(tmp_path))
    assert finding.verdict is Verdict.BAD
    assert "open to other users" in finding.detail


async def test_the_key_set_of_a_foreign_issuer(tmp_path: Path) -> None:
    def look() -> Finding:
        chosen = settings(tmp_path, HUB_JWKS_URL=issuer.url, HUB_JWT_ISSUER="https://issuer.example")
        finding = found("keys", chosen)
        assert list(tmp_path.iterdir()) == []
        return finding

    async with serving(rsa_key(), ec_key(), rsa_key(1).jwk(use="enc")) as issuer:
        good = await asyncio.to_thread(look)
        issuer.answer(b"", "302 Found", ["Location: http://127.0.0.1/"])
        weak = await asyncio.to_thread(look)
    assert good.verdict is Verdict.GOOD
    assert "RS256 'rsa-0', ES256 'ec-0' of https://issuer.example" in good.detail
    assert "left out: a key is not for signatures" in good.detail
    assert weak.verdict is Verdict.WEAK
    assert issuer.url in weak.detail
    assert "redirects are not followed" in weak.detail


def test_too_few_file_descriptors_are_a_warning(tmp_path: Path) -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    finding = found("file descriptors", settings(tmp_path, HUB_MAX_CONNECTIONS=str(soft)))
    assert finding.verdict is Verdict.WEAK
    assert found("file descriptors", settings(tmp_path, HUB_MAX_CONNECTIONS="1")).verdict is Verdict.GOOD


def test_a_new_epoch(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    migrate(chosen.database.reveal())
    before = found("database", chosen).detail.rpartition(" ")[2]
    done = doctor(tmp_path, "--new-epoch")
    after = found("database", chosen).detail.rpartition(" ")[2]
    assert after != before
    assert f"new epoch {after}:" in done.stdout
    assert renew_epoch(chosen, LOCK_FILE) != after


def test_a_running_hub_keeps_its_epoch(tmp_path: Path) -> None:
    migrate(settings(tmp_path).database.reveal())
    with (tmp_path / LOCK_FILE).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = doctor(tmp_path, "--new-epoch")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "stop it first" in done.stderr
    assert doctor(tmp_path, "--new-epoch").exit_code == 0


def test_a_new_epoch_needs_a_database(tmp_path: Path) -> None:
    done = doctor(tmp_path, "--new-epoch")
    assert done.exit_code == 1
    assert "run `hub migrate`" in done.stderr


def test_redis_in_order(tmp_path: Path, redis_server: RedisServer) -> None:
    chosen = settings(tmp_path, HUB_REDIS_URL=redis_server.url, HUB_REDIS_PREFIX=unique_prefix())
    assert found("redis", chosen).verdict is Verdict.GOOD
    assert re.fullmatch(r"version \d+\.\d+\.\d+; what is published is heard", found("redis", chosen).detail)
    assert found("redis output", chosen) == (
        Verdict.GOOD,
        "redis output",
        "client-output-buffer-limit pubsub 33554432 8388608 60",
    )


def test_without_redis_nothing_is_said_of_it(tmp_path: Path) -> None:
    assert [finding for finding in findings(settings(tmp_path)) if "redis" in finding.subject] == []


def test_the_rights_that_the_doctor_recommends_are_enough(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server:
        chosen = settings(tmp_path, HUB_REDIS_URL=server.url)
        advice = found("redis user", chosen)
        assert advice.verdict is Verdict.WEAK
        rule = advice.detail.partition("ACL SETUSER hub ")[2]
        assert rule == "resetchannels &hub:0:* -@all +hello +publish +subscribe +unsubscribe"
        server.ask("ACL", "SETUSER", "hub", "on", ">pw", *rule.split())
        few = settings(tmp_path, HUB_REDIS_URL=f"redis://hub:pw@127.0.0.1:{server.port}")
        assert [(each.verdict, each.subject) for each in findings(few) if "redis" in each.subject] == [
            (Verdict.GOOD, "redis")
        ]


@pytest.mark.parametrize("group", ["redis_sentinels", "redis_cluster"])
def test_sentinels_and_cluster_are_looked_at_too(tmp_path: Path, group: str, request: pytest.FixtureRequest) -> None:
    servers: Watched | ClusterGroup = request.getfixturevalue(group)
    chosen = settings(tmp_path, HUB_REDIS_URL=servers.url, HUB_REDIS_PREFIX=unique_prefix())
    assert found("redis", chosen).verdict is Verdict.GOOD
    rule = found("redis user", chosen).detail.partition("ACL SETUSER hub ")[2]
    for server in servers.servers:
        server.ask("ACL", "SETUSER", "few", "on", ">pw", *rule.split())
    few = settings(
        tmp_path, HUB_REDIS_URL=servers.url.replace("://", "://few:pw@"), HUB_REDIS_PREFIX=chosen.redis_prefix
    )
    assert found("redis", few).verdict is Verdict.GOOD


@pytest.mark.parametrize(
    ("limit", "said"),
    [("0 0 0", "a hub that hangs takes all memory of Redis"), ("1000 1000 1", "is cut off by a burst")],
)
def test_a_weak_output_buffer_is_said(tmp_path: Path, limit: str, said: str) -> None:
    with RedisServer(tmp_path / "redis", "--client-output-buffer-limit", "pubsub", *limit.split()) as server:
        finding = found("redis output", settings(tmp_path, HUB_REDIS_URL=server.url))
        assert finding.verdict is Verdict.WEAK
        assert said in finding.detail


def test_a_redis_that_is_not_there_or_lets_nobody_in_is_said(tmp_path: Path) -> None:
    missing = found("redis", settings(tmp_path, HUB_REDIS_URL=f"redis://127.0.0.1:{free_port()}"))
    assert (missing.verdict, missing.detail.endswith("Connection refused")) == (Verdict.BAD, True)
    with RedisServer(tmp_path / "redis", "--requirepass", "right", password="right") as server:
        url = f"redis://:wrong-hunter2@127.0.0.1:{server.port}"
        refused = found("redis", settings(tmp_path, HUB_REDIS_URL=url))
        assert refused.verdict is Verdict.BAD
        assert "WRONGPASS" in refused.detail
        assert "hunter2" not in refused.detail


async def test_a_redis_that_is_silent_is_told_of_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And called broken only when a hub would give up, too."""
    monkeypatch.setattr("hub.brokers.checkup.SOON", 0.05)
    monkeypatch.setattr("hub.brokers.checkup.USUAL", Pace(patience=0.3))
    notices: list[str] = []

    def look() -> list[Finding]:
        chosen = settings(tmp_path, HUB_REDIS_URL=f"redis://127.0.0.1:{port}")
        return [each for each in examine(chosen, notices.append) if each.subject == "redis"]

    async with resp_server(lambda _: b"") as port:
        assert await asyncio.to_thread(look) == [
            (Verdict.BAD, "redis", f"Redis at 127.0.0.1:{port}: no answer within 0.3 s")
        ]
    assert notices == [f"Redis at 127.0.0.1:{port} has not answered everything for 0.05 s; a slow one gets some more"]


def test_a_slow_redis_is_good_enough(
    tmp_path: Path, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.brokers.checkup.SOON", 0.0)
    notices: list[str] = []
    chosen = settings(tmp_path, HUB_REDIS_URL=redis_server.url, HUB_REDIS_PREFIX=unique_prefix())
    (finding,) = (each for each in examine(chosen, notices.append) if each.subject == "redis")
    assert finding.verdict is Verdict.WEAK
    assert re.search(r"what is published is heard, but all that took \d\.\d s$", finding.detail)
    assert len(notices) == 1


@pytest.mark.parametrize(
    "url",
    ["postgresql://ann:hunter2@db:5433/hub?sslmode=require", "postgres://ann@db:5433/hub?password=hunter2"],
    ids=["before the host", "as a parameter"],
)
def test_a_password_in_the_address_of_the_database_is_not_shown(tmp_path: Path, url: str) -> None:
    lines = settings_lines(settings(tmp_path, HUB_DATABASE_URL=url))
    shown = dict(line.split(maxsplit=1) for line in lines)
    assert shown["HUB_DATABASE_URL"] == "postgresql://ann@db:5433/hub"
    assert "hunter2" not in "".join(lines)


@pytest.mark.parametrize("url", ["postgresql://ann:hunter2@127.0.0.1:1/hub", "postgresql://ann:hunter%zz2@db/hub"])
def test_a_postgresql_that_cannot_be_reached_is_a_finding_without_the_password(tmp_path: Path, url: str) -> None:
    finding = found("database", settings(tmp_path, HUB_DATABASE_URL=url))
    assert finding.verdict is Verdict.BAD
    assert "hunter" not in finding.detail


async def test_a_postgresql_server_is_described(tmp_path: Path, postgres_server: PostgresServer) -> None:
    def look() -> tuple[Finding, Finding, Finding]:
        chosen = settings(tmp_path, HUB_DATABASE_URL=postgres_server.url(name))
        missing = found("database", chosen)
        migrate(chosen.database.reveal())
        return missing, found("database", chosen), found("server", chosen)

    name = postgres_server.database()
    missing, good, server = await asyncio.to_thread(look)
    postgres_server.drop(name)
    assert missing.verdict is Verdict.BAD
    assert "run `hub migrate`" in missing.detail
    assert good.verdict is Verdict.GOOD
    assert good.detail.endswith("-1")  # the timeline
    assert server.verdict is Verdict.WEAK
    assert server.detail.startswith("PostgreSQL 1")
    assert "with fsync off a crash loses or corrupts" in server.detail


def test_what_a_server_should_have() -> None:
    good = Server("15.1", "on", "on", 97)
    assert _faults(good, 0.01) == []
    assert "fsync" in _faults(good._replace(fsync="off"), 0.01)[0]
    assert "connections" in _faults(good._replace(max_connections=10), 0.01)[0]
    for ahead in (-1.5, 1.5, None):
        assert "clocks" in _faults(good, ahead)[0]
