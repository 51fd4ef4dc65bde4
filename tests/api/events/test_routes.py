"""`POST /api/v2/events` over HTTP: what is written, what is refused, what is answered."""

import json
from pathlib import Path
from typing import Any

import pytest

from api.events.routes import _accepted
from channels.envelope import Stream
from hub.kernel.wire import encode
from hub.store.transaction import Emitted
from tests.api.world import World, opened

RINGING = {
    "messageType": "CallStateChangeMessage",
    "notificationType": "StatusChange",
    "call": {"id": "1", "state": "Ringing"},
}
CALL = {"channel": "/v2/me/calls", "userId": "alice", "data": RINGING}


async def test_one_event_is_written_and_told_with_its_position(world: World) -> None:
    first = await world.publish(CALL)
    second = await world.publish(CALL)

    assert first.status_code == 200
    assert first.headers["content-type"] == "application/json"
    answer = first.json()
    assert answer.keys() == {"statusCode", "events"}
    assert answer["statusCode"] == 0
    [event] = answer["events"]
    assert event.keys() == {"id", "channel", "seq"}
    assert (event["channel"], event["seq"]) == ("/v2/me/calls", 1)
    assert second.json()["events"][0]["seq"] == 2
    assert second.json()["events"][0]["id"] != event["id"]
    assert [seq for seq, _ in await world.log("alice", "/v2/me/calls")] == [1, 2]
    assert [(e.stream.user, e.seq) for e in world.published] == [("alice", 1), ("alice", 2)]


async def test_data_is_kept_byte_for_byte(world: World) -> None:
    data = '{ "b" : 1.50, "a":\t"\\u00e9 ü \\/",  "a":2, "big":123456789012345678901234567890, "list":[ ] }'.encode()
    reply = await world.publish(b'{"data": ' + data + b' ,"channel":"/v2/me","userId":"alice"}')
    assert reply.status_code == 200
    assert await world.log("alice", "/v2/me") == [(1, data)]


async def test_an_array_is_written_in_order_over_several_streams(world: World) -> None:
    bodies = [
        {"channel": "/v2/me/calls", "userId": "alice", "data": {"n": 0}},
        {"channel": "/v2/users", "data": {"n": 1}},
        {"channel": "/v2/me/calls", "userId": "bob", "data": {"n": 2}},
        {"channel": "/v2/me/calls", "userId": "alice", "data": {"n": 3}},
        {"channel": "/walls/sales", "organizationId": "acme", "data": {"n": 4}},
    ]
    reply = await world.publish(bodies)
    told = [(event["channel"], event["seq"]) for event in reply.json()["events"]]
    assert told == [
        ("/v2/me/calls", 1),
        ("/v2/users", 1),
        ("/v2/me/calls", 1),
        ("/v2/me/calls", 2),
        ("/walls/sales", 1),
    ]
    assert await world.log("alice", "/v2/me/calls") == [(1, b'{"n":0}'), (2, b'{"n":3}')]
    assert [json.loads(event.data)["n"] for event in world.published] == [0, 1, 2, 3, 4]


async def test_an_empty_array_does_nothing_and_succeeds(world: World) -> None:
    reply = await world.publish([])
    assert reply.json() == {"statusCode": 0, "events": []}


async def test_an_ephemeral_event_is_announced_without_a_position(world: World) -> None:
    reply = await world.publish({"channel": "/demo/chat", "data": {"text": "hello"}})
    [event] = reply.json()["events"]
    assert event.keys() == {"id", "channel"}
    assert await world.log("", "/demo/chat") == []
    [published] = world.published
    assert (published.stream.channel, published.seq, published.data) == ("/demo/chat", 0, b'{"text":"hello"}')


async def test_ephemeral_events_alone_need_no_database(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.services.db, "write", None)
    reply = await world.publish([{"channel": "/demo/chat", "data": {"n": number}} for number in (1, 2)])
    assert [event.keys() for event in reply.json()["events"]] == [{"id", "channel"}] * 2
    assert [(event.seq, event.data) for event in world.published] == [(0, b'{"n":1}'), (0, b'{"n":2}')]


async def test_an_ephemeral_event_waits_for_the_durable_ones_of_its_request(world: World) -> None:
    reply = await world.publish([{"channel": "/demo/chat", "data": {"n": 1}}, CALL])
    assert [event.keys() for event in reply.json()["events"]] == [{"id", "channel"}, {"id", "channel", "seq"}]
    assert [event.seq for event in world.published] == [0, 1]


