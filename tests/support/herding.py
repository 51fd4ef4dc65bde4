"""The process of `tests.support.herd`, and what it says."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.hub_process import ROOT, clean_environment

ANSWER_SECONDS = 90.0
LONGEST_LINE = 64 * 1024 * 1024


class Herding:
    """One herd."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def do(self, command: str) -> dict[str, Any]:
        """Carry a command out; what the herd has to say about it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(command.encode() + b"\n")
        async with asyncio.timeout(ANSWER_SECONDS):
            line = await self._process.stdout.readline()
        assert line, "the herd has ended; it says why on standard error"
        said: dict[str, Any] = json.loads(line)
        return said


@asynccontextmanager
async def herd(url: str, tokens: Sequence[str], directory: Path) -> AsyncIterator[Herding]:
    """Desktops with these tokens that have done nothing yet; their process ends with the block."""
    file = directory / f"{id(tokens)}.tokens"
    file.write_text("\n".join(tokens))
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "tests.support.herd", url, str(file)],
        cwd=ROOT,
        env=clean_environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    try:
        yield Herding(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
