import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hub.auth import keys
from hub.auth.keys import SIGNS_AFTER_SECONDS, KeyRing, OwnKeys
from hub.auth.tokens import Tokens
from hub.kernel.errors import Conflict, NotFound, TokenInvalid
from hub.kernel.faults import SettingsError
from hub.kernel.secret import Secret
from hub.kernel.settings import Settings
from tests.support.clock import FakeClock

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


# Rotation -----------------------------------------------------------------------------------------------------------


def made(settings: Settings) -> float:
    """When the newest key was made."""
    return keys.listed(settings)[-1].made_at


def test_a_new_key_checks_at_once_and_signs_a_minute_later(settings: Settings) -> None:
    old = KeyRing.load(settings)
    kid = keys.rotate(settings)
    at = made(settings)
    early, late = KeyRing.load(settings, at + SIGNS_AFTER_SECONDS - 1), KeyRing.load(settings, at + SIGNS_AFTER_SECONDS)
    assert (early.kid, late.kid) == (old.kid, kid)
    assert early.kids == late.kids == {old.kid, kid}
    assert early.payload(late.sign(b"new")) == b"new"
    assert late.payload(old.sign(b"old")) == b"old"
    assert len(late.published()) == 2


def test_rotations_follow_each_other(settings: Settings) -> None:
    kids = [KeyRing.load(settings).kid, *(keys.rotate(settings) for _ in range(11))]
    assert [keys.thumbprint(file.key) for file in keys.listed(settings)] == kids
    assert KeyRing.load(settings).kid == kids[-1]
    assert mode(settings.data_dir / "keys" / "es256-12.pem") == 0o600


def test_rotating_without_a_key_makes_both(settings: Settings) -> None:
    kid = keys.rotate(settings)
    assert [file.path.name for file in keys.listed(settings)] == ["es256.pem", "es256-2.pem"]
    assert KeyRing.load(settings).kid == kid


def test_a_removed_key_is_refused_and_the_one_that_signs_cannot_be_removed(settings: Settings) -> None:
    old = KeyRing.load(settings)
    assert old.kid
    new = keys.rotate(settings)
    later = made(settings) + SIGNS_AFTER_SECONDS
    with pytest.raises(Conflict, match="the key that signs"):
        keys.remove(settings, old.kid, made(settings))
    with pytest.raises(Conflict, match="the key that signs"):
        keys.remove(settings, new, later)
    with pytest.raises(NotFound):
        keys.remove(settings, "unknown", later)
    keys.remove(settings, old.kid, later)
    ring = KeyRing.load(settings, later)
    assert ring.kids == {new}
    with pytest.raises(TokenInvalid):
        ring.payload(old.sign(b"{}"))


def test_a_secret_is_not_rotated(settings: Settings) -> None:
    with pytest.raises(Conflict, match="HUB_JWT_SECRET"):
        keys.rotate(Settings(data_dir=settings.data_dir, jwt_secret=Secret(SECRET)))


def minted(tokens: Tokens, now: float) -> str:
    return tokens.mint(user="alice", organization="acme", roles=(), ttl=600, now=now)


async def test_over_a_rotation_no_token_is_refused_by_any_process(settings: Settings) -> None:
    """One process that has just read the directory again, and one that is about to, at every second of two minutes."""
    await asyncio.to_thread(KeyRing.load, settings)
    clock = FakeClock(await asyncio.to_thread(made, settings) + 100)
    diligent, lazy = [await asyncio.to_thread(OwnKeys, settings, clock) for _ in range(2)]
    processes = [Tokens(diligent, "hub", "hub"), Tokens(lazy, "hub", "hub")]
    await asyncio.to_thread(keys.rotate, settings)
    new = settings.data_dir / "keys" / "es256-2.pem"
    await asyncio.to_thread(os.utime, new, (clock.now(), clock.now()))
    signing = set()
    for second in range(120):
        await diligent.reread()
        if second % 20 == 19:
            await lazy.reread()
        for signer in processes:
            token = minted(signer, clock.now())
            assert all(process.verify(token, clock.now()).user == "alice" for process in processes), second
        signing.add(diligent._ring.kid)
        clock.advance(1)
    assert len(signing) == 2
    assert diligent._ring.kid == lazy._ring.kid


async def test_keys_that_cannot_be_read_leave_the_last_ring_in_force(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    own = await asyncio.to_thread(OwnKeys, settings, FakeClock())
    signed = own.sign(b"{}")
    (settings.data_dir / "keys" / "es256-2.pem").write_bytes(b"half a key")
    await own.reread()
    assert own.payload(signed) == b"{}"
    assert own.generation == 0
    assert "keys not read again" in caplog.text


async def test_a_removed_key_withdraws_what_was_remembered_of_its_tokens(settings: Settings) -> None:
    await asyncio.to_thread(KeyRing.load, settings)
    clock = FakeClock(await asyncio.to_thread(made, settings) + 1000)
    own = await asyncio.to_thread(OwnKeys, settings, clock)
    tokens = Tokens(own, "hub", "hub")
    token = minted(tokens, clock.now())
    assert tokens.verify(token, clock.now()).user == "alice"
    old = own._ring.kid
    assert old
    await asyncio.to_thread(keys.rotate, settings)
    clock.step(await asyncio.to_thread(made, settings) + SIGNS_AFTER_SECONDS - clock.now())
    await asyncio.to_thread(keys.remove, settings, old, clock.now())
    await own.reread()
    with pytest.raises(TokenInvalid):
        tokens.verify(token, clock.now())
