"""Sending everybody away without losing anything: what a process does between SIGTERM and its end.

New handshakes are refused with a time to come back. Every held connect is answered with an interval of its own, so
that clients return one by one and not all at once; sockets are then closed at an even rate. Durable events that were
still queued are in the log, where the replay extension finds them again.
"""

import asyncio

from hub.bayeux import events as on
from hub.realtime.node import Node

SERVICE_RESTART = 1012
STEPS_PER_SECOND = 20


async def drain(node: Node, seconds: float) -> None:
    """Refuse newcomers from now on, and spread the farewells evenly over `seconds`."""
    node.draining = True
    sessions = node.sessions()
    steps = max(1, round(seconds * STEPS_PER_SECOND))
    for step in range(steps):
        for session in sessions[step::steps]:
            if not session.ended:
                session.feed(on.Leaving(node.a_while() if session.patient else 0))
            if session.link is not None:
                session.link.close(SERVICE_RESTART, "restart", after=1 / STEPS_PER_SECOND)
        if sessions:
            await asyncio.sleep(1 / STEPS_PER_SECOND)
