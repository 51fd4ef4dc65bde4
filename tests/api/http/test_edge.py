"""The edge where customers come in: keys, tokens and strangers."""

from contextlib import suppress
from typing import Any

import httpx2

from api.http import edge
from api.http.operations import Operation
from api.http.problems import Family
from api.http.quotas import REQUESTS_OF_STRANGERS
from api.http.request import Call
from hub.kernel.errors import TooManyRequests
from hub.kernel.secret import Secret
from tests.api.world import World

KEY = Secret("the key of the shop")


def try_with(key: Secret | None) -> Operation:
    async def handler(call: Call[Any]) -> str:
        await edge.admit(call, "acme", key)
        return "in"

    return Operation(
        name="try",
        method="GET",
        path="/genesys/1/try",
        summary="Try",
        tag="test",
        family=Family.GMS,
        roles=None,
        handler=handler,
    )


async def ask(world: World, key: Secret | None = None, **more: Any) -> httpx2.Response:
    return await world.ask("GET", "/genesys/1/try", operations=[try_with(key)], **more)


async def test_a_service_without_a_key_is_open(world: World) -> None:
    assert (await ask(world)).status_code == 200
    assert (await ask(world, token=world.token(organization="globex"))).status_code == 200
    assert (await ask(world, token="nonsense")).status_code == 401


async def test_a_service_with_a_key_wants_it_or_somebody_of_the_organization(world: World) -> None:
    assert (await ask(world, KEY, headers={"X-API-Key": KEY.reveal()})).status_code == 200
    assert (await ask(world, KEY, token=world.token())).status_code == 200
    for refused in (
        await ask(world, KEY),
        await ask(world, KEY, headers={"X-API-Key": "another"}),
        await ask(world, KEY, token=world.token(organization="globex")),
    ):
        assert (refused.status_code, refused.json()["message"]) == (401, "X-API-Key is missing or wrong")


async def test_strangers_come_only_so_often_and_guess_no_more_often(world: World) -> None:
    assert (await ask(world)).status_code == 200
    with suppress(TooManyRequests):
        for _ in range(REQUESTS_OF_STRANGERS[0]):
            world.services.quotas.strangers.take("127.0.0.1")
    refused = await ask(world)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert (await ask(world, KEY, headers={"X-API-Key": "another"})).status_code == 429
    assert (await ask(world, KEY, headers={"X-API-Key": KEY.reveal()})).status_code == 200
    assert (await ask(world, token=world.token())).status_code == 200
