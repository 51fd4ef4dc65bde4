"""iCalendar files as somebody else's library understands them: ical.js, that of Thunderbird, in a process of Node."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DRIVER = "tests/interop/drivers/ical.mjs"
SECONDS = 30


def missing() -> str | None:
    """Why it cannot be used here, None if it can."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not (ROOT / "tests/interop/node_modules/ical.js").exists():
        return "ical.js is not installed: run make programs"
    return None


@pytest.fixture
def calendar_library() -> None:
    """Skips where it is not; with CI=true that is a failure."""
    if reason := missing():
        pytest.skip(reason)


def read(*texts: str) -> list[dict[str, Any]]:
    """What is in each of them. Blocking. Raises for what is not iCalendar."""
    done = subprocess.run(
        ["node", DRIVER],
        cwd=ROOT,
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
