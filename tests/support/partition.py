"""A cable that is pulled: packets to a port of this machine disappear, and neither end is told."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

PROGRAM = shutil.which("iptables") or "/usr/sbin/iptables"


@contextmanager
def partition(port: int) -> Iterator[None]:
    """No packet reaches or leaves this port of the loopback address. Skips where the packet filter is not ours."""
    rules = [[*["OUTPUT", "-o", "lo", "-p", "tcp"], side, str(port), "-j", "DROP"] for side in ("--dport", "--sport")]
    try:
        _filter("-L", "OUTPUT", "-n")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"needs iptables, and the right to use it: {error}")
    try:
        for rule in rules:
            _filter("-A", *rule)
        yield
    finally:
        for rule in rules:
            _filter("-D", *rule)


def _filter(*arguments: str) -> None:
    subprocess.run([PROGRAM, "-w", *arguments], check=True, capture_output=True)
