"""A hub whose tokens come from a foreign issuer, as processes: start, rotation, an issuer that goes away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from tests.support.hub_process import HubProcess
from tests.support.issuer import Issuer, SigningKey, ec_key, rsa_key, serving

EVENT = {"channel": "/v2/users", "data": {}}


@asynccontextmanager
async def hub_of(issuer: Issuer, home: Path) -> AsyncIterator[HubProcess]:
    """A hub that is not waited for."""
    hub = HubProcess(home / "hub", settings={"HUB_JWKS_URL": issuer.url, "HUB_JWKS_REFRESH_SECONDS": "3600"})
    ready = asyncio.ensure_future(asyncio.to_thread(hub.start))
    try:
        await issuer.asked(1)
        yield hub
    finally:
        issuer.release()
        await ready
        assert await asyncio.to_thread(hub.terminate) == 0, hub.tail()


async def publish(http: httpx2.AsyncClient, key: SigningKey) -> int:
    token = key.token("crm", roles=["ROLE_CLIENT_SERVICE"])
    reply = await http.post("/api/v2/events", json=EVENT, headers={"Authorization": f"Bearer {token}"})
    return reply.status_code


async def test_a_hub_starts_without_its_issuer_and_follows_its_keys(tmp_path: Path) -> None:
    async with serving(rsa_key()) as issuer:
        issuer.hold()
        async with hub_of(issuer, tmp_path) as hub, httpx2.AsyncClient(base_url=hub.url, trust_env=False) as http:
            assert (await http.get("/healthz")).status_code == 200
            red = await http.get("/readyz")
            assert (red.status_code, red.json()["reasons"].keys()) == (503, {"keys"})

            issuer.release()
            assert await publish(http, rsa_key()) == 200
            assert (await http.get("/readyz")).status_code == 200

            issuer.publish(rsa_key(), ec_key())
            assert await publish(http, ec_key()) == 200
            assert await publish(http, ec_key(1)) == 401

            issuer.answer(b"gone", "503 Service Unavailable")
            assert [await publish(http, key) for key in (rsa_key(), ec_key())] == [200, 200]
            assert len(issuer.requests) == 2
            assert (await http.get("/readyz")).status_code == 200
            metrics = (await http.get("/metrics")).text
            assert 'hub_jwks_fetches_total{outcome="ok"} 2.0' in metrics
            assert "hub_jwks_keys 2.0" in metrics
