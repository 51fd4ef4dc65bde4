"""Webhooks: a signed POST to an address that somebody else has written down."""

import hashlib
import hmac
from collections.abc import Callable
from typing import assert_never

import httpx2
import msgspec

from hub.kernel.clock import seconds
from hub.kernel.headers import header_fault
from hub.kernel.wire import instant
from hub.store.deliveries import Basic, ClientCredentials, Webhook
from scheduler.senders import addresses, http, outside
from scheduler.senders.addresses import Resolve
from scheduler.senders.basic import header_of
from scheduler.senders.http import Answer
from scheduler.senders.oauth import Tokens
from scheduler.senders.outside import Outside
from scheduler.senders.port import Outcome, RefusedForGood
from scheduler.senders.reasons import reason

UNAUTHORIZED = 401


class WebhookCaller:
    """Calls webhooks. With `private`, here or in the message, also addresses that are not public, and without TLS."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        now: Callable[[], float],
        *,
        private: bool = False,
        resolve: Resolve = addresses.resolve,
        seconds: float = outside.SECONDS,
    ) -> None:
        self._now = now
        self.outside = Outside(client, private=private, resolve=resolve, seconds=seconds)
        self._tokens = Tokens(self.outside, now)

    async def send(self, message: Webhook, id: str) -> Outcome:
        """See `Sender`. The id is that of the envelope."""
        if fault := next((fault for item in message.headers.items() if (fault := header_fault(*item))), None):
            return RefusedForGood(reason(fault))
        match message.credentials:
            case None:
                return _judged(await self._call(message, id, {}))
            case Basic() as basic:
                return _judged(await self._call(message, id, {"Authorization": header_of(basic)}))
            case ClientCredentials() as client:
                return await self._call_with_token(message, id, client)
            case _:
                assert_never(message.credentials)

    async def _call_with_token(self, message: Webhook, id: str, client: ClientCredentials) -> Outcome:
        """With the token at hand; one that has been taken back meanwhile is replaced, once."""
        if (kept := self._tokens.kept(client)) is not None:
            answer = await self._call(message, id, {"Authorization": f"Bearer {kept}"})
            if not isinstance(answer, Answer) or answer.status != UNAUTHORIZED:
                return _judged(answer)
            self._tokens.forget(client)
        token = await self._tokens.fetch(client, private=message.private)
        if not isinstance(token, str):
            return token
        return _judged(await self._call(message, id, {"Authorization": f"Bearer {token}"}))

    async def _call(self, message: Webhook, id: str, authorization: dict[str, str]) -> Answer | Outcome:
        body = envelope(message, id)
        headers = {**message.headers, **signatures(message, body, round(self._now())), **authorization}
        headers |= {"Content-Type": "application/json", "User-Agent": "hub-webhook", "X-Hub-Delivery": id}
        return await self.outside.post(message.url, body, headers, private=message.private)


def _judged(answer: Answer | Outcome) -> Outcome:
    return http.judged(answer) if isinstance(answer, Answer) else answer


def envelope(message: Webhook, id: str) -> bytes:
    """The body. The payload stands in it byte for byte, so every attempt has the same body."""
    head = msgspec.json.encode({"id": id, "type": message.type, "timestamp": instant(seconds(message.at))})
    return head[:-1] + b',"payload":' + bytes(message.payload) + b"}"


def signatures(message: Webhook, body: bytes, now: int) -> dict[str, str]:
    """The headers by which a receiver knows the sender: none without a secret.

    `X-Hub-Signature` is `t=<Unix seconds>,v1=<hex>` over `<t>.<body>`: the whole body, and when it was sent.
    `X-Signature` is the plain one of existing receivers, over the payload's bytes alone.
    """
    if message.secret is None:
        return {}
    key = message.secret.encode()
    whole = hmac.new(key, b"%d." % now + body, hashlib.sha256).hexdigest()
    payload = hmac.new(key, bytes(message.payload), hashlib.sha256).hexdigest()
    return {"X-Hub-Signature": f"t={now},v1={whole}", "X-Signature": payload}
