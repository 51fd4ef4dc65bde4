import json
from typing import Any

import pytest

from hub.bayeux import commands as do
from hub.bayeux import events as on
from tests.bayeux.situations import PING, PONG, connected, failed, message, ok, publish
from tests.support.playbook import Begin, Playbook, answered, request

ORIGIN = request()
DENIED = "403:denied_by_security_policy:publish_denied"


def test_accepted(begin: Begin) -> None:
    book = connected(begin, ORIGIN).say(ORIGIN, publish("/chat/7", data={"text": "hello"}))
    book.expect(do.Publish("/chat/7", b'{"text":"hello"}'))
    book.tell(on.Accepted()).expect(answered(ORIGIN, ok(publish("/chat/7")))).done()


@pytest.mark.parametrize("error", [DENIED, "400::data_missing", "500::internal_error"])
def test_refused(begin: Begin, error: str) -> None:
    book = connected(begin, ORIGIN).say(ORIGIN, publish("/v2/users", data={})).expect(do.Publish("/v2/users", b"{}"))
    book.tell(on.Refused(error)).expect(answered(ORIGIN, failed(publish("/v2/users"), error))).done()


def test_the_data_is_passed_on_byte_for_byte(begin: Begin) -> None:
    data = b'{ "b" : 1.50, "a":[ ] ,"\\u00e9":12345678901234567890123 }'
    book = connected(begin, ORIGIN).say(ORIGIN, b'{"channel":"/chat","clientId":"c1","data": %b }' % data)
    book.expect(do.Publish("/chat", data)).tell(on.Accepted()).expect(answered(ORIGIN, ok({"channel": "/chat"}))).done()


@pytest.mark.parametrize("data", [0, False, "", [], {}, "text", [1]], ids=repr)
def test_falsy_and_plain_data_are_data(begin: Begin, data: Any) -> None:
    book = connected(begin, ORIGIN).say(ORIGIN, publish("/chat", data=data))
    book.expect(do.Publish("/chat", json.dumps(data).encode()))
    book.tell(on.Accepted()).expect(answered(ORIGIN, ok(publish("/chat")))).done()


@pytest.mark.parametrize("fields", [{}, {"data": None}])
@pytest.mark.parametrize("channel", ["/chat", "/service/x"])
def test_without_data(begin: Begin, channel: str, fields: dict[str, Any]) -> None:
    book = connected(begin, ORIGIN).say(ORIGIN, publish(channel, **fields))
    book.expect(answered(ORIGIN, failed(publish(channel), "400::data_missing"))).done()


@pytest.mark.parametrize("channel", ["/chat/*", "/chat/**", "/**", "/service/*"])
def test_to_a_pattern(begin: Begin, channel: str) -> None:
    book = connected(begin, ORIGIN).say(ORIGIN, publish(channel, data={}))
    book.expect(answered(ORIGIN, failed(publish(channel), "405::channel_invalid"))).done()


@pytest.mark.parametrize(
    "channel", ["/meta/x", "/meta/connect/x", "/meta/subscribe/y", "/meta/Connect", "/meta/*", "/meta/**"]
)
def test_meta_channels_are_matched_exactly(begin: Begin, channel: str) -> None:
    book = connected(begin, ORIGIN).say(ORIGIN, message(channel, "m", data={}, subscription="/v2/users"))
    reply = failed(message(channel, "m"), "403:denied_by_security_policy:create_denied")
    book.expect(answered(ORIGIN, reply)).done()
    assert book.engine.state.subscriptions == {}


def test_a_service_that_nobody_offers_takes_the_message(begin: Begin) -> None:
    book = connected(begin, ORIGIN).say(ORIGIN, publish("/service/x", data={}))
    book.expect(do.Call("/service/x", b"{}")).tell(on.Accepted())
    book.expect(answered(ORIGIN, ok(publish("/service/x")))).done()


@pytest.mark.parametrize("successful", [True, False])
def test_a_call_is_answered_and_then_told_the_result_under_its_id(begin: Begin, successful: bool) -> None:
    asked = publish("/service/x", data={})
    book = connected(begin, ORIGIN).say(ORIGIN, asked).expect(do.Call("/service/x", b"{}"))
    book.tell(on.Returned(b'{"n":1}', successful))
    result = {"channel": "/service/x", "id": "p", "successful": successful, "data": {"n": 1}}
    book.expect(answered(ORIGIN, ok(asked), result)).done()


