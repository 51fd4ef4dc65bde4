from typing import Literal

import msgspec
import pytest
from msgspec import UNSET, UnsetType

from channels.envelope import LoggedEvent, Notification, Stream, decode, encode, message_type


class TeaReadyMessage(Notification, frozen=True, kw_only=True):
    cup_size: Literal["small", "large"]
    sugar: int | UnsetType = UNSET
    note: str | UnsetType | None = UNSET


def test_a_stream_is_a_key_made_of_three_strings() -> None:
    alice = Stream("demo", "alice", "/v2/me/calls")
    assert alice == Stream(organization="demo", user="alice", channel="/v2/me/calls")
    assert len({alice, Stream("demo", "bob", "/v2/me/calls"), Stream("other", "alice", "/v2/me/calls"), alice}) == 3


def test_streams_sort_by_organization_user_channel() -> None:
    streams = [Stream("b", "", "/x"), Stream("a", "z", "/x"), Stream("a", "b", "/y"), Stream("a", "b", "/x")]
    assert sorted(streams) == streams[::-1]


def test_a_logged_event_unpacks() -> None:
    stream, seq, data, binary = LoggedEvent(Stream("demo", "", "/v2/users"), 7, b"{}")
    assert binary is False
    assert (stream.user, seq, data) == ("", 7, b"{}")


def test_the_class_name_is_the_message_type_and_comes_first() -> None:
    assert message_type(TeaReadyMessage) == "TeaReadyMessage"
    assert encode(TeaReadyMessage(cup_size="small")) == b'{"messageType":"TeaReadyMessage","cupSize":"small"}'


def test_absent_and_null_are_different_and_both_survive() -> None:
    with_null = b'{"messageType":"TeaReadyMessage","cupSize":"small","note":null}'
    message = decode(TeaReadyMessage, with_null)
    assert message.note is None
    assert message.sugar is UNSET
    assert encode(message) == with_null


def test_unknown_fields_are_ignored_and_the_order_is_free() -> None:
    data = b'{"cupSize":"large","biscuits":[1,2],"messageType":"TeaReadyMessage"}'
    assert decode(TeaReadyMessage, data) == TeaReadyMessage(cup_size="large")
    assert decode(TeaReadyMessage, msgspec.Raw(data)) == TeaReadyMessage(cup_size="large")


def test_values_are_frozen() -> None:
    message = TeaReadyMessage(cup_size="large")
    with pytest.raises(AttributeError):
        message.sugar = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b'{"cupSize":"huge"}', r"\$\.cupSize"),
        (b'{"cupSize":"small","sugar":"2"}', r"\$\.sugar"),
        (b'{"messageType":"CoffeeReadyMessage","cupSize":"small"}', r"\$\.messageType"),
        (b"{}", "cupSize"),
        (b"[]", "object"),
    ],
    ids=["value outside the vocabulary", "wrong type", "another message", "missing field", "no object"],
)
def test_decode_refuses(data: bytes, place: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=place):
        decode(TeaReadyMessage, data)
