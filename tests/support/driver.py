"""A Bayeux client that somebody else wrote, as a process: one driver program a client, all speaking these lines.

    →  {"do": "handshake" | "subscribe" | "unsubscribe" | "publish" | "disconnect", "channel": …, "data": …}
    ←  {"is": "reply", "to": "subscribe", "asked": "/v2/me/calls", "successful": false, "error": "403:…"}
    ←  {"is": "event", "channel": "/v2/me/calls", "data": {…}}
    ←  {"is": "meta", "channel": "/meta/connect", "successful": true, …}

A reply is what the client told the application that asked; that to a subscribe also names the `transport` in use.
Events are what its listeners were called with. Meta lines are the answers that the client lets the application see,
also to what it did on its own: how a recovery is followed.

The program gets one argument, a JSON object with `url`, `transport`, `extension`, `token`, and `by`: how the token
travels (`ext`, `header`, `query`). It ends by itself, with 0, once its standard input is closed and the client has let
go of everything.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ANSWER_SECONDS = 30.0
LONGEST_LINE = 1024 * 1024

Json = dict[str, Any]


class DrivenClient:
    """One client. `events` and `metas` hold everything it has said so far, in order."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.events: list[Json] = []
        self.metas: list[Json] = []
        self._replies: list[Json] = []
        self._process = process

    async def do(self, command: str, channel: str | None = None, **more: Any) -> Json:
        """Have a command carried out and return what the client said to it."""
        self.begin(command, channel, **more)
        return await self.reply(command, channel)

    def begin(self, command: str, channel: str | None = None, **more: Any) -> None:
        """Have a command carried out."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, "channel": channel, **more}).encode() + b"\n")

    async def reply(self, command: str, channel: str | None = None) -> Json:
        """What the client says to a command: once for each time that it was given."""

        def matches(reply: Json) -> bool:
            return reply["to"] == command and reply.get("asked") == channel

        await self._until(lambda: any(map(matches, self._replies)))
        found = next(reply for reply in self._replies if matches(reply))
        self._replies.remove(found)
        return found

    async def heard(self, count: int) -> list[Json]:
        """All events so far, once there are so many."""
        await self._until(lambda: len(self.events) >= count)
        return self.events

    async def until_heard(self, data: Json) -> None:
        """Return when an event with that data has come."""
        await self._until(lambda: any(event["data"] == data for event in self.events))

    async def answered(self, channel: str, count: int) -> list[Json]:
        """The successful answers on a meta channel, once there are so many."""
        await self._until(lambda: len(self.successes(channel)) >= count)
        return self.successes(channel)

    def successes(self, channel: str) -> list[Json]:
        """The successful answers on a meta channel so far."""
        return [meta for meta in self.metas if meta["channel"] == channel and meta["successful"]]

    async def end(self) -> int:
        """Close the standard input and return the exit code, once the client has let go of everything."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(ANSWER_SECONDS):
            while line := await self._line():
                self._take(line)
            return await self._process.wait()

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            while not condition():
                line = await self._line()
                assert line, f"the client has ended with {await self._process.wait()}"
                self._take(line)

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        return await self._process.stdout.readline()

    def _take(self, line: bytes) -> None:
        said: Json = json.loads(line)
        match said.pop("is"):
            case "event":
                self.events.append(said)
            case "meta":
                self.metas.append(said)
            case "reply":
                self._replies.append(said)
            case unknown:
                raise AssertionError(f"a driver says {unknown!r}")


@asynccontextmanager
async def driven(command: Sequence[str], folder: Path, **settings: Any) -> AsyncIterator[DrivenClient]:
    """A client that has done nothing yet; its process ends with the block. Its complaints go to our standard error."""
    process = await asyncio.create_subprocess_exec(
        *command,
        json.dumps(settings),
        cwd=folder,
        env={name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    try:
        yield DrivenClient(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