def test_without_an_id_nobody_waits_for_a_result(begin: Begin) -> None:
    asked = publish("/service/x", None, data={})
    book = connected(begin, ORIGIN).say(ORIGIN, asked).expect(do.Call("/service/x", b"{}"))
    book.tell(on.Returned(b"{}")).expect(answered(ORIGIN, ok(asked))).done()


# Again --------------------------------------------------------------------------------------------------------------


def taken(begin: Begin, asked: dict[str, Any]) -> Playbook:
    book = connected(begin, ORIGIN).say(ORIGIN, asked).expect(do.Publish("/chat", b'{"n":1}')).tell(on.Accepted())
    return book.expect(answered(ORIGIN, ok(asked)))


def test_a_repeated_publish_is_answered_and_has_no_second_effect(begin: Begin) -> None:
    asked = publish("/chat", data={"n": 1})
    taken(begin, asked).say(ORIGIN, asked).expect(answered(ORIGIN, ok(asked))).done()


@pytest.mark.parametrize(
    "other",
    [publish("/chat", data={"n": 2}), publish("/chat", "q", data={"n": 1}), publish("/talk", data={"n": 1})],
    ids=["data", "id", "channel"],
)
def test_another_publish_is_no_repetition(begin: Begin, other: dict[str, Any]) -> None:
    book = taken(begin, publish("/chat", data={"n": 1})).say(ORIGIN, other)
    book.expect(do.Publish(other["channel"], json.dumps(other["data"], separators=(",", ":")).encode())).tell(
        on.Accepted()
    )
    book.expect(answered(ORIGIN, ok(other))).done()


def test_after_two_minutes_it_is_a_new_one(begin: Begin) -> None:
    asked = publish("/chat", data={"n": 1})
    book = taken(begin, asked)
    for now in (50, 100):
        book.at(now).say(ORIGIN, PING).expect(answered(ORIGIN, PONG))
    book.at(125).say(ORIGIN, asked).expect(do.Publish("/chat", b'{"n":1}')).tell(on.Accepted())
    book.expect(answered(ORIGIN, ok(asked))).done()


def test_what_was_refused_may_be_tried_again(begin: Begin) -> None:
    asked = publish("/chat", data={"n": 1})
    book = connected(begin, ORIGIN)
    for _ in range(2):
        book.say(ORIGIN, asked).expect(do.Publish("/chat", b'{"n":1}')).tell(on.Refused("403::no"))
        book.expect(answered(ORIGIN, failed(asked, "403::no")))
    book.done()


def test_binary_data_is_passed_on_with_its_mark(begin: Begin) -> None:
    asked = publish("/chat", data={"data": "Z85"}, ext={"binary": {}})
    book = connected(begin, ORIGIN).say(ORIGIN, asked)
    book.expect(do.Publish("/chat", b'{"data":"Z85"}', binary=True)).tell(on.Accepted())
    book.expect(answered(ORIGIN, ok(publish("/chat")))).done()


@pytest.mark.parametrize("channel", ["", "chat", "/", "/chat/", "/a//b", "/a/*/b", "/\x00", "/" + "x" * 256], ids=repr)
def test_a_channel_that_is_no_name(begin: Begin, channel: str) -> None:
    book = connected(begin, ORIGIN).say(ORIGIN, publish(channel, data={}))
    book.expect(answered(ORIGIN, failed(publish(channel), "405::channel_invalid"))).done()


@pytest.mark.parametrize("fields", [{}, {"channel": None}, {"channel": 7}, {"channel": ["/chat"]}], ids=str)
def test_without_a_channel(begin: Begin, fields: dict[str, Any]) -> None:
    book = connected(begin, ORIGIN).say(ORIGIN, {"clientId": "c1", "id": "p", "data": {}, **fields})
    book.expect(answered(ORIGIN, failed({"channel": "", "id": "p"}, "400::channel_missing"))).done()


@pytest.mark.parametrize("id", [{}, [], True, "x" * 63], ids=repr)
def test_an_id_that_cannot_be_echoed(begin: Begin, id: Any) -> None:
    book = connected(begin, ORIGIN).say(ORIGIN, publish("/chat", id, data={}))
    book.expect(answered(ORIGIN, failed({"channel": "/chat"}, "405::message_id_invalid"))).done()


@pytest.mark.parametrize("id", ["0", 0, "x" * 62, 123456789012345678901234567890, None], ids=repr)
def test_the_id_is_echoed_as_it_came(begin: Begin, id: Any) -> None:
    asked = message("/meta/ping", id)
    refusal = failed(asked, "403:denied_by_security_policy:create_denied")
    connected(begin, ORIGIN).say(ORIGIN, asked).expect(answered(ORIGIN, refusal)).done()
