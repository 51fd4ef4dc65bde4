"""All benchmarks, one after the other, each in a process of its own: `make bench`."""

import subprocess
import sys

BENCHMARKS = (
    ["tests.benchmarks.realtime"],
    ["tests.benchmarks.timers", "--database", "sqlite"],
    ["tests.benchmarks.timers", "--database", "postgresql"],
    ["tests.benchmarks.callbacks", "--database", "sqlite"],
    ["tests.benchmarks.callbacks", "--database", "postgresql"],
    ["tests.benchmarks.calls", "--database", "sqlite"],
    ["tests.benchmarks.calls", "--database", "postgresql"],
    ["tests.benchmarks.waiting", "--database", "sqlite"],
    ["tests.benchmarks.waiting", "--database", "postgresql"],
)


def main() -> None:
    for module, *options in BENCHMARKS:
        subprocess.run([sys.executable, "-m", module, *options], check=True)


if __name__ == "__main__":
    main()
