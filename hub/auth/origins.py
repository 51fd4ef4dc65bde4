"""Which pages are trusted: those of the allowed origins, and our own."""

from urllib.parse import urlsplit


def is_ours(origin: str | None, host: str | None, allowed: frozenset[str]) -> bool:
    """Whether the `Origin` of a request is a listed one, or that of the `Host` it was sent to. False without one."""
    if origin is None:
        return False
    if origin.lower() in allowed:
        return True
    if not host:
        return False
    try:
        return urlsplit(origin.lower()).netloc == host.lower()
    except ValueError:
        return False
