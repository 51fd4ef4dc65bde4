"""The hub under a sampling profiler: run as `hub` is, it writes to the file named in SAMPLES where its time went.

A timer of processor time interrupts the main thread a thousand times a second and notes the stack. Sampling begins with
SIGUSR1 and ends with SIGUSR2; what runs in C counts for the line that called it. While the main thread waits, the time
is somebody else's: then the stack of the thread that writes to the database is noted.
"""

import os
import runpy
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType

INTERVAL = 0.001
SHOWN = 40
FILE = "SAMPLES"
WAITING = "Runner.run"
BUSY_MEANWHILE = "store-writer"


class Samples:
    """Stacks, counted by function: on top of one, and anywhere in one."""

    def __init__(self) -> None:
        self._lines: Counter[str] = Counter()
        self._own: Counter[str] = Counter()
        self._whole: Counter[str] = Counter()

    def begin(self, *_: object) -> None:
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)

    def end(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        file = Path(os.environ[FILE])
        partial = file.with_suffix(".partial")
        partial.write_text(self._report())
        partial.rename(file)

    def _sample(self, _: int, frame: FrameType | None) -> None:
        if frame is not None and frame.f_code.co_qualname == WAITING:
            frame = _frame_of(BUSY_MEANWHILE) or frame
        if frame is None:
            return
        self._own[_name(frame)] += 1
        self._lines[f"{_name(frame)}:{frame.f_lineno}"] += 1
        stack: set[str] = set()
        while frame is not None:
            stack.add(_name(frame))
            frame = frame.f_back
        self._whole.update(stack)

    def _report(self) -> str:
        total = max(self._own.total(), 1)
        parts = [f"{total} samples"]
        for title, counts in (("lines", self._lines), ("own", self._own), ("with what is called", self._whole)):
            rows = [f"{100 * count / total:6.1f} %  {name}" for name, count in counts.most_common(SHOWN)]
            parts += [f"\n{title}", *rows]
        return "\n".join(parts) + "\n"


def _frame_of(thread: str) -> FrameType | None:
    identities = (each.ident for each in threading.enumerate() if each.name == thread)
    return next((sys._current_frames().get(identity) for identity in identities if identity is not None), None)


def _name(frame: FrameType) -> str:
    code = frame.f_code
    return f"{'/'.join(Path(code.co_filename).parts[-3:])} {code.co_qualname}"


def main() -> None:
    samples = Samples()
    signal.signal(signal.SIGUSR1, samples.begin)
    signal.signal(signal.SIGUSR2, samples.end)
    sys.argv[0] = "hub"
    runpy.run_module("hub", run_name="__main__")


if __name__ == "__main__":
    main()
