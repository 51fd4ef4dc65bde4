"""Who may open a session, and what it may hear and say."""

from channels import access
from channels.access import SubscribeDenied, Target
from channels.catalog import Catalog
from hub.auth import policy
from hub.auth.principal import Principal
from hub.auth.revoked import Revoked
from hub.auth.tokens import Tokens
from hub.bayeux import events as on
from hub.bayeux import replies
from hub.bayeux.messages import Message
from hub.kernel.clock import Clock
from hub.kernel.errors import HubError, TokenInvalid
from hub.realtime.ports import Credentials


class Admission:
    """Verifies tokens and applies the access rules of the catalogue."""

    def __init__(self, tokens: Tokens, revoked: Revoked, catalog: Catalog, clock: Clock) -> None:
        self._tokens = tokens
        self._revoked = revoked
        self._catalog = catalog
        self._clock = clock

    def credentials(self, authorization: str | None, query: str, user_agent: str | None) -> Credentials:
        """What the credentials of a request are worth. aiohttp clients read intervals as seconds, so they get none."""
        patient = "aiohttp" not in (user_agent or "")
        try:
            token = policy.bearer(authorization, query)
        except HubError as fault:
            return Credentials(fault=fault, patient=patient)
        return self._worth(token, patient=patient)

    async def settled(self, authorization: str | None, query: str, user_agent: str | None) -> Credentials:
        """The same, once the keys are known by which the token can be judged."""
        credentials = self.credentials(authorization, query, user_agent)
        if credentials.fault is None or credentials.token is None or self._tokens.is_prepared(credentials.token):
            return credentials
        await self._tokens.prepare(credentials.token)
        return self.again(credentials)

    def again(self, credentials: Credentials) -> Credentials:
        """The same credentials as they count now: the issuer's new key may have become known meanwhile."""
        return self._worth(credentials.token, patient=credentials.patient)

    def _worth(self, token: str | None, *, patient: bool) -> Credentials:
        if token is None:
            return Credentials(patient=patient)
        found = self._verify(token)
        if isinstance(found, Principal):
            return Credentials(principal=found, token=token, patient=patient)
        return Credentials(fault=found, token=token, patient=patient)

    def is_prepared(self, handshake: Message, credentials: Credentials) -> bool:
        """Whether the keys are known by which every token given can be judged."""
        return all(self._tokens.is_prepared(token) for token in _tokens_of(handshake, credentials))

    async def prepare(self, handshake: Message, credentials: Credentials) -> None:
        """Fetch the keys that are not known yet, so that the first token of a new key is not refused."""
        for token in _tokens_of(handshake, credentials):
            await self._tokens.prepare(token)

    def authenticate(self, handshake: Message, credentials: Credentials) -> Principal | on.Refused:
        """Who the client is: by the token in `ext.authentication`, or else by that of its transport.

        Where both are given they must name the same user.
        """
        inside = _token_of(handshake)
        if inside is None:
            found = self._now(credentials)
        else:
            found = self._verify(inside)
            if (
                isinstance(found, Principal)
                and credentials.principal
                and found.identity != credentials.principal.identity
            ):
                return on.Refused(replies.HANDSHAKE_DENIED)
        if isinstance(found, Principal):
            return found
        return on.Refused(f"401::{found.code}" if found else "401::credentials_missing")

    def _now(self, credentials: Credentials) -> Principal | HubError | None:
        """Who it is now: a token that was good when its socket was opened may have been revoked since, or be over."""
        if credentials.token is not None:
            return self._verify(credentials.token)
        return credentials.principal or credentials.fault

    def targets(self, principal: Principal, names: tuple[str, ...]) -> dict[str, tuple[Target, ...]] | on.Refused:
        """What each name stands for; all or nothing."""
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


def _tokens_of(handshake: Message, credentials: Credentials) -> list[str]:
    return [token for token in (_token_of(handshake), credentials.token) if token is not None]


def _token_of(handshake: Message) -> str | None:
    authentication = handshake.extensions.get("authentication")
    token = authentication.get("token") if isinstance(authentication, dict) else None
    return token if isinstance(token, str) else None
