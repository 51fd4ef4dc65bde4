"""Keys of a foreign issuer, against a real server that rotates, fails and attacks."""

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import HMACAlgorithm

from hub.auth import jwks
from hub.auth.jwks import LARGEST_SET, UNKNOWN_KID_SECONDS, ForeignKeys
from hub.auth.tokens import Tokens
from hub.kernel import metrics
from hub.kernel.errors import KeysUnavailable, TokenInvalid
from hub.kernel.faults import SettingsError
from hub.kernel.settings import Settings
from tests.support.clock import FakeClock
from tests.support.issuer import Issuer, SigningKey, ec_key, key_set, rsa_key, serving

LONG = 3600.0
SOON = 0.01
OLD, NEW = rsa_key(0), rsa_key(1)


class World:
    """Tokens checked with the keys of an issuer, and a clock that stands."""

    def __init__(self, issuer: Issuer, keys: ForeignKeys, clock: FakeClock) -> None:
        self.issuer = issuer
        self.keys = keys
        self.clock = clock
        self.tokens = Tokens(keys, "hub", "hub")

    def token(self, key: SigningKey, user: str = "alice", **changes: object) -> str:
        return key.token(user, now=self.clock.now(), **changes)

    def verified(self, token: str) -> str:
        return self.tokens.verify(token, self.clock.now()).user

    async def accepted(self, token: str) -> bool:
        """What REST and handshakes do."""
        await self.tokens.prepare(token)
        try:
            return self.verified(token) == "alice"
        except TokenInvalid:
            return False

    async def landed(self) -> None:
        """The fetch under way, if any, has come to its end."""
        if self.keys._landing is not None:
            await asyncio.wait({self.keys._landing})

    @property
    def fetches(self) -> int:
        return len(self.issuer.requests)


@asynccontextmanager
async def world(issuer: Issuer, *, every: float = LONG) -> AsyncIterator[World]:
    clock = FakeClock()
    async with ForeignKeys(issuer.url, clock, every=every) as keys:
        yield World(issuer, keys, clock)


@asynccontextmanager
async def started(*keys: SigningKey, every: float = LONG) -> AsyncIterator[World]:
    """A world whose first key set is there."""
    async with serving(*keys) as issuer, world(issuer, every=every) as made:
        await made.landed()
        assert made.keys.trouble() is None
        yield made


def outcomes(outcome: str) -> float:
    return metrics.REGISTRY.get_sample_value("hub_jwks_fetches_total", {"outcome": outcome}) or 0.0


async def test_tokens_of_both_algorithms_are_accepted() -> None:
    async with started(OLD, ec_key()) as made:
        assert made.verified(made.token(OLD)) == "alice"
        assert made.verified(made.token(ec_key(), "bob")) == "bob"
        assert metrics.REGISTRY.get_sample_value("hub_jwks_keys") == 2
        assert made.fetches == 1
        assert made.issuer.requests[0].startswith(b"GET /keys HTTP/1.1\r\n")


async def test_the_first_token_of_a_new_key_is_accepted() -> None:
    async with started(OLD) as made:
        made.issuer.publish(OLD, NEW)
        assert not made.tokens.is_prepared(made.token(NEW))
        assert await made.accepted(made.token(NEW))
        assert await made.accepted(made.token(OLD))
        assert made.fetches == 2


async def test_no_valid_token_is_refused_while_keys_rotate() -> None:
    keys = [rsa_key(0), ec_key(0), rsa_key(1), ec_key(1), rsa_key(2)]
    async with started(keys[0]) as made:
        for old, new in pairwise(keys):
            made.clock.advance(UNKNOWN_KID_SECONDS)
            made.issuer.publish(old, new)
            tokens = [made.token(key, extra=number) for key in (old, new) for number in range(5)]
            assert all(await asyncio.gather(*map(made.accepted, tokens)))
        assert made.fetches == len(keys)


async def test_without_waiting_the_second_token_of_a_new_key_is_accepted() -> None:
    async with started(OLD) as made:
        made.issuer.publish(NEW)
        with pytest.raises(TokenInvalid):
            made.verified(made.token(NEW))
        await made.landed()
        assert made.verified(made.token(NEW)) == "alice"


async def test_a_known_key_needs_no_waiting() -> None:
    async with started(OLD) as made:
        token = made.token(OLD)
        assert made.tokens.is_prepared(token)
        with pytest.raises(StopIteration):
            made.tokens.prepare(token).send(None)


