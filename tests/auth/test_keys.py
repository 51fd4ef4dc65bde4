import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hub.auth.keys import KeyRing
from hub.kernel.errors import TokenInvalid
from hub.kernel.faults import SettingsError
from hub.kernel.secret import Secret
from hub.kernel.settings import Settings

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "var")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def written(settings: Settings, content: bytes, permissions: int = 0o600) -> Path:
    path = settings.data_dir / "keys" / "es256.pem"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    path.chmod(permissions)
    return path


def fault(settings: Settings) -> tuple[str, str]:
    with pytest.raises(SettingsError) as caught:
        KeyRing.load(settings)
    (found,) = caught.value.faults
    return found


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_generated_key_is_for_its_owner_only(settings: Settings, umask: int) -> None:
    before = os.umask(umask)
    try:
        KeyRing.load(settings)
    finally:
        os.umask(before)
    keys = settings.data_dir / "keys"
    assert mode(keys) == 0o700
    assert [(path.name, mode(path)) for path in keys.iterdir()] == [("es256.pem", 0o600)]


def test_the_generated_key_stays(settings: Settings) -> None:
    first = KeyRing.load(settings)
    again = KeyRing.load(settings)
    assert again.payload(first.sign(b"{}")) == b"{}"
    assert (again.kid, again.algorithm) == (first.kid, "ES256")
    assert first.kid


def test_a_directory_open_to_others_is_closed(settings: Settings) -> None:
    keys = settings.data_dir / "keys"
    keys.mkdir(parents=True)
    keys.chmod(0o755)
    KeyRing.load(settings)
    assert mode(keys) == 0o700


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from hub.auth.keys import KeyRing; from hub.kernel.settings import Settings;"
        "print('ready', flush=True); sys.stdin.readline();"
        "print(KeyRing.load(Settings(data_dir=Path(sys.argv[1]))).kid)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "var")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    kids = {process.communicate(timeout=30)[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 4
    assert len(kids) == 1
    assert [path.name for path in (tmp_path / "var" / "keys").iterdir()] == ["es256.pem"]


def test_who_comes_second_takes_the_key_of_the_first(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link
    winner = pem(ec.generate_private_key(ec.SECP256R1()))

    def somebody_else_was_faster(source: Path, target: Path) -> None:
        target.write_bytes(winner)
        target.chmod(0o600)
        link(source, target)

    monkeypatch.setattr(os, "link", somebody_else_was_faster)
    KeyRing.load(settings)
    keys = settings.data_dir / "keys"
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == {"es256.pem": winner}


@pytest.mark.parametrize("permissions", [0o640, 0o604, 0o666])
def test_a_key_that_others_can_read_is_refused(settings: Settings, permissions: int) -> None:
    path = written(settings, pem(ec.generate_private_key(ec.SECP256R1())), permissions)
    assert fault(settings) == ("HUB_DATA_DIR", f"{path} is open to other users; its mode must be 600")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----\n",
        pem(ec.generate_private_key(ec.SECP384R1())),
        pem(ed25519.Ed25519PrivateKey.generate()),
    ],
)
def test_a_damaged_or_other_key_is_reported_and_kept(settings: Settings, content: bytes) -> None:
    path = written(settings, content)
    assert fault(settings) == ("HUB_DATA_DIR", f"{path} holds no P-256 private key; restore or remove it")
    assert path.read_bytes() == content


def test_a_data_directory_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    name, message = fault(Settings(data_dir=tmp_path / "var"))
    assert name == "HUB_DATA_DIR"
    assert str(tmp_path / "var") in message


def test_a_secret_needs_no_data_directory(settings: Settings) -> None:
    ring = KeyRing.load(Settings(data_dir=settings.data_dir, jwt_secret=Secret(SECRET)))
    assert (ring.algorithm, ring.kid) == ("HS256", None)
    assert ring.payload(ring.sign(b"{}")) == b"{}"
    assert not settings.data_dir.exists()


@pytest.mark.parametrize(
    "secret",
    ["x" * 31, "", "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----"],
)
def test_a_weak_secret_is_reported_without_showing_it(secret: str) -> None:
    with pytest.raises(SettingsError) as caught:
        KeyRing.of_secret(Secret(secret))
    ((name, message),) = caught.value.faults
    assert name == "HUB_JWT_SECRET"
    assert message == "must be at least 32 bytes long, and no PEM or SSH key"


def test_the_length_of_a_secret_counts_bytes() -> None:
    assert KeyRing.of_secret(Secret("é" * 16)).algorithm == "HS256"


def test_weak_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        KeyRing(b"x" * 31)
    with pytest.raises(ValueError, match="P-256"):
        KeyRing(ec.generate_private_key(ec.SECP384R1()))


def test_one_ring_does_not_accept_what_another_signed() -> None:
    one, other = (KeyRing(ec.generate_private_key(ec.SECP256R1())) for _ in range(2))
    assert one.kid != other.kid
    with pytest.raises(TokenInvalid):
        one.payload(other.sign(b"{}"))
