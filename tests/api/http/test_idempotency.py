"""Repetition, by way of ingest: one effect, one answer."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from hub.kernel.errors import Overloaded
from hub.store.idempotency import Answer, Scope, store
from hub.store.transaction import Tx
from tests.api.world import EVENTS, START, World

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


async def test_after_a_crash_between_the_two_transactions_the_first_answer_is_given(world: World) -> None:
    first = await world.publish(EVENT, headers=KEY)
    [event] = first.json()["events"]
    without_position = b'{"statusCode":0,"events":[{"id":"%s","channel":"/v2/users"}]}' % event["id"].encode()

    def as_left(tx: Tx) -> None:
        scope = Scope("acme", "crm", EVENTS)
        store(tx, scope, KEY["Idempotency-Key"], Answer(102, (("at", repr(START)),), without_position))

    await world.services.db.write(as_left)
    waiting = await world.publish(EVENT, headers=KEY)
    assert (waiting.status_code, waiting.json()["statusCode"]) == (409, 2)
    world.clock.at += 10
    again = await world.publish(EVENT, headers=KEY)
    assert (again.status_code, again.content) == (200, without_position)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(world.published) == 1


async def test_an_effect_is_told_even_if_its_answer_cannot_be_stored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = world.services.db.write
    writes = 0

    async def full_after_the_first(function: Callable[[Tx], Any]) -> Any:
        nonlocal writes
        writes += 1
        if writes > 1:
            raise Overloaded
        return await write(function)

    token = world.token()
    monkeypatch.setattr(world.services.db, "write", full_after_the_first)
    first = await world.publish(EVENT, headers=KEY, token=token)
    monkeypatch.undo()
    assert (first.status_code, first.json()["events"][0]["seq"]) == (200, 1)
    world.clock.at += 10
    again = await world.publish(EVENT, headers=KEY, token=token)
    assert again.json()["events"] == [{"id": first.json()["events"][0]["id"], "channel": "/v2/users"}]
    assert len(world.published) == 1


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
