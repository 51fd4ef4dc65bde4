"""A POST to an address that somebody else has written down, and that is not trusted.

Its name is resolved here, the result is checked, and the connection goes to the very address that was checked, so that
a name which resolves to something else a moment later gains nothing. Certificates are checked against the name.
Redirects are not followed. Answers are read up to 4 KiB.
"""

from collections.abc import Mapping
from typing import Final

import httpx2

from scheduler.senders import addresses, http
from scheduler.senders.addresses import Address, Resolve
from scheduler.senders.http import Answer
from scheduler.senders.port import Outcome, RefusedForGood, RefusedForNow
from scheduler.senders.reasons import reason

SECONDS: Final = 10.0
TRIED: Final = 3
"""How many addresses of one name are tried when a connection cannot be made."""


class Outside:
    """Calls addresses of the public internet over TLS; with `private`, here or at a call, any, also without."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        *,
        private: bool = False,
        resolve: Resolve = addresses.resolve,
        seconds: float = SECONDS,
    ) -> None:
        self._client = client
        self._private = private
        self._resolve = resolve
        self.seconds = seconds

    async def post(
        self, address: str, content: bytes, headers: Mapping[str, str], *, private: bool = False
    ) -> Answer | Outcome:
        """The answer of whoever is there, or why there is none. Each attempt takes `seconds` at most."""
        private = private or self._private
        try:
            url = httpx2.URL(address)
            port = url.port or {"https": 443, "http": 80}[url.scheme]
        except (httpx2.InvalidURL, ValueError, KeyError):
            return RefusedForGood("not an http address")
        if url.scheme != "https" and not private:
            return RefusedForGood("the address must begin with https://")
        try:
            found = await self._resolve(url.host, port)
        except (OSError, UnicodeError) as error:
            return RefusedForNow(reason(f"the name of the receiver cannot be resolved: {error}"))
        if not (reachable := [each for each in found if private or addresses.is_public(each)]):
            return RefusedForGood("the name of the receiver leads to no public address")
        return await self._call(url, reachable, content, {**headers, "Host": url.netloc.decode("ascii")})

    async def _call(
        self, url: httpx2.URL, found: list[Address], content: bytes, headers: Mapping[str, str]
    ) -> Answer | Outcome:
        answer: Answer | Outcome = RefusedForNow("no address")
        for address in found[:TRIED]:
            # The name stays in Host and in TLS; only the connection goes to the address.
            request = self._client.build_request(
                "POST",
                url.copy_with(host=str(address), username=None, password=None),
                content=content,
                headers=headers,
                extensions={"sni_hostname": url.host},
            )
            answer = await http.post(self._client, request, self.seconds)
            if not isinstance(answer, RefusedForNow):
                break
        return answer
