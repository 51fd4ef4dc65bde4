"""The keys that tokens are signed and checked with.

Without a secret in the settings P-256 keys stand in `<data_dir>/keys`: `es256.pem`, which is generated, then
`es256-2.pem` and so on, one for each rotation. A key appears complete and once: it is written aside, then linked to its
name, which fails if the name exists. Processes that start together therefore agree, and none ever reads half a key.

A new key signs a minute after it was made. By then every process has read the directory again and knows it, so that no
token is refused for being too new; older keys go on checking until they are removed.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import Sequence
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_encode

from hub.auth.keyset import kid_of
from hub.auth.signatures import checker, signed_payload
from hub.kernel import logs
from hub.kernel.clock import Clock
from hub.kernel.errors import Conflict, NotFound, TokenInvalid
from hub.kernel.faults import Fault, SettingsError
from hub.kernel.ids import random_base36
from hub.kernel.lifecycle import Background
from hub.kernel.secret import Secret
from hub.kernel.settings import SHORTEST_SECRET, Settings

KEY_FILE: Final = "es256.pem"
SIGNS_AFTER_SECONDS: Final = 60.0
REREAD_SECONDS: Final = 20.0

_KEY_FILE: Final = re.compile(r"es256(?:-(\d{1,6}))?\.pem")

_log = logs.get(__name__)


class KeyRing:
    """One algorithm, the key that signs, and further ones that only check. Immutable; share it freely.

    The header of a token never chooses the algorithm; its `kid` says which key to look at first.
    """

    generation: Final = 0

    def __init__(
        self,
        private: ec.EllipticCurvePrivateKey | bytes,
        others: Sequence[ec.EllipticCurvePrivateKey] = (),
    ) -> None:
        """A P-256 private key means ES256, bytes mean HS256. Raises ValueError for keys that are too weak."""
        self._signing = private
        self._public: dict[str, ec.EllipticCurvePublicKey] = {}
        if isinstance(private, bytes):
            if len(private) < SHORTEST_SECRET:
                raise ValueError(f"an HS256 secret has at least {SHORTEST_SECRET} bytes")
            self.algorithm = "HS256"
            self.kid: str | None = None
        else:
            if not all(isinstance(key.curve, ec.SECP256R1) for key in (private, *others)):
                raise ValueError("an ES256 key is on the curve P-256")
            self.algorithm = "ES256"
            self._public = {thumbprint(key): key.public_key() for key in (private, *others)}
            self.kid = thumbprint(private)
        self._jws = checker(self.algorithm)

    @classmethod
    def load(cls, settings: Settings, now: float = inf) -> Self:
        """The keys of the settings: their secret, or the generated ones, of which the first is made if there is none.
        `now` says which of them are old enough to sign; as it stands, all. Touches the file system; call it at start.
        Raises SettingsError, also where the keys are those of a foreign issuer.
        """
        if settings.jwks_url is not None:
            raise foreign_key()
        if settings.jwt_secret is not None:
            return cls.of_secret(settings.jwt_secret)
        try:
            return cls.of_files(_generated(settings.data_dir / "keys"), now)
        except OSError as error:
            raise SettingsError([Fault("HUB_DATA_DIR", f"{error.filename}: {error.strerror}")]) from None

    @classmethod
    def of_files(cls, files: "Sequence[KeyFile]", now: float) -> Self:
        """The ring of these files, in their order: the last one that is old enough signs."""
        old_enough = [file for file in files if file.made_at + SIGNS_AFTER_SECONDS <= now]
        signing = old_enough[-1] if old_enough else files[0]
        return cls(signing.key, [file.key for file in files if file is not signing])

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
        if isinstance(self._signing, bytes):
            return signed_payload(self._jws, token, self._signing, self.algorithm)
        named = self._public.get(kid_of(token) or "")
        for key in [named] if named else self._public.values():
            try:
                return signed_payload(self._jws, token, key, self.algorithm)
            except TokenInvalid:
                continue
        raise TokenInvalid

    @property
    def kids(self) -> frozenset[str]:
        """The names of all keys that check."""
        return frozenset(self._public)

    def published(self) -> list[dict[str, Any]]:
        """The public keys as JSON Web Keys; none where the key is a secret."""
        return [
            {**ECAlgorithm.to_jwk(key, as_dict=True), "kid": kid, "alg": self.algorithm, "use": "sig"}
            for kid, key in self._public.items()
        ]

    def is_prepared(self, token: str) -> bool:
        """The key is always there."""
        del token
        return True

    async def prepare(self, token: str) -> None:
        """Nothing to wait for."""

    def trouble(self) -> str | None:
        """None."""
        return None


class OwnKeys:
    """The ring of the settings in a process that lives long: read again every 20 s. Enter it on one event loop."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Raises SettingsError."""
        self._settings = settings
        self._clock = clock
        self._ring = KeyRing.load(settings, clock.now())
        self._background = Background(clock)
        self.generation = 0

    async def __aenter__(self) -> Self:
        if self._settings.jwt_secret is None:
            self._background.keep("keys", self._keep_reading)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._background.stop()

    async def reread(self) -> None:
        """Take over what has been made or removed. What cannot be read leaves the last ring in force."""
        try:
            ring = await asyncio.to_thread(KeyRing.load, self._settings, self._clock.now())
        except SettingsError as error:
            _log.warning("keys not read again", reason=str(error))
            return
        if ring.kids == self._ring.kids and ring.kid == self._ring.kid:
            return
        self._ring = ring
        self.generation += 1
        _log.info("keys taken over", signing=ring.kid, keys=len(ring.kids))

    async def _keep_reading(self) -> None:
        while True:
            await asyncio.sleep(REREAD_SECONDS)
            await self.reread()

    def sign(self, payload: bytes) -> str:
        """See `Keys`."""
        return self._ring.sign(payload)

    def payload(self, token: str) -> bytes:
        """See `Keys`."""
        return self._ring.payload(token)

    def published(self) -> list[dict[str, Any]]:
        """See `Keys`."""
        return self._ring.published()

    def is_prepared(self, token: str) -> bool:
        """See `Keys`."""
        return self._ring.is_prepared(token)

    async def prepare(self, token: str) -> None:
        """See `Keys`."""

    def trouble(self) -> str | None:
        """See `Keys`."""
        return None


