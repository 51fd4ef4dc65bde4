"""JSON Web Tokens: minting ours, and turning one that a client sends into a Principal.

A checked signature is remembered by the token's hash, since checking one takes a hundred times as long; the times are
looked at on every call. Whether a token was revoked is not asked here: see `hub.auth.revoked`.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Collection
from typing import Any, Final

from hub.auth.claims import Claims, check_times, decode, encode
from hub.auth.principal import Principal
from hub.auth.signatures import Keys
from hub.kernel.errors import TokenExpired

REMEMBERED: Final = 10_000


class Tokens:
    """Tokens of one issuer for one audience. Use from one thread."""

    def __init__(self, keys: Keys, issuer: str, audience: str, *, remembered: int = REMEMBERED) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._capacity = remembered
        self._generation = keys.generation
        self._known: OrderedDict[bytes, tuple[Claims, Principal]] = OrderedDict()

    def mint(
        self,
        *,
        user: str,
        organization: str,
        roles: Collection[str],
        ttl: float,
        now: float,
        user_name: str | None = None,
        application: str | None = None,
        conference: str | None = None,
    ) -> str:
        """A token of `user`, valid from `now` for `ttl` seconds. Raises BadInput for values that no token may hold.

        `iat` keeps its fraction, so that a token minted right after a revocation in the same second is accepted.
        Raises SettingsError where a foreign issuer makes the tokens.
        """
        issued = round(now, 6)
        claims = Claims(
            sub=user,
            organization_id=organization,
            roles=tuple(sorted(roles)),
            iss=self._issuer,
            aud=self._audience,
            iat=issued,
            exp=round(issued + ttl, 6),
            user_name=user_name,
            application_id=application,
            conference_id=conference,
        )
        return self._keys.sign(encode(claims))

    def published(self) -> list[dict[str, Any]]:
        """The keys that others need to check our tokens, as JSON Web Keys."""
        return self._keys.published()

    def is_prepared(self, token: str) -> bool:
        """Whether `prepare` would return at once. For callers that cannot await unless they must."""
        return self._keys.is_prepared(token)

    async def prepare(self, token: str) -> None:
        """Await this before `verify`, so that the first token of a key that its issuer has just begun to use is
        accepted: lets the key arrive. Returns at once if it is there or may not be asked for, else after about the
        time that a fetch takes; judges nothing, and raises nothing.
        """
        if not self._keys.is_prepared(token):
            await self._keys.prepare(token)

    def verify(self, token: str, now: float) -> Principal:
        """Who `token` speaks for at `now`. Raises TokenExpired if only its time is over, else TokenInvalid; neither
        repeats any of it. Expiry and future times are judged with a leeway of 30 s. Raises KeysUnavailable as long as
        the keys of a foreign issuer have never been seen.
        """
        if self._keys.generation != self._generation:
            # A key may have been withdrawn: what it proved counts no more.
            self._known.clear()
            self._generation = self._keys.generation
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if known is None:
            claims = decode(self._keys.payload(token), self._issuer, self._audience)
            known = (claims, claims.principal())
        else:
            self._known.move_to_end(digest)
        try:
            check_times(known[0], now)
        except TokenExpired:
            self._known.pop(digest, None)
            raise
        self._remember(digest, known)
        return known[1]

    def _remember(self, digest: bytes, known: tuple[Claims, Principal]) -> None:
        self._known[digest] = known
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
