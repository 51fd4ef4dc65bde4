"""What an account is, which passwords are good enough, and what the names may be. Pure."""

import re
from typing import Final, NamedTuple

import msgspec

from hub.auth.principal import Principal
from hub.kernel.errors import BadInput

LONGEST_PASSWORD: Final = 256
FEWEST_CHARACTERS: Final = 5

_ID: Final = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_KINDS: Final = (str.islower, str.isupper, str.isdigit, lambda character: not character.isalnum())


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may log in, or whose token has been seen.

    `id` is the `sub` of their tokens and unique in the organization; `user_name` is what they log in with, unique in
    the hub, None where they cannot. `password` is a hash, None without one. Who `must_change` it may do little before.
    """

    organization: str
    id: str
    user_name: str | None
    roles: frozenset[str]
    enabled: bool = True
    password: str | None = None
    must_change: bool = False

    def __repr__(self) -> str:
        return f"Account({self.organization!r}, {self.id!r})"

    def principal(self, *, issued_at: float, expires_at: float, login: str | None = None) -> Principal:
        """The account's owner, having proved who they are."""
        return Principal(
            user=self.id,
            organization=self.organization,
            roles=self.roles,
            issued_at=issued_at,
            expires_at=expires_at,
            user_name=self.user_name,
            login=login,
            must_change=self.must_change,
        )


class Policy(NamedTuple):
    """What a password has to be: at least so long, of so many kinds (small, capital, digit, other)."""

    length: int
    kinds: int


def weakness(password: str, user_name: str | None, policy: Policy) -> str | None:
    """Why the password is not good enough, in a sentence for its owner; None if it is."""
    if len(password) < policy.length:
        return f"The password must have at least {policy.length} characters"
    if len(password) > LONGEST_PASSWORD:
        return f"The password may have at most {LONGEST_PASSWORD} characters"
    if sum(any(map(kind, password)) for kind in _KINDS) < policy.kinds:
        return f"The password must mix {policy.kinds} of: small letters, capital letters, digits, others"
    if len(set(password)) < FEWEST_CHARACTERS:
        return f"The password must have {FEWEST_CHARACTERS} different characters"
    if user_name and user_name.lower() in password.lower():
        return "The password must not contain the user name"
    return None


def require_id(text: str, member: str) -> str:
    """`text` if it may be the id of a user. Raises BadInput that names the member."""
    if _ID.fullmatch(text) is None:
        raise BadInput(f"{member}: must be 1 to 64 of A-Z a-z 0-9 . _ @ -", pointer=f"/{member}")
    return text


def require_name(text: str) -> str:
    """`text` if somebody may log in with it: 1 to 255 printable characters, no colon, which ends the name in Basic.
    Raises BadInput.
    """
    if not 0 < len(text) <= 255 or not text.isprintable() or ":" in text or text != text.strip():
        raise BadInput("userName: must be 1 to 255 printable characters without a colon", pointer="/userName")
    return text
