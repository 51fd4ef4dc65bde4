"""Figures that a test measures and does not judge: shown at the end of the run, and kept in the report."""

from collections.abc import Callable

import pytest

Figures = Callable[..., None]

shown = pytest.StashKey[list[str]]()


@pytest.fixture
def figures(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Figures:
    """Call it with names and numbers, times in seconds."""

    def record(**measured: float) -> None:
        for name, value in measured.items():
            record_property(name, value)
        words = ", ".join(f"{name} {value:.4g}" for name, value in measured.items())
        request.config.stash.setdefault(shown, []).append(f"{request.node.name}: {words}")

    return record
