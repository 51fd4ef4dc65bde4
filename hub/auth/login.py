"""What people log in with: a name and a password by HTTP Basic, then the cookie that they are given for it.

A browser sends the cookie along whoever wrote the page that asks. So the cookie counts only where a page of ours, or of
an allowed origin, has asked on purpose: it repeats the CSRF token, or the browser vouches for its origin.
"""

import hashlib
import hmac
import re
import secrets
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from typing import Final, NamedTuple

from hub.auth import origins
from hub.kernel.errors import LoginFailed
from hub.kernel.secret import Secret

COOKIE: Final = "HUB_SESSION"
CSRF_HEADER: Final = "X-CSRF-TOKEN"
LONGEST_BASIC: Final = 1_024

_COOKIE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class Password(NamedTuple):
    """A name and the password that is to prove it."""

    user_name: str
    password: Secret


def basic(authorization: str | None) -> Password | None:
    """The credentials in an `Authorization: Basic …` header; None where it has another scheme, or is not there.

    Raises LoginFailed for Basic that cannot be read.
    """
    scheme, _, rest = (authorization or "").strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    if len(rest) > LONGEST_BASIC:
        raise LoginFailed
    try:
        name, colon, password = b64decode(rest.strip(), validate=True).decode("utf-8").partition(":")
    except (BadBase64, ValueError):
        raise LoginFailed from None
    if not colon:
        raise LoginFailed
    return Password(name, Secret(password))


def cookie(header: str | None) -> str | None:
    """The login cookie in a `Cookie` header. None also where two differ: a neighbouring site may have set one."""
    if header is None or COOKIE not in header:
        return None
    pairs = (part.partition("=") for part in header.split(";"))
    found = {value.strip() for name, _, value in pairs if name.strip() == COOKIE}
    value = found.pop() if len(found) == 1 else ""
    return value if _COOKIE.fullmatch(value) else None


def new_cookie() -> str:
    """A value that nobody can guess, 256 bits."""
    return secrets.token_urlsafe(32)


def set_cookie(value: str, *, secure: bool, across: bool) -> str:
    """A `Set-Cookie` header; the cookie goes with the browser. `across`: pages of other sites use it as well, which
    browsers permit for secure ones only.
    """
    same_site = "None" if secure and across else "Lax"
    return f"{COOKIE}={value}; Path=/; HttpOnly; SameSite={same_site}{'; Secure' if secure else ''}"


def drop_cookie(*, secure: bool, across: bool) -> str:
    """A `Set-Cookie` header that makes the browser forget the cookie."""
    return f"{set_cookie('', secure=secure, across=across)}; Max-Age=0"


def login_id(cookie_value: str) -> str:
    """The name of the login behind a cookie. It opens nothing, so it may be stored and told to other processes."""
    return hashlib.sha256(cookie_value.encode()).hexdigest()


def csrf_token(cookie_value: str) -> str:
    """What a page has to repeat in the header. It can be made from the cookie, and the cookie not from it."""
    digest = hmac.digest(cookie_value.encode(), b"csrf", "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_meant(
    cookie_value: str, *, token: str | None, origin: str | None, host: str | None, allowed: frozenset[str]
) -> bool:
    """Whether a request that may change something carries the cookie on purpose: it repeats the CSRF token, or comes
    from a page of ours or of an allowed origin. `origin` and `host` are the headers of these names.
    """
    if token is not None:
        return hmac.compare_digest(token.encode("utf-8", "replace"), csrf_token(cookie_value).encode())
    return origins.is_ours(origin, host, allowed)