def foreign_key() -> SettingsError:
    """Why nothing can be signed where the tokens come from the issuer of HUB_JWKS_URL."""
    reason = (
        "tokens are made by the issuer behind it, this hub has no key to sign one with; "
        "get it there (`hub send` takes it with --token)"
    )
    return SettingsError([Fault("HUB_JWKS_URL", reason)])


class KeyFile(NamedTuple):
    """One generated key, when it was made (Unix seconds), and where it stands."""

    key: ec.EllipticCurvePrivateKey
    made_at: float
    path: Path


def rotate(settings: Settings) -> str:
    """Make another key and return its name; it signs from a minute later on. Raises SettingsError, Conflict."""
    directory = _own_directory(settings)
    _generated(directory)
    while True:
        path = directory / f"es256-{_number(_paths(directory)[-1]) + 1}.pem"
        if _create(path):
            return thumbprint(_read(path).key)


def remove(settings: Settings, kid: str, now: float) -> None:
    """Delete a key that no longer signs: its tokens are refused from then on. Raises NotFound, Conflict."""
    files = _generated(_own_directory(settings))
    found = next((file for file in files if thumbprint(file.key) == kid), None)
    if found is None:
        raise NotFound(f"there is no key {kid}")
    if KeyRing.of_files(files, now).kid == kid:
        raise Conflict(f"{kid} is the key that signs: rotate first, and wait a minute")
    found.path.unlink()


def listed(settings: Settings) -> list[KeyFile]:
    """The generated keys, oldest first. Raises SettingsError, Conflict."""
    return _generated(_own_directory(settings))


def _own_directory(settings: Settings) -> Path:
    if settings.jwks_url is not None:
        raise foreign_key()
    if settings.jwt_secret is not None:
        raise Conflict("the key is HUB_JWT_SECRET: change it on every process at once, which ends all tokens")
    return settings.data_dir / "keys"


def _paths(directory: Path) -> list[Path]:
    return sorted((path for path in directory.iterdir() if _KEY_FILE.fullmatch(path.name)), key=_number)


def _number(path: Path) -> int:
    found = _KEY_FILE.fullmatch(path.name)
    return int((found and found[1]) or 1)


def _generated(directory: Path) -> list[KeyFile]:
    directory.parent.mkdir(parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)
    directory.chmod(0o700)
    if not _paths(directory):
        _create(directory / KEY_FILE)
    return [_read(path) for path in _paths(directory)]


def _create(path: Path) -> bool:
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
        return False
    finally:
        draft.unlink()
    return True


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> KeyFile:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if status.st_mode & 0o077:
            raise SettingsError([Fault("HUB_DATA_DIR", f"{path} is open to other users; its mode must be 600")])
        pem = file.read()
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SettingsError([Fault("HUB_DATA_DIR", f"{path} holds no P-256 private key; restore or remove it")])
    return KeyFile(key, status.st_mtime, path)


def thumbprint(key: ec.EllipticCurvePrivateKey) -> str:
    """The name of a key (RFC 7638): the same in every process, without being stored."""
    jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    canonical = msgspec.json.encode({name: jwk[name] for name in ("crv", "kty", "x", "y")})
    return base64url_encode(hashlib.sha256(canonical).digest()).decode("ascii")
