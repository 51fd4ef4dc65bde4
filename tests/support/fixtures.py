"""Fixtures that conftest files of flows, interop and later suites take over by importing them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import postgres, redis_groups
from tests.support.history import History, recorded_history
from tests.support.hub_process import HubProcess
from tests.support.postgres import PostgresServer
from tests.support.redis_groups import ClusterGroup, Watched
from tests.support.redis_server import RedisServer
from tests.support.tokens import SECRET


@pytest.fixture
def history() -> Iterator[History]:
    """An empty history; a test that ends without verifying it is an error."""
    with recorded_history() as recorded:
        yield recorded


@pytest.fixture(scope="module")
def shared_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A running hub for all tests of a module, which must neither kill it nor get into each other's way."""
    with HubProcess(tmp_path_factory.mktemp("shared") / "hub", secret=SECRET) as process:
        yield process


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    """A running hub on a free port with an empty data directory, that accepts the tokens of `tests.support.tokens`."""
    with HubProcess(tmp_path / "hub", secret=SECRET) as process:
        yield process


ECHO = """
[[custom_channels]]
pattern = "/echo/**"
subscribe = ["ROLE_AGENT"]
publish = ["ROLE_AGENT"]
"""


@pytest.fixture(scope="package")
def echo_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A running hub for all tests of a folder, on which agents may publish to `/echo/**` and hear it."""
    home = tmp_path_factory.mktemp("echo")
    file = home / "hub.toml"
    file.write_text(ECHO)
    with HubProcess(home / "hub", secret=SECRET, settings={"HUB_CONFIG": str(file)}) as process:
        yield process


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for all tests, which must neither stop it nor share a prefix."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for everybody, which nobody may stop; fast, since nothing in it need outlive a crash."""
    with postgres.running(postgres.FAST) as server:
        yield server


@pytest.fixture(scope="session")
def redis_sentinels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A primary, its replica and three Sentinels for all tests, which must not disturb them."""
    with redis_groups.watched(tmp_path_factory.mktemp("sentinels")) as group:
        yield group


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterGroup]:
    """A cluster of three for all tests, which must not disturb it."""
    with redis_groups.cluster(tmp_path_factory.mktemp("cluster")) as group:
        yield group
