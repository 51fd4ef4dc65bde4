"""`hub watch` as a process whose lines can be awaited."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from tests.support.hub_process import HubProcess

LINE_SECONDS = 60.0


class Watcher:
    """A running `hub watch`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def event(self) -> Any:
        """The next line of standard output, decoded."""
        assert self._process.stdout is not None
        return json.loads(await self._line(self._process.stdout))

    async def notice(self, containing: str) -> str:
        """The next notice on standard error with that text in it."""
        assert self._process.stderr is not None
        while containing not in (line := (await self._line(self._process.stderr)).decode()):
            pass
        return line

    async def _line(self, stream: asyncio.StreamReader) -> bytes:
        async with asyncio.timeout(LINE_SECONDS):
            line = await stream.readline()
        assert line, f"hub watch ended with {await self._process.wait()}"
        return line


@asynccontextmanager
async def watching(hub: HubProcess, channel: str, token: str) -> AsyncIterator[Watcher]:
    """`hub watch CHANNEL`, listening; ended by SIGTERM when the block ends."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "hub", "watch", channel, "--token", token, "--url", hub.url],
        env=hub.environment,
        cwd=hub.home,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
    )
    try:
        watcher = Watcher(process)
        await watcher.notice("listening to")
        yield watcher
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()
