"""SMS through a gateway that takes a form by POST, as Twilio does: fields To, From, Body; the answer names a `sid`."""

from typing import Final
from urllib.parse import urlencode

import httpx2
import msgspec

from hub.store.deliveries import Sms
from scheduler.senders import http
from scheduler.senders.http import Answer
from scheduler.senders.port import Accepted, Outcome

SECONDS: Final = 30.0


class _Body(msgspec.Struct):
    sid: str = ""
    code: int | str = ""
    message: str = ""


_BODY: Final = msgspec.json.Decoder(_Body)


class SmsGateway:
    """Sends to the gateway at `url`, whose user name and password are sent as Basic credentials."""

    def __init__(self, client: httpx2.AsyncClient, url: str, sender: str, *, seconds: float = SECONDS) -> None:
        self._client = client
        self._url = httpx2.URL(url)
        self._sender = sender
        self._seconds = seconds

    async def send(self, message: Sms, id: str) -> Outcome:
        """See `Sender`. The id goes along as `Idempotency-Key`."""
        form = {"To": message.to, "From": message.sender or self._sender, "Body": message.text}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": id}
        request = self._client.build_request("POST", self._url, content=urlencode(form), headers=headers)
        answer = await http.post(self._client, request, self._seconds)
        if not isinstance(answer, Answer):
            return answer
        body = _read(answer.body)
        outcome = http.judged(answer, " ".join(part for part in (str(body.code), body.message) if part))
        return Accepted(body.sid) if isinstance(outcome, Accepted) else outcome


def _read(body: bytes) -> _Body:
    try:
        return _BODY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Body()
