"""The official JavaScript client as a process: `tests/interop/client.mjs`, one command and one answer a line."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "interop"
MODULES = FOLDER / "node_modules"
ANSWER_SECONDS = 15.0
INSTALL_SECONDS = 180.0

Json = dict[str, Any]


def missing() -> str | None:
    """Why the client cannot run here, None if it can; installs its packages if that is all that is missing."""
    if shutil.which("node") is None:
        return "Node.js is not installed"
    if not (MODULES / "cometd").is_dir():
        if shutil.which("npm") is None:
            return "npm is not installed"
        command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        if done.returncode:
            return f"npm ci failed: {done.stderr[-500:]}"
    return None


class JavaScriptClient:
    """One `cometd` client. `events` holds the messages that its listeners have been called with, in order."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.events: list[Json] = []
        self._process = process

    async def do(self, command: str, channel: str | None = None) -> Json:
        """Carry a command out and return the reply as the client's callback got it, with the transport used."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, "channel": channel}).encode() + b"\n")
        while True:
            said = await self._said()
            if said["is"] == "reply" and said["to"] == command and said.get("channel") == channel:
                return said

    async def until_heard(self, count: int) -> list[Json]:
        """All events so far, once there are so many."""
        while len(self.events) < count:
            await self._said()
        return self.events

    async def end(self) -> int:
        """Close the standard input and return the exit code, once the client has let go of everything."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self._process.wait()

    async def _said(self) -> Json:
        assert self._process.stdout is not None
        async with asyncio.timeout(ANSWER_SECONDS):
            line = await self._process.stdout.readline()
        assert line, "the JavaScript client has ended"
        said: Json = json.loads(line)
        if said["is"] == "event":
            self.events.append(said["message"])
        return said


@asynccontextmanager
async def javascript_client(url: str, transport: str, token: str) -> AsyncIterator[JavaScriptClient]:
    """A client that has done nothing yet; its process ends with the block. Its complaints go to our standard error."""
    process = await asyncio.create_subprocess_exec(
        *["node", "client.mjs", url, transport, token],
        cwd=FOLDER,
        env={name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1024 * 1024,
    )
    try:
        yield JavaScriptClient(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
