"""The corpus, and a little fuzzing that is the same every time. `make fuzz` goes on from here for ten minutes."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.inputs import CORPUS, inputs, seeds
from tests.fuzz.served import HubInside, hub_inside
from tests.fuzz.targets import TARGETS, check_of

CASES = [(target, path.name) for target in TARGETS for path in sorted((CORPUS / target).iterdir())]


@pytest.fixture(scope="module")
def hub() -> Iterator[HubInside]:
    with hub_inside() as hub:
        yield hub


@pytest.mark.parametrize(("target", "case"), CASES, ids=["/".join(case) for case in CASES])
def test_the_corpus_breaks_no_promise(hub: HubInside, target: str, case: str) -> None:
    check_of(target, hub)((CORPUS / target / case).read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_some_hundred_inputs_break_no_promise(hub: HubInside, target: str) -> None:
    check = check_of(target, hub)

    @settings(max_examples=300, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(inputs(target))
    def run(data: bytes) -> None:
        check(data)

    run()


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_has_a_corpus_worth_the_name(target: str) -> None:
    assert len(seeds(target)) >= 8
