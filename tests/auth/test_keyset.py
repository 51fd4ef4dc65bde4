"""Key sets, hostile and broken ones included, and which key a token gets."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm

from hub.auth.keyset import MOST_KEYS, KeySet, KeySetRefused, kid_of, parse
from hub.kernel.errors import TokenInvalid
from tests.support.issuer import SigningKey, ec_key, key_set, rsa_key

Published = SigningKey | dict[str, Any]


def read(*keys: Published) -> KeySet:
    return parse(key_set(*keys))


def other_curve(curve: ec.EllipticCurve, **changes: object) -> dict[str, Any]:
    public = ECAlgorithm.to_jwk(ec.generate_private_key(curve).public_key(), as_dict=True)
    return {**public, "kid": "other", **changes}


def number(value: int) -> str:
    size = (value.bit_length() + 7) // 8
    return base64.urlsafe_b64encode(value.to_bytes(size, "big")).rstrip(b"=").decode()


def test_the_algorithm_is_that_of_the_kind_of_key() -> None:
    found = read(rsa_key().jwk(alg=None, use=None), ec_key(), rsa_key(1).jwk(key_ops=["verify"], use=None))
    assert [(key.kid, key.algorithm) for key in found.keys] == [
        ("rsa-0", "RS256"),
        ("ec-0", "ES256"),
        ("rsa-1", "RS256"),
    ]
    assert found.left_out == ()


P256_COORDINATES_ELSEWHERE = ec_key().jwk(x=number(5).rjust(43, "A"))

UNFIT: dict[str, dict[str, Any]] = {
    "symmetric": {"kty": "oct", "kid": "k", "k": number(2**300), "alg": "HS256"},
    "symmetric without alg": {"kty": "oct", "kid": "k", "k": number(2**300)},
    "RSA with a symmetric part": rsa_key().jwk(k="c2VjcmV0"),
    "RSA for HMAC": rsa_key().jwk(alg="HS256"),
    "RSA for encryption": rsa_key().jwk(use="enc"),
    "RSA to encrypt with": rsa_key().jwk(key_ops=["encrypt"]),
    "RSA for OAEP": rsa_key().jwk(alg="RSA-OAEP"),
    "RSA for PSS": rsa_key().jwk(alg="PS256"),
    "RSA for RS512": rsa_key().jwk(alg="RS512"),
    "RSA for ES256": rsa_key().jwk(alg="ES256"),
    "RSA for none": rsa_key().jwk(alg="none"),
    "RSA of 1024 bits": rsa_key(9, 1024).jwk(),
    "RSA of 2047 bits": rsa_key().jwk(n=number(2**2047 - 1)),
    "RSA of too many bits": rsa_key().jwk(n=number(2**8193 + 1)),
    "RSA with an even exponent": rsa_key().jwk(e=number(4)),
    "RSA with exponent one": rsa_key().jwk(e=number(1)),
    "RSA without a modulus": rsa_key().jwk(n=None),
    "RSA without an exponent": rsa_key().jwk(e=None),
    "RSA with a modulus that is a number": rsa_key().jwk(n=65537),
    "a published private key": rsa_key().jwk(d=number(3)),
    "another curve": other_curve(ec.SECP384R1()),
    "another curve under our name": other_curve(ec.SECP384R1(), crv="P-256"),
    "another curve of the same size": other_curve(ec.SECP256K1()),
    "a point of another curve": other_curve(ec.SECP256K1(), crv="P-256"),
    "a point off the curve": P256_COORDINATES_ELSEWHERE,
    "EC without a curve": ec_key().jwk(crv=None),
    "EC without a point": ec_key().jwk(y=None),
    "EC for RS256": ec_key().jwk(alg="RS256"),
    "EC for ES384": ec_key().jwk(alg="ES384"),
    "EdDSA": {"kty": "OKP", "crv": "Ed25519", "x": number(2**250), "kid": "k"},
    "of no kind": ec_key().jwk(kty=None),
    "of an unknown kind": ec_key().jwk(kty="XYZ"),
    "kid is a number": ec_key().jwk(kid=5),
    "kid is a list": ec_key().jwk(kid=["a"]),
    "base64 of no text": ec_key().jwk(x="\u00e9" * 43),
}


@pytest.mark.parametrize("unfit", UNFIT.values(), ids=UNFIT.keys())
def test_a_key_that_is_not_for_us_is_left_out_and_the_others_stay(unfit: dict[str, Any]) -> None:
    good = rsa_key(1)
    found = read(unfit, good)
    assert [key.kid for key in found.keys] == ["rsa-1"]
    assert len(found.left_out) == 1
    with pytest.raises(KeySetRefused, match=r"^no usable key \(."):
        read(unfit)


@pytest.mark.parametrize("entry", [b"5", b"null", b"[]", b'"x"', b"{}"])
def test_an_entry_that_is_no_key_is_left_out(entry: bytes) -> None:
    found = parse(b'{"keys":[%b,%b]}' % (entry, json.dumps(ec_key().jwk()).encode()))
    assert [key.kid for key in found.keys] == ["ec-0"]


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"keys":{}}',
        b'{"keys":null}',
        b'{"keys":[',
        b"<html></html>",
        b"\xff\xfe",
        b'{"keys":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"keys":[]}',
    ],
)
def test_what_is_no_key_set_is_refused(document: bytes) -> None:
    with pytest.raises(KeySetRefused):
        parse(document)


@given(
    st.binary() | st.recursive(st.none() | st.text(), st.lists).map(lambda keys: json.dumps({"keys": keys}).encode())
)
def test_whatever_is_served_is_refused_without_a_crash(document: bytes) -> None:
    with pytest.raises(KeySetRefused):
        parse(document)


def test_one_name_for_two_keys_refuses_the_set() -> None:
    with pytest.raises(KeySetRefused, match="same kid"):
        read(rsa_key(), rsa_key(1).named("rsa-0"))
    with pytest.raises(KeySetRefused, match="same kid"):
        read(rsa_key(), ec_key().named("rsa-0"))
    with pytest.raises(KeySetRefused, match="same kid"):
        read(rsa_key(), rsa_key())


def test_a_key_that_is_not_for_us_may_share_a_name() -> None:
    found = read(rsa_key(), rsa_key(1).named("rsa-0").jwk(use="enc", alg=None))
    assert [key.kid for key in found.keys] == ["rsa-0"]


def test_more_keys_than_anybody_needs_refuse_the_set() -> None:
    entries: list[Published] = [ec_key().jwk(kid=str(number)) for number in range(MOST_KEYS)]
    assert len(read(*entries).keys) == MOST_KEYS
    with pytest.raises(KeySetRefused, match="more than"):
        read(*entries, ec_key(1))


NAMELESS = ec_key(7).named(None)


@pytest.mark.parametrize(
    ("published", "kid", "found"),
    [
        ([rsa_key(), ec_key()], "ec-0", "ec-0"),
        ([rsa_key(), ec_key()], "ec-1", None),
        ([rsa_key(), ec_key()], None, None),
        ([rsa_key(), ec_key()], "", None),
        ([rsa_key()], "rsa-0", "rsa-0"),
        ([rsa_key()], "rsa-1", None),
        ([rsa_key()], None, "rsa-0"),
        ([NAMELESS], None, "nameless"),
        ([NAMELESS], "any", "nameless"),
        ([NAMELESS, rsa_key()], None, None),
        ([NAMELESS, rsa_key()], "any", None),
        ([NAMELESS, rsa_key()], "rsa-0", "rsa-0"),
        ([NAMELESS, ec_key(8).named(None)], None, None),
        ([NAMELESS, UNFIT["symmetric"]], None, "nameless"),
    ],
)
def test_which_key_a_token_gets(published: list[Published], kid: str | None, found: str | None) -> None:
    key = read(*published).find(kid)
    assert (key and (key.kid or "nameless")) == found


def test_the_same_keys_in_another_order_are_the_same_set() -> None:
    first = read(rsa_key(), ec_key())
    assert first.is_same(read(ec_key(), rsa_key(), UNFIT["symmetric"]))
    assert not first.is_same(read(rsa_key()))
    assert not first.is_same(read(rsa_key(), ec_key(1).named("ec-0")))
    assert not first.is_same(read(rsa_key().named("a"), ec_key().named("rsa-0")))


def test_the_name_in_a_token() -> None:
    assert kid_of(rsa_key().token()) == "rsa-0"
    assert kid_of(NAMELESS.token()) is None


@given(st.text())
def test_a_text_that_is_no_token_names_nothing(text: str) -> None:
    with pytest.raises(TokenInvalid):
        kid_of(text)


@pytest.mark.parametrize("kid", [5, ["a"], {"a": 1}, True])
def test_a_name_is_a_text(kid: object) -> None:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "kid": kid}).encode()).decode()
    with pytest.raises(TokenInvalid):
        kid_of(f"{header}.e30.e30")
