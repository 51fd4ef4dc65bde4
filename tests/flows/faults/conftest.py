from collections.abc import AsyncIterator

import pytest

from tests.support.estate import Estate, estate
from tests.support.figures import figures
from tests.support.fixtures import history

__all__ = ["figures", "history"]


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    """One loop for the folder, in which its networks live."""
    return "asyncio"


@pytest.fixture(scope="package")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Estate]:
    """A running estate for all tests of the folder; each leaves it as it was."""
    async with estate(tmp_path_factory.mktemp("site")) as running:
        yield running
