"""Somebody who has proved who they are."""

import msgspec


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """A user of an organization, as their token states it, or their account where they have logged in here. For a
    token no row in a table needs to exist.

    `user` is unique within `organization` only. Roles count from the token and do not include each other. Instants
    are Unix seconds: `issued_at` is what revocations are compared with, `expires_at` the token's `exp` without leeway.
    `login` names the login behind a cookie. Who `must_change` their password may do little else before.
    """

    user: str
    organization: str
    roles: frozenset[str]
    issued_at: float
    expires_at: float
    user_name: str | None = None
    application: str | None = None
    conference: str | None = None
    login: str | None = None
    must_change: bool = False

    @property
    def identity(self) -> tuple[str, str]:
        """(organization, user): what is the same in a renewed token."""
        return self.organization, self.user
