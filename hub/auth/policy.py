"""Where a token is found in a request, and what roles permit."""

from typing import Final
from urllib.parse import parse_qsl

from hub.auth.principal import Principal
from hub.kernel.errors import Forbidden, TokenInvalid

PARAMETER: Final = "access_token"
_MOST_PARAMETERS: Final = 100


def bearer(authorization: str | None, query: str | bytes = "") -> str | None:
    """The token of a request: of the header `Authorization` (`Bearer x`, or x alone), else of the query parameter
    `access_token`. None where there is none, also for other schemes such as Basic. Checks nothing about the token;
    raises TokenInvalid where the query holds two different ones.
    """
    if authorization is not None and (header := authorization.strip()):
        scheme, _, rest = header.partition(" ")
        if scheme.lower() == "bearer":
            return rest.strip() or None
        # A raw token is one word; anything else is another scheme's business.
        return header if not rest and header.count(".") == 2 else None
    return _from_query(query)


def require(principal: Principal, *roles: str) -> None:
    """Raises Forbidden unless the principal has one of `roles`; with no roles given everybody may."""
    if roles and principal.roles.isdisjoint(roles):
        raise Forbidden


def _from_query(query: str | bytes) -> str | None:
    text = query.decode("latin-1") if isinstance(query, bytes) else query
    if PARAMETER not in text:
        return None
    try:
        pairs = parse_qsl(text, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise TokenInvalid from None
    found = {value for name, value in pairs if name == PARAMETER}
    if len(found) > 1:
        raise TokenInvalid
    return found.pop() if found else None
