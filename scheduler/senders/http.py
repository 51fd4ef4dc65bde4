"""One POST and how it ended, for every sender that speaks HTTP."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final, NamedTuple

import httpx2

from scheduler.senders.port import Accepted, Outcome, RefusedForGood, RefusedForNow, Uncertain
from scheduler.senders.reasons import reason, said

CONNECT_SECONDS: Final = 5.0
LARGEST_ANSWER: Final = 4096
# The server did not do it and says so: too slow a request, too early, too many, not available.
LATER: Final = frozenset({408, 425, 429, 503})


class Answer(NamedTuple):
    """What the receiver said: its status, and the beginning of the body as far as it came."""

    status: int
    body: bytes
    retry_after: float


async def client() -> httpx2.AsyncClient:
    """A client that goes where it is told and nowhere else: no redirects, no proxies of the environment.

    Every request has a connection of its own. A kept one may be closed by the receiver at the moment in which it is
    used again, which would make the outcome uncertain; and one kept for a host is never used for another.
    """
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs addresses, which may hold secrets
    return await asyncio.to_thread(
        httpx2.AsyncClient,
        follow_redirects=False,
        trust_env=False,
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
    )


async def post(http: httpx2.AsyncClient, request: httpx2.Request, seconds: float) -> Answer | Outcome:
    """Send the request: the answer, or why there is none. The whole exchange takes `seconds` at most.

    The status is decisive. A body that does not come to its end, or is larger than 4 KiB, is cut off.
    """
    timeout = httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds))
    request.extensions["timeout"] = timeout.as_dict()
    response: httpx2.Response | None = None
    try:
        async with asyncio.timeout(seconds):
            response = await http.send(request, stream=True)
            return Answer(response.status_code, await _beginning(response), _retry_after(response.headers))
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
        return RefusedForNow(reason(f"no connection: {said(error)}"))
    except (TimeoutError, httpx2.TimeoutException, httpx2.HTTPError) as error:
        if response is not None:
            return Answer(response.status_code, b"", _retry_after(response.headers))
        is_late = isinstance(error, (TimeoutError, httpx2.TimeoutException))
        why = f"no answer within {seconds:g} s" if is_late else f"no answer: {said(error)}"
        return Uncertain(reason(why))
    finally:
        if response is not None:
            await response.aclose()


def judged(answer: Answer, details: str = "") -> Outcome:
    """What a status means. `details` are the receiver's own words for it."""
    why = reason(f"answered {answer.status}{': ' if details else ''}{details}")
    if 200 <= answer.status < 300:
        return Accepted()
    if answer.status in LATER:
        return RefusedForNow(why, answer.retry_after)
    if answer.status >= 500:  # it may have failed after the deed
        return Uncertain(why)
    return RefusedForGood(why)


async def _beginning(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) >= LARGEST_ANSWER:
            break
    return bytes(body[:LARGEST_ANSWER])


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds; the form with a date is left out, since our own pauses are long enough."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0.0
