"""One signature: who can check and make it, and how one is checked."""

from typing import Any, Final, Protocol

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from jwt.types import SigOptions

from hub.kernel.errors import TokenInvalid

LONGEST_TOKEN: Final = 8_192

OPTIONS: Final[SigOptions] = {"verify_signature": True, "enforce_minimum_key_length": True}

_FAILURES: Final = (jwt.PyJWTError, TypeError, ValueError, LookupError, RuntimeError, UnsupportedAlgorithm)
"""What a hostile token can make the library raise: its own two trees, bad types and encodings, deep nesting."""


class Keys(Protocol):
    """What tokens are checked with, and signed where the key is ours. Answers from memory, never waits for anything
    but `prepare`.
    """

    @property
    def generation(self) -> int:
        """Another number means other keys: what earlier ones have proved must be proved again."""

    def sign(self, payload: bytes) -> str:
        """`payload` as a compact JWS. Raises SettingsError where others make the tokens."""

    def payload(self, token: str) -> bytes:
        """What was signed. Raises TokenInvalid, which says nothing about the token, for everything else, and
        KeysUnavailable as long as there is nothing to check with.
        """

    def published(self) -> list[dict[str, Any]]:
        """The public halves of our keys as JSON Web Keys, for others who check our tokens."""

    def is_prepared(self, token: str) -> bool:
        """Whether `prepare` would return at once: the key is there, or no waiting would bring it."""

    async def prepare(self, token: str) -> None:
        """Lets a key arrive that `token` names and that is not there yet. Raises nothing about the token."""

    def trouble(self) -> str | None:
        """Why no token can be checked yet, for `/readyz`; None when all is well."""


def checker(algorithm: str) -> jwt.PyJWS:
    """Makes and checks signatures of this one algorithm, with keys long enough for it."""
    return jwt.PyJWS(algorithms=[algorithm], options=OPTIONS)


def signed_payload(jws: jwt.PyJWS, token: str, key: object, algorithm: str) -> bytes:
    """What `key` has signed with `algorithm`, whatever the header of the token names. Raises TokenInvalid."""
    if len(token) > LONGEST_TOKEN:
        raise TokenInvalid
    try:
        signed = jws.decode_complete(token, key, algorithms=[algorithm])  # type: ignore[arg-type]
    except _FAILURES:
        raise TokenInvalid from None
    payload = signed["payload"]
    # `crit` names extensions that must be understood; we understand none, `b64` included.
    if "crit" in signed["header"] or not isinstance(payload, bytes):
        raise TokenInvalid
    return payload
