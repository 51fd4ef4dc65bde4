"""The cookie that tells which sessions are tabs of one browser. It proves nothing and opens nothing."""

import re

from hub.kernel import ids

NAME = "BAYEUX_BROWSER"
LENGTH = 26
_COOKIE = re.compile(rf"(?:^|;)[ \t]*{NAME}=([A-Za-z0-9]{{1,64}})[ \t]*(?:;|$)")


def read(cookies: str | None) -> str | None:
    """The browser named by a `Cookie` header, None without one.

    Not by the standard library: what its parser makes of backslashes takes seconds for one header.
    """
    found = _COOKIE.search(cookies) if cookies is not None else None
    return found[1] if found is not None else None


def set_new(*, secure: bool) -> bytes:
    """A `Set-Cookie` header for a browser that has none yet."""
    return f"{NAME}={ids.random_base36(LENGTH)}; Path=/; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}".encode()
