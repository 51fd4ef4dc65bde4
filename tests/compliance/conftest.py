from collections.abc import Iterator

import pytest

from tests.support.fixtures import echo_hub
from tests.support.hub_process import HubProcess
from tests.support.raw_websocket import Speaker

__all__ = ["echo_hub"]


@pytest.fixture
def speaker(echo_hub: HubProcess) -> Iterator[Speaker]:
    """An open session of its own for each test."""
    with Speaker(echo_hub.port) as speaker:
        yield speaker