async def test_a_withdrawn_key_counts_no_more_even_for_tokens_seen_before() -> None:
    async with started(OLD, NEW) as made:
        token = made.token(OLD)
        assert made.verified(token) == "alice"
        made.issuer.publish(NEW, ec_key())
        assert await made.accepted(made.token(ec_key()))
        with pytest.raises(TokenInvalid):
            made.verified(token)
        assert made.verified(made.token(NEW)) == "alice"


async def test_a_fetch_without_news_forgets_nothing() -> None:
    async with started(OLD, NEW) as made:
        before = made.keys.generation
        made.issuer.publish(NEW, OLD)
        assert not await made.accepted(made.token(ec_key()))
        assert (made.fetches, made.keys.generation) == (2, before)


async def test_the_set_is_fetched_again_and_again() -> None:
    async with started(OLD, every=SOON) as made:
        made.issuer.publish(NEW)
        await made.issuer.asked(made.fetches + 2)  # the first of them may have been answered before
        assert made.tokens.is_prepared(made.token(NEW))
        assert made.verified(made.token(NEW)) == "alice"


async def test_a_lone_key_without_a_name_may_be_replaced() -> None:
    old, new = OLD.named(None), NEW.named(None)
    async with started(old) as made:
        assert made.verified(made.token(old)) == "alice"
        assert made.verified(made.token(OLD.named("whatever"))) == "alice"
        made.issuer.publish(new)
        assert await made.accepted(made.token(new))
        assert not await made.accepted(made.token(old))
        assert made.fetches == 2


# Whom it trusts ------------------------------------------------------------------------------------------------


async def test_the_same_kid_of_another_issuer_is_refused() -> None:
    async with started(OLD) as made:
        assert not await made.accepted(made.token(NEW.named(OLD.kid)))
        assert not await made.accepted(made.token(ec_key().named(OLD.kid)))
        assert made.fetches == 1


async def test_a_good_signature_under_the_name_of_another_issuer_is_refused() -> None:
    async with started(OLD) as made:
        assert not await made.accepted(made.token(OLD, iss="https://other.example"))
        assert not await made.accepted(made.token(OLD, aud="other"))


def confused(key: SigningKey, secret: bytes, algorithm: str = "HS256") -> str:
    """A token whose HMAC is made with something that everybody knows of the key."""
    body = key.token(now=FakeClock().now()).split(".")[1]
    header = json.dumps({"alg": algorithm, "typ": "JWT", "kid": key.kid}).encode()
    unsigned = base64.urlsafe_b64encode(header).rstrip(b"=").decode() + "." + body
    signature = HMACAlgorithm(HMACAlgorithm.SHA256).sign(unsigned.encode(), secret)
    return f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.parametrize("key", [OLD, ec_key()], ids=["RSA", "EC"])
@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "none"])
async def test_a_public_key_is_no_secret(key: SigningKey, algorithm: str) -> None:
    public = key.private.public_key()
    secrets = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(key.jwk()).encode(),
        b"",
    ]
    async with started(key) as made:
        for secret in secrets:
            assert not await made.accepted(confused(key, secret, algorithm))
        assert await made.accepted(made.token(key))


async def test_the_key_fixes_the_algorithm_whatever_the_token_says() -> None:
    async with started(OLD, ec_key()) as made:
        claims = jwt.decode(made.token(OLD), options={"verify_signature": False})
        for algorithm in ("RS384", "RS512", "PS256"):
            other = jwt.encode(claims, OLD.private, algorithm=algorithm, headers={"kid": OLD.kid})
            assert not await made.accepted(other)


async def test_a_published_symmetric_key_signs_nothing() -> None:
    secret = b"a secret of the set, longer than thirty-two bytes"
    published = {"kty": "oct", "kid": "s", "alg": "HS256", "k": base64.urlsafe_b64encode(secret).decode().rstrip("=")}
    async with serving(OLD, published) as issuer, world(issuer) as made:
        await made.landed()
        claims = jwt.decode(made.token(OLD), options={"verify_signature": False})
        for kid in ("s", OLD.kid, None):
            headers = {} if kid is None else {"kid": kid}
            assert not await made.accepted(jwt.encode(claims, secret, algorithm="HS256", headers=headers))
        assert await made.accepted(made.token(OLD))


