"""Who is asking on a REST call: the token of the Authorization header, and nothing else."""

from api.http.request import Services
from channels.access import Role
from hub.auth import policy
from hub.auth.principal import Principal
from hub.kernel.errors import TokenInvalid, Unauthenticated


async def authenticate(
    services: Services, authorization: bytes | None, roles: frozenset[Role], now: float
) -> Principal:
    """The principal behind an Authorization header; `roles` empty asks for a token only.

    Raises `Unauthenticated`, `TokenExpired`, `TokenInvalid`, `Forbidden`, or `KeysUnavailable`. Waits only for
    a key that the issuer has just begun to use. A token in the query is not looked for:
    queries end up in logs, and only browsers that open a WebSocket have no other place.
    """
    token = policy.bearer(None if authorization is None else authorization.decode("latin-1"))
    if token is None:
        raise Unauthenticated
    await services.tokens.prepare(token)
    principal = services.tokens.verify(token, now)
    if services.revoked.contains(principal):
        raise TokenInvalid
    policy.require(principal, *roles)
    return principal
