import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.bayeux import codec, replies
from hub.bayeux.messages import Advice, Message, Reply
from hub.kernel.errors import BadInput, TooLarge


def decode(payload: bytes, max_bytes: int = 65_536, max_depth: int = 32) -> list[Message]:
    return codec.decode(payload, max_bytes=max_bytes, max_depth=max_depth)


# In -----------------------------------------------------------------------------------------------------------------


def test_an_array_keeps_its_order() -> None:
    assert [each.channel for each in decode(b'[{"channel":"/a"},{"channel":"/b"}]')] == ["/a", "/b"]


@pytest.mark.parametrize("payload", [b'{"channel":"/a"}', b' \r\n\t{ "channel" : "/a" } '])
def test_a_lone_object_is_an_array_of_one(payload: bytes) -> None:
    assert [each.channel for each in decode(payload)] == ["/a"]


def test_nothing_in_the_array() -> None:
    assert decode(b" [ ] ") == []


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b" ",
        b"null",
        b"7",
        b'"[]"',
        b"[7]",
        b"[null]",
        b"[[]]",
        b'[{"channel":"/a"},7]',
        b'[{"channel":"/a"}',
        b'[{"channel":"/a"}]]',
        b'{"channel":NaN}',
        b'{"channel":"\xff"}',
        b'{"data":{"x":"\xff"}}',
        b'\xff\xfe{"channel":"/a"}',
        b'\xef\xbb\xbf{"channel":"/a"}',
        b'{"channel":"\\ud800"}',
        b"message=%5B%5D",
    ],
    ids=repr,
)
def test_what_is_no_json_of_objects(payload: bytes) -> None:
    with pytest.raises(BadInput):
        decode(payload)


def test_too_large_and_too_deep() -> None:
    message = b'{"channel":"/a","data":%b}'
    assert decode(message % b'"x"', max_bytes=27)
    with pytest.raises(TooLarge):
        decode(message % b'"xy"', max_bytes=27)
    assert decode(message % (b"[" * 31 + b"]" * 31))
    with pytest.raises(BadInput, match="deeper"):
        decode(message % (b"[" * 32 + b"]" * 32))
    with pytest.raises(BadInput):
        decode(b"[" * 32_000 + b"]" * 32_000)


ODD: list[Any] = [None, 7, -1.5, 10**30, True, "", "odd", [], [1, {}], {}, {"a": [None]}]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: f"{type(odd).__name__}-{odd}")
@pytest.mark.parametrize(
    "field",
    [
        "channel",
        "id",
        "clientId",
        "data",
        "subscription",
        "connectionType",
        "supportedConnectionTypes",
        "version",
        "advice",
        "ext",
        "timestamp",
        "minimumVersion",
        "successful",
        "somethingElse",
    ],
)
def test_one_odd_field_does_not_spoil_the_batch(field: str, odd: Any) -> None:
    first, second = decode(json.dumps([{"channel": "/a", "id": "1", field: odd}, {"channel": "/b"}]).encode())
    assert second.channel == "/b"
    assert isinstance(first.extensions, dict)
    replies.success(first)
    assert codec.encode(replies.failure(first, "400::odd"))


@pytest.mark.parametrize("id", [b"null", b""])
def test_no_id(id: bytes) -> None:
    (message,) = decode(b'[{"channel":"/a"%b}]' % (b',"id":null' if id else b""))
    assert not message.has_id


@pytest.mark.parametrize(
    "id",
    [
        b'"1"',
        b'"0"',
        b"0",
        b"1",
        b"-0",
        b"1.0",
        b"1E+2",
        b'""',
        b'"\\u00e9\\n"',
        b'"\xc3\xa9"',
        b"9" * 64,
        b'"%b"' % (b"x" * 62),
    ],
)
def test_an_id_is_echoed_to_the_byte(id: bytes) -> None:
    (message,) = decode(b'[ { "id" :\t%b\n, "channel":"/a"} ]' % id)
    assert codec.encode(replies.success(message)) == b'{"channel":"/a","successful":true,"id":%b}' % id


