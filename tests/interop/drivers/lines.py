"""The line protocol of `tests.support.driver`, as the drivers written in Python speak it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

Json = dict[str, Any]


def settings() -> Json:
    """The argument of the program."""
    found: Json = json.loads(sys.argv[1])
    return found


def address(given: Json) -> str:
    """The address of the hub, with the token if that is how it travels."""
    url: str = given["url"]
    return f"{url}?access_token={given['token']}" if given["by"] == "query" else url


def say(what: str, **more: Any) -> None:
    """Write one line."""
    print(json.dumps({"is": what, **more}), flush=True)


def reply(command: Json, *, successful: bool, **more: Any) -> None:
    """Say what became of a command."""
    say("reply", to=command["do"], asked=command.get("channel"), successful=successful, **more)


async def commands() -> AsyncIterator[Json]:
    """What is to be done, until the standard input is closed."""
    reader = asyncio.StreamReader()
    pipe = sys.stdin
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    while line := await reader.readline():
        yield json.loads(line)
