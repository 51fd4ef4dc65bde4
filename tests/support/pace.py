"""The one thing that a test may wait for without a signal: that a fault has lasted for so long."""

import asyncio


async def hold(seconds: float) -> None:
    """Let a fault last."""
    await asyncio.sleep(seconds)
