"""The cookie that tells which sessions are tabs of one browser. It proves nothing and opens nothing."""

from http.cookies import CookieError, SimpleCookie

from hub.kernel import ids

NAME = "BAYEUX_BROWSER"
LENGTH = 26
LONGEST = 64


def read(cookies: str | None) -> str | None:
    """The browser named by a `Cookie` header, None without one."""
    if cookies is None or NAME not in cookies:
        return None
    try:
        found = SimpleCookie(cookies).get(NAME)
    except CookieError:
        return None
    return found.value if found is not None and 0 < len(found.value) <= LONGEST else None


def set_new(*, secure: bool) -> bytes:
    """A `Set-Cookie` header for a browser that has none yet."""
    return f"{NAME}={ids.random_base36(LENGTH)}; Path=/; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}".encode()
