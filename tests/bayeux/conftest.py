from collections.abc import Iterator

import pytest

from tests.support.playbook import Begin, playbooks


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Begin a playbook; the test fails if it does not bring it to its end."""
    with playbooks() as begin:
        yield begin
