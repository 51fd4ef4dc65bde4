"""Rules for every test: our code does not block a running loop, and with CI=true nothing is skipped by oversight."""

import os
from collections.abc import Generator, Iterator
from importlib.util import find_spec

import pytest
from blockbuster import blockbuster_ctx

from tests.support.figures import shown
from tests.support.fixtures import postgres_server

__all__ = ["postgres_server"]

OURS = [name for name in ("channels", "hub", "api", "scheduler") if (spec := find_spec(name)) and spec.origin]

OPTIONAL = "not on every machine: "
"""Reasons to skip that begin so count with CI=true, too: for programs that `.ci/packages` does not install."""


@pytest.fixture(autouse=True)
def blocking_calls_fail() -> Iterator[None]:
    """Make sleep, sockets, files and SQLite raise when our code calls them on the event loop's thread."""
    with blockbuster_ctx(OURS):
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if measured := config.stash.get(shown, None):
        terminalreporter.section("figures")
        for line in measured:
            terminalreporter.write_line(line)


def _as_failure(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not report.skipped or hasattr(report, "wasxfail") or OPTIONAL in str(report.longrepr):
        return
    if os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"with CI=true nothing is skipped: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _as_failure(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _as_failure(report)
    return report
