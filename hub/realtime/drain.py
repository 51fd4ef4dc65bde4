"""Sending everybody away without losing anything: what a process does between SIGTERM and its end.

New handshakes are refused with a time to come back. Every held connect is answered with an interval of its own, so
that clients return one by one and not all at once; sockets are then closed at an even rate. Whoever comes back too
early is answered at once in the same way, and nobody is held any more at the end. Durable events that were still
queued are in the log, where the replay extension finds them again.
"""

import asyncio

from hub.realtime.node import Node

SERVICE_RESTART = 1012
STEPS_PER_SECOND = 20


async def drain(node: Node, seconds: float) -> None:
    """Refuse newcomers from now on, and spread the farewells evenly over `seconds`; less for a handful of sessions."""
    node.draining = True
    sessions = node.sessions()
    steps = max(1, min(len(sessions), round(seconds * STEPS_PER_SECOND)))
    for step in range(steps):
        for session in sessions[step::steps]:
            node.send_away(session)
            if session.link is not None:
                session.link.close(SERVICE_RESTART, "restart", after=1 / STEPS_PER_SECOND)
        if sessions:
            await asyncio.sleep(1 / STEPS_PER_SECOND)
    for session in node.sessions():
        node.send_away(session)
