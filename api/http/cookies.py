"""The headers by which a browser is given the login cookie, and the CSRF pair that goes with it."""

from typing import Any, Final

from api.http.reply import Headers
from api.http.request import Call
from api.security import actions
from hub.auth import login
from hub.kernel.settings import Settings
from hub.store.transaction import Tx

CSRF_NAME: Final = "X-CSRF-HEADER"
_PRIVATE: Final = ("Cache-Control", "no-store")

DESCRIPTIONS: Final = {
    CSRF_NAME: "With a login: the name of the header that changing requests have to repeat",
    login.CSRF_HEADER: "With a login: its value",
}


async def of_login(call: Call[Any]) -> Headers:
    """What the answer to a caller who logs in, or has, carries: a new cookie for a password, always a new one; the
    CSRF pair for either; nothing for a token.
    """
    if not call.by_password:
        return () if call.cookie is None else _pair(call.cookie)
    cookie, caller, seconds = login.new_cookie(), call.principal, call.services.settings.login_seconds

    def write(tx: Tx) -> None:
        account = actions.find_for_change(tx, caller.organization, caller.user)
        if account is not None:
            actions.log_in(tx, account, login.login_id(cookie), call.now, seconds)

    await call.services.db.write(write)
    settings = call.services.settings
    set_cookie = login.set_cookie(cookie, secure=settings.is_secure, across=_across(settings))
    return ("Set-Cookie", set_cookie), *_pair(cookie)


def dropped(settings: Settings) -> Headers:
    """The header that makes the browser forget the cookie."""
    return (("Set-Cookie", login.drop_cookie(secure=settings.is_secure, across=_across(settings))),)


def _pair(cookie: str) -> Headers:
    return _PRIVATE, (CSRF_NAME, login.CSRF_HEADER), (login.CSRF_HEADER, login.csrf_token(cookie))


def _across(settings: Settings) -> bool:
    return bool(settings.allowed_origins)
