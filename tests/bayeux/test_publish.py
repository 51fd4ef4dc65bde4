import json
from typing import Any

import pytest

from hub.bayeux import commands as do
from hub.bayeux import events as on
from tests.bayeux.situations import connected, failed, message, ok, publish
from tests.support.playbook import Begin, answered, request

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


def test_to_a_service_channel_nothing_happens(begin: Begin) -> None:
    book = connected(begin, ORIGIN).say(ORIGIN, publish("/service/x", data={}))
    book.expect(answered(ORIGIN, ok(publish("/service/x")))).done()


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
    asked = publish("/service/x", id, data={})
    connected(begin, ORIGIN).say(ORIGIN, asked).expect(answered(ORIGIN, ok(asked))).done()
