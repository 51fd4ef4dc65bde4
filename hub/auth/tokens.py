"""JSON Web Tokens: minting ours, and turning one that a client sends into a Principal.

A checked signature is remembered by the token's hash, since checking one takes a hundred times as long; the times are
looked at on every call. Whether a token was revoked is not asked here: see `hub.auth.revoked`.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Collection
from typing import Final

from hub.auth.claims import Claims, check_times, decode, encode
from hub.auth.keys import KeyRing
from hub.auth.principal import Principal
from hub.kernel.errors import TokenExpired

REMEMBERED: Final = 10_000


class Tokens:
    """Tokens of one issuer for one audience. Use from one thread."""

    def __init__(self, keys: KeyRing, issuer: str, audience: str, *, remembered: int = REMEMBERED) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._capacity = remembered
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

    def verify(self, token: str, now: float) -> Principal:
        """Who `token` speaks for at `now`. Raises TokenExpired if only its time is over, else TokenInvalid; neither
        repeats any of it. Expiry and future times are judged with a leeway of 30 s.
        """
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
