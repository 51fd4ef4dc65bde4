"""Who is behind a password or a login cookie; for REST, for OAuth, and for the handshakes of Bayeux.

What has been found out is remembered for five minutes: a client that polls with Basic would otherwise cost an argon2 a
poll. Passwords are remembered only as an HMAC under a key that this process made for itself. What is remembered counts
only as long as nothing of its user was revoked since.
"""

import hmac
import secrets
from collections import OrderedDict
from typing import Final, NamedTuple

from api.security import actions
from hub.auth.guesses import Guesses
from hub.auth.login import Password, login_id
from hub.auth.passwords import Passwords
from hub.auth.principal import Principal
from hub.auth.revoked import Revoked
from hub.kernel import metrics
from hub.kernel.clock import Clock
from hub.kernel.config import Client
from hub.kernel.errors import LoginFailed, TooManyRequests, Unauthenticated
from hub.kernel.secret import Secret
from hub.store.database import Database

REMEMBER_SECONDS: Final = 300.0
REMEMBERED: Final = 10_000
LONGEST_NAME: Final = 255


class _Known(NamedTuple):
    principal: Principal
    until: float


class Logins:
    """Use on one event loop."""

    def __init__(
        self, database: Database, passwords: Passwords, revoked: Revoked, clock: Clock, *, seconds: float
    ) -> None:
        """`seconds`: how long a login lasts."""
        self._database = database
        self._passwords = passwords
        self._revoked = revoked
        self._clock = clock
        self._seconds = seconds
        self._guesses = Guesses()
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    async def by_password(self, given: Password, address: str, now: float) -> Principal:
        """The user of that name and password. Raises LoginFailed, which does not say what was wrong and takes as long
        for a name that nobody has; TooManyRequests after too many wrong ones; Overloaded.
        """
        name, password = given.user_name, given.password.reveal()
        text = f"{len(name)}:{name}{password}".encode("utf-8", "surrogatepass")
        key = hmac.digest(self._key, text, "sha256")
        if (known := self._recall(key, now)) is not None:
            return known
        self._begin(name, address)
        account = await self._database.read(lambda tx: actions.find_named(tx, name))
        stored = account.password if account is not None else None
        is_right = await self._passwords.match(stored, given.password)
        if account is None or not account.enabled or not is_right:
            metrics.LOGINS.labels("failed").inc()
            raise LoginFailed
        self._guesses.right(name[:LONGEST_NAME], address)
        metrics.LOGINS.labels("ok").inc()
        return self._remember(key, account.principal(issued_at=now, expires_at=now + self._seconds), now)

    async def by_cookie(self, value: str, now: float) -> Principal:
        """The user who logged in and was given that cookie. Raises Unauthenticated."""
        login = login_id(value)
        key = login.encode()
        if (known := self._recall(key, now)) is not None:
            return known
        found = await self._database.read(lambda tx: actions.find_login(tx, login, now))
        if found is None:
            raise Unauthenticated
        account, issued_at, expires_at = found
        principal = account.principal(issued_at=issued_at, expires_at=expires_at, login=login)
        if self._revoked.contains(principal):
            raise Unauthenticated
        return self._remember(key, principal, now)

    async def is_own(self, name: str, stored: str | None, password: Secret, address: str) -> bool:
        """Whether that is the password behind the hash, for somebody who is logged in already. Raises as `by_password`
        does: whoever finds an open desk must not be able to guess there.
        """
        self._begin(name, address)
        if not await self._passwords.match(stored, password):
            return False
        self._guesses.right(name[:LONGEST_NAME], address)
        return True

    async def client(self, given: Password, configured: Client | None, address: str) -> str:
        """The organization of a client of OAuth: of the configuration file, or else a registered one. Raises
        LoginFailed, TooManyRequests.
        """
        name = f"client {given.user_name}"
        self._begin(name, address)
        if configured is not None:
            organization = configured.organization if configured.secret == given.password else None
        else:
            read = self._database.read
            organization = await read(lambda tx: actions.client_organization(tx, given.user_name, given.password))
        if organization is None:
            metrics.LOGINS.labels("failed").inc()
            raise LoginFailed("Client id or secret is not right")
        self._guesses.right(name[:LONGEST_NAME], address)
        metrics.LOGINS.labels("ok").inc()
        return organization

    def _begin(self, name: str, address: str) -> None:
        try:
            self._guesses.begin(name[:LONGEST_NAME], address, self._clock.monotonic())
        except TooManyRequests:
            metrics.LOGINS.labels("limited").inc()
            raise

    def _recall(self, key: bytes, now: float) -> Principal | None:
        known = self._known.get(key)
        if known is None:
            return None
        if now >= min(known.until, known.principal.expires_at) or self._revoked.contains(known.principal):
            del self._known[key]
            return None
        self._known.move_to_end(key)
        return known.principal

    def _remember(self, key: bytes, principal: Principal, now: float) -> Principal:
        self._known[key] = _Known(principal, now + REMEMBER_SECONDS)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return principal
