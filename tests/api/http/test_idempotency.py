"""Repetition, by way of ingest: one effect, one answer."""

import asyncio
from typing import Any

from hub.kernel.metrics import REGISTRY
from hub.store.transaction import Snapshot
from tests.api.world import EVENTS, World

EVENT = {"channel": "/v2/users", "data": {"n": 1}}
KEY = {"Idempotency-Key": "4711"}


async def test_another_body_under_the_same_key_is_422(world: World) -> None:
    await world.publish(EVENT, headers=KEY)
    reply = await world.publish(EVENT | {"data": {"n": 2}}, headers=KEY)
    assert (reply.status_code, reply.json()["statusCode"]) == (422, 10)
    assert len(world.published) == 1


async def test_keys_belong_to_a_principal_of_an_organization(world: World) -> None:
    for token in (world.token("crm"), world.token("web"), world.token("crm", organization="other")):
        reply = await world.publish(EVENT, headers=KEY, token=token)
        assert "Idempotent-Replayed" not in reply.headers
    assert len(world.published) == 3


async def test_a_key_is_remembered_for_a_day(world: World) -> None:
    first = await world.publish(EVENT, headers=KEY)
    world.clock.at += 86_399
    assert (await world.publish(EVENT, headers=KEY)).content == first.content
    world.clock.at += 2
    again = await world.publish(EVENT, headers=KEY)
    assert again.json()["events"][0]["seq"] == 2


async def test_the_answer_is_kept_in_the_transaction_of_its_effect(world: World) -> None:
    def kept(tx: Snapshot) -> list[Any]:
        tx.cursor.execute("SELECT status, body FROM idempotency")
        return tx.cursor.fetchall()

    before = REGISTRY.get_sample_value("hub_write_transactions_total") or 0
    first = await world.publish(EVENT, headers=KEY)
    assert REGISTRY.get_sample_value("hub_write_transactions_total") == before + 1
    assert first.json()["events"][0]["seq"] == 1
    assert await world.services.db.read(kept) == [(200, first.content)]


async def test_many_at_once_have_one_effect(world: World) -> None:
    token = world.token()
    async with world.client() as client:
        headers = KEY | {"Authorization": token}
        replies = await asyncio.gather(*(client.post(EVENTS, json=EVENT, headers=headers) for _ in range(20)))
    done = [reply for reply in replies if reply.status_code == 200]
    assert {reply.status_code for reply in replies} <= {200, 409}
    assert len({reply.content for reply in done}) == 1
    assert sum("Idempotent-Replayed" not in reply.headers for reply in done) == 1
    assert len(world.published) == 1
