"""Receivers of webhooks that want to know who calls: Basic, and tokens from a server of theirs."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import msgspec
import pytest

from hub.store.deliveries import Basic, ClientCredentials, Webhook
from scheduler.senders import http
from scheduler.senders.port import Accepted, Outcome, RefusedForGood, RefusedForNow, Uncertain
from scheduler.senders.webhook import WebhookCaller
from tests.support.clock import FakeClock
from tests.support.http_receiver import Receiver, answer, http_receiver

HOOK = Webhook(url="", type="T", payload=msgspec.Raw(b"1"), at=0, private=True)


class World(NamedTuple):
    receiver: Receiver
    issuer: Receiver
    clock: FakeClock
    caller: WebhookCaller

    @property
    def credentials(self) -> ClientCredentials:
        return ClientCredentials(
            token_url=f"{self.issuer.url}/token", client_id="hub:1", client_secret="s é%", scope="hooks all"
        )

    @property
    def message(self) -> Webhook:
        return msgspec.structs.replace(HOOK, url=f"{self.receiver.url}/hook", credentials=self.credentials)

    async def send(self, **changes: Any) -> Outcome:
        return await self.caller.send(msgspec.structs.replace(self.message, **changes), "id1")

    def tokens_used(self) -> list[str]:
        return [each.headers["authorization"] for each in self.receiver.requests]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock = FakeClock()
    async with http_receiver() as receiver, http_receiver() as issuer, await http.client() as client:
        issuer.answers = [granting("t1"), granting("t2")]
        yield World(receiver, issuer, clock, WebhookCaller(client, clock.now))


def granting(token: str, **more: Any) -> list[bytes | None]:
    return answer(200, msgspec.json.encode({"access_token": token, "token_type": "Bearer", "expires_in": 120} | more))


async def test_basic_credentials_are_sent(world: World) -> None:
    assert await world.send(credentials=Basic(user="hub", password="pässword")) == Accepted()
    assert world.tokens_used() == ["Basic aHViOnDDpHNzd29yZA=="]
    assert world.issuer.requests == []


async def test_a_token_is_fetched_once_and_used_while_it_is_good(world: World) -> None:
    for _ in range(3):
        assert await world.send() == Accepted()
    assert world.tokens_used() == ["Bearer t1"] * 3
    [asked] = world.issuer.requests
    assert asked.line == "POST /token HTTP/1.1"
    assert parse_qs(asked.body.decode()) == {"grant_type": ["client_credentials"], "scope": ["hooks all"]}
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert asked.headers["authorization"] == "Basic aHViJTNBMTpzJTIwJUMzJUE5JTI1"  # hub%3A1:s%20%C3%A9%25
    world.clock.advance(90)  # 30 s before its end it is not used any more
    assert await world.send() == Accepted()
    assert world.tokens_used()[-1] == "Bearer t2"


async def test_other_credentials_have_another_token(world: World) -> None:
    await world.send()
    other = msgspec.structs.replace(world.credentials, client_id="another")
    await world.send(credentials=other)
    assert world.tokens_used() == ["Bearer t1", "Bearer t2"]


async def test_a_token_that_is_not_taken_any_more_is_replaced_once(world: World) -> None:
    await world.send()
    world.receiver.answers = [answer(401), answer(204)]
    assert await world.send() == Accepted()
    assert world.tokens_used() == ["Bearer t1", "Bearer t1", "Bearer t2"]


async def test_a_receiver_that_takes_no_token_is_not_asked_for_ever(world: World) -> None:
    world.receiver.answers = [answer(401)]
    assert await world.send() == RefusedForGood("answered 401")
    assert len(world.receiver.requests) == len(world.issuer.requests) == 1


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (answer(401, b'{"error":"invalid_client"}'), RefusedForGood("answered 401: invalid_client")),
        (answer(400, b"<html>"), RefusedForGood("answered 400")),
        (answer(503), RefusedForNow("no token: answered 503")),
        (answer(500), RefusedForNow("no token: answered 500")),
        (answer(200, b"<html>"), RefusedForNow("the token server's answer holds no token")),
        (
            answer(200, b'{"access_token":"a\\nb"}'),
            RefusedForGood("the token server's answer holds no token that can be sent"),
        ),
        ([b""], RefusedForNow("no answer: Server disconnected without sending a response.")),
    ],
)
async def test_without_a_token_nobody_is_called(world: World, said: list[bytes | None], expected: Outcome) -> None:
    world.issuer.answers = [said]
    assert await world.send() == expected
    assert world.receiver.requests == []


async def test_a_receiver_that_fails_after_it_was_called_is_uncertain(world: World) -> None:
    world.receiver.answers = [answer(500)]
    assert await world.send() == Uncertain("answered 500")


@pytest.mark.parametrize("what", ["receiver", "token server"])
async def test_neither_is_private_without_consent(world: World, what: str) -> None:
    url, token_url = ("https://127.0.0.1/", "http://127.0.0.1/") if what == "receiver" else ("x", "https://localhost/")
    credentials = msgspec.structs.replace(world.credentials, token_url=token_url)
    outcome = await world.send(private=False, credentials=None if what == "receiver" else credentials, url=url)
    assert outcome == RefusedForGood("the name of the receiver leads to no public address")
