"""The wire forms of OAuth."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 6749, sections 4.3.2 and 4.4.2. The client may also name itself by HTTP Basic; other fields are ignored."""

    grant_type: Annotated[str | None, Meta(description="`password` or `client_credentials`")] = None
    username: str | None = None
    password: str | None = None
    client_id: str | None = None
    client_secret: str | None = None


class TokenReply(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 6749, section 5.1."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105
    expires_in: Annotated[int, Meta(description="Seconds")]


class KeySet(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 7517, section 5."""

    keys: list[dict[str, Any]]
