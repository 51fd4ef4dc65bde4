import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm

from hub.auth.keys import KeyRing
from hub.auth.principal import Principal
from hub.auth.tokens import Tokens
from hub.kernel.errors import BadInput, HubError, TokenExpired, TokenInvalid

NOW = 1_700_000_000.25
PRIVATE = ec.generate_private_key(ec.SECP256R1())
PUBLIC_PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
KEYS = KeyRing(PRIVATE)
FOREIGN = ec.generate_private_key(ec.SECP256R1())
SECRET = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(KEYS, "hub", "hub")


def claims(**changes: object) -> dict[str, Any]:
    """Good claims with changes; None takes a claim away."""
    good: dict[str, object] = {
        "sub": "alice",
        "organizationId": "acme",
        "roles": ["ROLE_AGENT"],
        "iss": "hub",
        "aud": "hub",
        "iat": NOW - 10,
        "exp": NOW + 60,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(payload: object) -> str:
    return KEYS.sign(json.dumps(payload).encode())


def segment(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def by_hand(header: object, payload: bytes | None = None, signature: bytes = b"") -> str:
    body = json.dumps(claims()).encode() if payload is None else payload
    return f"{segment(json.dumps(header).encode())}.{segment(body)}.{segment(signature)}"


def hmac_signed(header: dict[str, object], key: bytes) -> str:
    unsigned = by_hand(header).rpartition(".")[0]
    return f"{unsigned}.{segment(hmac.digest(key, unsigned.encode(), hashlib.sha256))}"


def mint(tokens: Tokens, **changes: Any) -> str:
    values: dict[str, Any] = {"user": "alice", "organization": "acme", "roles": ["ROLE_AGENT"], "ttl": 60, "now": NOW}
    return tokens.mint(**(values | changes))


def test_a_minted_token_tells_who_it_is(tokens: Tokens) -> None:
    token = mint(
        tokens, roles={"ROLE_AGENT", "ROLE_ADMIN"}, user_name="Alice", application="demo-app", conference="c-1"
    )
    assert tokens.verify(token, NOW) == Principal(
        user="alice",
        organization="acme",
        roles=frozenset({"ROLE_AGENT", "ROLE_ADMIN"}),
        issued_at=NOW,
        expires_at=NOW + 60,
        user_name="Alice",
        application="demo-app",
        conference="c-1",
    )


def test_the_claims_have_the_names_of_the_definition(tokens: Tokens) -> None:
    token = mint(tokens, user_name="Alice", application="demo-app", conference="c-1")
    assert jwt.decode(token, PUBLIC_PEM, algorithms=["ES256"], options={"verify_exp": False}, audience="hub") == {
        "sub": "alice",
        "organizationId": "acme",
        "roles": ["ROLE_AGENT"],
        "iss": "hub",
        "aud": "hub",
        "iat": NOW,
        "exp": NOW + 60,
        "userName": "Alice",
        "applicationId": "demo-app",
        "conferenceId": "c-1",
    }
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "typ": "JWT", "kid": KEYS.kid}


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": "a b"},
        {"user": ""},
        {"user": "x" * 65},
        {"user": "alice\n"},
        {"organization": "a@b"},
        {"roles": ["ROLE AGENT"]},
        {"roles": ["R"] * 33},
        {"user_name": ""},
        {"ttl": 1e12},
    ],
)
def test_nothing_is_minted_that_would_be_refused(tokens: Tokens, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        mint(tokens, **wrong)


@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        (NOW - 31, TokenInvalid),
        (NOW - 30, None),
        (NOW + 60, None),
        (NOW + 89.9, None),
        (NOW + 90, TokenExpired),
        (NOW + 1e6, TokenExpired),
    ],
)
@pytest.mark.parametrize("seen_before", [False, True])
def test_times_are_judged_with_a_leeway(
    tokens: Tokens, at: float, verdict: type[HubError] | None, seen_before: bool
) -> None:
    token = mint(tokens)
    if seen_before:
        tokens.verify(token, NOW)
    if verdict is None:
        assert tokens.verify(token, at).user == "alice"
    else:
        with pytest.raises(verdict):
            tokens.verify(token, at)


def test_not_before_counts(tokens: Tokens) -> None:
    token = signed(claims(nbf=NOW + 40))
    with pytest.raises(TokenInvalid):
        tokens.verify(token, NOW)
    assert tokens.verify(token, NOW + 10).user == "alice"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"iat": int(NOW), "exp": int(NOW) + 5},
        {"exp": NOW + 0.5},
        {"aud": ["other", "hub"]},
        {"roles": []},
        {"sub": "Al.ice_1-2@x"},
        {"sub": "x" * 64},
        {"organizationId": "x" * 64},
        {"extra": {"deep": [1]}},
        {"jti": 5},
        {"nbf": NOW},
    ],
)
def test_good_tokens_of_other_makers_pass(tokens: Tokens, changes: dict[str, object]) -> None:
    principal = tokens.verify(signed(claims(**changes)), NOW)
    assert principal.user == changes.get("sub", "alice")
    assert principal.expires_at == changes.get("exp", NOW + 60)