async def test_publish_roles_of_a_custom_channel_do_not_bind_ingest(world: World) -> None:
    assert (await world.publish({"channel": "/walls/sales", "data": {}})).status_code == 200


async def test_nothing_is_copied_to_the_organization(world: World) -> None:
    await world.publish(CALL)
    assert await world.log("", "/v2/users") == []


@pytest.mark.parametrize(
    ("event", "status", "code", "says"),
    [
        ({"channel": "/v2/me/calls", "data": {}}, 400, 1, "userId is required"),
        ({"channel": "/v2/users", "userId": "alice", "data": {}}, 400, 10, "userId does not go with /v2/users"),
        ({"channel": "/demo/chat", "userId": "alice", "data": {}}, 400, 10, "userId does not go with"),
        ({"channel": "/v2/me", "userId": "al ice", "data": {}}, 400, 10, "userId must be"),
        ({"channel": "/v2/me", "userId": "alice\n", "data": {}}, 400, 10, "userId must be"),
        ({"channel": "/v2/me", "userId": "", "data": {}}, 400, 10, "userId must be"),
        ({"channel": "/v2/me", "userId": "a" * 65, "data": {}}, 400, 10, "userId must be"),
        ({"channel": "/v2/me", "userId": 7, "data": {}}, 400, 10, "userId: Expected"),
        ({"channel": "/v2/nothing", "data": {}}, 400, 10, "channel is unknown"),
        ({"channel": "/v2/**", "data": {}}, 400, 10, "channel must be one channel, not a pattern"),
        ({"channel": "/v2/me/*", "userId": "alice", "data": {}}, 400, 10, "channel must be one channel"),
        ({"channel": "/meta/connect", "data": {}}, 400, 10, "channel belongs to the protocol"),
        ({"channel": "/service/x", "data": {}}, 400, 10, "channel belongs to the protocol"),
        ({"channel": "nonsense", "data": {}}, 400, 10, "channel is not a valid name"),
        ({"channel": "", "data": {}}, 400, 10, "channel is not a valid name"),
        ({"channel": "/v2/users", "organizationId": "other", "data": {}}, 403, 5, "organizationId is not"),
        ({"channel": "/v2/users", "organizationId": "a b", "data": {}}, 400, 10, "organizationId must be"),
        ({"channel": "/v2/users", "data": {}, "seq": 4}, 400, 10, "seq: Object contains unknown field"),
        ({"channel": "/v2/users"}, 400, 1, "data: Object missing required field"),
        ({"data": {}}, 400, 1, "channel: Object missing required field"),
        ({"channel": "/v2/users", "data": [1]}, 400, 10, "data: Expected `object`"),
        ({"channel": "/v2/users", "data": "text"}, 400, 10, "data: Expected `object`"),
        ({"channel": "/v2/users", "data": None}, 400, 10, "data: Expected `object`"),
        (
            {"channel": "/v2/me/calls", "userId": "alice", "data": RINGING | {"call": {"id": 1, "state": "Ringing"}}},
            400,
            10,
            "data.call.id: Expected `str`",
        ),
        ({"channel": "/v2/users", "data": {"text": "x" * 70_000}}, 413, 4, "data has more than 65536 bytes"),
    ],
)
async def test_one_bad_event_refuses_all_and_is_named(
    world: World, event: dict[str, Any], status: int, code: int, says: str
) -> None:
    alone = await world.publish(event)
    among = await world.publish([CALL, CALL, event, CALL])

    assert alone.status_code == among.status_code == status
    assert alone.json()["statusCode"] == among.json()["statusCode"] == code
    assert among.json().keys() == {"statusCode", "statusMessage"}
    assert alone.json()["statusMessage"].startswith(says)
    assert among.json()["statusMessage"].startswith(f"events[2].{says}")
    assert await world.log("alice", "/v2/me/calls") == []
    assert world.published == []


