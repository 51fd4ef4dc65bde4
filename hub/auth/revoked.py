"""Tokens that stopped counting before their time: password changed, user disabled or deleted, roles changed."""

from collections import OrderedDict
from typing import Final

from hub.auth.principal import Principal
from hub.kernel.clock import micros

MOST_LOGINS: Final = 100_000  # far more logouts than happen while anything about a login is remembered


class Revoked:
    """From which instant on tokens of a user count again. Filled from the `revocation` rows that refuse tokens.

    Adding is idempotent and order does not matter, so rows may be read twice.
    """

    def __init__(self) -> None:
        self._at: dict[tuple[str, str], int] = {}
        self._logins: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._at)

    def add(self, organization: str, user: str, at: int) -> None:
        """Tokens of the user issued before `at` (Unix microseconds) are refused; the latest `at` counts."""
        key = (organization, user)
        self._at[key] = max(at, self._at.get(key, at))

    def end_login(self, login: str) -> None:
        """Somebody has logged out: what they were known by counts no more."""
        self._logins[login] = None
        if len(self._logins) > MOST_LOGINS:
            self._logins.popitem(last=False)

    def contains(self, principal: Principal) -> bool:
        """Whether the token behind `principal` was issued before a revocation of its user, or its login has ended."""
        if principal.login in self._logins:
            return True
        at = self._at.get(principal.identity)
        return at is not None and micros(principal.issued_at) < at

    def forget(self, before: int) -> None:
        """Drops revocations older than `before`; correct once every token issued until then has expired."""
        self._at = {key: at for key, at in self._at.items() if at >= before}
