import json
from datetime import UTC, datetime, timedelta, timezone
from time import process_time
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kernel import wire
from hub.kernel.clock import micros
from hub.kernel.errors import BadInput, MissingParameter, TooLarge


class Inner(msgspec.Struct, frozen=True):
    count: wire.Count
    at: wire.Instant | None = None


class Outer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    events: list[Inner] = []
    labels: dict[str, int] = {}
    data: msgspec.Raw = msgspec.Raw(b"{}")


def decoded(data: bytes, max_bytes: int = 65_536) -> Outer:
    return wire.decode(Outer, data, max_bytes=max_bytes)


def refused(data: bytes) -> BadInput:
    with pytest.raises(BadInput) as caught:
        decoded(data)
    return caught.value


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def test_a_good_document_becomes_a_value() -> None:
    assert decoded(b'{"events":[{"count":3}],"labels":{"a":1}}').events == [Inner(count=3)]


def test_raw_parts_are_kept_verbatim() -> None:
    assert bytes(decoded(b'{"data": {"a" :  "\xc3\xa9"} }').data) == b'{"a" :  "\xc3\xa9"}'


def test_the_limit_in_bytes_is_inclusive() -> None:
    assert decoded(b'{"labels":{}}', max_bytes=13) == Outer()
    with pytest.raises(TooLarge, match="13 bytes exceed the limit of 12"):
        decoded(b'{"labels":{}}', max_bytes=12)


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        (b'{"events":[{"count":1},{"count":"x"}]}', "/events/1/count"),
        (b'{"events":{}}', "/events"),
        (b'{"labels":{"a":"x"}}', "/labels"),
        (b"[]", ""),
        (b'{"labels":{},"lables":{}}', "/lables"),
        (b'{"a/b~c":1}', "/a~1b~0c"),
    ],
)
def test_the_place_of_a_fault_is_a_json_pointer(data: bytes, pointer: str) -> None:
    assert refused(data).pointer == pointer


def test_an_absent_member_is_named() -> None:
    error = refused(b'{"events":[{}]}')
    assert isinstance(error, MissingParameter)
    assert (error.pointer, error.status_code) == ("/events/0/count", 1)


@pytest.mark.parametrize("limit", [4, 32])
def test_the_limit_in_depth_is_inclusive(limit: int) -> None:
    assert wire.decode(list, nested(limit), max_bytes=100_000, max_depth=limit)
    with pytest.raises(BadInput, match=f"deeper than {limit}"):
        wire.decode(list, nested(limit + 1), max_bytes=100_000, max_depth=limit)


@pytest.mark.parametrize("depth", [33, 500, 20_000])
def test_depth_counts_in_raw_parts_and_mixed_kinds(depth: int) -> None:
    data = b'{"data":' + b'{"a":[' * depth + b"]}" * depth + b"}"
    with pytest.raises(BadInput, match="deeper than 32"):
        wire.decode(Outer, data, max_bytes=1_000_000)


def test_wide_documents_and_brackets_in_strings_are_not_deep() -> None:
    wide = b"[" + b",".join([b'[{"a":"[[[[{{{{\\"[[["}]'] * 1_000) + b"]"
    assert len(wire.decode(list, wide, max_bytes=100_000, max_depth=3)) == 1_000
    with pytest.raises(BadInput, match="deeper than 2"):
        wire.decode(list, wide, max_bytes=100_000, max_depth=2)


def test_a_string_cannot_hide_depth() -> None:
    hidden = b'{"data":["]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\\\\",' + nested(40) + b"]}"
    assert "deeper" in refused(hidden).detail


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nul",
        b"{",
        b'{"data":NaN}',
        b'{"data":Infinity}',
        b'{"data":{}}{}',
        b"\xef\xbb\xbf{}",
        b'{"data":"\x01"}',
        b"{'data':1}",
        b"\x00\x01\x02",
    ],
)
def test_malformed_documents_are_refused(data: bytes) -> None:
    refused(data)


def test_a_number_beyond_all_range_is_refused_where_it_is_read() -> None:
    with pytest.raises(BadInput, match="out of range"):
        wire.decode(dict, b'{"a":1e999}', max_bytes=100)


@pytest.mark.parametrize("data", [b'{"data":"\xff"}', b'{"data":{"a":"\xc3"}}', b'{"labels":{"\xff":1}}', b"\xff\xfe{"])
def test_bad_utf8_is_refused_wherever_it_is(data: bytes) -> None:
    assert refused(data).detail == "JSON is not valid UTF-8"


def test_a_lone_surrogate_is_refused() -> None:
    refused(b'{"data":"\\ud800"}')


@pytest.mark.parametrize("number", [b"9007199254740992", b"9" * 300, b"9" * 5_000, b"-1", b"1.0", b"true", b'"1"'])
def test_a_count_is_a_whole_number_that_javascript_can_hold(number: bytes) -> None:
    assert refused(b'{"events":[{"count":' + number + b"}]}").pointer == "/events/0/count"


