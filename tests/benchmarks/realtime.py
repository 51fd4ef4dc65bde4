"""The realtime side under load: what a delivery, an event, a poll and a connection cost.

    python -m tests.benchmarks.realtime [WORKLOAD …] [--rounds N] [--seconds S] [--beside 'NAME=COMMAND {port}']

The server runs on one core and the generator on another. The figure that counts is the server's processor time: it
stays what it is when other work goes on beside; latencies do not. The bare loop of `tests.benchmarks.bare` does the
same work in the same run, and so does any other server that speaks as little (`--beside`). Ratios travel to other
machines, figures do not.
"""

import argparse
import os
import platform
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import msgspec

from tests.benchmarks import servers
from tests.benchmarks.servers import Server
from tests.benchmarks.workloads import PLAIN, WORKLOADS, Result

Starting = Callable[[], AbstractContextManager[Server]]
COLUMNS = (
    "workload", "server", "deliveries/s", "CPU µs", "of a", "p50 ms", "p99 ms", "KiB", "lost / twice / disorder",
    "generator", "others",
)  # fmt: skip


def measure(name: str, starting: Starting, seconds: float | None) -> list[Result]:
    """One run on a fresh server."""
    shape, workload, _ = WORKLOADS[name]
    with starting() as server:
        found = workload(name, replace(shape, seconds=seconds or shape.seconds), server)
    return found if isinstance(found, list) else [found]


def middle(runs: Sequence[Result]) -> Result:
    """The medians of several runs of one workload on one server, and every fault of any of them."""
    figures = ("per_second", "cpu", "p50", "p99", "kib", "generator", "others")
    values = {name: [getattr(run, name) for run in runs if getattr(run, name) is not None] for name in figures}
    medians = {name: median(found) if found else None for name, found in values.items()}
    faults = next((run.faults for run in runs if run.faults != "0 / 0 / 0"), runs[0].faults)
    return msgspec.structs.replace(runs[0], **medians, faults=faults)


def row(result: Result) -> str:
    """One line of the table."""

    def shown(value: float | None, digits: int) -> str:
        return "-" if value is None else f"{value:,.{digits}f}"

    cells = (
        result.workload,
        result.server,
        shown(result.per_second, 0),
        shown(result.cpu, 2),
        result.unit,
        shown(result.p50, 2),
        shown(result.p99, 2),
        shown(result.kib, 1),
        result.faults,
        shown(result.generator, 2),
        shown(result.others, 2),
    )
    return f"| {' | '.join(cells)} |"


def machine() -> str:
    """What these figures were measured on."""
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "?: ?")
    kernel, python = platform.release(), platform.python_version()
    return f"{os.cpu_count()} × {model.partition(': ')[2]}, Linux {kernel}, Python {python}, loopback"


def run(names: Sequence[str], starting: dict[str, Starting], rounds: int, seconds: float | None) -> None:
    """All rounds of all workloads, the servers in another order each time, and the table of the medians."""
    found: dict[tuple[str, str], list[Result]] = {}
    for name in names:
        for number in range(rounds):
            order = list(starting)
            for server in order[number % len(order) :] + order[: number % len(order)]:
                if server == "hub" or name in PLAIN:
                    for result in measure(name, starting[server], seconds):
                        found.setdefault((result.workload, result.server), []).append(result)
    print(machine())
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for runs in found.values():
        print(row(middle(runs)))


def main() -> None:
    parser = argparse.ArgumentParser(description="The realtime side under load.")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(WORKLOADS)}; default: all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, help="how long each run publishes")
    parser.add_argument("--beside", action="append", default=[], metavar="NAME=COMMAND", help="another plain server")
    options = parser.parse_args()
    starting: dict[str, Starting] = {"hub": servers.hub, "bare loop": servers.bare}
    for name, _, command in (beside.partition("=") for beside in options.beside):
        starting[name] = partial(servers.program, name, command)
    names = options.workloads or list(WORKLOADS)
    if unknown := set(names) - WORKLOADS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    os.sched_setaffinity(0, {servers.GENERATOR_CORE} & os.sched_getaffinity(0) or os.sched_getaffinity(0))
    run(names, starting, options.rounds, options.seconds)


if __name__ == "__main__":
    main()
