"""A back end that publishes through ingest and does not give up: it repeats until it is answered."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from itertools import count
from secrets import token_hex
from typing import Any, Self

import httpx2

from tests.support.checker import Published, Stream
from tests.support.history import History

RETRY_SECONDS = 0.05
ANSWER_SECONDS = 10.0


class Publisher:
    """Publishes for one organization, over one connection. What is acknowledged is written into the history.

    Every request carries an Idempotency-Key and is repeated with it after a lost connection, no answer, or a 5xx.
    """

    def __init__(self, url: str, token: str, history: History, *, name: str) -> None:
        self.name, self.repeats = name, 0
        self._history = history
        self._keys = (f"{name}-{run}-{number}" for run in [token_hex(8)] for number in count(1))
        self._http = httpx2.AsyncClient(
            base_url=url,
            timeout=ANSWER_SECONDS,
            trust_env=False,
            verify=False,  # nothing is encrypted here, and reading everybody's certificates takes long
            headers={"Authorization": f"Bearer {token}"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def publish(self, *events: tuple[Stream, Mapping[str, Any]]) -> list[Published]:
        """One request with all of the events; returns when it has been acknowledged, however often it takes."""
        body = [_event(stream, data) for stream, data in events]
        answer = await self._acknowledged(body if len(body) > 1 else body[0], next(self._keys))
        assert answer["statusCode"] == 0, answer
        assert all("seq" in accepted for accepted in answer["events"]), f"acknowledged without positions: {answer}"
        published = [
            Published(
                organization=stream.organization,
                user=stream.user,
                channel=stream.channel,
                seq=accepted["seq"],
                data=dict(data),
                at=time.monotonic(),
            )
            for (stream, data), accepted in zip(events, answer["events"], strict=True)
        ]
        self._history.publish(*published)
        return published

    async def _acknowledged(self, body: Sequence[Any] | Mapping[str, Any], key: str) -> Any:
        while True:
            try:
                response = await self._http.post("/api/v2/events", json=body, headers={"Idempotency-Key": key})
            except httpx2.TransportError:
                response = None
            if response is not None and response.status_code == 200:
                return response.json()
            # 409: the first attempt is still being carried out.
            assert response is None or response.status_code in {409, 503}, f"{response.status_code} {response.text}"
            self.repeats += 1
            await asyncio.sleep(RETRY_SECONDS)


def _event(stream: Stream, data: Mapping[str, Any]) -> dict[str, Any]:
    event = {"channel": stream.channel, "organizationId": stream.organization, "data": data}
    return {**event, "userId": stream.user} if stream.user else event