@pytest.mark.parametrize("id", [b"{}", b'["1"]', b"true", b"false", b"9" * 65, b'"%b"' % (b"x" * 63)])
def test_an_id_that_is_not_echoed(id: bytes) -> None:
    (message,) = decode(b'[{"id":%b,"channel":"/a"}]' % id)
    assert not replies.has_valid_id(message)
    assert codec.encode(replies.success(message)) == b'{"channel":"/a","successful":true}'


def test_the_data_is_kept_as_it_came() -> None:
    data = b'{ "a" : 1.0 , "b":"\\u00e9" }'
    (message,) = decode(b'[{"channel":"/a","data":  %b  }]' % data)
    assert bytes(message.data) == data
    (without,) = decode(b'[{"channel":"/a"}]')
    assert bytes(without.data) == b""


# Out ----------------------------------------------------------------------------------------------------------------


def test_absent_fields_are_absent() -> None:
    assert codec.encode(Reply("/a", successful=False)) == b'{"channel":"/a","successful":false}'
    told = json.loads(codec.encode(Reply("/meta/connect", successful=True, advice=Advice("retry", 0, 25_000, 60_000))))
    assert told["advice"] == {"reconnect": "retry", "interval": 0, "timeout": 25_000, "maxInterval": 60_000}
    surplus = Advice("retry", 2000, 25_000, 60_000, multiple_clients=True)
    assert json.loads(codec.encode(Reply("/a", successful=True, advice=surplus)))["advice"]["multiple-clients"] is True


@pytest.mark.parametrize("data", [b"{}", b'{ "b":1.50,\n"a":"\\u00e9" }', b"[]", b"0", b'"text"'])
def test_an_event_is_its_channel_and_its_data(data: bytes) -> None:
    assert codec.event('/a"b', data) == b'{"channel":"/a\\"b","data":%b}' % data


@pytest.mark.parametrize(
    ("data", "spliced"),
    [
        (b'{"n":1}', b'{"event":{"replayId":42},"n":1}'),
        (b"{}", b'{"event":{"replayId":42}}'),
        (b" \n{ \t} ", b'{"event":{"replayId":42}}'),
        (b' {\n "n" : 1.0 }\n', b'{"event":{"replayId":42},"n" : 1.0 }'),
        (b'{"a":{"event":1}}', b'{"event":{"replayId":42},"a":{"event":1}}'),
        (b'{"events":1,"Event":2}', b'{"event":{"replayId":42},"events":1,"Event":2}'),
        (b'{"a":"\\"event\\":1"}', b'{"event":{"replayId":42},"a":"\\"event\\":1"}'),
    ],
)
def test_the_position_is_spliced_in_for_salesforce_clients(data: bytes, spliced: bytes) -> None:
    assert codec.replayable_event("/a", data, 42) == b'{"channel":"/a","data":%b,"ext":{"replay":42}}' % spliced


@pytest.mark.parametrize(
    "data",
    [
        b'{"event":1}',
        b'{"event":null}',
        b' { "n":1, "event" : {"replayId":7} } ',
        b'{"\\u0065vent":1}',
        b'{"ev\\u0065nt":{}}',
        b"[1]",
        b"7",
        b'"{}"',
        b"null",
    ],
    ids=repr,
)
def test_data_with_an_event_of_its_own_or_without_fields_is_left_alone(data: bytes) -> None:
    assert codec.replayable_event("/a", data, 42) == b'{"channel":"/a","data":%b,"ext":{"replay":42}}' % data


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("event"), inner, max_size=3),
    max_leaves=8,
)


@given(
    data=st.dictionaries(st.text() | st.just("event"), JSON, max_size=4),
    position=st.integers(1, 2**53 - 1),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1]),
)
def test_nothing_but_the_position_is_added(data: dict[str, Any], position: int, ascii_only: bool, indent: int) -> None:
    text = json.dumps(data, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "replace")
    plain = json.loads(text)
    message = json.loads(codec.replayable_event("/a", text, position))
    assert message["ext"] == {"replay": position}
    if "event" not in plain:
        assert message["data"].pop("event") == {"replayId": position}
    assert message["data"] == plain
    assert json.loads(codec.event("/a", text)) == {"channel": "/a", "data": plain}
