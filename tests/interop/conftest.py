from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from secrets import token_hex

import pytest

from tests.support.checker import Stream
from tests.support.figures import figures
from tests.support.fixtures import ECHO, history
from tests.support.history import History
from tests.support.hub_process import HubProcess
from tests.support.lossy_proxy import LossyProxy, lossy_proxy
from tests.support.publisher import Publisher
from tests.support.tokens import SECRET, mint

__all__ = ["agent", "figures", "history", "interop_hub", "network"]


@pytest.fixture(scope="package")
def interop_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """One running hub for all tests of the folder, on which agents may also publish to `/echo/**`.

    A test may kill it if it starts it again.
    """
    home = tmp_path_factory.mktemp("interop")
    file = home / "hub.toml"
    file.write_text(ECHO)
    with HubProcess(home / "hub", secret=SECRET, settings={"HUB_CONFIG": str(file), "HUB_WS_DEFLATE": "1"}) as process:
        yield process


@pytest.fixture
async def network(interop_hub: HubProcess) -> AsyncIterator[LossyProxy]:
    """The network between one client and the hub."""
    async with lossy_proxy(interop_hub.bayeux_url) as proxy:
        yield proxy


@dataclass(frozen=True)
class Agent:
    """A user of whom no other test knows, and a back end that reports this user's calls."""

    name: str
    token: str
    publisher: Publisher

    async def called(self, *numbers: int, channel: str = "/v2/me/calls") -> None:
        """Something happened to the agent's calls; returns when it is true."""
        stream = Stream("acme", self.name, channel)
        await self.publisher.publish(*((stream, {"n": number}) for number in numbers))


@pytest.fixture
async def agent(interop_hub: HubProcess) -> AsyncIterator[Agent]:
    # Nobody here has a history checked: clients are compared event by event.
    token = mint("connector", "ROLE_CLIENT_SERVICE")
    async with Publisher(interop_hub.url, token, History(), name="interop") as publisher:
        name = f"agent-{token_hex(4)}"
        yield Agent(name, mint(name), publisher)
