"""Which browsers may open a WebSocket.

The same-origin policy does not protect WebSockets: any page may open one to any server, so the server has to look at
`Origin` itself. Programs other than browsers send none and are let in; they authenticate all the same.
"""

from hub.auth import origins


def is_allowed(origin: str | None, host: str | None, allowed: frozenset[str]) -> bool:
    """Whether a request with these `Origin` and `Host` headers may upgrade: no origin, a listed one, or our own."""
    return origin is None or origins.is_ours(origin, host, allowed)
