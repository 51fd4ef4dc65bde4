"""A token never reaches the log, however it came and whatever became of the request."""

import asyncio
import json
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.hub_process import HubProcess
from tests.support.tokens import SECRET, mint

PATH = "/api/v2/notifications"
HANDSHAKE = b'[{"channel":"/meta/handshake","version":"1.0","id":"1"}]'


async def over_sockets(hub: HubProcess, token: str) -> None:
    base = hub.bayeux_url.replace("http", "ws")
    async with connect(f"{base}?access_token={token}", proxy=None) as socket:
        await socket.send(HANDSHAKE.decode())
        assert json.loads(await socket.recv())[0]["id"] == "1"
        await socket.send("nonsense")
        await socket.wait_closed()
    for path, origin in ((f"/nowhere?access_token={token}", None), (f"{PATH}?access_token={token}", "http://evil")):
        with pytest.raises(InvalidStatus):
            async with connect(hub.url.replace("http", "ws") + path, proxy=None, origin=origin):  # type: ignore[arg-type]
                pass


async def over_http(hub: HubProcess, token: str) -> None:
    async with httpx2.AsyncClient(base_url=hub.url, trust_env=False, timeout=20) as http:
        for path in (PATH, "/nowhere", "/api/v2/events", "/healthz"):
            for body in (HANDSHAKE, b"nonsense", b" " * 100_000):
                await http.post(f"{path}?access_token={token}", content=body)
                await http.post(path, content=body, headers={"Authorization": f"Bearer {token}"})
            await http.get(f"{path}?access_token={token}")
        inside = [{"channel": "/meta/handshake", "version": "1.0", "ext": {"authentication": {"token": token}}}]
        await http.post(PATH, json=inside)
        await http.post(PATH, json={**inside[0], "id": [token]})


@pytest.mark.parametrize("form", ["text", "json"])
async def test_no_token_is_logged(tmp_path: Path, form: str) -> None:
    settings = {"HUB_LOG_LEVEL": "debug", "HUB_LOG_FORMAT": form}
    hub = HubProcess(tmp_path, secret=SECRET, settings=settings)
    tokens = [
        mint("alice"),
        mint("alice", ttl=-600),
        mint("alice", secret="somebody else's secret, quite long"),
        "a.b.c",
    ]
    await asyncio.to_thread(hub.start)
    try:
        for token in tokens:
            await over_sockets(hub, token)
            await over_http(hub, token)
    finally:
        assert await asyncio.to_thread(hub.terminate) == 0
    output = hub.output.read_text()
    assert "hub listening on" in output
    for token in tokens[:3]:
        _, claims, signature = token.split(".")
        assert claims not in output
        assert signature not in output
    assert "a.b.c" not in output
    assert SECRET not in output
