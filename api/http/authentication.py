"""Who is asking on a REST call: by a token, by a name and password, or by the cookie of an earlier login."""

from collections.abc import Mapping
from typing import NamedTuple

from api.http.request import Services
from channels.access import Role
from hub.auth import login, policy
from hub.auth.principal import Principal
from hub.kernel.errors import Forbidden, TokenInvalid, Unauthenticated

Headers = Mapping[bytes, bytes]


class NotMeant(Forbidden):
    """A changing request came with a cookie and without a sign that a page of ours has sent it."""

    code = "csrf"
    default_detail = "The CSRF header is missing or wrong"


class Caller(NamedTuple):
    """Who is asking. `cookie` is that of the login which speaks for them; `by_password`: they have just proved it."""

    principal: Principal
    cookie: str | None = None
    by_password: bool = False


async def authenticate(
    services: Services, headers: Headers, roles: frozenset[Role], now: float, *, address: str, changes: bool
) -> Caller:
    """The caller behind the headers; `roles` empty asks for somebody only. `changes`: the request may change something,
    so that a cookie alone is not enough.

    Raises `Unauthenticated` and its kin, `NotMeant`, `Forbidden`, `TooManyRequests`, `KeysUnavailable`, `Overloaded`.
    A token in the query is not looked for: queries end up in logs, and only browsers that open a WebSocket have no
    other place. An Authorization header counts before a cookie, which the browser sends unasked.
    """
    authorization = _text(headers, b"authorization")
    token = policy.bearer(authorization)
    if token is not None:
        caller = Caller(await _by_token(services, token, now))
    elif (password := login.basic(authorization)) is not None:
        caller = Caller(await services.logins.by_password(password, address, now), by_password=True)
    elif not authorization and (cookie := login.cookie(_text(headers, b"cookie"))) is not None:
        if changes and not _is_meant(services, cookie, headers):
            raise NotMeant
        caller = Caller(await services.logins.by_cookie(cookie, now), cookie=cookie)
    else:
        raise Unauthenticated
    policy.require(caller.principal, *roles)
    return caller


async def _by_token(services: Services, token: str, now: float) -> Principal:
    """Waits only for a key that the issuer has just begun to use."""
    await services.tokens.prepare(token)
    principal = services.tokens.verify(token, now)
    if services.revoked.contains(principal):
        raise TokenInvalid
    return principal


def _is_meant(services: Services, cookie: str, headers: Headers) -> bool:
    return login.is_meant(
        cookie,
        token=_text(headers, login.CSRF_HEADER.lower().encode()),
        origin=_text(headers, b"origin"),
        host=_text(headers, b"host"),
        allowed=services.settings.origins,
    )


def _text(headers: Headers, name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")
