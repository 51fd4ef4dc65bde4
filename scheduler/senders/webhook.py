"""Webhooks: a signed POST to an address that somebody else has written down.

The address is not trusted. Its name is resolved here, the result is checked, and the connection goes to the very
address that was checked, so that a name which resolves to something else a moment later gains nothing. Certificates
are checked against the name. Redirects are not followed. Answers are read up to 4 KiB and thrown away.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

import httpx2
import msgspec

from hub.kernel.clock import seconds
from hub.kernel.headers import header_fault
from hub.kernel.wire import instant
from hub.store.deliveries import Webhook
from scheduler.senders import addresses, http
from scheduler.senders.addresses import Address, Resolve
from scheduler.senders.http import Answer
from scheduler.senders.port import Outcome, RefusedForGood, RefusedForNow
from scheduler.senders.reasons import reason

SECONDS: Final = 10.0
TRIED: Final = 3
"""How many addresses of one name are tried when a connection cannot be made."""


class WebhookCaller:
    """Calls webhooks. With `private` it also calls addresses that are not public, and without TLS."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        now: Callable[[], float],
        *,
        private: bool = False,
        resolve: Resolve = addresses.resolve,
        seconds: float = SECONDS,
    ) -> None:
        self._client = client
        self._now = now
        self._private = private
        self._resolve = resolve
        self._seconds = seconds

    async def send(self, message: Webhook, id: str) -> Outcome:
        """See `Sender`. The id is that of the envelope."""
        try:
            url = httpx2.URL(message.url)
            port = url.port or {"https": 443, "http": 80}[url.scheme]
        except (httpx2.InvalidURL, ValueError, KeyError):
            return RefusedForGood("not an http address")
        if url.scheme != "https" and not self._private:
            return RefusedForGood("the address must begin with https://")
        if fault := next((fault for item in message.headers.items() if (fault := header_fault(*item))), None):
            return RefusedForGood(reason(fault))
        try:
            found = await self._resolve(url.host, port)
        except (OSError, UnicodeError) as error:
            return RefusedForNow(reason(f"the name of the receiver cannot be resolved: {error}"))
        if not (reachable := [each for each in found if self._private or addresses.is_public(each)]):
            return RefusedForGood("the name of the receiver leads to no public address")
        return await self._call(message, id, url, reachable)

    async def _call(self, message: Webhook, id: str, url: httpx2.URL, found: list[Address]) -> Outcome:
        body = envelope(message, id)
        headers = {**message.headers, **signatures(message, body, round(self._now()))}
        headers |= {"Content-Type": "application/json", "User-Agent": "hub-webhook", "X-Hub-Delivery": id}
        headers |= {"Host": url.netloc.decode("ascii")}
        outcome: Outcome = RefusedForNow("no address")
        for address in found[:TRIED]:
            # The name stays in Host and in TLS; only the connection goes to the address.
            request = self._client.build_request(
                "POST",
                url.copy_with(host=str(address)),
                content=body,
                headers=headers,
                extensions={"sni_hostname": url.host},
            )
            answer = await http.post(self._client, request, self._seconds)
            outcome = http.judged(answer) if isinstance(answer, Answer) else answer
            if isinstance(answer, Answer) or not isinstance(answer, RefusedForNow):
                break
        return outcome


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
