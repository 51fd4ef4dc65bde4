"""A token issuer: signing keys, tokens, and a real HTTP server on the loopback address that serves a key set, or worse.

The server runs on the loop of the test, so a hub in another process can use it as well.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

WAIT_SECONDS = 30.0


class SigningKey:
    """A private key under a name. `jwk` is what the issuer publishes of it, `token` what it signs."""

    def __init__(self, kid: str | None, private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
        self.kid = kid
        self.private = private
        self.algorithm = "RS256" if isinstance(private, rsa.RSAPrivateKey) else "ES256"

    def named(self, kid: str | None) -> "SigningKey":
        """The same key under another name."""
        return SigningKey(kid, self.private)

    def jwk(self, **changes: object) -> dict[str, Any]:
        """The public key with changes; None takes a member away."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            public = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        else:
            public = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        public.pop("key_ops", None)
        whole = {**public, "kid": self.kid, "use": "sig", "alg": self.algorithm, **changes}
        return {name: value for name, value in whole.items() if value is not None}

    def token(self, user: str = "alice", *, now: float | None = None, **changes: object) -> str:
        """A good token of `user`; `changes` replace claims."""
        issued = time.time() if now is None else now
        claims: dict[str, object] = {
            "sub": user,
            "organizationId": "acme",
            "roles": ["ROLE_AGENT"],
            "iss": "hub",
            "aud": "hub",
            "iat": issued,
            "exp": issued + 3600,
        }
        headers = None if self.kid is None else {"kid": self.kid}
        return jwt.encode(claims | changes, self.private, algorithm=self.algorithm, headers=headers)


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> SigningKey:
    """An RSA key; the same number gives the same key, because making one takes long."""
    return SigningKey(f"rsa-{number}", rsa.generate_private_key(65537, bits))


@cache
def ec_key(number: int = 0) -> SigningKey:
    """A key on P-256; the same number gives the same key."""
    return SigningKey(f"ec-{number}", ec.generate_private_key(ec.SECP256R1()))


def key_set(*keys: SigningKey | dict[str, Any]) -> bytes:
    """A JSON document of keys, each given as it is or as its JWK."""
    return json.dumps({"keys": [key.jwk() if isinstance(key, SigningKey) else key for key in keys]}).encode()


class Issuer:
    """The server. What it answers may be changed at any time; `requests` holds the heads of what it was asked."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.address = 0
        self._answer = b""
        self._stalls = False
        self._open = asyncio.Event()
        self._open.set()
        self._asked = asyncio.Condition()
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.address}/keys"

    def publish(self, *keys: SigningKey | dict[str, Any]) -> None:
        """Answer with this key set from now on."""
        self.answer(key_set(*keys))

    def answer(self, body: bytes, status: str = "200 OK", headers: Sequence[str] = ()) -> None:
        """Answer with this from now on."""
        head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers])
        self.answer_raw(head.encode() + b"\r\n\r\n" + body)

    def answer_raw(self, answer: bytes) -> None:
        """Answer with these bytes from now on, whatever they are."""
        self._answer = answer
        self._stalls = False

    def stall(self, beginning: bytes) -> None:
        """From now on begin to answer with these bytes, and never go on."""
        self._answer = beginning
        self._stalls = True

    def hold(self) -> None:
        """Keep every answer back until `release`; it is then what is to be answered at that time."""
        self._open.clear()

    def release(self) -> None:
        """Let the answers go."""
        self._open.set()

    async def asked(self, times: int) -> None:
        """Return when so many requests have come in since the start."""
        async with asyncio.timeout(WAIT_SECONDS), self._asked:
            await self._asked.wait_for(lambda: len(self.requests) >= times)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            async with self._asked:
                self.requests.append(head)
                self._asked.notify_all()
            await self._open.wait()
            writer.write(self._answer)
            await writer.drain()
            if self._stalls:
                await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, or the test is over
        finally:
            self._serving.discard(task)
            writer.close()


@asynccontextmanager
async def serving(*keys: SigningKey | dict[str, Any]) -> AsyncIterator[Issuer]:
    """A running issuer that publishes these keys."""
    issuer = Issuer()
    issuer.publish(*keys)
    server = await asyncio.start_server(issuer._serve, "127.0.0.1", 0)
    issuer.address = server.sockets[0].getsockname()[1]
    try:
        yield issuer
    finally:
        server.close()
        for task in tuple(issuer._serving):
            task.cancel()
        await asyncio.gather(*issuer._serving, return_exceptions=True)
        await server.wait_closed()
