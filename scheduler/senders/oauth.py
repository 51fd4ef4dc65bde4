"""Tokens for receivers that ask for them: the client credentials grant of OAuth 2 (RFC 6749 §4.4)."""

from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from hub.store.deliveries import Basic, ClientCredentials
from scheduler.senders import http
from scheduler.senders.basic import header_of
from scheduler.senders.http import Answer
from scheduler.senders.outside import Outside
from scheduler.senders.port import Accepted, Outcome, RefusedForGood, RefusedForNow
from scheduler.senders.reasons import reason

SPARE_SECONDS: Final = 30.0
LIFE_SECONDS: Final = 300.0
"""How long a token is used that does not say how long it is good."""
MOST: Final = 1000


class _Granted(msgspec.Struct):
    access_token: str
    token_type: str = "bearer"  # noqa: S105
    expires_in: float | None = None


class _Refused(msgspec.Struct):
    error: str = ""


_GRANTED: Final = msgspec.json.Decoder(_Granted, strict=False)
_REFUSED: Final = msgspec.json.Decoder(_Refused)


class Tokens:
    """Fetches tokens and keeps them while they are good."""

    def __init__(self, outside: Outside, now: Callable[[], float]) -> None:
        self._outside = outside
        self._now = now
        self._kept: dict[ClientCredentials, tuple[str, float]] = {}

    def kept(self, credentials: ClientCredentials) -> str | None:
        """The token at hand, if it is still good."""
        token, until = self._kept.get(credentials, ("", 0.0))
        return token if self._now() < until else None

    def forget(self, credentials: ClientCredentials) -> None:
        """The receiver does not take the token at hand."""
        self._kept.pop(credentials, None)

    async def fetch(self, credentials: ClientCredentials, *, private: bool) -> str | Outcome:
        """A new token, or why there is none."""
        form = {"grant_type": "client_credentials"} | ({"scope": credentials.scope} if credentials.scope else {})
        # RFC 6749 §2.3.1: the two are encoded as in a form before they become Basic credentials.
        client = Basic(user=quote(credentials.client_id, safe=""), password=quote(credentials.client_secret, safe=""))
        headers = {
            "Authorization": header_of(client),
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        answer = await self._outside.post(credentials.token_url, urlencode(form).encode(), headers, private=private)
        if not isinstance(answer, Answer):
            # Nothing of the message has left yet: whatever happened to the token, it can be tried again.
            return answer if isinstance(answer, RefusedForGood) else RefusedForNow(_why(answer))
        if not 200 <= answer.status < 300:
            return _refused(answer)
        try:
            granted = _GRANTED.decode(answer.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return RefusedForNow("the token server's answer holds no token")
        if not (granted.access_token.isascii() and granted.access_token.isprintable()):
            return RefusedForGood("the token server's answer holds no token that can be sent")
        if len(self._kept) >= MOST:
            self._kept.clear()
        life = LIFE_SECONDS if granted.expires_in is None else granted.expires_in
        self._kept[credentials] = (granted.access_token, self._now() + life - SPARE_SECONDS)
        return granted.access_token


def _refused(answer: Answer) -> Outcome:
    try:
        details = _REFUSED.decode(answer.body).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        details = ""
    judged = http.judged(answer, details)
    return judged if isinstance(judged, RefusedForGood) else RefusedForNow(f"no token: {_why(judged)}")


def _why(outcome: Outcome) -> str:
    return "accepted" if isinstance(outcome, Accepted) else reason(outcome.reason)
