"""Where the hub spends its time under one workload.

python -m tests.benchmarks.profile WORKLOAD [--seconds S]
"""

import argparse
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks import servers
from tests.benchmarks.realtime import measure, row
from tests.benchmarks.servers import Server
from tests.benchmarks.workloads import WORKLOADS
from tests.support.waiting import eventually_blocking


@contextmanager
def sampled(report: Path) -> Iterator[Server]:
    """A hub that is sampled, and has written its report when the block ends."""
    with servers.hub({"SAMPLES": str(report)}, module="tests.benchmarks.sampling") as server:
        os.kill(server.pids[0], signal.SIGUSR1)
        yield server
        os.kill(server.pids[0], signal.SIGUSR2)
        eventually_blocking(report.exists)


def main() -> None:
    parser = argparse.ArgumentParser(description="A sampling profile of the hub under one workload.")
    parser.add_argument("workload", choices=list(WORKLOADS))
    parser.add_argument("--seconds", type=float)
    options = parser.parse_args()
    with TemporaryDirectory() as directory:
        report = Path(directory) / "report.txt"
        results = measure(options.workload, lambda: sampled(report), options.seconds)
        print(report.read_text())
    for result in results:
        print(row(result))


if __name__ == "__main__":
    main()
