"""What libraries that we or others stand on got wrong: PyJWT and its key client, pickles on the bus, timing."""

import ast
import base64
import hashlib
import hmac
import json
import re
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub.auth.keys import KeyRing
from hub.auth.tokens import Tokens
from hub.kernel.errors import HubError, TokenInvalid
from hub.kernel.faults import SettingsError
from hub.kernel.secret import Secret
from hub.kernel.settings import load
from tests.architecture.tree import modules
from tests.support.raw_http import post
from tests.support.tokens import SECRET, mint

PRIVATE = ec.generate_private_key(ec.SECP256R1())
PUBLIC = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
CLAIMS: dict[str, Any] = jwt.decode(mint("alice"), SECRET, algorithms=["HS256"], audience="hub")
OURS = Tokens(KeyRing.of_secret(Secret(SECRET)), "hub", "hub")
HANDSHAKE = b'[{"channel":"/meta/handshake","version":"1.0","id":"1"}]'
SECRETIVE = re.compile(r"password|passwd|secret|signature|digest|token$|cookie$", re.IGNORECASE)


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: dict[str, Any], key: bytes, payload: object = CLAIMS) -> str:
    unsigned = f"{part(header)}.{part(payload)}"
    return f"{unsigned}.{part(hmac.digest(key, unsigned.encode(), hashlib.sha256))}"


FORGED = {
    "alg none": f"{part({'alg': 'none'})}.{part(CLAIMS)}.",
    "alg None": f"{part({'alg': 'None'})}.{part(CLAIMS)}.",
    "alg nOnE with signature": signed({"alg": "nOnE"}, SECRET.encode()),
    "no alg": signed({"typ": "JWT"}, SECRET.encode()),
    "alg of another kind": signed({"alg": ["HS256"]}, SECRET.encode()),
    "alg HS512, signed HS256": signed({"alg": "HS512"}, SECRET.encode()),
    "empty key": signed({"alg": "HS256"}, b""),
    "crit": signed({"alg": "HS256", "crit": ["exp"]}, SECRET.encode()),
    "crit unknown": signed({"alg": "HS256", "crit": ["x"], "x": True}, SECRET.encode()),
    "b64": signed({"alg": "HS256", "b64": False, "crit": ["b64"]}, SECRET.encode()),
    "own key": signed({"alg": "HS256", "jwk": {"kty": "oct", "k": part(b"k" * 32)}}, b"k" * 32),
    "kid is a path": signed({"alg": "HS256", "kid": "../../../dev/null"}, b""),
    "kid is SQL": signed({"alg": "HS256", "kid": "' UNION SELECT 'k"}, b"k"),
    "signature cut off": mint("alice").rpartition(".")[0] + ".",
    "two parts": mint("alice").rpartition(".")[0],
    "newline in the header": signed({"alg": "HS256\n"}, SECRET.encode()),
    "encrypted": ".".join([part({"alg": "dir", "enc": "A128GCM"}), "", part(b"iv"), part(b"text"), part(b"tag")]),
}  # fmt: skip


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
def test_cve_2022_29217_algorithm_confusion(port: int, token: str) -> None:
    """The key decides which algorithm counts; nothing in a token's header changes what is checked, or is fetched."""
    with pytest.raises(TokenInvalid):
        OURS.verify(token, time.time())
    [reply] = post(port, HANDSHAKE, token=token).json()
    assert (reply["error"], "clientId" in reply) == ("401::token_invalid", False)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_cve_2022_29217_a_public_key_is_no_secret(algorithm: str) -> None:
    """Who knows the public key cannot sign with it."""
    hashes = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
    unsigned = f"{part({'alg': algorithm})}.{part(CLAIMS)}"
    token = f"{unsigned}.{part(hmac.digest(PUBLIC, unsigned.encode(), hashes[algorithm]))}"
    with pytest.raises(TokenInvalid):
        Tokens(KeyRing(PRIVATE), "hub", "hub").verify(token, time.time())


@pytest.mark.parametrize("signature", [bytes(64), bytes(63) + b"\1", b"", b"\xff" * 64], ids=["0", "1", "none", "ff"])
def test_cve_2022_21449_psychic_signatures(signature: bytes) -> None:
    """A signature of zeros proves nothing."""
    token = f"{part({'alg': 'ES256'})}.{part(CLAIMS)}.{part(signature)}"
    with pytest.raises(TokenInvalid):
        Tokens(KeyRing(PRIVATE), "hub", "hub").verify(token, time.time())


@pytest.mark.parametrize("nested", ["[" * 3000, '{"a":' * 1000])
def test_deep_tokens(nested: str) -> None:
    """Even the payload of a token is judged without recursion."""
    for token in (f"{part(nested.encode())}.e30.x", signed({"alg": "HS256"}, SECRET.encode(), nested.encode())):
        with pytest.raises(HubError):
            OURS.verify(token, time.time())


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/keys",
        "file:///etc/passwd",
        "ftp://idp.example/keys",
        "https://user:pw@idp.example/keys",
        "//idp.example/keys",
        "data:application/json,{}",
    ],
)
def test_cve_2026_48522_key_sets_from_anywhere(url: str, tmp_path: Path) -> None:
    """Keys come from one fixed https address and nowhere else."""
    with pytest.raises(SettingsError, match="HUB_JWKS_URL"):
        load({"HUB_JWKS_URL": url, "HUB_DATA_DIR": str(tmp_path), "HUB_JWT_ISSUER": "https://idp.example"})


def test_cve_2025_61765_code_from_the_bus() -> None:
    """Nothing that the hub reads can become code: no module unpickles, evaluates or loads by name (CVE-2026-23524)."""
    forbidden = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "yaml", "importlib"}
    calls = {"eval", "exec", "compile", "__import__"}
    found = [f"{m.path}: {name}" for m in modules() for _, name in m.imports() if name.split(".")[0] in forbidden]
    found += [
        f"{m.path}:{node.lineno}"
        for m in modules()
        for node in ast.walk(m.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in calls
    ]
    assert [each for each in found if "importlib.metadata" not in each] == []


INNOCENT = {
    "configured.secret == given.password",  # values of `Secret`, which compares in constant time
    "account.password != seen.password",  # two hashes out of the database: has it been changed meanwhile?
}


def test_cve_2021_33880_timing_of_a_comparison() -> None:
    """Secrets are compared in constant time: never with == on anything that is called like one."""
    found = [
        f"{m.path}:{node.lineno}"
        for m in modules()
        for node in ast.walk(m.tree)
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops)
        for side in (node.left, *node.comparators)
        if isinstance(side, ast.Name | ast.Attribute) and is_secret(ast.unparse(side))
        if ast.unparse(node) not in INNOCENT
    ]
    assert found == []


def is_secret(name: str) -> bool:
    """Whether it is called like a secret; a constant of the code is none."""
    return SECRETIVE.search(name) is not None and not name.isupper()


def test_cve_2020_15134_unverified_tls() -> None:
    """No connection that the hub opens skips the check of certificates."""
    found = [
        f"{m.path}:{node.lineno}"
        for m in modules()
        for node in ast.walk(m.tree)
        if (
            isinstance(node, ast.keyword)
            and node.arg in {"verify", "check_hostname"}
            and ast.unparse(node.value) == "False"
        )
        or (isinstance(node, ast.Attribute) and node.attr in {"CERT_NONE", "_create_unverified_context"})
    ]
    assert found == []