@pytest.mark.parametrize("claim", ["sub", "organizationId", "roles", "iss", "aud", "iat", "exp"])
def test_every_claim_of_the_definition_is_required(tokens: Tokens, claim: str) -> None:
    with pytest.raises(TokenInvalid):
        tokens.verify(signed(claims(**{claim: None})), NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": []},
        {"aud": {"hub": 1}},
        {"aud": "HUB"},
        {"iss": "other"},
        {"iss": ["hub"]},
        {"iss": "hub "},
        {"sub": "x" * 65},
        {"sub": ""},
        {"sub": 5},
        {"sub": "alice\n"},
        {"sub": "../alice"},
        {"sub": "älice"},
        {"organizationId": "a/b"},
        {"organizationId": ""},
        {"organizationId": "x" * 65},
        {"organizationId": "acme\n"},
        {"organizationId": ["acme"]},
        {"roles": "ROLE_AGENT"},
        {"roles": {"ROLE_AGENT": 1}},
        {"roles": [1]},
        {"roles": ["ROLE_AGENT", None]},
        {"roles": ["ROLE,AGENT"]},
        {"roles": ["R"] * 33},
        {"exp": "4000000000"},
        {"exp": True},
        {"exp": [1]},
        {"exp": 1e300},
        {"exp": -1},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"iat": "now"},
        {"iat": NOW + 31},
        {"nbf": "x"},
        {"userName": 5},
        {"applicationId": ""},
        {"conferenceId": "x" * 256},
    ],
)
def test_a_well_signed_token_with_wrong_claims_is_refused(tokens: Tokens, changes: dict[str, object]) -> None:
    with pytest.raises(TokenInvalid):
        tokens.verify(signed(claims(**changes)), NOW)


@pytest.mark.parametrize("payload", [b"", b"[]", b'"alice"', b"null", b"{", b"\xff", b"[" * 3_000, b"{}" * 2])
def test_a_well_signed_payload_that_is_no_object_is_refused(tokens: Tokens, payload: bytes) -> None:
    with pytest.raises(TokenInvalid):
        tokens.verify(KEYS.sign(payload), NOW)


def with_header(key: ec.EllipticCurvePrivateKey = PRIVATE, **header: object) -> str:
    """Good claims and a good signature of `key`, under a header that no library would write."""
    unsigned = by_hand({"alg": "ES256", **header}).rpartition(".")[0]
    signature = ECAlgorithm(ECAlgorithm.SHA256).sign(unsigned.encode(), key)
    return f"{unsigned}.{segment(signature)}"


def tampered() -> str:
    header, _, signature = signed(claims()).split(".")
    return f"{header}.{segment(json.dumps(claims(sub='bob')).encode())}.{signature}"


HOSTILE = {
    "no signature": by_hand({"alg": "none", "typ": "JWT"}),
    "none with another case": by_hand({"alg": "nOnE"}),
    "none keeping a good signature": by_hand({"alg": "none"}).rpartition(".")[0] + "." + signed(claims()).split(".")[2],
    "no algorithm": by_hand({"typ": "JWT"}),
    "algorithm is a list": by_hand({"alg": ["ES256"]}),
    "algorithm is an object": by_hand({"alg": {"ES256": 1}}),
    "algorithm is null": by_hand({"alg": None}),
    "HS256 with the public key as the secret": hmac_signed({"alg": "HS256"}, PUBLIC_PEM),
    "HS256 under the name of ES256": hmac_signed({"alg": "ES256"}, PUBLIC_PEM),
    "HS256 with the empty secret": hmac_signed({"alg": "HS256"}, b""),
    "RS256": by_hand({"alg": "RS256"}, signature=b"x" * 256),
    "ES384": by_hand({"alg": "ES384"}, signature=b"x" * 96),
    "a foreign key": with_header(FOREIGN),
    "a foreign key in the header": with_header(FOREIGN, jwk=ECAlgorithm.to_jwk(FOREIGN.public_key(), as_dict=True)),
    "a foreign key under our name": with_header(FOREIGN, kid=KEYS.kid),
    "signature of zeros": by_hand({"alg": "ES256"}, signature=b"\0" * 64),
    "empty signature": by_hand({"alg": "ES256"}),
    "short signature": by_hand({"alg": "ES256"}, signature=b"x"),
    "another payload": tampered(),
    "unknown crit": with_header(crit=["exp"]),
    "unknown crit that is there": with_header(crit=["x"], x=1),
    "crit b64": with_header(crit=["b64"], b64=True),
    "crit is no list": with_header(crit="x"),
    "crit is empty": with_header(crit=[]),
    "kid is no string": by_hand({"alg": "ES256", "kid": 5}),
    "payload detached": signed(claims()).split(".")[0] + ".." + signed(claims()).split(".")[2],
    "b64 false": by_hand({"alg": "ES256", "b64": False, "crit": ["b64"]}),
    "header is a list": by_hand(["ES256"]),
    "header is deep": f"{segment(b'[' * 5_000)}.e30.e30",
    "two segments": "e30.e30",
    "four segments": signed(claims()) + ".e30",
    "five segments": "e30.e30.e30.e30.e30",
    "one segment": "alice",
    "nothing": "",
    "dots": "..",
    "a line feed": signed(claims()) + "\n",
    "a prefix": "Bearer " + signed(claims()),
    "not ASCII": signed(claims())[:-1] + "é",
    "a lone surrogate": "\udcff.\udcff.\udcff",
    "NUL": "\0.\0.\0",
    "too long": signed(claims(extra="x" * 8_192)),
}