BROKEN = {
    "empty": b"",
    "malformed": b'{"channel":',
    "no json": b"hello",
    "binary": bytes(range(256)),
    "not utf-8 in data": b'{"channel":"/v2/users","data":{"a":"\xff"}}',
    "not utf-8 in a key of data": b'{"channel":"/v2/users","data":{"\xc3\x28":1}}',
    "not utf-8 in the channel": b'{"channel":"\xff","data":{}}',
    "a surrogate in utf-8": b'{"channel":"/v2/users","data":{"a":"\xed\xa0\x80"}}',
    "utf-16": '{"channel":"/v2/users","data":{}}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"channel":"/v2/users","data":{}}',
    "NaN": b'{"channel":"/v2/users","data":{"a":NaN}}',
    "Infinity": b'{"channel":"/v2/users","data":{"a":-Infinity}}',
    "control character in a string": b'{"channel":"/v2/users","data":{"a":"x\ny"}}',
    "bad escape": b'{"channel":"/v2/users","data":{"a":"\\q"}}',
    "two values": b'{"channel":"/v2/users","data":{}}{}',
    "trailing comma": b'{"channel":"/v2/users","data":{},}',
    "a number": b"17",
    "a string": b'"/v2/users"',
    "array of arrays": b"[[]]",
    "deep data": b'{"channel":"/v2/users","data":{"a":' + b"[" * 31 + b"]" * 31 + b"}}",
    "very deep data": b'{"channel":"/v2/users","data":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "very deep array": b"[" * 200_000,
    "1001 events": json.dumps([{"channel": "/v2/users", "data": {}}] * 1001).encode(),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
async def test_broken_bodies_are_400_and_write_nothing(world: World, body: bytes) -> None:
    reply = await world.publish(body)
    assert (reply.status_code, reply.json()["statusCode"]) == (400, 10)
    assert reply.json()["statusMessage"]
    assert world.published == []


async def test_the_limits_themselves_are_permitted(world: World) -> None:
    deep = b'{"channel":"/v2/users","data":{"a":' + b"[" * 30 + b"]" * 30 + b"}}"
    assert (await world.publish(deep)).status_code == 200
    thousand = await world.publish([{"channel": "/v2/users", "data": {"n": n}} for n in range(1000)])
    assert thousand.json()["events"][999]["seq"] == 1001
    body = b'{"channel":"/v2/users","data":{}}'
    assert (await world.publish(body.ljust(4 * 1024 * 1024))).status_code == 200
    assert (await world.publish(body.ljust(4 * 1024 * 1024 + 1))).status_code == 413


@pytest.mark.parametrize("role", ["ROLE_AGENT", "ROLE_SUPERVISOR", "ROLE_ADMIN", "ROLE_CUSTOMER"])
async def test_other_roles_may_not_publish(world: World, role: str) -> None:
    reply = await world.publish(CALL, token=world.token("alice", role))
    assert (reply.status_code, reply.json()) == (403, {"statusCode": 5, "statusMessage": "No permission"})
    assert world.published == []


async def test_unknown_messages_pass_unless_strict(world: World, tmp_path: Path) -> None:
    unknown = {"channel": "/v2/users", "data": {"messageType": "Weather"}}
    assert (await world.publish(unknown)).status_code == 200
    (tmp_path / "strict").mkdir()
    async with opened(tmp_path / "strict", strict_events=True) as strict:
        refused = await strict.publish([CALL, unknown])
        assert refused.status_code == 400
        assert refused.json()["statusMessage"].startswith("events[1].data.messageType names no message")
        assert (await strict.publish(CALL)).status_code == 200


async def test_a_repeated_key_has_one_effect_and_the_same_answer(world: World) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = await world.publish([CALL, {"channel": "/demo/chat", "data": {}}], headers=key)
    again = await world.publish([CALL, {"channel": "/demo/chat", "data": {}}], headers=key)

    assert again.status_code == 200
    assert again.content == first.content
    assert first.json()["events"][0]["seq"] == 1
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert len(await world.log("alice", "/v2/me/calls")) == 1
    assert len(world.published) == 2


async def test_a_refused_request_leaves_its_key_free(world: World) -> None:
    key = {"Idempotency-Key": "k-1"}
    assert (await world.publish({"channel": "/v2/me", "data": {}}, headers=key)).status_code == 400
    assert (await world.publish(CALL, headers=key)).status_code == 200


def test_an_answer_made_before_the_commit_claims_no_position() -> None:
    emitted = Emitted(Stream("acme", "", "/v2/users"), b"{}", "e1", at=1, durable=True)
    assert encode(_accepted([emitted])) == b'{"statusCode":0,"events":[{"id":"e1","channel":"/v2/users"}]}'
    emitted.seq = 7
    assert encode(_accepted([emitted])) == b'{"statusCode":0,"events":[{"id":"e1","channel":"/v2/users","seq":7}]}'
