from collections.abc import Iterator

import pytest

from tests.support.fixtures import echo_hub
from tests.support.hub_process import HubProcess
from tests.support.raw_websocket import Speaker

__all__ = ["echo_hub"]


@pytest.fixture
def port(echo_hub: HubProcess) -> int:
    return echo_hub.port


@pytest.fixture
def speaker(port: int) -> Iterator[Speaker]:
    """An agent with an open session; afterwards the hub must still be well."""
    with Speaker(port) as speaker:
        yield speaker
    with Speaker(port) as another:
        another.echoes()
