"""`/security/oauth/**`, and logging out."""

from typing import Final
from urllib.parse import unquote_plus

import msgspec

from api.http import cookies
from api.http.operations import Operation
from api.http.problems import Family
from api.http.reply import Done, Reply
from api.http.request import Call
from api.security import actions
from api.security.schemas import KeySet, TokenReply, TokenRequest
from channels.access import Role
from hub.auth import login
from hub.auth.login import Password
from hub.auth.principal import Principal
from hub.kernel import wire
from hub.kernel.errors import BadInput, LoginFailed, Overloaded, TooManyRequests
from hub.kernel.secret import Secret

_PRIVATE: Final = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
_PUBLIC: Final = (("Cache-Control", "public, max-age=300"),)


class InvalidGrant(BadInput):
    """RFC 6749, section 5.2: what was given for a token is worth nothing."""

    code = "invalid_grant"
    default_detail = "User name or password is not right"


class UnsupportedGrantType(BadInput):
    """RFC 6749, section 5.2."""

    code = "unsupported_grant_type"
    default_detail = "grant_type must be password or client_credentials"


async def give_token(call: Call[TokenRequest]) -> Reply:
    """A token for a user's password, or for a client's secret."""
    services = call.services
    if services.settings.jwks_url is not None:
        raise UnsupportedGrantType("Tokens are made by the issuer that this hub trusts, not here")
    # Some clients have always put all of this into the query. It is taken from there, and logged nowhere.
    asked = msgspec.structs.replace(call.query_as(TokenRequest), **_given(call.body))
    match asked.grant_type:
        case "password":
            principal = await _user(call, asked)
        case "client_credentials":
            principal = await _client(call, asked)
        case None:
            raise BadInput("grant_type is missing")
        case _:
            raise UnsupportedGrantType
    seconds = services.settings.token_seconds
    token = services.tokens.mint(
        user=principal.user,
        organization=principal.organization,
        roles=principal.roles,
        ttl=seconds,
        now=call.now,
        user_name=principal.user_name,
    )
    return Reply(200, wire.encode(TokenReply(access_token=token, expires_in=seconds)), headers=_PRIVATE)


async def _user(call: Call[TokenRequest], asked: TokenRequest) -> Principal:
    if asked.username is None or asked.password is None:
        raise BadInput("username and password are required")
    client = await _client(call, asked) if _credentials(call, asked) is not None else None
    given = Password(asked.username, Secret(asked.password))
    try:
        principal = await call.services.logins.by_password(given, call.address, call.now)
    except LoginFailed:
        raise InvalidGrant from None
    if client is not None and client.organization != principal.organization:
        raise InvalidGrant
    if principal.must_change:
        raise InvalidGrant("The password has to be changed first")
    return principal


async def _client(call: Call[TokenRequest], asked: TokenRequest) -> Principal:
    credentials = _credentials(call, asked)
    if credentials is None:
        raise LoginFailed("The client has not said who it is")
    services, client_id = call.services, credentials.user_name
    organization = await services.logins.client(credentials, services.clients.get(client_id), call.address)
    return Principal(
        user=client_id,
        organization=organization,
        roles=frozenset({Role.CLIENT_SERVICE}),
        issued_at=call.now,
        expires_at=call.now + services.settings.token_seconds,
    )


def _credentials(call: Call[TokenRequest], asked: TokenRequest) -> Password | None:
    """Those of the client: by Basic, whose two parts are encoded like form fields (section 2.3.1), or in the form."""
    authorization = call.headers.get(b"authorization", b"").decode("latin-1")
    basic = login.basic(authorization)
    if basic is not None:
        if asked.client_secret is not None:
            raise BadInput("The client must name itself in one way only")
        return Password(unquote_plus(basic.user_name), Secret(unquote_plus(basic.password.reveal())))
    if asked.client_id is None or asked.client_secret is None:
        return None
    return Password(asked.client_id, Secret(asked.client_secret))


def _given(request: TokenRequest) -> dict[str, str]:
    return {name: value for name, value in msgspec.structs.asdict(request).items() if value is not None}


async def key_set(call: Call[None]) -> Reply:
    """The keys with which others check the tokens of this hub."""
    return Reply(200, wire.encode(KeySet(keys=call.services.tokens.published())), headers=_PUBLIC)


async def log_out(call: Call[None]) -> Reply:
    """End the login of the cookie, and the sessions it has opened. Without one there is nothing to end."""
    caller, clock = call.principal, call.services.clock
    if caller.login is not None:
        await call.services.db.write(lambda tx: actions.log_out(tx, caller, clock.now()))
        call.services.revoked.end_login(caller.login)
    return Reply(200, wire.encode(Done()), headers=cookies.dropped(call.services.settings))


OPERATIONS = (
    Operation(
        name="giveToken",
        method="POST",
        path="/security/oauth/token",
        summary="Get a token for a password or for a client secret",
        tag="security",
        family=Family.OAUTH,
        roles=None,
        body=TokenRequest,
        form=True,
        examples={
            "program": {
                "grant_type": "client_credentials",
                "client_id": "crm",
                "client_secret": "what the crm calls its own",
            },
            "person": {"grant_type": "password", "username": "carol", "password": "the one so far"},
        },
        result=TokenReply,
        errors=(InvalidGrant, UnsupportedGrantType, LoginFailed, TooManyRequests, Overloaded),
        handler=give_token,
    ),
    Operation(
        name="readKeySet",
        method="GET",
        path="/security/oauth/jwks",
        summary="The public keys that tokens are checked with",
        tag="security",
        family=Family.OAUTH,
        roles=None,
        result=KeySet,
        handler=key_set,
    ),
    Operation(
        name="logOut",
        method="POST",
        path="/api/v2/logout",
        summary="End the login of the cookie",
        tag="security",
        family=Family.GWS,
        roles=frozenset(),
        result=Done,
        before_password_change=True,
        errors=(Overloaded,),
        handler=log_out,
    ),
)
