"""`python -m tests.fuzz [--seconds 600] [target …]`: new inputs until the time is up, or until one breaks a promise.

The smallest input that was found goes into the corpus, where the tests replay it ever after.
"""

import argparse
import hashlib
import sys
import time
from collections.abc import Sequence
from itertools import count

from hypothesis import HealthCheck, given, seed, settings

from tests.fuzz.inputs import CORPUS, inputs
from tests.fuzz.served import hub_inside
from tests.fuzz.targets import TARGETS, Check, check_of

EXAMPLES = 1000  # of one target, before it is the next one's turn


def fuzz(target: str, check: Check, number: int) -> None:
    """One round. Raises what the check raises, after the smallest input for it has been kept."""
    last = b""

    @seed(number)
    @settings(max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(inputs(target))
    def run(data: bytes) -> None:
        nonlocal last
        last = data
        check(data)

    try:
        run()
    except BaseException as error:
        if not isinstance(error, KeyboardInterrupt):
            name = CORPUS / target / f"found-{hashlib.sha256(last).hexdigest()[:8]}"
            name.write_bytes(last)
            print(f"{target}: kept as {name}", file=sys.stderr)
        raise


def main(seconds: float, targets: Sequence[str]) -> None:
    """Take turns until the time is up."""
    deadline = time.monotonic() + seconds
    start = time.time_ns()
    with hub_inside() as hub:
        for round_ in count(1):
            for target in targets:
                fuzz(target, check_of(target, hub), start + round_)
                if time.monotonic() > deadline:
                    print(f"{round_} rounds of {EXAMPLES} inputs for each of: {' '.join(targets)}")
                    return


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], metavar="target", help=", ".join(TARGETS))
    arguments = parser.parse_args()
    main(arguments.seconds, arguments.targets or TARGETS)
