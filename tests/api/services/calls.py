"""What applications and switches send to services."""

from typing import Any

import httpx2

from tests.api.world import World

BASE = "/genesys/1/service"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json;charset=UTF-8"}
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 2_000


async def post(
    world: World, path: str, body: Any = None, headers: dict[str, str] = JSON, **more: Any
) -> httpx2.Response:
    return await world.ask("POST", f"{BASE}/{path}", {} if body is None else body, headers=headers, **more)


async def upload(
    world: World, path: str, files: dict[str, tuple[str, bytes, str]], data: dict[str, str] | None = None
) -> httpx2.Response:
    async with world.client() as client:
        return await client.post(f"{BASE}/{path}", files=files, data=data or {})


async def get(world: World, path: str, **more: Any) -> httpx2.Response:
    return await world.ask("GET", f"{BASE}/{path}", **more)


async def delete(world: World, path: str, **more: Any) -> httpx2.Response:
    return await world.ask("DELETE", f"{BASE}/{path}", **more)


async def started(world: World, name: str = "notes", body: Any = None, **more: Any) -> str:
    reply = await post(world, name, body, **more)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["_id"])


def refused(reply: httpx2.Response) -> tuple[int, str]:
    """The code and the message of a refusal, which has the form that GMS clients know."""
    body = reply.json()
    assert body["exception"] == "com.genesyslab.gsg.services.callback.CallbackServiceException"
    assert reply.headers["X-Request-Id"]
    return reply.status_code, body["message"]
