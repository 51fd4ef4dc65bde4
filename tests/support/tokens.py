"""Tokens as a foreign identity provider would make them: independent of the hub's own minting."""

import time

import jwt

SECRET = "a secret of the tests, longer than thirty-two bytes"
"""`HUB_JWT_SECRET` of every hub that a test starts with `secret=SECRET`."""


def mint(
    user: str, *roles: str, organization: str = "acme", ttl: float = 3600, secret: str = SECRET, **changes: object
) -> str:
    """A token of `user` that a hub with that secret accepts for `ttl` seconds.

    `changes` replace or add claims; a claim given as None is left out.
    """
    now = int(time.time())
    claims: dict[str, object] = {
        "sub": user,
        "organizationId": organization,
        "roles": list(roles or ("ROLE_AGENT",)),
        "iss": "hub",
        "aud": "hub",
        "iat": now,
        "exp": now + ttl,
        **changes,
    }
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm="HS256")