async def test_keys_and_addresses_in_the_token_are_not_looked_at() -> None:
    async with serving(NEW) as evil, started(OLD) as made:
        claims = jwt.decode(made.token(OLD), options={"verify_signature": False})
        for extra in ({"jku": evil.url}, {"x5u": evil.url}, {"jwk": NEW.jwk()}):
            headers = {"kid": NEW.kid, **extra}
            assert not await made.accepted(jwt.encode(claims, NEW.private, algorithm="RS256", headers=headers))
        assert evil.requests == []


# What a fetch may bring ----------------------------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
WHITE = b" " * LARGEST_SET

BAD_ANSWERS: dict[str, tuple[str, bytes]] = {
    "an error": ("status", b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"),
    "an error with keys": ("status", b"HTTP/1.1 404 Not Found\r\n\r\n" + key_set(NEW)),
    "nothing new": ("status", b"HTTP/1.1 204 No Content\r\n\r\n"),
    "no JSON": ("malformed", HEAD + b"\r\n<html>"),
    "half of it": ("malformed", HEAD + b"\r\n" + key_set(NEW)[:-1]),
    "no keys": ("malformed", HEAD + b'\r\n{"keys":[]}'),
    "the same name twice": ("malformed", HEAD + b"\r\n" + key_set(NEW, OLD.named(NEW.kid))),
    "only a symmetric key": ("malformed", HEAD + b"\r\n" + key_set({"kty": "oct", "k": "AAAA", "kid": "s"})),
    "compressed": ("malformed", HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(key_set(NEW))),
    "too much": ("too_large", HEAD + b"\r\n" + WHITE + key_set(NEW)),
    "too much in chunks": ("too_large", HEAD + b"Transfer-Encoding: chunked\r\n\r\n40001\r\n" + WHITE + b" \r\n"),
    "too much announced and sent": ("too_large", HEAD + b"Content-Length: 999999\r\n\r\n" + WHITE + b" "),
    "less than announced": ("unreachable", HEAD + b"Content-Length: 99999\r\n\r\n" + key_set(NEW)),
    "no HTTP": ("unreachable", b"220 smtp.example ESMTP\r\n"),
    "nothing": ("unreachable", b""),
}


@pytest.mark.parametrize(("outcome", "answer"), BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
async def test_a_bad_answer_leaves_the_last_good_set(outcome: str, answer: bytes) -> None:
    before = outcomes(outcome)
    async with started(OLD) as made:
        made.issuer.answer_raw(answer)
        assert not await made.accepted(made.token(NEW))
        assert outcomes(outcome) == before + 1
        assert await made.accepted(made.token(OLD))
        assert made.keys.trouble() is None


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_redirects_are_not_followed(status: str) -> None:
    before = outcomes("redirect")
    async with serving(NEW) as elsewhere, started(OLD) as made:
        made.issuer.answer(key_set(NEW), status, [f"Location: {elsewhere.url}"])
        assert not await made.accepted(made.token(NEW))
        assert (elsewhere.requests, outcomes("redirect")) == ([], before + 1)


async def test_a_set_of_the_greatest_size_is_taken() -> None:
    document = key_set(NEW)
    async with started(OLD) as made:
        made.issuer.answer(document + b" " * (LARGEST_SET - len(document)))
        assert await made.accepted(made.token(NEW))


@pytest.mark.parametrize("beginning", [b"", HEAD, HEAD + b"\r\n" + key_set(NEW)[:10]])
async def test_a_slow_issuer_is_not_waited_for(beginning: bytes) -> None:
    # A length that never comes keeps the answer open, as a server that drips does.
    async with started(OLD) as made:
        before = outcomes("timeout")
        made.keys._seconds = 0.2
        made.issuer.stall(beginning)
        assert not await made.accepted(made.token(NEW))
        assert outcomes("timeout") == before + 1
        assert await made.accepted(made.token(OLD))


async def test_nobody_listens() -> None:
    before = outcomes("unreachable")
    async with serving(OLD) as gone:
        url = gone.url
    async with ForeignKeys(url, FakeClock(), every=LONG) as keys:
        await keys.prepare(OLD.token())
        assert outcomes("unreachable") >= before + 1
        assert keys.trouble() is not None


# When it fetches -----------------------------------------------------------------------------------------------


async def test_before_the_first_set_it_is_not_ready_and_judges_no_token() -> None:
    async with serving(OLD) as issuer:
        issuer.hold()
        async with world(issuer) as made:
            assert made.keys.trouble() == "no key set of the token issuer: not fetched yet"
            with pytest.raises(KeysUnavailable):
                made.verified(made.token(OLD))
            waiting = asyncio.ensure_future(made.accepted(made.token(OLD)))
            await issuer.asked(1)
            assert not waiting.done()
            issuer.release()
            assert await waiting
            assert made.keys.trouble() is None
            assert made.fetches == 1


async def test_an_issuer_that_is_down_at_first_is_tried_again() -> None:
    async with serving() as issuer:
        issuer.answer(b"", "503 Service Unavailable")
        async with world(issuer, every=SOON) as made:
            await made.landed()
            assert made.keys.trouble() == "no key set of the token issuer: answered 503"
            issuer.publish(OLD)
            await issuer.asked(made.fetches + 2)
            assert made.keys.trouble() is None
            assert made.verified(made.token(OLD)) == "alice"


async def test_a_thundering_herd_is_one_fetch() -> None:
    async with started(OLD) as made:
        made.issuer.publish(OLD, NEW)
        made.issuer.hold()
        herd = [asyncio.ensure_future(made.accepted(made.token(NEW, extra=number))) for number in range(200)]
        await made.issuer.asked(2)
        late = [asyncio.ensure_future(made.accepted(made.token(NEW, extra=number))) for number in range(200, 300)]
        assert not any(task.done() for task in herd)
        made.issuer.release()
        assert all(await asyncio.gather(*herd, *late))
        assert made.fetches == 2


async def test_whoever_gives_up_takes_the_fetch_from_nobody() -> None:
    async with started(OLD) as made:
        made.issuer.publish(NEW)
        made.issuer.hold()
        first, second = (asyncio.ensure_future(made.accepted(made.token(NEW))) for _ in range(2))
        await made.issuer.asked(2)
        first.cancel()
        made.issuer.release()
        assert await second
        assert first.cancelled()


async def test_a_flood_of_unknown_names_is_one_fetch_in_thirty_seconds() -> None:
    async with started(OLD) as made:
        for round_ in range(3):
            for number in range(100):
                assert not await made.accepted(made.token(NEW.named(f"made-up-{round_}-{number}")))
            assert made.fetches == 2 + round_
            made.clock.advance(UNKNOWN_KID_SECONDS - 0.001)
            assert not await made.accepted(made.token(NEW.named("too early")))
            assert made.fetches == 2 + round_
            made.clock.advance(0.001)


async def test_a_flood_does_not_keep_known_keys_waiting() -> None:
    async with started(OLD) as made:
        made.issuer.hold()
        flood = asyncio.ensure_future(made.accepted(made.token(NEW)))
        await made.issuer.asked(2)
        assert await made.accepted(made.token(OLD))
        assert not flood.done()
        made.issuer.release()
        assert not await flood


async def test_texts_that_are_no_tokens_fetch_nothing() -> None:
    async with started(OLD, NEW) as made:
        for text in ("", "x", "a.b.c", "\udcff.\udcff.x", "." * 10_000, made.token(OLD.named(None))):
            assert not await made.accepted(text)
        assert made.fetches == 1


async def test_a_fetch_that_began_too_early_is_followed_by_another() -> None:
    async with serving(OLD) as issuer:
        issuer.hold()
        async with world(issuer) as made:
            await issuer.asked(1)
            waiting = asyncio.ensure_future(made.accepted(made.token(NEW)))
            await asyncio.sleep(0)
            issuer.release()
            await made.landed()
            issuer.publish(OLD, NEW)
            assert await waiting
            assert made.fetches == 2


async def test_the_end_leaves_nobody_waiting() -> None:
    async with serving(OLD) as issuer:
        issuer.hold()
        async with world(issuer) as made:
            waiting = asyncio.ensure_future(made.tokens.prepare(made.token(OLD)))
            await issuer.asked(1)
        async with asyncio.timeout(5):
            await waiting
            await made.tokens.prepare(made.token(OLD))
        with pytest.raises(KeysUnavailable):
            made.verified(made.token(OLD))


# The settings --------------------------------------------------------------------------------------------------


async def test_the_settings_choose_whose_keys() -> None:
    async with serving(OLD) as issuer:
        foreign = Settings(jwks_url=issuer.url)
        async with jwks.opened(foreign, FakeClock()) as keys:
            token = OLD.token(now=FakeClock().now())
            await keys.prepare(token)
            assert Tokens(keys, "hub", "hub").verify(token, FakeClock().now()).user == "alice"
            with pytest.raises(SettingsError, match=r"HUB_JWKS_URL: tokens are made by the issuer"):
                Tokens(keys, "hub", "hub").mint(user="a", organization="o", roles=(), ttl=60, now=FakeClock().now())