@pytest.mark.parametrize("token", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_tokens_are_refused_without_a_word_about_them(tokens: Tokens, token: str) -> None:
    with pytest.raises(TokenInvalid) as caught:
        tokens.verify(token, NOW)
    assert str(caught.value) == "Token is not valid"
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@example("eyJhbGciOiJFUzI1NiJ9.e30." + segment(b"x" * 64))
@given(st.text() | st.from_regex(r"\A[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,90}\Z"))
def test_whatever_is_sent_is_refused_as_an_invalid_token(token: str) -> None:
    with pytest.raises(TokenInvalid):
        Tokens(KEYS, "hub", "hub").verify(token, NOW)


@given(
    st.dictionaries(
        st.sampled_from(["alg", "kid", "crit", "b64", "typ", "cty"]), st.none() | st.text() | st.lists(st.text())
    )
)
def test_whatever_the_header_says_a_foreign_signature_is_refused(header: dict[str, object]) -> None:
    with pytest.raises(TokenInvalid):
        Tokens(KEYS, "hub", "hub").verify(by_hand(header, signature=b"x" * 64), NOW)


def test_a_secret_signs_hs256_and_nothing_else() -> None:
    tokens = Tokens(KeyRing(SECRET), "hub", "hub")
    assert tokens.verify(hmac_signed({"alg": "HS256", "kid": "any"}, SECRET), NOW).user == "alice"
    assert tokens.verify(mint(tokens), NOW).user == "alice"
    for hostile in (
        signed(claims()),
        by_hand({"alg": "none"}),
        hmac_signed({"alg": "HS256"}, b"x" * 32),
        jwt.encode(claims(), b"x" * 64 + SECRET, algorithm="HS512"),
        jwt.encode(claims(), SECRET * 2, algorithm="HS512"),
    ):
        with pytest.raises(TokenInvalid):
            tokens.verify(hostile, NOW)


def test_issuer_and_audience_are_those_of_the_settings() -> None:
    strict = Tokens(KEYS, "https://issuer.example", "desktop")
    assert strict.verify(signed(claims(iss="https://issuer.example", aud="desktop")), NOW).user == "alice"
    with pytest.raises(TokenInvalid):
        strict.verify(signed(claims()), NOW)


def test_a_header_may_say_more_than_we_read(tokens: Tokens) -> None:
    assert tokens.verify(with_header(kid="another", typ="at+jwt", x5u="https://evil.example"), NOW).user == "alice"


class CountingKeys(KeyRing):
    """Counts the signatures that were really checked."""

    checked = 0

    def payload(self, token: str) -> bytes:
        self.checked += 1
        return super().payload(token)


def test_a_signature_is_checked_once() -> None:
    keys = CountingKeys(PRIVATE)
    tokens = Tokens(keys, "hub", "hub")
    token = mint(tokens)
    first = tokens.verify(token, NOW)
    assert tokens.verify(token, NOW + 50) == first
    assert keys.checked == 1


def test_what_is_remembered_is_bounded_and_the_least_used_goes_first() -> None:
    keys = CountingKeys(PRIVATE)
    tokens = Tokens(keys, "hub", "hub", remembered=2)
    alice, bob, carol = (mint(tokens, user=name) for name in ("alice", "bob", "carol"))
    for token in (alice, bob, alice, carol):
        tokens.verify(token, NOW)
    assert keys.checked == 3
    tokens.verify(alice, NOW)
    assert keys.checked == 3
    tokens.verify(bob, NOW)
    assert keys.checked == 4


def test_refused_and_expired_tokens_are_not_remembered() -> None:
    keys = CountingKeys(PRIVATE)
    tokens = Tokens(keys, "hub", "hub")
    token = mint(tokens)
    tokens.verify(token, NOW)
    for _ in range(2):
        with pytest.raises(TokenExpired):
            tokens.verify(token, NOW + 100)
    with pytest.raises(TokenInvalid):
        tokens.verify(HOSTILE["another payload"], NOW)
    assert not tokens._known


def test_a_known_token_with_another_signature_is_checked_again(tokens: Tokens) -> None:
    token = mint(tokens)
    tokens.verify(token, NOW)
    head, _, signature = token.rpartition(".")
    with pytest.raises(TokenInvalid):
        tokens.verify(f"{head}.{segment(b'x' * 64)}", NOW)
    assert tokens.verify(f"{head}.{signature}", NOW).user == "alice"
