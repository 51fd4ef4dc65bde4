"""What our tokens say, and what they must look like."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from hub.auth.principal import Principal
from hub.kernel.errors import BadInput, TokenExpired, TokenInvalid

LEEWAY: Final = 30.0
"""Seconds by which the clocks of an issuer and ours may differ."""

# Not `$`, which would also match before a line feed at the end.
UserId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._@-]{1,64}\Z")]
OrganizationId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._-]{1,64}\Z")]
_Role = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_]{1,64}\Z")]
_Name = Annotated[str, Meta(min_length=1, max_length=255)]
# Instants fit the database's microseconds: up to the year 9999.
_Numeric = Annotated[float, Meta(ge=0, le=253_402_300_799)]


class Claims(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The claims that we read; others are ignored. Decoding checks types and forms."""

    sub: UserId
    organization_id: OrganizationId
    roles: Annotated[tuple[_Role, ...], Meta(max_length=32)]
    iss: str
    aud: str | tuple[str, ...]
    iat: _Numeric
    exp: _Numeric
    nbf: _Numeric | None = None
    user_name: _Name | None = None
    application_id: _Name | None = None
    conference_id: _Name | None = None

    def principal(self) -> Principal:
        """Who the claims are about."""
        return Principal(
            user=self.sub,
            organization=self.organization_id,
            roles=frozenset(self.roles),
            issued_at=self.iat,
            expires_at=self.exp,
            user_name=self.user_name,
            application=self.application_id,
            conference=self.conference_id,
        )


_DECODER: Final = msgspec.json.Decoder(Claims)


def decode(payload: bytes, issuer: str, audience: str) -> Claims:
    """The claims in a signed payload that `issuer` meant for `audience`. Raises TokenInvalid. Looks at no times."""
    try:
        claims = _DECODER.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise TokenInvalid from None
    audiences = (claims.aud,) if isinstance(claims.aud, str) else claims.aud
    if claims.iss != issuer or audience not in audiences:
        raise TokenInvalid
    return claims


def check_times(claims: Claims, now: float) -> None:
    """Raises TokenExpired from `exp` on, TokenInvalid for tokens of the future; both with LEEWAY."""
    if now >= claims.exp + LEEWAY:
        raise TokenExpired
    if claims.iat > now + LEEWAY or (claims.nbf is not None and claims.nbf > now + LEEWAY):
        raise TokenInvalid


def encode(claims: Claims) -> bytes:
    """The claims as JSON. Raises BadInput where a value has not the form that `decode` demands."""
    payload = msgspec.json.encode(claims)
    try:
        _DECODER.decode(payload)
    except msgspec.ValidationError as error:
        raise BadInput(f"Not fit for a token: {error}") from None
    return payload
