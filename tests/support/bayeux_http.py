"""A desktop over long-polling."""

import asyncio

import httpx2

from tests.support.desktop import RETRY_SECONDS, Desktop, Message, Refused, SessionLost


class LongPollingDesktop(Desktop):
    """One request at a time: handshake, subscribe, then connect after connect.

    After a failed request it hands over its positions again, since a lost response may have carried events.
    """

    connection_type = "long-polling"

    async def run(self) -> None:
        # Nothing is encrypted here, and reading everybody's certificates takes long.
        network = httpx2.AsyncHTTPTransport(local_address=self.source, verify=False)
        patience = httpx2.Timeout(self.patience, connect=5)
        async with httpx2.AsyncClient(timeout=patience, transport=network, headers=self.headers) as http:
            while True:
                try:
                    await self._converse(http)
                except SessionLost:
                    self.client_id = None
                except httpx2.HTTPError:
                    await asyncio.sleep(RETRY_SECONDS)

    async def _converse(self, http: httpx2.AsyncClient) -> None:
        if self.client_id is None:
            await self._exchange(http, self.handshake())
        await self._exchange(http, self.subscribe())
        while True:
            await self._exchange(http, self.connect())
            if self.interval:
                await asyncio.sleep(self.interval)

    async def _exchange(self, http: httpx2.AsyncClient, message: Message) -> None:
        response = await http.post(self.url, json=[message])
        if response.is_client_error:
            raise Refused(f"{self.name}: {response.status_code} {response.text}")
        response.raise_for_status()
        assert response.headers["content-type"].startswith("application/json"), response.headers
        messages = response.json()
        self.hear(messages)
        assert messages[-1].get("id") == message["id"], f"the reply is not last: {messages}"