def test_of_duplicate_keys_the_last_counts() -> None:
    assert decoded(b'{"events":[{"count":1,"count":2}]}').events[0].count == 2


def test_details_stay_short_whatever_was_sent() -> None:
    error = refused(b'{"' + b"x" * 10_000 + b'":1}')
    assert len(error.detail) <= 300
    assert len(error.pointer) <= 301


def test_an_instant_needs_an_offset() -> None:
    refused(b'{"events":[{"count":1,"at":"2026-03-01T10:00:00"}]}')
    at = decoded(b'{"events":[{"count":1,"at":"2026-03-01T10:00:00+02:00"}]}').events[0].at
    assert at is not None
    assert wire.encode(wire.utc(at)) == b'"2026-03-01T08:00:00Z"'


def test_utc_refuses_naive_values() -> None:
    with pytest.raises(ValueError, match="offset"):
        wire.utc(datetime(2026, 3, 1))  # noqa: DTZ001
    assert (
        wire.utc(datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=1)))).isoformat() == "2026-02-28T23:00:00+00:00"
    )


def test_unix_seconds_become_an_instant_to_the_microsecond() -> None:
    assert wire.instant(1_700_000_000.123456) == datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)


@given(st.floats(0, 4e9))
def test_an_instant_is_what_the_database_stores(now: float) -> None:
    assert (wire.instant(now) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1) == micros(now)


def test_convert_reports_like_decode() -> None:
    assert wire.convert(Inner, {"count": 1}) == Inner(count=1)
    with pytest.raises(BadInput) as caught:
        wire.convert(list[Inner], [{"count": -1}])
    assert caught.value.pointer == "/0/count"


def test_encode_is_compact() -> None:
    assert wire.encode({"a": [1, None, "é"]}) == '{"a":[1,null,"é"]}'.encode()


def depth_of(value: object) -> int:
    match value:
        case dict():
            return 1 + max(map(depth_of, value.values()), default=0)
        case list():
            return 1 + max(map(depth_of, value), default=0)
        case _:
            return 0


JSON = st.recursive(
    st.none() | st.text(alphabet='\\"[]{}a\né', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='\\"[{', max_size=3), inner, max_size=3)
    ),
    max_leaves=30,
)


@given(JSON, st.booleans())
def test_the_measured_depth_is_the_real_one(value: object, ascii_only: bool) -> None:
    data, depth = json.dumps(value, ensure_ascii=ascii_only).encode(), depth_of(value)
    wire.decode(object, data, max_bytes=100_000, max_depth=depth)
    if depth:
        with pytest.raises(BadInput, match="deeper"):
            wire.decode(object, data, max_bytes=100_000, max_depth=depth - 1)


class Search(msgspec.Struct):
    name: str
    limit: Annotated[int, msgspec.Meta(ge=1, le=9)] = 5
    deep: bool = False


def test_texts_become_a_struct() -> None:
    assert wire.from_text(Search, {"name": "x", "limit": "7", "deep": "true", "other": "?"}) == Search("x", 7, True)


@pytest.mark.parametrize(
    ("texts", "pointer"),
    [({"name": "x", "limit": "ten"}, "/limit"), ({"name": "x", "limit": "10"}, "/limit"), ({}, "/name")],
)
def test_a_text_that_does_not_fit_is_named(texts: dict[str, str], pointer: str) -> None:
    with pytest.raises(BadInput) as refused:
        wire.from_text(Search, texts)
    assert refused.value.pointer == pointer
    assert refused.value.detail.startswith(f"{pointer[1:]}: ")


def test_moments_with_three_digits() -> None:
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    assert wire.millis(datetime(2026, 11, 25, 8, 0, 0, 999_999, UTC)) == "2026-11-25T08:00:00.999Z"
    assert wire.millis(datetime(2026, 11, 25, 8, 0, tzinfo=kathmandu)) == "2026-11-25T02:15:00.000Z"


def test_fractions_take_no_more_time_than_their_length() -> None:
    body = b"[" + b",".join([b"1.5e300"] * 400_000) + b"]"
    began = process_time()
    assert wire.decode(list[Any], body, max_bytes=len(body)) == [1.5e300] * 400_000
    assert process_time() - began < 1.5  # what the decoder does by itself takes several seconds
    began = process_time()
    assert wire.kept(body)[-1] == 1.5e300
    assert process_time() - began < 1.5


@pytest.mark.parametrize("text", ["1e999", "-1e999"])
def test_no_fraction_is_infinite(text: str) -> None:
    with pytest.raises(BadInput, match="out of range"):
        wire.decode(Any, text.encode(), max_bytes=100)
