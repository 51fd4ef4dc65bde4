"""The key that tokens are signed and checked with.

Without a secret in the settings a P-256 key is generated into `<data_dir>/keys/es256.pem`. It appears complete and
once: it is written aside, then linked to its name, which fails if the name exists. Processes that start together
therefore agree, and none ever reads half a key.
"""

import hashlib
import os
from pathlib import Path
from typing import Final, Self

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_encode

from hub.auth.signatures import checker, signed_payload
from hub.kernel.faults import Fault, SettingsError
from hub.kernel.ids import random_base36
from hub.kernel.secret import Secret
from hub.kernel.settings import SHORTEST_SECRET, Settings

KEY_FILE: Final = "es256.pem"


class KeyRing:
    """One algorithm and its key; the header of a token never chooses either. Immutable; share it freely."""

    generation: Final = 0

    def __init__(self, private: ec.EllipticCurvePrivateKey | bytes) -> None:
        """A P-256 private key means ES256, bytes mean HS256. Raises ValueError for keys that are too weak."""
        self._signing = private
        if isinstance(private, bytes):
            if len(private) < SHORTEST_SECRET:
                raise ValueError(f"an HS256 secret has at least {SHORTEST_SECRET} bytes")
            self.algorithm = "HS256"
            self.kid: str | None = None
            self._checking: ec.EllipticCurvePublicKey | bytes = private
        else:
            if not isinstance(private.curve, ec.SECP256R1):
                raise ValueError("an ES256 key is on the curve P-256")
            self.algorithm = "ES256"
            self._checking = private.public_key()
            self.kid = _thumbprint(self._checking)
        self._jws = checker(self.algorithm)

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """The key of the settings: their secret, or the generated one, which is made if there is none. Touches the
        file system; call it at start. Raises SettingsError, also where the keys are those of a foreign issuer.
        """
        if settings.jwks_url is not None:
            raise foreign_key()
        if settings.jwt_secret is not None:
            return cls.of_secret(settings.jwt_secret)
        try:
            return cls(_generated(settings.data_dir / "keys"))
        except OSError as error:
            raise SettingsError([Fault("HUB_DATA_DIR", f"{error.filename}: {error.strerror}")]) from None

    @classmethod
    def of_secret(cls, secret: Secret) -> Self:
        """HS256 with the bytes of `secret`. Raises SettingsError for one that is too short or is itself a PEM key."""
        try:
            ring = cls(secret.reveal().encode("utf-8", "surrogateescape"))
            ring.sign(b"{}")
        except (ValueError, jwt.PyJWTError):
            message = f"must be at least {SHORTEST_SECRET} bytes long, and no PEM or SSH key"
            raise SettingsError([Fault("HUB_JWT_SECRET", message)]) from None
        return ring

    def sign(self, payload: bytes) -> str:
        """`payload` as a compact JWS."""
        headers = {"kid": self.kid} if self.kid else None
        return self._jws.encode(payload, self._signing, algorithm=self.algorithm, headers=headers)

    def payload(self, token: str) -> bytes:
        """What was signed. Raises TokenInvalid, which says nothing about the token, for everything else."""
        return signed_payload(self._jws, token, self._checking, self.algorithm)

    def is_prepared(self, token: str) -> bool:
        """The key is always there."""
        del token
        return True

    async def prepare(self, token: str) -> None:
        """Nothing to wait for."""

    def trouble(self) -> str | None:
        """None."""
        return None


def foreign_key() -> SettingsError:
    """Why nothing can be signed where the tokens come from the issuer of HUB_JWKS_URL."""
    reason = (
        "tokens are made by the issuer behind it, this hub has no key to sign one with; "
        "get it there (`hub send` takes it with --token)"
    )
    return SettingsError([Fault("HUB_JWKS_URL", reason)])


def _generated(directory: Path) -> ec.EllipticCurvePrivateKey:
    directory.parent.mkdir(parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)
    directory.chmod(0o700)
    path = directory / KEY_FILE
    if not path.exists():
        _create(path)
    return _read(path)


def _create(path: Path) -> None:
    """Makes the key unless somebody else has meanwhile. Every step is repeatable after a crash."""
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{path.name}.{random_base36(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(descriptor)
        os.link(draft, path)
        _sync_directory(path.parent)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> ec.EllipticCurvePrivateKey:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise SettingsError([Fault("HUB_DATA_DIR", f"{path} is open to other users; its mode must be 600")])
        pem = file.read()
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SettingsError([Fault("HUB_DATA_DIR", f"{path} holds no P-256 private key; restore or remove it")])
    return key


def _thumbprint(key: ec.EllipticCurvePublicKey) -> str:
    """RFC 7638: the same in every process, without being stored."""
    jwk = ECAlgorithm.to_jwk(key, as_dict=True)
    canonical = msgspec.json.encode({name: jwk[name] for name in ("crv", "kty", "x", "y")})
    return base64url_encode(hashlib.sha256(canonical).digest()).decode("ascii")
