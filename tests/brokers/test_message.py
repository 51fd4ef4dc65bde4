import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.envelope import LoggedEvent, Stream
from hub.brokers.message import VERSION, Unreadable, channel_of, decoded, encoded, probe_channel, scope
from hub.brokers.port import Topic

EVENT = LoggedEvent(Stream("acme", "alice", "/v2/me/calls"), 41, b'{"n":1}')
TEXT = st.text(st.characters(exclude_categories=()), max_size=12)
TOPICS = st.builds(Topic, TEXT, TEXT, TEXT)
SCOPES = st.builds(scope, st.from_regex(r"\A[A-Za-z0-9._:-]{1,12}\Z"), st.integers(0, 15))


def test_a_channel_can_be_read_by_operators() -> None:
    assert channel_of(scope("hub", 0), Topic("acme", "alice", "")) == b"hub:0:acme:alice:"
    assert channel_of(scope("hub", 3), Topic("acme", "", "/walls/**")) == b"hub:3:acme::/walls/**"


@given(SCOPES, TOPICS, SCOPES, TOPICS)
def test_no_two_topics_of_any_two_hubs_share_a_channel(one: str, topic: Topic, two: str, other: Topic) -> None:
    assert (channel_of(one, topic) == channel_of(two, other)) is ((one, topic) == (two, other))


def test_a_prefix_that_looks_like_another_hub_s_channels_is_not_mistaken_for_them() -> None:
    inner = channel_of(scope("hub:0:acme", 1), Topic("globex", "bob", ""))
    outer = {
        channel_of(scope("hub", 0), topic) for topic in (Topic("acme", "1", "globex"), Topic("acme", "1:globex", ""))
    }
    assert inner not in outer


@given(TOPICS)
def test_a_channel_has_no_characters_with_a_meaning_of_their_own(topic: Topic) -> None:
    name = channel_of(scope("hub", 0), topic).decode("ascii")
    assert name.isprintable()
    assert not set(name) & set(" {}\r\n")


def test_a_probe_is_nobody_s_topic() -> None:
    assert probe_channel(scope("hub", 0), "k7f3") == b"hub:0::probe:k7f3"


@given(
    st.builds(
        LoggedEvent,
        st.builds(Stream, st.text(), st.text(), st.text()),
        st.integers(0, 2**53),
        st.binary(),
        st.booleans(),
    )
)
def test_an_event_survives_the_journey(event: LoggedEvent) -> None:
    found = decoded(encoded(event))
    assert found == event
    assert isinstance(found.stream, Stream)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "form"),
        (bytes([VERSION + 1]) + encoded(EVENT)[1:], "version"),
        (b"\x00" + encoded(EVENT)[1:], "version"),
        (b'{"channel":"/v2/me"}', "version"),
        (bytes([VERSION]), "form"),
        (encoded(EVENT)[:-1], "form"),
        (encoded(EVENT) + b"x", "form"),
        (bytes([VERSION]) + msgspec.msgpack.encode({"stream": ["a", "b", "c"]}), "form"),
        (bytes([VERSION]) + msgspec.msgpack.encode([["a", "b"], 1, b"{}"]), "form"),
        (bytes([VERSION]) + msgspec.msgpack.encode([["a", "b", "c"], "1", b"{}"]), "form"),
        (bytes([VERSION]) + msgspec.msgpack.encode([["a", "b", "c"], 1.0, b"{}"]), "form"),
        (bytes([VERSION]) + msgspec.msgpack.encode([["a", "b", "c"], -1, b"{}"]), "form"),
        (bytes([VERSION]) + msgspec.msgpack.encode([["a", "b", "c"], 2**53 + 1, b"{}"]), "form"),
        (bytes([VERSION]) + b"\x93\x93\xa1\xff\xa1b\xa1c\x01\xc4\x02{}", "form"),
        (bytes([VERSION]) + b"\x91" * 5000, "form"),
        (bytes([VERSION]) + b"\x93\xdf\xff\xff\xff\xff", "form"),
    ],
    ids=[
        "empty",
        "newer",
        "older",
        "json",
        "nothing",
        "cut",
        "more",
        "map",
        "short",
        "text seq",
        "float seq",
        "negative",
        "too large",
        "not utf-8",
        "deep",
        "huge",
    ],
)
def test_what_is_not_a_message_of_this_version_is_refused(message: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refused:
        decoded(message)
    assert refused.value.reason == reason
