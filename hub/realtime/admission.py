"""Who may open a session, and what it may hear and say."""

from typing import Final

from msgspec import structs

from channels import access
from channels.access import SubscribeDenied, Target
from channels.catalog import CUSTOMERS, ME, Catalog
from hub.auth import login, policy
from hub.auth.principal import Principal
from hub.auth.revoked import Revoked
from hub.auth.tokens import Tokens
from hub.bayeux import events as on
from hub.bayeux import replies
from hub.bayeux.messages import Message
from hub.kernel.clock import Clock
from hub.kernel.errors import HubError, TokenInvalid
from hub.realtime.ports import Credentials, Login, Logins

NOWHERE: Final = ""
"""The organization of customers; no token can name it."""
CUSTOMER_SECONDS: Final = 86_400.0


class Admission:
    """Verifies tokens and applies the access rules of the catalogue."""

    def __init__(
        self,
        tokens: Tokens,
        revoked: Revoked,
        catalog: Catalog,
        clock: Clock,
        logins: Logins,
        *,
        customers: bool = False,
    ) -> None:
        """`customers`: sessions without credentials are made where customers come in; they hear what is addressed to
        their clientId and nothing else.
        """
        self._tokens = tokens
        self._revoked = revoked
        self._logins = logins
        self._customers = customers
        self._catalog = catalog
        self._clock = clock

    def credentials(
        self,
        authorization: str | None,
        query: str,
        user_agent: str | None,
        *,
        cookie: str | None = None,
        address: str = "",
        customer: bool = False,
    ) -> Credentials:
        """What the credentials of a request are worth. aiohttp clients read intervals as seconds, so they get none.

        A header counts before a cookie. Whoever hands over a cookie has seen to it that it is meant. `customer`: the
        request came in where customers do.
        """
        patient = "aiohttp" not in (user_agent or "")
        customer = self._customers and customer
        try:
            token = policy.bearer(authorization, query)
            password = None if token is not None else login.basic(authorization)
        except HubError as fault:
            return Credentials(fault=fault, patient=patient)
        if password is not None:
            return Credentials(login=Login(password, address), patient=patient)
        if token is None and cookie is not None:
            return Credentials(login=Login(cookie, address), unasked=True, customer=customer, patient=patient)
        return self._worth(Credentials(token=token, customer=customer, patient=patient))

    async def settled(self, credentials: Credentials) -> Credentials:
        """The same, once it is known what a login is worth, and the keys are by which the token can be judged."""
        if self.is_settled(credentials):
            return credentials
        if credentials.login is not None:
            return await self._logged_in(credentials, credentials.login)
        if credentials.token is not None:
            await self._tokens.prepare(credentials.token)
        return self.again(credentials)

    def is_settled(self, credentials: Credentials) -> bool:
        """Whether there is nothing to wait for."""
        if credentials.login is not None:
            return False
        return credentials.fault is None or credentials.token is None or self._tokens.is_prepared(credentials.token)

    def again(self, credentials: Credentials) -> Credentials:
        """The same credentials as they count now: the issuer's new key may have become known meanwhile."""
        return credentials if credentials.login is not None else self._worth(credentials)

    def _worth(self, credentials: Credentials) -> Credentials:
        if credentials.token is None:
            return credentials
        found = self._verify(credentials.token)
        if found is credentials.principal:
            return credentials
        if isinstance(found, Principal):
            return structs.replace(credentials, principal=found, fault=None)
        return structs.replace(credentials, principal=None, fault=found)

    async def _logged_in(self, credentials: Credentials, login: Login) -> Credentials:
        """A cookie that is worth nothing counts as none: browsers send it along with tokens, long after its time."""
        now = self._clock.now()
        try:
            if isinstance(login.given, str):
                principal = await self._logins.by_cookie(login.given, now)
            else:
                principal = await self._logins.by_password(login.given, login.address, now)
        except HubError as fault:
            return structs.replace(credentials, principal=None, fault=None if credentials.unasked else fault)
        return structs.replace(credentials, principal=principal, fault=None)

    def is_prepared(self, handshake: Message, credentials: Credentials) -> bool:
        """Whether everything given can be judged at once: a login takes waiting, and so does an unknown key."""
        if credentials.login is not None and credentials.principal is None and credentials.fault is None:
            return False
        return all(self._tokens.is_prepared(token) for token in _tokens_of(handshake, credentials))

    async def prepared(self, handshake: Message, credentials: Credentials) -> Credentials:
        """The credentials with the worth of their login, after fetching the keys that are not known yet, so that the
        first token of a new key is not refused.
        """
        for token in _tokens_of(handshake, credentials):
            await self._tokens.prepare(token)
        if credentials.login is not None:
            return await self._logged_in(credentials, credentials.login)
        return self.again(credentials)

    def authenticate(self, handshake: Message, credentials: Credentials) -> Principal | on.Refused:
        """Who the client is: by the token in `ext.authentication`, or else by what its transport brought.

        Where both are given they must name the same user, unless the other is a cookie, which nobody asked for.
        """
        inside = _token_of(handshake)
        if inside is None:
            found = self._now(credentials)
        else:
            found = self._verify(inside)
            if (
                isinstance(found, Principal)
                and credentials.principal
                and not credentials.unasked
                and found.identity != credentials.principal.identity
            ):
                return on.Refused(replies.HANDSHAKE_DENIED)
        if isinstance(found, Principal):
            return found
        if found is None and credentials.customer:
            return self._customer()
        return on.Refused(f"401::{found.code}" if found else "401::credentials_missing")

    def _customer(self) -> Principal:
        """Somebody of whom nothing is known. The session gives them its name."""
        now = self._clock.now()
        return Principal(
            user="", organization=NOWHERE, roles=frozenset(), issued_at=now, expires_at=now + CUSTOMER_SECONDS
        )

    def _now(self, credentials: Credentials) -> Principal | HubError | None:
        """Who it is now: a token that was good when its socket was opened may have been revoked since, or be over."""
        if credentials.token is not None:
            return self._verify(credentials.token)
        return credentials.principal or credentials.fault

    def targets(self, principal: Principal, names: tuple[str, ...]) -> dict[str, tuple[Target, ...]] | on.Refused:
        """What each name stands for; all or nothing. Who has to change their password hears only how that went."""
        if principal.organization == NOWHERE:
            return _customer_targets(names)
        if principal.must_change and set(names) != {ME.pattern}:
            return on.Refused("403:password_change_demanded:subscribe_denied")
        try:
            return {name: access.resolve(self._catalog, principal.roles, name) for name in names}
        except SubscribeDenied as denied:
            return on.Refused(f"403:{denied.reason}:subscribe_denied")

    def _verify(self, token: str) -> Principal | HubError:
        try:
            principal = self._tokens.verify(token, self._clock.now())
        except HubError as fault:
            return fault
        return TokenInvalid("revoked") if self._revoked.contains(principal) else principal


def _customer_targets(names: tuple[str, ...]) -> dict[str, tuple[Target, ...]] | on.Refused:
    if set(names) != {CUSTOMERS.pattern}:
        return on.Refused("403:denied_by_security_policy:subscribe_denied")
    return {name: (Target(name, CUSTOMERS),) for name in names}


def _tokens_of(handshake: Message, credentials: Credentials) -> list[str]:
    return [token for token in (_token_of(handshake), credentials.token) if token is not None]


def _token_of(handshake: Message) -> str | None:
    authentication = handshake.extensions.get("authentication")
    token = authentication.get("token") if isinstance(authentication, dict) else None
    return token if isinstance(token, str) else None
