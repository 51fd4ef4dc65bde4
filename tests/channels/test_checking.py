import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.calls import CallStateChangeMessage
from channels.catalog import CALLS, DEVICES, ME, USERS, Channel
from channels.checking import CheckResult, InvalidData, check
from channels.envelope import encode, message_type
from channels.examples import EXAMPLES

CUSTOM = Channel(pattern="/team/**")
CALL = json.dumps(json.loads((Path(__file__).parent / "samples" / "call.json").read_bytes())["data"]).encode()


def call(**changes: object) -> bytes:
    value = json.loads(CALL)
    value["call"] |= changes
    return json.dumps(value).encode()


def test_a_known_message_is_handed_back_typed() -> None:
    result = check(CALLS, CALL)
    assert not result.unknown
    assert result.message_type == "CallStateChangeMessage"
    assert isinstance(result.message, CallStateChangeMessage)
    assert json.loads(encode(result.message)) == json.loads(CALL)


def test_raw_json_is_as_good_as_bytes() -> None:
    assert check(CALLS, msgspec.Raw(CALL)) == check(CALLS, CALL)


@pytest.mark.parametrize("channel", [ME, USERS, CALLS, DEVICES], ids=lambda channel: channel.pattern)
def test_a_channel_knows_its_messages_and_no_others(channel: Channel) -> None:
    known = {message_type(kind) for kind, example in EXAMPLES.items() if not check(channel, encode(example)).unknown}
    assert known == {message_type(kind) for kind in channel.messages}


def test_unknown_fields_pass_at_every_depth() -> None:
    value = json.loads(call(flavour={"a": [1, None]}))
    value["metrics"] = {"eventProcessing": {"serverGenerationTimestamp": 1}}
    value["call"]["participantsInfo"][0]["shoeSize"] = 44
    assert not check(CALLS, json.dumps(value).encode()).unknown


def test_the_message_type_may_come_last_and_be_escaped() -> None:
    value = json.loads(CALL)
    value["zzz"] = value.pop("messageType")
    data = json.dumps(value).replace('"zzz"', '"message\\u0054ype"').replace('"CallState', '"\\u0043allState')
    assert not check(CALLS, data.encode()).unknown


def test_the_last_of_two_message_types_counts() -> None:
    assert check(CALLS, CALL[:-1] + b',"messageType":"Tea"}') == CheckResult("Tea", None)


UNKNOWN: dict[str, tuple[Channel, bytes, str | None]] = {
    "no message type": (CALLS, b'{"a":1}', None),
    "empty object": (CALLS, b"{}", None),
    "unknown message type": (CALLS, b'{"messageType":"TeaReady","call":5}', "TeaReady"),
    "message of another channel": (DEVICES, CALL, "CallStateChangeMessage"),
    "message type in other case": (CALLS, b'{"messageType":"callStateChangeMessage"}', "callStateChangeMessage"),
    "empty message type": (CALLS, b'{"messageType":""}', ""),
    "null": (CALLS, b'{"messageType":null}', None),
    "number": (CALLS, b'{"messageType":1}', None),
    "list": (CALLS, b'{"messageType":["CallStateChangeMessage"]}', None),
    "object": (CALLS, b'{"messageType":{}}', None),
    "message type further in": (CALLS, b'{"data":{"messageType":"CallStateChangeMessage"}}', None),
    "custom channels know none": (CUSTOM, CALL, "CallStateChangeMessage"),
    "the base class is no message": (CALLS, b'{"messageType":"Notification"}', "Notification"),
    "astral letters": (CUSTOM, '{"text":"naïve 😀"}'.encode(), None),
}


