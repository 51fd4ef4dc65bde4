"""Whatever the network does, each kind of client gets what it was promised.

`HUB_PROPERTY_EXAMPLES=2000` looks deeper than the suite does and differently each time, plants all the faults, and
takes the time to make what it finds small.
"""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties import faults
from tests.properties.machine import Delivery

EXAMPLES = int(os.environ.get("HUB_PROPERTY_EXAMPLES", "150"))
DEEP = "HUB_PROPERTY_EXAMPLES" in os.environ
pytestmark = pytest.mark.timeout(0 if DEEP else 600)  # it is work, not waiting, that takes the time here
SUITE = settings(
    max_examples=EXAMPLES,
    stateful_step_count=60 if DEEP else 40,
    derandomize=not DEEP,
    phases=[Phase.generate, *([Phase.shrink] if DEEP else [])],
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
    print_blob=True,
)


def test_every_client_gets_what_it_was_promised() -> None:
    run_state_machine_as_test(Delivery, settings=SUITE)


@pytest.mark.parametrize("planted", [*faults.PLAIN, *(faults.HIDDEN if DEEP else ())], ids=lambda each: each.__name__)
def test_a_planted_fault_is_found(
    planted: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that finds nothing would prove nothing."""
    planted(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Delivery, settings=settings(SUITE, max_examples=2000, phases=[Phase.generate]))
