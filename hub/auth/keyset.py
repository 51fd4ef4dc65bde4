"""Key sets of a token issuer (RFC 7517), read strictly; and which key of a set a token asks for. Pure.

A set is refused as a whole when it cannot be understood or says two things under one `kid`. Keys in it that are not
for us (encryption, other algorithms, symmetric ones, weak ones) are left out, each with its reason. The algorithm
belongs to the key: RSA means RS256, P-256 means ES256; a token never chooses.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.utils import base64url_decode

from hub.auth.signatures import LONGEST_TOKEN
from hub.kernel.errors import TokenInvalid

SHORTEST_RSA: Final = 2_048
LONGEST_RSA: Final = 8_192
MOST_KEYS: Final = 100
"""Entries of a set: reading one takes a tenth of a millisecond of the event loop."""


class KeySetRefused(Exception):
    """The document is no key set to work with; the text says why and repeats nothing of it."""


class _Unfit(Exception):
    """This one key is not for us."""


class Key(msgspec.Struct, frozen=True):
    """A public key with the one algorithm that it may be used with."""

    kid: str | None
    algorithm: str
    jwk: jwt.PyJWK
    material: tuple[str, ...]
    """Its public members as they were written."""


class _Jwk(msgspec.Struct):
    """The members that matter of a key in a set."""

    kty: str
    kid: str | None = None
    use: str | None = None
    key_ops: list[str] | None = None
    alg: str | None = None
    crv: str | None = None
    x: str | None = None
    y: str | None = None
    n: str | None = None
    e: str | None = None
    d: str | None = None
    k: str | None = None


class _Document(msgspec.Struct):
    keys: list[msgspec.Raw]


class _Header(msgspec.Struct):
    kid: str | None = None


_DOCUMENT: Final = msgspec.json.Decoder(_Document)
_JWK: Final = msgspec.json.Decoder(_Jwk)
_HEADER: Final = msgspec.json.Decoder(_Header)
_MALFORMED: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class KeySet:
    """The usable keys of one issuer. Immutable."""

    def __init__(self, keys: Sequence[Key] = (), left_out: Sequence[str] = ()) -> None:
        """`left_out`: why other keys of the document are not among them. Raises KeySetRefused for equal `kid`s."""
        names = Counter(key.kid for key in keys if key.kid is not None)
        if any(count > 1 for count in names.values()):
            raise KeySetRefused("two keys have the same kid")
        self.keys = tuple(keys)
        self.left_out = tuple(left_out)
        self._by_kid = {key.kid: key for key in keys if key.kid is not None}

    def find(self, kid: str | None) -> Key | None:
        """The key for a token that names `kid`. Where either side has no name, only a lone key is unmistakable."""
        if kid is not None and (named := self._by_kid.get(kid)):
            return named
        if len(self.keys) != 1:
            return None
        (lone,) = self.keys
        return lone if kid is None or lone.kid is None else None

    def is_same(self, other: "KeySet") -> bool:
        """Whether both hold the same keys under the same names, in any order."""
        mine, others = ({(key.kid, key.material) for key in each.keys} for each in (self, other))
        return mine == others


def parse(document: bytes) -> KeySet:
    """The key set in a response body. Raises KeySetRefused, also where it has no usable key at all: nobody who
    issues tokens is without one, so such a set is taken for a mishap.
    """
    try:
        entries = _DOCUMENT.decode(document).keys
    except _MALFORMED:
        raise KeySetRefused("not a JSON object with a list of keys") from None
    if len(entries) > MOST_KEYS:
        raise KeySetRefused(f"more than {MOST_KEYS} keys")
    keys, left_out = [], []
    for entry in entries:
        try:
            keys.append(_key(bytes(entry)))
        except _Unfit as unfit:
            left_out.append(str(unfit))
    if not keys:
        raise KeySetRefused(f"no usable key ({'; '.join(sorted(set(left_out))) or 'it is empty'})")
    return KeySet(keys, left_out)


def kid_of(token: str) -> str | None:
    """The `kid` in the header of a token that nobody has checked yet. Raises TokenInvalid for what is no token."""
    if len(token) > LONGEST_TOKEN:
        raise TokenInvalid
    try:
        return _HEADER.decode(base64url_decode(token.partition(".")[0])).kid
    except (*_MALFORMED, ValueError):
        raise TokenInvalid from None


def _key(entry: bytes) -> Key:
    try:
        found = _JWK.decode(entry)
    except _MALFORMED:
        raise _Unfit("a key is malformed") from None
    if found.d is not None or found.k is not None:
        raise _Unfit("a private or symmetric key has been published")
    if found.use not in {None, "sig"} or (found.key_ops is not None and "verify" not in found.key_ops):
        raise _Unfit("a key is not for signatures")
    algorithm, members = _public(found)
    if found.alg not in {None, algorithm}:
        raise _Unfit("a key is for another algorithm than RS256 and ES256")
    try:
        jwk = jwt.PyJWK(members, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        raise _Unfit("a key is malformed") from None
    if isinstance(jwk.key, rsa.RSAPublicKey) and not SHORTEST_RSA <= jwk.key.key_size <= LONGEST_RSA:
        raise _Unfit(f"an RSA key has not {SHORTEST_RSA} to {LONGEST_RSA} bits")
    return Key(found.kid, algorithm, jwk, tuple(members.values()))


def _public(found: _Jwk) -> tuple[str, dict[str, str]]:
    """The algorithm of a key and the members of its public part, empty where missing."""
    match found.kty:
        case "RSA":
            return "RS256", {"kty": "RSA", "n": found.n or "", "e": found.e or ""}
        case "EC" if found.crv == "P-256":
            return "ES256", {"kty": "EC", "crv": "P-256", "x": found.x or "", "y": found.y or ""}
        case "EC":
            raise _Unfit("an elliptic curve is not P-256")
        case _:
            raise _Unfit("a key is neither RSA nor EC")