@pytest.mark.parametrize(("channel", "data", "name"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_unknown(channel: Channel, data: bytes, name: str | None) -> None:
    result = check(channel, data)
    assert result.unknown
    assert result == CheckResult(name, None)


REFUSED: dict[str, tuple[bytes, str, str]] = {
    "wrong type": (call(id=5), "/call/id", "Expected `str`, got `int`"),
    "null where none is defined": (call(ani=None), "/call/ani", "Expected `str`, got `null`"),
    "outside the vocabulary": (call(state="Tea"), "/call/state", "Invalid enum value 'Tea'"),
    "inside an array": (
        call(participantsInfo=[{}, {"E164digits": 1}]),
        "/call/participantsInfo/1/E164digits",
        "Expect",
    ),
    "below an array": (call(participantsInfo=[{"country": {"code": 1}}]), "/call/participantsInfo/0/country/code", "E"),
    "inside a map": (call(userData={"a/b": 1}), "/call/userData", "Expected `str`, got `int`"),
    "missing in the message": (b'{"messageType":"CallStateChangeMessage"}', "", "missing required field"),
    "missing further in": (
        b'{"messageType":"CallStateChangeMessage","notificationType":"DtmfSent","call":{"id":"1"}}',
        "/call",
        "missing required field `state`",
    ),
    "no call": (
        b'{"messageType":"CallStateChangeMessage","notificationType":"DtmfSent"}',
        "",
        "missing required field `call`",
    ),
}


@pytest.mark.parametrize(("data", "pointer", "detail"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_with_its_place(data: bytes, pointer: str, detail: str) -> None:
    with pytest.raises(InvalidData) as refusal:
        check(CALLS, data)
    assert refusal.value.pointer == pointer
    assert detail in refusal.value.detail
    assert " - at " not in refusal.value.detail
    assert isinstance(refusal.value, ValueError)


NOT_AN_OBJECT = {
    "empty": b"",
    "array": b"[{}]",
    "string": b'"x"',
    "number": b"1",
    "null": b"null",
    "true": b"true",
    "truncated": b'{"a":1',
    "two objects": b"{}{}",
    "trailing comma": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "comment": b"{}/**/",
    "NaN": b'{"a":NaN}',
    "infinity": b'{"a":-Infinity}',
    "leading zero": b'{"a":01}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "utf-16": '{"a":1}'.encode("utf-16"),
    "bad utf-8 in an unknown value": b'{"a":"\xff"}',
    "bad utf-8 in an unknown key": b'{"\xff":1}',
    "overlong slash": b'{"a":"\xc0\xaf"}',
    "encoded surrogate": b'{"a":"\xed\xa0\x80"}',
    "bad utf-8 in the message type": b'{"messageType":"\xff"}',
    "control character in a string": b'{"a":"\x01"}',
    "deep": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep message type": b'{"messageType":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("channel", [CALLS, CUSTOM], ids=["typed", "custom"])
@pytest.mark.parametrize("data", NOT_AN_OBJECT.values(), ids=NOT_AN_OBJECT.keys())
def test_what_is_not_one_object_in_utf8_is_refused_everywhere(channel: Channel, data: bytes) -> None:
    with pytest.raises(InvalidData):
        check(channel, data)


def test_the_detail_does_not_grow_with_the_input() -> None:
    with pytest.raises(InvalidData) as refusal:
        check(CALLS, call(state="x" * 60_000))
    assert len(refusal.value.detail) <= 200
    assert refusal.value.pointer == "/call/state"


def test_a_value_cannot_forge_the_place() -> None:
    with pytest.raises(InvalidData) as refusal:
        check(CALLS, call(state="x' - at `$.forged`"))
    assert refusal.value.pointer == "/call/state"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8).filter(lambda key: key != "messageType"), json_values, max_size=4))
def test_any_object_passes_as_unknown(value: dict[str, object]) -> None:
    assert check(CALLS, json.dumps(value).encode()).unknown


@given(st.binary(max_size=40) | st.binary(max_size=20).map(lambda inner: b'{"a":"' + inner + b'"}'))
def test_what_passes_is_an_object_for_everybody(data: bytes) -> None:
    try:
        check(CUSTOM, data)
    except InvalidData:
        return
    assert isinstance(json.loads(data.decode("utf-8")), dict)
