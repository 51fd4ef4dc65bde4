"""Waiting for what another program or thread brings about, where nobody signals it."""

import asyncio
import time
from collections.abc import Callable

PAUSE = 0.01


async def eventually(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Return as soon as the condition holds; TimeoutError after so many seconds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(PAUSE)


def eventually_blocking(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """The same where no loop runs."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"did not come true within {seconds} s")
        time.sleep(PAUSE)
